"""Which meters were listening, and when: alive intervals tell an outage from a true zero (design § 4)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Meta, Struct

from app.access.nonces import refusals, using_nonces
from app.access.signed import Signed
from app.db import Database, Round, upsert
from app.fleet.models import GatewayStatus
from app.metering import alive_rollups, cursors
from app.metering.directory import Directory, current_directory
from app.metering.envelopes import check_schema, read_envelope
from app.metering.models import MeterAlive
from app.metering.placing import Sending, place
from app.metering.quarantine import Kept, keep
from app.metering.records import Clock, Fault, Instant, MonoMs, Name, content_hash
from app.problems import Problem
from app.registry import queries as registry

LONGEST = timedelta(hours=1)  # a gateway cuts at the full hours

FaultClass = Literal["comm", "power", "weighing", "lock", "card", "volume", "user"]


class Alive(Struct, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """Reader and scale answered from `from_` until just before `to`; `mono_ms` was read at `to`."""

    from_: Instant
    to: Instant
    clock: Clock
    boot_id: Name
    mono_ms: MonoMs


class MeterReport(Struct, forbid_unknown_fields=True, frozen=True):
    """One meter's part of a status report; weights in grams."""

    meter: Name
    alive: Annotated[list[Alive], Meta(max_length=2000)]
    gross_g: int | None
    fill_percent: int | None
    zero_drift_g: int | None
    lid: Literal["closed", "open", "unknown"]
    faults: list[FaultClass]


class SpoolReport(Struct, forbid_unknown_fields=True, frozen=True):
    depth: int
    oldest_age_s: int


class Status(Struct, forbid_unknown_fields=True, frozen=True):
    """A status report as `docs/gateway-api.md` describes it."""

    schema: int
    epoch: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    boot_id: Name
    sent_at: Instant
    mono_ms: MonoMs
    clock: Clock
    firmware: Name
    spool: SpoolReport
    meters: Annotated[list[MeterReport], Meta(max_length=64)]


_status = msgspec.json.Decoder(Status)


def read_status(content: bytes) -> Status:
    """A status report, or the Problem that tells what is wrong with it."""
    status = read_envelope(content, _status)
    check_schema(status.schema)
    return status


def book_status(database: Database, status: Status, content: bytes, signed: Signed) -> list[dict[str, str]]:
    """Store the report and its intervals; what cannot be placed goes to quarantine and is named in the answer."""
    signer = signed.signer
    gateways = [(signer.district_id, signer.gateway_id)]
    key = (signer.district_id, signer.gateway_id, status.epoch)
    with database.engine.begin() as connection:
        asked = Round(connection)
        asked.add(registry.holding_still(connection, [signer.district_id]))
        asked.add(cursors.locking(connection, gateways))
        used = asked.add(using_nonces(connection, [signer.for_admission]))
        rows = asked.add(cursors.reading(gateways))
        asked.run()
        (reason,) = refusals(connection, [signer.for_admission], used())
        if reason is not None:
            raise Problem(reason)
        cursor = cursors.open_cursors([key], rows())[key]
        directory = current_directory(connection, signer.district_id)
        placed = list(_placed(status, signed, directory, cursor.last_occurred_at))
        store_intervals(connection, [row for _, _, row in placed if not isinstance(row, Fault)])
        refused = [(meter, alive, row) for meter, alive, row in placed if isinstance(row, Fault)]
        keep(connection, [_kept(meter, alive, fault, signed, cursor.epoch_no) for meter, alive, fault in refused])
        cursors.save(connection, [cursor], signed.received_at)
        _store_report(connection, content, signed)
    return [{"meter": meter, "code": fault.code} for meter, _, fault in refused]


def _placed(
    status: Status, signed: Signed, directory: Directory, previous: datetime | None
) -> Iterator[tuple[str, Alive, dict[str, Any] | Fault]]:
    sending = Sending(status.boot_id, status.mono_ms, signed.received_at)
    for report in status.meters:
        for alive in report.alive:
            yield report.meter, alive, _place_interval(alive, report.meter, sending, signed, directory, previous)


def _place_interval(
    alive: Alive, meter: str, sending: Sending, signed: Signed, directory: Directory, previous: datetime | None
) -> dict[str, Any] | Fault:
    length = alive.to - alive.from_
    if not timedelta(0) < length <= LONGEST:
        return Fault("malformed", f"an interval lasts up to an hour, not {length}")
    end = place(alive.to, alive.clock, alive.boot_id, alive.mono_ms, sending, previous)
    if isinstance(end, Fault):
        return end
    started_at = end.occurred_at - length
    stood = directory.place(meter, started_at)
    if stood is None:
        return Fault("unknown_meter", f"meter {meter} is not registered, or stood nowhere at that time")
    if stood.gateway_id != signed.signer.gateway_id:
        return Fault("foreign_meter", f"meter {meter} is run by another gateway")
    return {
        "district_id": signed.signer.district_id,
        "meter_id": stood.meter_id,
        "boot_id": alive.boot_id,
        "mono_ms": alive.mono_ms,
        "started_at": started_at,
        "ended_at": end.occurred_at,
        "received_at": signed.received_at,
        "gateway_id": stood.gateway_id,
        "complex_id": stood.complex_id,
    }


def _kept(meter: str, alive: Alive, fault: Fault, signed: Signed, epoch_no: int) -> Kept:
    raw = msgspec.json.encode({"meter": meter, "alive": alive})
    signer = signed.signer
    return Kept(
        signer.district_id,
        "alive",
        signer.gateway_id,
        epoch_no,
        None,
        fault,
        raw,
        "{}",
        content_hash(raw),
        signed.received_at,
    )


def store_intervals(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Store rows of `meter_alive` that are not there yet, and add them to the sums by hour, day and month."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: (row["meter_id"], row["boot_id"], row["mono_ms"]))
    statement = upsert(connection, MeterAlive).on_conflict_do_nothing()
    stored = connection.execute(
        statement.returning(*map(MeterAlive.__table__.c.get, alive_rollups.Interval._fields)), ordered
    )
    alive_rollups.add(connection, [alive_rollups.Interval(*row) for row in stored])


def _store_report(connection: sa.Connection, content: bytes, signed: Signed) -> None:
    row = {
        "district_id": signed.signer.district_id,
        "gateway_id": signed.signer.gateway_id,
        "received_at": signed.received_at,
        "report": content.decode(),
    }
    statement = upsert(connection, GatewayStatus).values(row)
    newest = {"received_at": row["received_at"], "report": row["report"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["district_id", "gateway_id"], set_=newest))
