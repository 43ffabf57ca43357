"""Where a complex stands when its run is made: a preview holds while nothing else that it follows from is added."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Complex, Household, Tenancy
from app.statements.models import StatementRun, StatementVoid
from app.statements.terms.models import ComplexTerms, ComplexWeight, Tariff, TenancyClass
from billing.days import month_after


class Position(NamedTuple):
    """How many rows there were of what a run of a complex follows from, beside the ledger. None is ever deleted."""

    tariffs: int
    runs: int
    voids: int
    terms: int
    weights: int
    classes: int


def positions_of(session: Session, district_id: int, complex_ids: Sequence[int], month: date) -> dict[int, Position]:
    """Where each complex stands: a reading holds as long as this stays the same."""
    mine = (Complex.district_id == district_id, Complex.id.in_(complex_ids))
    rows = session.execute(sa.select(Complex.id, *_counted(month)).where(*mine))
    return {row[0]: Position(*row[1:]) for row in rows}


def _counted(month: date) -> list[Any]:
    """What is counted for each complex, in the order of Position."""
    r, v, terms, weight = StatementRun, StatementVoid, ComplexTerms, ComplexWeight
    final = (*_here(r, r.complex_id), r.state == "final")
    of_run = sa.and_(v.district_id == r.district_id, v.run_id == r.id)
    classes = (
        _count(Household, *_here(Household, Household.complex_id), TenancyClass.first_month <= month)
        .join(Tenancy, sa.and_(Tenancy.district_id == Household.district_id, Tenancy.household_id == Household.id))
        .join(
            TenancyClass,
            sa.and_(TenancyClass.district_id == Tenancy.district_id, TenancyClass.tenancy_id == Tenancy.id),
        )
    )
    counts = [
        _count(Tariff, Tariff.district_id == Complex.district_id, Tariff.first_day < month_after(month)),
        _count(r, *final),
        _count(r, *final).join(v, of_run),
        _count(terms, *_here(terms, terms.complex_id), terms.first_month <= month),
        _count(weight, *_here(weight, weight.complex_id), weight.month == month),
        classes,
    ]
    return [each.correlate(Complex).scalar_subquery() for each in counts]


def _here(table: Any, complex_id: Any) -> tuple[Any, ...]:
    return table.district_id == Complex.district_id, complex_id == Complex.id


def _count(table: Any, *where: Any) -> Any:
    return sa.select(sa.func.count()).select_from(table).where(*where)
