"""Which meters were listening, and when: alive intervals tell an outage from a true zero (design § 4)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from app.access.events import Event, book_events
from app.access.models import GatewayEvent
from app.access.nonces import refusals, using_nonces
from app.access.signatures import SignedBy
from app.access.signed import Signed
from app.db import Database, Round, upsert
from app.fleet import orders
from app.fleet.models import GatewayStatus
from app.fleet.orders import Outcome
from app.fleet.touches import Touch, book_touches
from app.metering import alive_rollups, cursors
from app.metering.cursors import Cursor
from app.metering.directory import Directory, current_directory
from app.metering.models import MeterAlive
from app.metering.placing import Sending, place
from app.metering.quarantine import Kept, keep
from app.metering.records import Fault, content_hash, in_calendar
from app.metering.status import Alive, Notice, Status, TouchReport, without_booked
from app.problems import Problem
from app.registry import queries as registry
from app.registry.queries import Place

LONGEST = timedelta(hours=1)  # a gateway cuts at the full hours


class Booked(NamedTuple):
    """What a gateway hears of its status: what was refused, by meter, and what the fleet has to say."""

    refused: list[dict[str, str]]
    told: dict[str, Any]


Tell = Callable[[sa.Connection], dict[str, Any]]


def book_status(database: Database, status: Status, content: bytes, signed: Signed, tell: Tell) -> Booked:
    """Store what the report says now, and book all that it carries. What cannot be placed is refused alone, and named
    in the answer: intervals go to quarantine, touches are dropped. `tell` adds the fleet's answer within the same
    transaction.
    """
    signer = signed.signer
    with database.engine.begin() as connection:
        cursor = _opened(connection, status, signed)
        reading = Reading(
            Sending(status.boot_id, status.mono_ms, signed.received_at),
            signed,
            current_directory(connection, signer.district_id),
            cursor.last_occurred_at,
        )
        intervals = [(report.meter, alive) for report in status.meters for alive in report.alive]
        placed = [(meter, alive, _place_interval(alive, meter, reading)) for meter, alive in intervals]
        store_intervals(connection, [row for _, _, row in placed if not isinstance(row, Fault)])
        refused = [(meter, alive, row) for meter, alive, row in placed if isinstance(row, Fault)]
        keep(connection, [_kept(meter, alive, fault, signed, cursor.epoch_no) for meter, alive, fault in refused])
        answered = [(meter, fault) for meter, _, fault in refused] + _book_touches(connection, status, reading)
        _book_told(connection, status, reading, cursor)
        cursors.save(connection, [cursor], signed.received_at)
        _store_report(connection, content, signed)
        told = tell(connection)
    return Booked([{"meter": meter, "code": fault.code} for meter, fault in answered], told)


class Reading(NamedTuple):
    """In what a report is read: when it was sent, by whom, where the meters stand, and the last known moment."""

    sending: Sending
    signed: Signed
    directory: Directory
    previous: datetime | None

    def place(self, moment: TouchReport | Notice) -> datetime | Fault:
        """When it was, by the server's best estimate."""
        placed = place(moment.at, moment.clock, moment.boot_id, moment.mono_ms, self.sending, self.previous)
        return placed if isinstance(placed, Fault) else placed.occurred_at

    def stands(self, meter: str, at: datetime) -> Place | Fault:
        """Where this gateway's meter stood."""
        stood = self.directory.place(meter, at)
        if stood is None:
            return Fault("unknown_meter", f"meter {meter} is not registered, or stood nowhere at that time")
        if stood.gateway_id != self.signed.signer.gateway_id:
            return Fault("foreign_meter", f"meter {meter} is run by another gateway")
        return stood


def _opened(connection: sa.Connection, status: Status, signed: Signed) -> Cursor:
    """Admit the request; the cursor of the report's epoch, locked."""
    signer = signed.signer
    gateways = [(signer.district_id, signer.gateway_id)]
    key = (signer.district_id, signer.gateway_id, status.epoch)
    asked = Round(connection)
    asked.add(registry.holding_still(connection, [signer.district_id]))
    asked.add(cursors.locking(connection, gateways))
    used = asked.add(using_nonces(connection, [signer.for_admission], signed.received_at))
    rows = asked.add(cursors.reading(gateways))
    asked.run()
    (reason,) = refusals(connection, [signer.for_admission], used(), signed.received_at)
    if reason is not None:
        raise Problem(reason)
    return cursors.open_cursors([key], rows())[key]


def _book_touches(connection: sa.Connection, status: Status, reading: Reading) -> list[tuple[str, Fault]]:
    """Store the refused cards; those that cannot be placed, by meter, with the reason."""
    read = [(report.meter, _touch(report, reading)) for report in status.touches]
    touches = [touch for _, touch in read if isinstance(touch, Touch)]
    book_touches(connection, reading.signed.signer.district_id, touches, reading.signed.received_at)
    return [(meter, fault) for meter, fault in read if isinstance(fault, Fault)]


def _touch(report: TouchReport, reading: Reading) -> Touch | Fault:
    at = reading.place(report)
    if isinstance(at, Fault):
        return at
    stood = reading.stands(report.meter, at)
    if isinstance(stood, Fault):
        return stood
    card, last4 = bytes.fromhex(report.card.hash), report.card.last4
    return Touch(card, last4, stood.meter_id, stood.gateway_id, stood.complex_id, report.reason, at)


def _book_told(connection: sa.Connection, status: Status, reading: Reading, cursor: Cursor) -> None:
    """Book results of commands, and notices that are new; a notice that cannot be placed counts from its arrival."""
    signer, now = reading.signed.signer, reading.signed.received_at
    orders.finish(connection, signer, [Outcome(each.id, each.state, each.detail) for each in status.commands], now)
    cursors.book_new(connection, [cursor], now)
    heard = _heard(connection, status, signer) if status.notices else set()
    new = {notice.id: notice for notice in reversed(status.notices) if notice.id not in heard}
    events = [_event(notice, status.epoch, reading) for _, notice in sorted(new.items())]
    book_events(connection, signer.district_id, events, now)


def _heard(connection: sa.Connection, status: Status, signer: SignedBy) -> set[int | None]:
    """Which of the notices were booked before; the gateway's numbers are locked, so nobody else books them now."""
    statement = sa.select(GatewayEvent.notice_id).where(
        GatewayEvent.district_id == signer.district_id,
        GatewayEvent.gateway_id == signer.gateway_id,
        GatewayEvent.epoch == status.epoch,
        GatewayEvent.notice_id.in_([notice.id for notice in status.notices]),
    )
    return set(connection.execute(statement).scalars())


def _event(notice: Notice, epoch: str, reading: Reading) -> Event:
    at = reading.place(notice)
    return Event(
        reading.signed.signer.gateway_id,
        notice.kind,
        reading.signed.received_at if isinstance(at, Fault) else at,
        notice.detail,
        claimed_at=notice.at if in_calendar(notice.at) else None,
        clock=notice.clock,
        epoch=epoch,
        notice_id=notice.id,
    )


def _place_interval(alive: Alive, meter: str, reading: Reading) -> dict[str, Any] | Fault:
    length = alive.to - alive.from_
    if not timedelta(0) < length <= LONGEST:
        return Fault("malformed", f"an interval lasts up to an hour, not {length}")
    end = place(alive.to, alive.clock, alive.boot_id, alive.mono_ms, reading.sending, reading.previous)
    if isinstance(end, Fault):
        return end
    started_at = end.occurred_at - length
    stood = reading.stands(meter, started_at)
    if isinstance(stood, Fault):
        return stood
    return {
        "district_id": reading.signed.signer.district_id,
        "meter_id": stood.meter_id,
        "boot_id": alive.boot_id,
        "mono_ms": alive.mono_ms,
        "started_at": started_at,
        "ended_at": end.occurred_at,
        "received_at": reading.signed.received_at,
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
        "report": without_booked(content),
    }
    statement = upsert(connection, GatewayStatus).values(row)
    newest = {"received_at": row["received_at"], "report": row["report"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["district_id", "gateway_id"], set_=newest))
