"""Reads of payments, always of one district and within a reach, the newest first. Rows come back plain."""

from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements.payments.models import Payment

Row = dict[str, Any]


class Wanted(NamedTuple):
    """Which payments: of a complex (code), of a month, of a household; all of them where nothing is said."""

    complex: str = ""
    month: date | None = None
    household_id: int | None = None


def payment_page(
    session: Session,
    district_id: int,
    reach: Reach,
    wanted: Wanted = Wanted(),  # noqa: B008 - immutable
    after: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Payments booked before the one with the id `after`.

    Each: id, complex, complex_name, household_id, building, unit (None: the complex itself paid), month, won, paid_on,
    source, reference (None for what a file gave no receipt), note, reverses_id, reversed_by_id, actor, booked_at.
    """
    p = Payment
    asked = _payments(district_id, reach)
    if wanted.complex:
        asked = asked.where(Complex.code == wanted.complex)
    if wanted.month is not None:
        asked = asked.where(p.month == wanted.month)
    if wanted.household_id is not None:
        asked = asked.where(p.household_id == wanted.household_id)
    if after is not None:
        asked = asked.where(p.id < after)
    return [_shown(row) for row in session.execute(asked.order_by(p.id.desc()).limit(limit)).mappings()]


def payment(session: Session, district_id: int, reach: Reach, payment_id: int) -> Row:
    """One payment; else the Problem `not-found`."""
    found = session.execute(_payments(district_id, reach).where(Payment.id == payment_id)).mappings().first()
    if found is None:
        raise Problem("not-found")
    return _shown(found)


def _payments(district_id: int, reach: Reach) -> sa.Select[Any]:
    p, back = Payment, aliased(Payment)
    names = (Complex.code.label("complex"), Complex.name.label("complex_name"), Building.name.label("building"))
    return (
        sa.select(*(p.id, p.household_id, p.month, p.won, p.paid_on, p.source, p.reference, p.note, p.reverses_id))
        .add_columns(p.actor, p.booked_at, *names, Household.unit, back.id.label("reversed_by_id"))
        .join(Complex, sa.and_(Complex.district_id == p.district_id, Complex.id == p.complex_id))
        .outerjoin(Household, sa.and_(Household.district_id == p.district_id, Household.id == p.household_id))
        .outerjoin(
            Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id)
        )
        .outerjoin(back, sa.and_(back.district_id == p.district_id, back.reverses_id == p.id))
        .where(p.district_id == district_id, reach.within(p.complex_id))
    )


def _shown(found: Any) -> Row:
    row = dict(found)
    receipt = (row["reference"] or "").partition("/")[2]
    return row | {"reference": None if not receipt or receipt.startswith("#") else receipt}
