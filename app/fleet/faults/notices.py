"""Who is told what about faults, by the outbox: each thing once for ever, by its key."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fleet.faults import words
from app.fleet.faults.answering import Duties
from app.fleet.faults.models import Fault
from app.fleet.messages import outbox
from app.fleet.messages.words import Facts, Written, written
from app.registry.models import Complex, District, Gateway, Meter

URGENT = ("incident_opened", "incident_escalated", "fault_escalated")  # what may break quiet hours


class Subject(NamedTuple):
    """What there is to tell of a fault; `times` is the how many-th opening it is."""

    id: int
    times: int
    fault_class: str
    condition: str
    where: str
    since: datetime
    due_at: datetime
    owner_id: int | None


class Draft(NamedTuple):
    """A notice without its reader; `once` names it among those about the same thing."""

    once: str
    kind: str
    of: str
    id: int
    texts: Written
    path: str


class Teller:
    """Tells the people of a district in the caller's transaction."""

    def __init__(self, session: Session, district_id: int, duties: Duties, now: datetime) -> None:
        self._session, self._district_id, self._now = session, district_id, now
        self._duties = duties

    def tell(self, kind: str, subject: Subject, account_ids: Iterable[int | None], once: str) -> None:
        """Tell of a fault: a kind of `messages.words.HEADS`. `once` names what is told only once of each opening."""
        facts = Facts(
            words.what(subject.fault_class, subject.condition),
            subject.where,
            subject.since,
            self._duties.name(subject.owner_id),
            None if kind == "fault_closed" else subject.due_at,
        )
        texts, path = written(kind, facts), f"/faults/{subject.id}"
        self._put(Draft(f"{subject.times}/{once}", kind, "fault", subject.id, texts, path), account_ids)

    def tell_of_incident(self, kind: str, incident: Any, account_ids: Iterable[int | None], once: str) -> None:
        """Tell of a network-wide outage; `incident` is its row."""
        facts = Facts(
            words.OUTAGE.fill(silent=incident.silent, gateways=incident.gateways),
            self._district_name(),
            incident.opened_at,
            self._duties.name(incident.owner_id),
            None if kind == "incident_closed" else incident.due_at,
        )
        path = f"/faults?incident={incident.id}"
        self._put(Draft(once, kind, "incident", incident.id, written(kind, facts), path), account_ids)

    def end(self, kind: str, id_: int) -> set[int]:
        """Take back what was not sent yet of something that is over; whom its end concerns."""
        outbox.withdraw(self._session, self._district_id, kind, id_, self._now)
        return outbox.told(self._session, self._district_id, kind, id_)

    def _put(self, draft: Draft, account_ids: Iterable[int | None]) -> None:
        key = f"{draft.of}/{draft.id}/{draft.once}"
        what = (draft.kind, draft.of, draft.id, draft.texts, draft.path, draft.kind in URGENT)
        for account_id in sorted({each for each in account_ids if each is not None}):
            outbox.put(self._session, self._district_id, outbox.Notice(key, account_id, *what), self._now)

    def _district_name(self) -> str:
        return self._session.scalars(sa.select(District.name).where(District.id == self._district_id)).one()


def read_subjects(
    session: Session, district_id: int, condition: sa.ColumnElement[bool], alone: bool = False
) -> dict[int, Subject]:
    """What there is to tell of some faults, by id; `alone` leaves out those of an incident."""
    f = Fault
    statement = (
        sa.select(f.id, f.openings, f.fault_class, f.condition, f.opened_at, f.due_at, f.owner_id)
        .add_columns(Complex.name, sa.func.coalesce(Meter.code, Gateway.code))
        .outerjoin(Complex, sa.and_(Complex.district_id == f.district_id, Complex.id == f.complex_id))
        .outerjoin(Meter, sa.and_(Meter.district_id == f.district_id, Meter.id == f.meter_id))
        .outerjoin(Gateway, sa.and_(Gateway.district_id == f.district_id, Gateway.id == f.gateway_id))
        .where(f.district_id == district_id, condition)
    )
    if alone:
        statement = statement.where(f.incident_id.is_(None))
    return {
        id_: Subject(id_, times, name, seen, where(complex_name, device), since, due_at, owner_id)
        for id_, times, name, seen, since, due_at, owner_id, complex_name, device in session.execute(
            statement.order_by(f.id)
        )
    }


def where(complex_name: str | None, device: str) -> str:
    """Where something is, in a few words."""
    return f"{complex_name} {device}" if complex_name else device
