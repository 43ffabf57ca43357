"""What staff do with estimates. Each use case books into the audit log and leaves committing to its caller."""

from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex
from app.statements.estimates.expecting import Days, expected
from app.statements.estimates.models import Estimate, EstimateShare
from billing.days import month_of, service_day

MAX_WORDS = 1000


class Wanted(NamedTuple):
    """A complex (code), service days of one month that are over (both included), and why they are estimated."""

    complex: str
    first_day: date
    last_day: date
    reason: str


def add(session: Session, district_id: int, wanted: Wanted, actor: str, now: datetime) -> int:
    """Estimate a complex's days from the 28 before; the estimate's id.

    Each tenancy's expectation is stored with what it rests on. A month that is final gets it as an adjustment. Raises
    Problems: `invalid` by field, `estimate-overlaps`.
    """
    reason, days = worded("reason", wanted.reason), Days(wanted.first_day, wanted.last_day)
    _check_days(days, service_day(now))
    place = _complex(session, district_id, wanted.complex)
    _check_free(session, district_id, place.id, days)
    shares = expected(session, district_id, place.id, days, now)
    if not any(each.expected_g for each in shares):
        raise Problem("invalid", errors={"first_day": _l("Nobody there weighed anything in the 28 days before.")})
    estimate_id = allocate(session, district_id, "estimate")[0]
    basis = days.before
    session.add(
        Estimate(
            **{"district_id": district_id, "id": estimate_id, "complex_id": place.id},
            **{"first_day": days.first, "last_day": days.last},
            **{"basis_first_day": basis.first, "basis_last_day": basis.last},
            **{"reason": reason, "actor": actor, "made_at": now},
        )
    )
    session.flush()
    key = {"district_id": district_id, "estimate_id": estimate_id}
    session.execute(sa.insert(EstimateShare), [key | each._asdict() for each in shares])
    after = {"first_day": days.first, "last_day": days.last, "households": len(shares)}
    after |= {"expected_g": sum(each.expected_g for each in shares)}
    entry = audit.Entry("estimate.made", "estimate", estimate_id, _subject(estimate_id, place), None, after, reason)
    audit.book(session, district_id, entry._replace(complex_id=place.id), actor, now)
    return estimate_id


def settle(session: Session, district_id: int, estimate_id: int, reason: str, actor: str, now: datetime) -> None:
    """End an estimate, for a reason: from now on only what was weighed counts; a final month is adjusted.

    Raises Problems: `not-found`, `invalid`, `estimate-settled`.
    """
    reason = worded("reason", reason)
    mine = (Estimate.district_id == district_id, Estimate.id == estimate_id)
    estimate = session.scalar(sa.select(Estimate).where(*mine).with_for_update())
    if estimate is None:
        raise Problem("not-found")
    if estimate.settled_at is not None:
        raise Problem("estimate-settled")
    estimate.settled_at, estimate.settled_by, estimate.settled_reason = now, actor, reason
    session.flush()
    place = session.get_one(Complex, (district_id, estimate.complex_id))
    subject = _subject(estimate_id, place)
    entry = audit.Entry("estimate.settled", "estimate", estimate_id, subject, reason=reason, complex_id=place.id)
    audit.book(session, district_id, entry, actor, now)


def worded(field: str, text: str) -> str:
    """A reason without blanks around it; raises the Problem `invalid` for none or a book."""
    text = text.strip()
    if not text or len(text) > MAX_WORDS:
        raise Problem("invalid", errors={field: _l("Write 1 to %(most)s characters.", most=MAX_WORDS)})
    return text


def _check_days(days: Days, today: date) -> None:
    errors = {}
    if days.last < days.first:
        errors["last_day"] = _l("The last day lies before the first one.")
    elif month_of(days.first) != month_of(days.last):
        errors["last_day"] = _l(
            "Both days lie in one month. Enter the days of the next month as an estimate of their own."
        )
    elif days.last >= today:
        errors["last_day"] = _l("Only days that are over can be estimated.")
    if errors:
        raise Problem("invalid", errors=errors)


def _complex(session: Session, district_id: int, code: str) -> Complex:
    """The complex, locked until the transaction ends: of two estimates at once the second sees the first."""
    here = (Complex.district_id == district_id, Complex.code == code)
    found = session.scalar(sa.select(Complex).where(*here).with_for_update(key_share=True))
    if found is None:
        told = _l("There is no such complex: %(code)s", code=code[:40])
        raise Problem("invalid", errors={"complex": told})
    return found


def _check_free(session: Session, district_id: int, complex_id: int, days: Days) -> None:
    e = Estimate
    there = sa.select(e.id, e.first_day, e.last_day).where(
        *(e.district_id == district_id, e.complex_id == complex_id, e.settled_at.is_(None)),
        *(e.first_day <= days.last, e.last_day >= days.first),
    )
    found = session.execute(there.order_by(e.first_day).limit(1)).first()
    if found is not None:
        told = {"estimate": found.id, "first_day": str(found.first_day), "last_day": str(found.last_day)}
        raise Problem("estimate-overlaps", **told)


def _subject(estimate_id: int, place: Complex) -> str:
    return f"#{estimate_id} {place.name}"
