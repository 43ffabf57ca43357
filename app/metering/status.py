"""A status report as `docs/gateway-api.md` describes it, decoded. What follows `meters` an older gateway leaves out."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.metering.envelopes import check_schema, read_envelope
from app.metering.records import MAX_SEQ, Card, Clock, Instant, MonoMs, Name

Count = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
Told = Annotated[str, Meta(max_length=1000)]  # what a box writes in words
FaultClass = Literal["comm", "power", "weighing", "lock", "card", "volume", "user"]
NoticeKind = Literal[
    "spool_corrupt",
    "new_epoch",
    "disk_full",
    "disk_ok",
    "update_installed",
    "update_rolled_back",
    "update_failed",
    "wrong_device",
    "key_rotated",
    "record_aside",
]


class Alive(Struct, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """Reader and scale answered from `from_` until just before `to`; `mono_ms` was read at `to`."""

    from_: Instant
    to: Instant
    clock: Clock
    boot_id: Name
    mono_ms: MonoMs


class Port(Struct, forbid_unknown_fields=True, frozen=True):
    """What went through a serial port since the process started; rejected frames by reason, noise in bytes."""

    open: bool
    frames: Count
    rejects: Annotated[dict[Name, Count], Meta(max_length=32)]
    noise_bytes: Count
    errors: Count
    last_error: Told | None


class Ports(Struct, forbid_unknown_fields=True, frozen=True):
    """The ports of one meter; null for what it has not got."""

    reader: Port | None = None
    scale: Port | None = None
    lid: Port | None = None


class MeterReport(Struct, forbid_unknown_fields=True, frozen=True):
    """One meter's part of a status report; weights in grams."""

    meter: Name
    alive: Annotated[list[Alive], Meta(max_length=2000)]
    gross_g: int | None
    fill_percent: int | None
    zero_drift_g: int | None
    lid: Literal["closed", "open", "unknown"]
    faults: list[FaultClass]
    ports: Ports | None = None


class SpoolReport(Struct, forbid_unknown_fields=True, frozen=True):
    depth: int
    oldest_age_s: int


class DiskReport(Struct, forbid_unknown_fields=True, frozen=True):
    """`refusing`: the disk is so full that the bins refuse service."""

    spool_bytes: Count
    free_bytes: Count
    refusing: bool


class CardsReport(Struct, forbid_unknown_fields=True, frozen=True):
    """Which list of cards the gateway goes by; `expired`: it has not been renewed for too long."""

    version: Name | None
    count: Count
    expired: bool


class CommandReport(Struct, forbid_unknown_fields=True, frozen=True):
    """What became of a command."""

    id: Name
    state: Literal["done", "refused", "failed", "expired"]
    detail: Told


class TouchReport(Struct, forbid_unknown_fields=True, frozen=True):
    """A card that a bin refused."""

    meter: Name
    card: Card
    reason: Literal["card_unknown", "card_blocked"]
    at: Instant
    clock: Clock
    boot_id: Name
    mono_ms: MonoMs


class Notice(Struct, forbid_unknown_fields=True, frozen=True):
    """What an operator must hear once; `id` names it within the epoch of the envelope."""

    id: Annotated[int, Meta(ge=0, le=MAX_SEQ)]
    kind: NoticeKind
    detail: Told
    at: Instant
    clock: Clock
    boot_id: Name
    mono_ms: MonoMs


class Status(Struct, forbid_unknown_fields=True, frozen=True):
    """The whole report."""

    schema: int
    epoch: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    boot_id: Name
    sent_at: Instant
    mono_ms: MonoMs
    clock: Clock
    firmware: Name
    spool: SpoolReport
    meters: Annotated[list[MeterReport], Meta(max_length=64)]
    disk: DiskReport | None = None
    cards: CardsReport | None = None
    commands: Annotated[list[CommandReport], Meta(max_length=50)] = []
    touches: Annotated[list[TouchReport], Meta(max_length=50)] = []
    notices: Annotated[list[Notice], Meta(max_length=100)] = []


_status = msgspec.json.Decoder(Status)


def read_status(content: bytes) -> Status:
    """A status report, or the Problem that tells what is wrong with it."""
    status = read_envelope(content, _status)
    check_schema(status.schema)
    return status


def without_booked(content: bytes) -> str:
    """The JSON of a report that was read, without what is booked elsewhere: no hash of a card stays in it."""
    report = msgspec.json.decode(content)
    for name in ("touches", "notices", "commands"):
        report.pop(name, None)
    for meter in report["meters"]:
        del meter["alive"]
    return msgspec.json.encode(report).decode()
