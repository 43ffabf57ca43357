"""What people do with faults. Each use case takes a session, books into the audit log and leaves committing to its
caller's `with database.begin()`; all raise the Problem `not-found` for what is outside of the district or reach.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.models import Account
from app.access.reach import Reach
from app.fleet.faults import book
from app.fleet.faults.answering import read_duties
from app.fleet.faults.book import Device, Event, New
from app.fleet.faults.models import Fault
from app.fleet.faults.notices import Teller, read_subjects
from app.fleet.faults.policy import BY_PERSON, CLASSES
from app.fleet.faults.rules import answerer, may_answer, read_policy
from app.problems import Problem
from app.registry.models import Complex, Meter, MeterAssignment

MAX_WORDS = 1000


def report_fault(
    session: Session,
    district_id: int,
    reach: Reach,
    meter: str,
    fault_class: str,
    words: str,
    actor: str,
    now: datetime,
) -> int:
    """Report a fault at a bin that stands somewhere now, in words; its id. Its owner hears of it."""
    _check_class(fault_class)
    words = _worded("words", words)
    device = _device(session, district_id, reach, meter, now)
    duties, policy = read_duties(session, district_id), read_policy(session, district_id)
    owner_id = duties.answer(device.complex_id, fault_class).owner_id
    new = New(device, BY_PERSON, fault_class, owner_id, now + policy.due(fault_class), actor, words)
    (fault_id,) = book.open_faults(session, district_id, [new], now)
    # The words stay with the fault: people write names and telephone numbers into them.
    after = {"fault_class": fault_class, "meter": meter}
    _audit(session, district_id, fault_id, device, "fault.reported", actor, now, after=after)
    _tell(session, district_id, fault_id, "fault_opened", owner_id, "opened", now)
    return fault_id


def take_fault(
    session: Session, district_id: int, reach: Reach, fault_id: int, account_id: int, actor: str, now: datetime
) -> None:
    """Whoever asks takes the fault over: it is theirs and under way."""
    fault = _open(session, district_id, reach, fault_id)
    account = session.get(Account, (district_id, account_id))
    if account is None or not may_answer(session, account, fault.complex_id):
        raise Problem("invalid", errors={"owner": _l("This account cannot answer for faults there.")})
    before = _name(session, district_id, fault.owner_id)
    if fault.state == "taken" and fault.owner_id == account_id:
        raise Problem("fault-unchanged")
    fault.state, fault.owner_id = "taken", account_id
    book.book_events(session, district_id, [Event(fault_id, "taken", actor, before, account.login)], now)
    _audit_change(session, fault, "fault.taken", actor, now, {"owner": before}, {"owner": account.login})


def assign_fault(
    session: Session, district_id: int, reach: Reach, fault_id: int, login: str, actor: str, now: datetime
) -> None:
    """Give the fault to somebody, who hears of it."""
    fault = _open(session, district_id, reach, fault_id)
    owner_id = answerer(session, district_id, login, fault.complex_id, "owner")
    if owner_id == fault.owner_id:
        raise Problem("fault-unchanged")
    before = _name(session, district_id, fault.owner_id)
    fault.state, fault.owner_id = "open", owner_id
    session.flush()
    book.book_events(session, district_id, [Event(fault_id, "assigned", actor, before, login)], now)
    _audit_change(session, fault, "fault.assigned", actor, now, {"owner": before}, {"owner": login})
    _tell(session, district_id, fault_id, "fault_assigned", owner_id, f"assigned/{now:%Y%m%dT%H%M%S.%f}", now)


def note_fault(
    session: Session, district_id: int, reach: Reach, fault_id: int, note: str, actor: str, now: datetime
) -> None:
    """Add a note to the history, of a closed fault too."""
    fault = _fault(session, district_id, reach, fault_id)
    note = _worded("note", note)
    book.book_events(session, district_id, [Event(fault_id, "noted", actor, note=note)], now)
    _audit_change(session, fault, "fault.noted", actor, now, None, None, note)


def change_due(
    session: Session,
    district_id: int,
    reach: Reach,
    fault_id: int,
    due_at: datetime,
    note: str,
    actor: str,
    now: datetime,
) -> None:
    """Set another due time, for a reason; it escalates from there anew."""
    fault = _open(session, district_id, reach, fault_id)
    note = _worded("note", note)
    if due_at <= now:
        raise Problem("invalid", errors={"due_at": _l("Write a moment in the future.")})
    before = fault.due_at
    fault.due_at, fault.escalation_level = due_at, 0
    event = Event(fault_id, "due_changed", actor, before.isoformat(), due_at.isoformat(), note)
    book.book_events(session, district_id, [event], now)
    _audit_change(session, fault, "fault.due_changed", actor, now, {"due_at": before}, {"due_at": due_at}, note)


def reclassify_fault(
    session: Session,
    district_id: int,
    reach: Reach,
    fault_id: int,
    fault_class: str,
    note: str,
    actor: str,
    now: datetime,
) -> None:
    """Hold a fault for another class, for a reason; its owner and due time stay."""
    _check_class(fault_class)
    fault = _fault(session, district_id, reach, fault_id)
    note = _worded("note", note)
    before = fault.fault_class
    if before == fault_class:
        raise Problem("fault-unchanged")
    fault.fault_class = fault_class
    book.book_events(session, district_id, [Event(fault_id, "reclassified", actor, before, fault_class, note)], now)
    classes = ({"fault_class": before}, {"fault_class": fault_class})
    _audit_change(session, fault, "fault.reclassified", actor, now, *classes, note)


def close_fault(
    session: Session, district_id: int, reach: Reach, fault_id: int, note: str, actor: str, now: datetime
) -> None:
    """Close a fault with a note on what was done; whoever was told of it hears so.

    One that was detected ends by itself, too; where a person closes it and its device is still seen broken a day
    later, it opens again.
    """
    fault = _open(session, district_id, reach, fault_id)
    note = _worded("note", note)
    before = fault.state
    book.close_faults(session, district_id, [fault_id], now, actor, note)
    session.expire(fault)
    _audit_change(session, fault, "fault.closed", actor, now, {"state": before}, {"state": "closed"}, note)
    teller = _teller(session, district_id, now)
    told = teller.end("fault", fault_id)
    for subject in read_subjects(session, district_id, Fault.id == fault_id).values():
        teller.tell("fault_closed", subject, told, "closed")


def _fault(session: Session, district_id: int, reach: Reach, fault_id: int) -> Fault:
    """The fault, locked until the transaction ends."""
    mine = (Fault.district_id == district_id, Fault.id == fault_id)
    fault = session.scalar(sa.select(Fault).where(*mine).with_for_update())
    if fault is None:
        raise Problem("not-found")
    reach.check(fault.complex_id)
    return fault


def _open(session: Session, district_id: int, reach: Reach, fault_id: int) -> Fault:
    fault = _fault(session, district_id, reach, fault_id)
    if fault.state == "closed":
        raise Problem("fault-closed")
    return fault


def _device(session: Session, district_id: int, reach: Reach, meter: str, now: datetime) -> Device:
    """The meter of this code where it stands now; `invalid` where it stands nowhere that the reader may see."""
    a = MeterAssignment
    found = session.execute(
        sa.select(a.gateway_id, a.meter_id, a.complex_id, Meter.code)
        .join(Meter, sa.and_(Meter.district_id == a.district_id, Meter.id == a.meter_id))
        .where(a.district_id == district_id, Meter.code == meter, reach.within(a.complex_id))
        .where(a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now))
    ).first()
    if found is None:
        raise Problem(
            "invalid", errors={"meter": _l("No meter with this code stands here: %(meter)s", meter=meter[:40])}
        )
    return Device(*found)


def _check_class(fault_class: str) -> None:
    if fault_class not in CLASSES:
        raise Problem("invalid", errors={"fault_class": _l("Choose one: %(classes)s", classes=", ".join(CLASSES))})


def _worded(field: str, text: str) -> str:
    text = text.strip()
    if not text or len(text) > MAX_WORDS:
        raise Problem("invalid", errors={field: _l("Write 1 to %(most)s characters.", most=MAX_WORDS)})
    return text


def _name(session: Session, district_id: int, account_id: int | None) -> str | None:
    here = (Account.district_id == district_id, Account.id == account_id)
    return session.scalar(sa.select(Account.login).where(*here))


def _teller(session: Session, district_id: int, now: datetime) -> Teller:
    return Teller(session, district_id, read_duties(session, district_id), now)


def _tell(
    session: Session, district_id: int, fault_id: int, kind: str, owner_id: int | None, once: str, now: datetime
) -> None:
    teller = _teller(session, district_id, now)
    for subject in read_subjects(session, district_id, Fault.id == fault_id).values():
        teller.tell(kind, subject, [owner_id], once)


def _audit_change(
    session: Session,
    fault: Fault,
    action: str,
    actor: str,
    now: datetime,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str | None = None,
) -> None:
    device = Device(fault.gateway_id, fault.meter_id, fault.complex_id, "")
    _audit(session, fault.district_id, fault.id, device, action, actor, now, before, after, reason)


def _audit(
    session: Session,
    district_id: int,
    fault_id: int,
    device: Device,
    action: str,
    actor: str,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    place = (Complex.district_id == district_id, Complex.id == device.complex_id)
    name = session.scalar(sa.select(Complex.name).where(*place))
    subject = f"#{fault_id} {name}" if name else f"#{fault_id}"
    entry = audit.Entry(action, "fault", fault_id, subject, before, after, reason, device.complex_id)
    audit.book(session, district_id, entry, actor, now)
