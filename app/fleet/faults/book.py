"""The book of faults: rows and their history, written for many at once so that a check takes few statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fleet.faults.models import Fault, FaultEvent
from app.fleet.faults.policy import BY_PERSON
from app.ids import allocate
from billing.days import service_day


class Device(NamedTuple):
    """A gateway or, with `meter_id`, a meter: where it stands, and what people call it there."""

    gateway_id: int | None
    meter_id: int | None
    complex_id: int | None
    name: str

    @property
    def key(self) -> str:
        """How the watch names it."""
        return f"gateway/{self.gateway_id}" if self.meter_id is None else f"meter/{self.meter_id}"


class Event(NamedTuple):
    """An entry of a fault's history; `actor` is None for the watch."""

    fault_id: int
    kind: str
    actor: str | None = None
    before: Any = None
    after: Any = None
    note: str | None = None


class New(NamedTuple):
    """A fault to open. `actor` and `words` are of the person who reports it."""

    device: Device
    condition: str
    fault_class: str
    owner_id: int | None
    due_at: datetime
    actor: str | None = None
    words: str | None = None
    incident_id: int | None = None


def open_faults(session: Session, district_id: int, new: Sequence[New], now: datetime) -> list[int]:
    """Open faults; their ids in the same order."""
    if not new:
        return []
    ids = allocate(session, district_id, "fault", len(new))
    rows = [_row(each, now) | {"district_id": district_id, "id": id_} for id_, each in zip(ids, new, strict=True)]
    session.execute(sa.insert(Fault), rows)
    book_events(
        session, district_id, [Event(id_, "opened", each.actor) for id_, each in zip(ids, new, strict=True)], now
    )
    return list(ids)


def _row(new: New, now: datetime) -> dict[str, Any]:
    return {
        "fault_class": new.fault_class,
        "condition": new.condition,
        "gateway_id": new.device.gateway_id,
        "meter_id": new.device.meter_id,
        "complex_id": new.device.complex_id,
        "incident_id": new.incident_id,
        "source": "person" if new.condition == BY_PERSON else "detected",
        "state": "open",
        "words": new.words,
        "first_opened_at": now,
        "opened_at": now,
        "opened_by": new.actor,
        "opened_day": service_day(now),
        "openings": 1,
        "owner_id": new.owner_id,
        "due_at": new.due_at,
        "escalation_level": 0,
    }


def reopen_faults(session: Session, district_id: int, due_at: Mapping[int, datetime], now: datetime) -> None:
    """Open closed faults again, by id with their new due time; their owners stay."""
    if not due_at:
        return
    for each in sorted(set(due_at.values())):  # one for each due time: as many as there are classes
        ids = [id_ for id_, due in due_at.items() if due == each]
        values = {"state": "open", "opened_at": now, "due_at": each, "openings": Fault.openings + 1}
        ended = {"escalation_level": 0, "closed_at": None, "closed_by": None, "closing_note": None}
        session.execute(_these(district_id, ids).values(**values, **ended, incident_id=None))
    book_events(session, district_id, [Event(id_, "reopened") for id_ in due_at], now)


def close_faults(
    session: Session,
    district_id: int,
    ids: Collection[int],
    now: datetime,
    actor: str | None = None,
    note: str | None = None,
) -> None:
    """Close faults, by a person with a note or, without an actor, by themselves."""
    if not ids:
        return
    values = {"state": "closed", "closed_at": now, "closed_by": actor, "closing_note": note}
    session.execute(_these(district_id, ids).values(values))
    book_events(session, district_id, [Event(id_, "closed", actor, note=note) for id_ in sorted(ids)], now)


def put_into_incident(
    session: Session, district_id: int, ids: Collection[int], incident_id: int, now: datetime
) -> None:
    """Make faults part of an incident."""
    if not ids:
        return
    session.execute(_these(district_id, ids).values(incident_id=incident_id))
    book_events(session, district_id, [Event(id_, "joined", after=incident_id) for id_ in sorted(ids)], now)


def take_out_of_incident(
    session: Session, district_id: int, ids: Collection[int], incident_id: int, due_at: datetime, now: datetime
) -> None:
    """Make what an incident has left over faults of their own, due anew."""
    if not ids:
        return
    session.execute(_these(district_id, ids).values(incident_id=None, due_at=due_at))
    book_events(session, district_id, [Event(id_, "left", before=incident_id) for id_ in sorted(ids)], now)


def change_owners(session: Session, district_id: int, owners: Mapping[int, int]) -> None:
    """Give faults, by id, to other owners, who have not taken them yet."""
    for owner_id in sorted(set(owners.values())):
        ids = [id_ for id_, each in owners.items() if each == owner_id]
        session.execute(_these(district_id, ids).values(owner_id=owner_id, state="open"))


def raise_levels(session: Session, district_id: int, levels: Mapping[int, int]) -> None:
    """Note how far up overdue faults were escalated, by id."""
    for level in sorted(set(levels.values())):
        ids = [id_ for id_, each in levels.items() if each == level]
        session.execute(_these(district_id, ids).values(escalation_level=level))


def book_events(session: Session, district_id: int, events: Iterable[Event], now: datetime) -> None:
    """Add to the history of faults; what was before and after is kept as text."""
    rows = [event._asdict() for event in events]
    if not rows:
        return
    ids = allocate(session, district_id, "fault_event", len(rows))
    for id_, row in zip(ids, rows, strict=True):
        row |= {"district_id": district_id, "id": id_, "at": now}
        row |= {name: None if row[name] is None else str(row[name]) for name in ("before", "after")}
    session.execute(sa.insert(FaultEvent), rows)


def _these(district_id: int, ids: Collection[int]) -> sa.Update:
    return sa.update(Fault).where(Fault.district_id == district_id, Fault.id.in_(sorted(ids)))
