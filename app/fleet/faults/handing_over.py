"""What was left alone finds another owner: who is gone, or sees the complex no more, answers for nothing there."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account
from app.fleet.faults import book
from app.fleet.faults.answering import Duties
from app.fleet.faults.book import Event
from app.fleet.faults.models import Fault, Incident
from app.fleet.faults.notices import Teller, read_subjects

NETWORK = "comm"  # the class whose duties answer for an outage of the network


def hand_over(session: Session, district_id: int, duties: Duties, teller: Teller, now: datetime) -> None:
    """Give each open fault and incident that nobody can answer for to whoever does by now, and tell them.

    Of the faults of an incident nobody hears one by one: its own messages tell of it.
    """
    _hand_over_incident(session, district_id, duties, teller)
    owners: dict[int, tuple[int | None, int]] = {}  # by fault: before and after
    for fault in _left_alone(session, district_id, duties):
        owner_id = duties.answer(fault.complex_id, fault.fault_class).owner_id
        if owner_id is not None:
            owners[fault.id] = fault.owner_id, owner_id
    if not owners:
        return
    book.change_owners(session, district_id, {id_: after for id_, (_, after) in owners.items()})
    logins = _logins(session, district_id, {id_ for pair in owners.values() for id_ in pair if id_ is not None})
    events = [Event(id_, "assigned", None, logins.get(old), logins[new]) for id_, (old, new) in sorted(owners.items())]
    book.book_events(session, district_id, events, now)
    for subject in read_subjects(session, district_id, Fault.id.in_(sorted(owners)), alone=True).values():
        teller.tell("fault_assigned", subject, [subject.owner_id], f"assigned/{now:%Y%m%dT%H%M%S.%f}")


def _hand_over_incident(session: Session, district_id: int, duties: Duties, teller: Teller) -> None:
    open_ = sa.select(Incident).where(Incident.district_id == district_id, Incident.closed_at.is_(None))
    incident = session.scalar(open_)
    if incident is None or duties.can_answer(incident.owner_id, None):
        return
    incident.owner_id = duties.answer(None, NETWORK).owner_id
    teller.tell_of_incident("incident_opened", incident, [incident.owner_id], "opened")


def _left_alone(session: Session, district_id: int, duties: Duties) -> list[Any]:
    statement = sa.select(Fault.id, Fault.complex_id, Fault.fault_class, Fault.owner_id).where(
        Fault.district_id == district_id,
        Fault.state != "closed",
        sa.or_(Fault.owner_id.is_(None), Fault.owner_id.not_in(sorted(duties.seeing_all))),
    )
    found = session.execute(statement.order_by(Fault.id))
    return [fault for fault in found if not duties.can_answer(fault.owner_id, fault.complex_id)]


def _logins(session: Session, district_id: int, ids: set[int]) -> dict[int | None, str]:
    here = (Account.district_id == district_id, Account.id.in_(sorted(ids)))
    return dict(session.execute(sa.select(Account.id, Account.login).where(*here)).all())
