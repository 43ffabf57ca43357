"""What households would have thrown away on days that no scale saw: the mean of the days before, carried over."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Household, Tenancy
from app.statements.estimates import weighing
from billing.days import DAY, service_day
from billing.sharing import share
from billing.tariffs import Span
from billing.units import rounded

BASIS_DAYS = timedelta(days=28)  # whole weeks: each day of the week counts as often


class Days(NamedTuple):
    """Service days, both included."""

    first: date
    last: date

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.last + DAY

    @property
    def before(self) -> "Days":
        """The days that are the basis of an estimate for these."""
        return Days(self.first - BASIS_DAYS, self.first - DAY)


class Expected(NamedTuple):
    """What is expected of a tenancy: `basis_g` grams in `basis_days` days, carried over to the days of the estimate."""

    household_id: int
    tenancy_id: int
    basis_g: int
    basis_days: int
    expected_g: int


def expected(session: Session, district_id: int, complex_id: int, days: Days, at: datetime) -> list[Expected]:
    """What each tenancy of the complex that lived there before and on these days is expected to have thrown away.

    Its mean of the 28 service days before (of fewer, where it moved in later) × the days that it lived there, rounded
    half up to the gram; weights as the ledger reads at `at`. Whoever moved in on the first day or later has no basis
    and is left out.
    """
    basis, found = weighing.weighed(session, district_id, [complex_id], days.before, at), []
    for row in _tenancies(session, district_id, complex_id):
        basis_days = _lived(row, days.before)
        if basis_days and _lived(row, days):
            basis_g = basis.get(row.id, 0)
            expected_g = expected_of(row, days, basis_g, basis_days)
            found.append(Expected(row.household_id, row.id, basis_g, basis_days, expected_g))
    return found


def expected_of(tenancy: Any, days: Days, basis_g: int, basis_days: int) -> int:
    """Grams: the mean of the basis × the days that a tenancy (a row with valid_from and valid_to) lived there."""
    return rounded(Decimal(basis_g * _lived(tenancy, days)) / basis_days, "half_up", 1)


def missing(expected_g: int, days: Days, spans: Sequence[Span], weighed: Sequence[int]) -> list[int]:
    """By span, the grams that are missing of what was expected; `weighed` are those of these days in each span.

    Altogether what is expected less what was weighed, but no less than nothing; where a tariff changes within the days,
    in proportion to what is missing in each span of what would be expected there.
    """
    within = [max(0, (min(span.end, days.end) - max(span.first_day, days.first)).days) for span in spans]
    short = [max(0, part - grams) for part, grams in zip(share(expected_g, within), weighed, strict=True)]
    return share(max(0, expected_g - sum(weighed)), short)


class _Tenancy(NamedTuple):
    id: int
    household_id: int
    valid_from: datetime
    valid_to: datetime | None


def _tenancies(session: Session, district_id: int, complex_id: int) -> list[_Tenancy]:
    asked = (
        sa.select(Tenancy.id, Tenancy.household_id, Tenancy.valid_from, Tenancy.valid_to)
        .join(Household, sa.and_(Household.district_id == Tenancy.district_id, Household.id == Tenancy.household_id))
        .where(Tenancy.district_id == district_id, Household.complex_id == complex_id)
    )
    return [_Tenancy(*row) for row in session.execute(asked.order_by(Tenancy.id))]


def _lived(tenancy: Any, days: Days) -> int:
    """How many of the days the tenancy lived there: a day is whose it is when the day ends."""
    end = days.end if tenancy.valid_to is None else min(service_day(tenancy.valid_to), days.end)
    return max(0, (end - max(service_day(tenancy.valid_from), days.first)).days)
