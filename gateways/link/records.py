"""The wire format of docs/gateway-api.md as structs: field names and their order are the contract's."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from gateways.cards import Card
from gateways.clock import Instant, Quality, rfc3339
from gateways.weighing.events import Draft

SCHEMA = 1


class Record(msgspec.Struct, frozen=True):
    """One discharge or event. Its encoded bytes are made once and never again: the server compares their hash."""

    seq: int
    meter: str
    card: Card | None
    occurred_at: str
    clock: Quality
    boot_id: str
    mono_ms: int
    gross_before_g: int | None
    gross_after_g: int | None
    net_g: int | None
    outcome: str
    flags: list[str]
    evidence: dict[str, Any]


class DischargeBatch(msgspec.Struct, frozen=True):
    """Body of a POST of discharges; the records go in as the bytes that were spooled."""

    schema: int
    epoch: str
    boot_id: str
    sent_at: str
    mono_ms: int
    discharges: list[msgspec.Raw]


class AliveInterval(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Reader and scale answered from `from_` to `to` (half-open); `mono_ms` is read at `to`."""

    from_: str
    to: str
    clock: Quality
    boot_id: str
    mono_ms: int


class SpoolStatus(msgspec.Struct, frozen=True):
    """Records not yet acknowledged, and the age of the oldest in seconds."""

    depth: int
    oldest_age_s: int


class MeterStatus(msgspec.Struct, frozen=True):
    """How one meter is doing; weights in grams of gross. `ports`: a PORT each for reader, scale and lid."""

    meter: str
    alive: list[msgspec.Raw]
    gross_g: int | None
    fill_percent: int | None
    zero_drift_g: int | None
    lid: Literal["closed", "open", "unknown"]
    faults: list[str]
    ports: dict[str, dict[str, Any]] = {}


class DiskStatus(msgspec.Struct, frozen=True):
    """Bytes of the spool and left on its disk; `refusing`: no new session begins for want of room."""

    spool_bytes: int
    free_bytes: int
    refusing: bool


class CardsStatus(msgspec.Struct, frozen=True):
    """Which list of cards the box goes by; `version` is None before the first sync."""

    version: str | None
    count: int
    expired: bool


CommandState = Literal["done", "refused", "failed", "expired"]


class CommandResult(msgspec.Struct, frozen=True):
    """What became of a command."""

    id: str
    state: CommandState
    detail: str


class Touch(msgspec.Struct, frozen=True):
    """A card that the bin refused."""

    meter: str
    card: Card
    reason: str
    at: str
    clock: Quality
    boot_id: str
    mono_ms: int


class Notice(msgspec.Struct, frozen=True):
    """Something that an operator must hear once; `id` never comes again in its epoch."""

    id: int
    kind: str
    detail: str
    at: str
    clock: Quality
    boot_id: str
    mono_ms: int


class StatusReport(msgspec.Struct, frozen=True):
    """Body of a POST of the status."""

    schema: int
    epoch: str
    boot_id: str
    sent_at: str
    mono_ms: int
    clock: Quality
    firmware: str
    spool: SpoolStatus
    meters: list[MeterStatus]
    disk: DiskStatus
    cards: CardsStatus
    commands: list[CommandResult]
    touches: list[Touch]
    notices: list[Notice]


class Result(msgspec.Struct, frozen=True):
    """What the server did with one record."""

    seq: int
    status: str
    code: str | None = None


class SignedCommand(msgspec.Struct, frozen=True):
    """A command as it travels: JSON text, and the signature over its bytes (base64url)."""

    command: str
    signature: str


class Command(msgspec.Struct, frozen=True):
    """The text of a command."""

    id: str
    gateway: str
    kind: str
    arguments: dict[str, Any]
    created_at: datetime
    expires_at: datetime


class DischargeAnswer(msgspec.Struct, frozen=True):
    """Reply to a batch; unknown fields are ignored, so that a newer server can say more."""

    server_time: datetime
    acked_through: int
    high_seq: int
    results: list[Result]
    commands: list[msgspec.Raw] = []


class RefusedMeter(msgspec.Struct, frozen=True):
    """A meter whose status the server did not take."""

    meter: str
    code: str


class TariffStep(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The price that holds from a first day in Korea, `YYYY-MM-DD`: won a kilogram as a decimal number."""

    from_: date
    won_per_kg: Decimal


class StatusAnswer(msgspec.Struct, frozen=True):
    """Reply to a status. What may be missing is None: an older server says nothing of it."""

    server_time: datetime
    refused: list[RefusedMeter] = []
    commands: list[msgspec.Raw] = []
    cards_version: str | None = None
    tariff: list[TariffStep] | None = None


class CardEntry(msgspec.Struct, frozen=True):
    """One card of the allow-list."""

    hash: str
    state: Literal["allowed", "blocked"]
    role: Literal["household", "collector", "service"]


class CardsAnswer(msgspec.Struct, frozen=True):
    """The whole list (`complete`), or what changed since the version asked for."""

    server_time: datetime
    version: str
    complete: bool
    valid_for_s: int
    set: list[CardEntry] = []
    removed: list[str] = []


class KeysAnswer(msgspec.Struct, frozen=True):
    """A second key for this gateway."""

    key_id: str
    secret: str
    server_time: datetime


class TimeAnswer(msgspec.Struct, frozen=True):
    """Reply to a question for the time."""

    server_time: datetime


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem."""

    type: str = "about:blank"
    title: str = ""
    detail: str = ""

    @property
    def slug(self) -> str:
        """Return the last part of the type, which says what to do."""
        return self.type.rsplit("/", 1)[-1]


def encode_record(seq: int, meter: str, draft: Draft, moment: Instant, boot_id: str) -> bytes:
    """Return the record's bytes for ever; `moment` is when the draft was decided."""
    return msgspec.json.encode(
        Record(
            seq=seq,
            meter=meter,
            card=draft.card,
            occurred_at=rfc3339(moment.wall),
            clock=moment.quality,
            boot_id=boot_id,
            mono_ms=moment.mono_ms,
            gross_before_g=draft.gross_before_g,
            gross_after_g=draft.gross_after_g,
            net_g=draft.net_g,
            outcome=draft.outcome,
            flags=draft.flags,
            evidence=draft.evidence,
        )
    )
