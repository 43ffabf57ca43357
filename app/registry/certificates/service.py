"""Use cases of certificates. Committing is left to the caller's `with database.begin()`; each is booked by name."""

import calendar
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.certificates.models import RESULTS, ScaleCertificate, ScaleCertificateWithdrawal
from app.registry.certificates.queries import living
from app.registry.devices.queries import Standing, find_meter
from billing.days import service_day

VALID_YEARS = 2
MOST = {"number": 40, "body": 80, "remark": 500}

MISSING = _l("Fill this in.")
TOO_LONG = _l("This is too long.")
NOT_YET = _l("This day has not come yet.")
NOT_AFTER = _l("The next inspection is due after this one.")
KNOWN = _l("The meter has a certificate of this number already. Withdraw it first, if it was recorded wrongly.")
NO_RESULT = _l("The result is passed or failed.")


class Inspection(NamedTuple):
    """What a certificate says. Without `due_on` the next inspection is due when the legal period ends."""

    number: str
    inspected_on: date
    body: str
    result: str = "passed"
    due_on: date | None = None
    remark: str = ""


def due_after(inspected_on: date) -> date:
    """The last day of the legal period: two years from the first of the month after the inspection.

    Enforcement Decree of the Measures Act (계량에 관한 법률 시행령), article 21 (2) and table 13.
    """
    year = inspected_on.year + VALID_YEARS
    return date(year, inspected_on.month, calendar.monthrange(year, inspected_on.month)[1])


def record(
    session: Session, district_id: int, code: str, seen: Inspection, actor: str, now: datetime, reach: Reach = WHOLE
) -> ScaleCertificate:
    """Record an inspection of a meter. Raises `not-found` for the meter, `invalid` for what cannot be so."""
    meter = find_meter(session, district_id, code, now, reach)
    due_on = seen.due_on or due_after(min(seen.inspected_on, service_day(now)))
    _refuse(session, meter, seen, due_on, now)
    certificate = ScaleCertificate(
        district_id=district_id,
        id=allocate(session, district_id, "scale_certificate")[0],
        meter_id=meter.id,
        **seen._asdict() | {"due_on": due_on, "remark": seen.remark or None},
        recorded_by=actor,
        recorded_at=now,
    )
    session.add(certificate)
    session.flush()
    after = {"number": seen.number, "inspected_on": seen.inspected_on, "due_on": due_on, "result": seen.result}
    _book(session, "certificate.recorded", meter, after, None, actor, now)
    return certificate


def withdraw(
    session: Session,
    district_id: int,
    certificate_id: int,
    reason: str,
    actor: str,
    now: datetime,
    reach: Reach = WHOLE,
    meter: str | None = None,
) -> None:
    """Let a certificate count no longer, for a reason; it stays on the record. `meter` is whose it must be.

    Raises `not-found`, `already-decided` for one that is withdrawn, `invalid` without a reason.
    """
    found = session.get(ScaleCertificate, (district_id, certificate_id))
    if found is None:
        raise Problem("not-found")
    standing = find_meter(session, district_id, found.meter_id, now, reach)
    if meter not in (None, standing.code):
        raise Problem("not-found")
    if session.get(ScaleCertificateWithdrawal, (district_id, certificate_id)) is not None:
        raise Problem("already-decided")
    if not reason.strip():
        raise Problem("invalid", errors={"reason": MISSING})
    mark = {"reason": reason.strip(), "withdrawn_by": actor, "withdrawn_at": now}
    session.add(ScaleCertificateWithdrawal(district_id=district_id, certificate_id=certificate_id, **mark))
    session.flush()
    _book(session, "certificate.withdrawn", standing, {"number": found.number}, reason.strip(), actor, now)


def _refuse(session: Session, meter: Standing, seen: Inspection, due_on: date, now: datetime) -> None:
    errors: dict[str, object] = {name: MISSING for name in ("number", "body") if not getattr(seen, name)}
    errors |= {name: TOO_LONG for name, most in MOST.items() if len(getattr(seen, name)) > most}
    if seen.result not in RESULTS:
        errors["result"] = NO_RESULT
    if seen.inspected_on > service_day(now):
        errors["inspected_on"] = NOT_YET
    elif due_on <= seen.inspected_on:
        errors["due_on"] = NOT_AFTER
    same = (ScaleCertificate.meter_id == meter.id, ScaleCertificate.number == seen.number)
    if session.scalar(sa.select(sa.func.count()).where(*living(meter.district_id), *same)):
        errors["number"] = KNOWN
    if errors:
        raise Problem("invalid", errors=errors)


def _book(
    session: Session,
    action: str,
    meter: Standing,
    after: dict[str, object],
    reason: str | None,
    actor: str,
    now: datetime,
) -> None:
    entry = audit.Entry(action, "meter", meter.id, meter.code, after=after, reason=reason, complex_id=meter.complex_id)
    audit.book(session, meter.district_id, entry, actor, now)
