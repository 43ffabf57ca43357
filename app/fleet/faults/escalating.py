"""What is overdue goes up the ladder: each level once, to the person that the duties name."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fleet.faults import book
from app.fleet.faults.answering import Duties
from app.fleet.faults.book import Event
from app.fleet.faults.models import Fault, Incident
from app.fleet.faults.notices import Teller, read_subjects
from app.fleet.faults.policy import Policy


def escalate(
    session: Session, district_id: int, policy: Policy, duties: Duties, teller: Teller, now: datetime
) -> list[int]:
    """Tell the next person of each fault and incident that is overdue; the ids of the faults."""
    _escalate_incident(session, district_id, policy, duties, teller, now)
    levels: dict[int, int] = {}
    told: dict[int, tuple[int, ...]] = {}
    for fault in _overdue(session, district_id, now):
        ladder = duties.answer(fault.complex_id, fault.fault_class, fault.owner_id).ladder
        level = min(_level(fault.due_at, policy, fault.fault_class, now), len(ladder))
        if level > fault.escalation_level:
            levels[fault.id], told[fault.id] = level, ladder[fault.escalation_level : level]
    if not levels:
        return []
    book.raise_levels(session, district_id, levels)
    names = {id_: ", ".join(str(duties.name(each)) for each in people) for id_, people in told.items()}
    book.book_events(session, district_id, [Event(id_, "escalated", after=names[id_]) for id_ in sorted(told)], now)
    for id_, subject in read_subjects(session, district_id, Fault.id.in_(sorted(told))).items():
        teller.tell("fault_escalated", subject, told[id_], f"escalated/{levels[id_]}")
    return sorted(told)


def _overdue(session: Session, district_id: int, now: datetime) -> list[Any]:
    """Open faults past their due time; those of an open incident wait for its end."""
    running = sa.select(Incident.id).where(Incident.district_id == district_id, Incident.closed_at.is_(None))
    columns = (Fault.id, Fault.complex_id, Fault.fault_class, Fault.owner_id, Fault.due_at, Fault.escalation_level)
    statement = sa.select(*columns).where(
        *(Fault.district_id == district_id, Fault.state.in_(("open", "taken")), Fault.due_at <= now),
        sa.or_(Fault.incident_id.is_(None), Fault.incident_id.not_in(running)),
    )
    return list(session.execute(statement.order_by(Fault.id)))


def _escalate_incident(
    session: Session, district_id: int, policy: Policy, duties: Duties, teller: Teller, now: datetime
) -> None:
    mine = (Incident.district_id == district_id, Incident.closed_at.is_(None), Incident.due_at <= now)
    incident = session.scalar(sa.select(Incident).where(*mine))
    if incident is None:
        return
    ladder = duties.answer(None, "comm", incident.owner_id).ladder
    level = min(_level(incident.due_at, policy, "network", now), len(ladder))
    if level > incident.escalation_level:
        people = ladder[incident.escalation_level : level]
        incident.escalation_level = level
        teller.tell_of_incident("incident_escalated", incident, people, f"escalated/{level}")


def _level(due_at: datetime, policy: Policy, subject: str, now: datetime) -> int:
    """How far up it should be by now: to the first at its due time, then one up each time that is set."""
    return 1 + (now - due_at) // policy.escalate_after(subject)
