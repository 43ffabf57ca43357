"""What a month would have cost by another tariff: its real usage, assessed by both. Nothing is stored.

The draft counts as if it had been in force on every day of the month; all else stays, other classes' tariffs, too.
What earlier months and people add to a statement is left out on both sides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from heapq import nlargest
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements.assessing import complex_months
from app.statements.models import StatementRun
from app.statements.terms.terms import of_complexes
from billing.days import month_after, month_of
from billing.statements import Assessment, ComplexMonth, assess
from billing.tariffs import Tariff

BIGGEST = 10
TENTHS = 10
Row = dict[str, Any]


class Draft(NamedTuple):
    """A tariff for a scheme and payer class that nobody has added; its id and first day count for nothing."""

    scheme: str
    payer_class: str
    tariff: Tariff


class Tenant(NamedTuple):
    """A tenancy's month: grams (estimated ones included), won by the tariffs in force and by the draft."""

    complex_id: int
    household_id: int
    tenancy_id: int
    grams: int
    before: int
    after: int


class OfComplex(NamedTuple):
    """A complex's total, suspense and residue included, by both."""

    id: int
    tenants: list[Tenant]
    before: int
    after: int


def usual_month(session: Session, district_id: int, today: date) -> date:
    """The month to look at: the last one that was previewed or closed, else the last one that is over."""
    asked = sa.select(sa.func.max(StatementRun.month)).where(StatementRun.district_id == district_id)
    return session.scalar(asked) or month_after(month_of(today), -1)


def compare(
    session: Session,
    district_id: int,
    reach: Reach,
    draft: Draft,
    month: date,
    at: datetime,
    code: str | None = None,
    named: bool = True,
) -> Row:
    """Both tariffs on a month's usage as the ledger read at `at`, of the complexes within reach that are billed by the
    draft's scheme (or the one of this code).

    `complexes` (with `before`, `after`, `households`), `total`, `households` by `more`, `less` and `same`, `tenths` of
    them by weight, the `biggest` changes (none unless `named`), and `failed`: complexes that cannot be assessed, with
    the problem. Raises `not-found` for a code that no complex within reach has.
    """
    names = _complexes(session, district_id, reach, code)
    terms = of_complexes(session, district_id, names, month)
    ids = [id_ for id_ in names if terms[id_].scheme == draft.scheme]
    failed: list[Row] = []
    found = list(_assessed(session, district_id, ids, draft, month, at, names, failed))
    tenants = [tenant for each in found for tenant in each.tenants]
    return {
        **{"month": month, "scheme": draft.scheme, "payer_class": draft.payer_class},
        "total": _sums(found),
        "households": _counted(tenants),
        "complexes": [{**names[each.id], **_sums([each]), **_counted(each.tenants)} for each in found],
        "tenths": _tenths(tenants),
        "biggest": _biggest(session, district_id, tenants, names) if named else [],
        "failed": failed,
    }


def _assessed(
    session: Session,
    district_id: int,
    ids: Sequence[int],
    draft: Draft,
    month: date,
    at: datetime,
    names: Mapping[int, Row],
    failed: list[Row],
) -> Iterator[OfComplex]:
    by_weight = draft.tariff.rounded_at == "discharge"
    for complex_id, found in complex_months(session, district_id, ids, month, at, by_weight):
        if isinstance(found, Problem):
            failed.append({**names[complex_id], "problem": found})
        else:
            yield _of_both(complex_id, found, draft)


def _of_both(complex_id: int, complex_month: ComplexMonth, draft: Draft) -> OfComplex:
    if draft.payer_class not in complex_month.tariffs:  # nobody there belongs to the class
        before = after = assess(complex_month)
    else:
        tariffs = {**complex_month.tariffs, draft.payer_class: (draft.tariff,) * len(complex_month.spans)}
        before, after = assess(complex_month), assess(complex_month._replace(tariffs=tariffs))
    won_before, won_after = _won(before), _won(after)
    tenants = [
        Tenant(
            *(complex_id, part.household_id, part.tenancy_id),
            sum(used.grams for used in part.used) + sum(each.grams for each in part.estimated),
            *(won_before.get(part.tenancy_id, 0), won_after.get(part.tenancy_id, 0)),
        )
        for part in complex_month.parts
    ]
    return OfComplex(complex_id, tenants, before.detail["won"], after.detail["won"])


def _won(assessment: Assessment) -> dict[int, int]:
    won: dict[int, int] = {}
    for line in assessment.lines:
        won[line.tenancy_id] = won.get(line.tenancy_id, 0) + line.won
    return won


def _sums(found: Iterable[OfComplex]) -> Row:
    totals = [(each.before, each.after) for each in found]
    before, after = sum(total[0] for total in totals), sum(total[1] for total in totals)
    return {"before": before, "after": after, "difference": after - before}


def _counted(tenants: Sequence[Tenant]) -> Row:
    """How many tenancies pay more, less, the same."""
    more = sum(each.after > each.before for each in tenants)
    less = sum(each.after < each.before for each in tenants)
    return {"households": len(tenants), "more": more, "less": less, "same": len(tenants) - more - less}


def _tenths(tenants: Sequence[Tenant]) -> list[Row]:
    """Tenancies that discharged something, a tenth of them at a time from the lightest to the heaviest: most grams,
    mean won by both (whole, fractions dropped)."""
    by_weight = sorted((each for each in tenants if each.grams), key=lambda each: (each.grams, each.tenancy_id))
    count = len(by_weight)
    cuts = [(tenth, by_weight[count * tenth // TENTHS : count * (tenth + 1) // TENTHS]) for tenth in range(TENTHS)]
    return [
        {
            **{"tenth": tenth + 1, "households": len(those), "most_g": those[-1].grams},
            "mean_before": sum(each.before for each in those) // len(those),
            "mean_after": sum(each.after for each in those) // len(those),
        }
        for tenth, those in cuts
        if those
    ]


def _biggest(session: Session, district_id: int, tenants: Sequence[Tenant], names: Mapping[int, Row]) -> list[Row]:
    """The tenancies whose won change the most, up or down, with where they live."""
    changed = [each for each in tenants if each.after != each.before]
    those = nlargest(BIGGEST, changed, key=lambda each: (abs(each.after - each.before), each.grams, -each.tenancy_id))
    ids = [each.household_id for each in those]
    asked = (
        sa.select(Household.id, Building.name, Household.unit)
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
        .where(Household.district_id == district_id, Household.id.in_(ids))
    )
    homes = {row.id: {"building": row.name, "unit": row.unit} for row in session.execute(asked)}
    return [
        {
            **names[each.complex_id],
            **homes[each.household_id],
            **{"household_id": each.household_id, "grams": each.grams},
            **{"before": each.before, "after": each.after, "difference": each.after - each.before},
        }
        for each in those
    ]


def _complexes(session: Session, district_id: int, reach: Reach, code: str | None) -> dict[int, Row]:
    of_code = sa.true() if code is None else Complex.code == code
    asked = sa.select(Complex.id, Complex.code, Complex.name).where(Complex.district_id == district_id, of_code)
    rows = session.execute(asked.where(reach.within(Complex.id)).order_by(Complex.code)).all()
    if code is not None and not rows:
        raise Problem("not-found")
    return {row.id: {"complex": row.code, "complex_name": row.name} for row in rows}
