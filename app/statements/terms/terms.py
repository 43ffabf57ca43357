"""By which terms a month is billed: each complex's way, its weight from elsewhere, the classes of tenancies.

Reads are those of a month; what changes takes hold from a month on that is not closed. Nothing here commits.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Complex
from app.statements.models import SCHEMES, SHARING, SUSPENSE
from app.statements.terms import closed
from app.statements.terms.models import ComplexTerms, ComplexWeight, TenancyClass
from billing.statements import GENERAL

CHOICES = {"scheme": SCHEMES, "suspense": SUSPENSE, "sharing": SHARING}
MOST_WORDS = 300
Row = dict[str, Any]


class Terms(NamedTuple):
    """How a complex is billed; the defaults hold where nothing was set."""

    scheme: str = "household"
    suspense: str = "shared"
    sharing: str = "equal"


def of_complexes(session: Session, district_id: int, ids: Iterable[int], month: date) -> dict[int, Terms]:
    """The terms of each complex in a month."""
    found = {row.complex_id: _terms(row) for row in _rows(session, district_id, ComplexTerms.first_month <= month)}
    return {id_: found.get(id_, Terms()) for id_ in ids}


def classes_of(session: Session, district_id: int, tenancy_ids: Sequence[int] | None, month: date) -> dict[int, str]:
    """The payer class of each tenancy in a month; None: of all that were ever put into one."""
    t = TenancyClass
    of_ids = sa.true() if tenancy_ids is None else t.tenancy_id.in_(tenancy_ids)
    asked = sa.select(t.tenancy_id, t.payer_class).where(t.district_id == district_id, t.first_month <= month, of_ids)
    found = dict.fromkeys(tenancy_ids or (), GENERAL)
    for tenancy_id, payer_class in session.execute(asked.order_by(t.tenancy_id, t.first_month, t.revision)):
        found[tenancy_id] = payer_class
    return found


def weights_of(session: Session, district_id: int, month: date) -> dict[int, int]:
    """Grams that complexes weighed elsewhere in a month, as by the truck; only those of which somebody said so."""
    t = ComplexWeight
    asked = sa.select(t.complex_id, t.weighed_g).where(t.district_id == district_id, t.month == month)
    return {row.complex_id: row.weighed_g for row in session.execute(asked.order_by(t.revision))}


def listed(session: Session, district_id: int, reach: Reach, month: date) -> list[Row]:
    """Every complex within reach by code, with its terms in a month: id, code, name, scheme, suspense, sharing."""
    mine = (Complex.district_id == district_id, reach.within(Complex.id))
    rows = session.execute(sa.select(Complex.id, Complex.code, Complex.name).where(*mine).order_by(Complex.code)).all()
    found = of_complexes(session, district_id, [row.id for row in rows], month)
    return [dict(row._mapping) | found[row.id]._asdict() for row in rows]


def history(session: Session, district_id: int, complex_id: int) -> list[Row]:
    """The terms of a complex as they follow each other, the last first: first_month, terms, reason, actor, made_at."""
    rows = _rows(session, district_id, ComplexTerms.complex_id == complex_id)
    names = ("first_month", *Terms._fields, "revision", "reason", "actor", "made_at")
    return [{name: getattr(row, name) for name in names} for row in reversed(rows)]


def change(
    session: Session,
    district_id: int,
    codes: Sequence[str],
    first_month: date,
    wanted: Terms,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Bill complexes by other terms from a month on; how many that changed.

    Raises `invalid`, also for a code that no complex has, `month-closed`, and `nothing-changes` where none does.
    """
    reason = _checked(wanted, reason)
    closed.check_month(first_month, "first_month")
    chosen = _chosen(session, district_id, codes)
    terms = of_complexes(session, district_id, [each.id for each in chosen], first_month)
    changed = [each for each in chosen if terms[each.id] != wanted]
    if not changed:
        raise Problem("nothing-changes")
    for each in changed:
        closed.hold(session, district_id, each.id)
        earliest = closed.first_open_of_complex(session, district_id, each.id)
        closed.check(first_month, earliest, "first_month")
        key = {"district_id": district_id, "complex_id": each.id, "first_month": first_month}
        last = session.scalar(sa.select(sa.func.max(ComplexTerms.revision)).filter_by(**key)) or 0
        said = {"reason": reason, "actor": actor, "made_at": now}
        session.add(ComplexTerms(**key, revision=last + 1, **wanted._asdict(), **said))
    session.flush()
    for each in changed:
        told = {"first_month": first_month} | wanted._asdict()
        entry = audit.Entry("terms.set", "complex", each.id, each.name, terms[each.id]._asdict(), told, reason, each.id)
        audit.book(session, district_id, entry, actor, now)
    return len(changed)


def _checked(wanted: Terms, reason: str) -> str:
    errors: dict[str, Any] = {
        name: _l("Choose one: %(choices)s", choices=", ".join(choices))
        for name, choices in CHOICES.items()
        if getattr(wanted, name) not in choices
    }
    reason = reason.strip()
    if not reason or len(reason) > MOST_WORDS:
        errors["reason"] = _l("Write 1 to %(most)s characters.", most=MOST_WORDS)
    if errors:
        raise Problem("invalid", errors=errors)
    return reason


def _chosen(session: Session, district_id: int, codes: Sequence[str]) -> Sequence[Complex]:
    mine = (Complex.district_id == district_id, Complex.code.in_(codes))
    found = session.scalars(sa.select(Complex).where(*mine).order_by(Complex.id)).all()
    missing = [code[:40] for code in codes if code not in {each.code for each in found}]
    if missing or not codes:
        told = _l("There is no such complex: %(code)s", code=", ".join(missing)) if missing else _l("Choose a complex.")
        raise Problem("invalid", errors={"complexes": told})
    return found


def _terms(row: ComplexTerms) -> Terms:
    return Terms(row.scheme, row.suspense, row.sharing)


def _rows(session: Session, district_id: int, *where: sa.ColumnElement[bool]) -> list[ComplexTerms]:
    """The last revision of each complex and first month, in the order in which they begin."""
    asked = sa.select(ComplexTerms).where(ComplexTerms.district_id == district_id, *where)
    order_by = (ComplexTerms.complex_id, ComplexTerms.first_month, ComplexTerms.revision)
    newest = {(row.complex_id, row.first_month): row for row in session.scalars(asked.order_by(*order_by))}
    return list(newest.values())
