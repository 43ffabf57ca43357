"""Where a complex stands when its run is made: a preview holds while nothing else that it follows from is added."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Household, Tenancy
from app.statements.models import StatementRun, StatementVoid
from app.statements.terms.models import ComplexTerms, ComplexWeight, Tariff, TenancyClass
from app.statements.terms.terms import of_complexes
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
    schemes = of_complexes(session, district_id, complex_ids, month)
    t = Tariff
    tariffs = _counts(session, t.scheme, (t.district_id == district_id, t.first_day < month_after(month)))
    by_complex = [_counts(session, *each) for each in _counted(district_id, complex_ids, month)]
    return {
        id_: Position(tariffs.get(schemes[id_].scheme, 0), *(counts.get(id_, 0) for counts in by_complex))
        for id_ in complex_ids
    }


def _counted(district_id: int, complex_ids: Sequence[int], month: date) -> Iterator[tuple[Any, list[Any], Any]]:
    """What is counted by complex: key, conditions, and what to select from, in the order of Position."""
    r, v, terms, weight, classes = StatementRun, StatementVoid, ComplexTerms, ComplexWeight, TenancyClass
    final = [r.district_id == district_id, r.complex_id.in_(complex_ids), r.state == "final"]
    yield r.complex_id, final, r
    yield r.complex_id, final, sa.join(r, v, sa.and_(v.district_id == r.district_id, v.run_id == r.id))
    of_month = [terms.district_id == district_id, terms.complex_id.in_(complex_ids), terms.first_month <= month]
    yield terms.complex_id, of_month, terms
    weighed = [weight.district_id == district_id, weight.complex_id.in_(complex_ids), weight.month == month]
    yield weight.complex_id, weighed, weight
    homes = sa.join(
        sa.join(
            classes, Tenancy, sa.and_(Tenancy.district_id == classes.district_id, Tenancy.id == classes.tenancy_id)
        ),
        *(Household, sa.and_(Household.district_id == classes.district_id, Household.id == Tenancy.household_id)),
    )
    mine = [classes.district_id == district_id, Household.complex_id.in_(complex_ids), classes.first_month <= month]
    yield Household.complex_id, mine, homes


def _counts(session: Session, key: Any, where: Sequence[Any], source: Any = None) -> dict[Any, int]:
    asked = sa.select(key, sa.func.count()).where(*where).group_by(key)
    rows = session.execute(asked if source is None else asked.select_from(source))
    return {row[0]: row[1] for row in rows}
