"""Who lived where in a month, in the order in which statements are numbered: building, unit, moving in."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import from_driver
from app.registry.models import Building, Household, Tenancy
from billing.days import days_within, midnight, month_after, service_day

ROWS = 2_000  # fetched at once
DIGITS = re.compile(r"(\d+)")


class Lived(NamedTuple):
    """A tenancy with days of the month that it lived in its household: a day is whose it is when the day ends."""

    place: tuple[Any, ...]
    household_id: int
    tenancy_id: int
    days: int


def natural(name: str) -> tuple[Any, ...]:
    """What names are sorted by: 102 before 1001, 가동 after all numbers."""
    if name.isdecimal():
        return ((0, int(name)),)
    parts = DIGITS.split(name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def by_complex(
    connection: sa.Connection, district_id: int, month: date, complex_ids: Sequence[int] | None = None
) -> Iterator[tuple[int, list[Lived]]]:
    """The tenancies of each complex that overlap the month, by complex id. None: the whole district."""
    first, end = _bounds(month)
    asked = _tenancies(district_id, month).where(
        Tenancy.valid_from < end, sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to > first)
    )
    if complex_ids is not None:
        asked = asked.where(Household.complex_id.in_(complex_ids))
    days = days_within(month, month, None)
    with closing(connection.execute(asked.order_by(Household.complex_id))) as result:
        rows = chain.from_iterable(result.partitions(ROWS))
        for complex_id, group in groupby(rows, itemgetter(0)):
            yield complex_id, sorted(_lived(row, month, days) for row in group)


def of_tenancies(
    connection: sa.Connection, district_id: int, month: date, tenancy_ids: Sequence[int]
) -> dict[int, Lived]:
    """The same of single tenancies, whenever they were; of those outside the month no day counts."""
    asked = _tenancies(district_id, month).where(Tenancy.id.in_(tenancy_ids))
    days = days_within(month, month, None)
    return {row.tenancy_id: _lived(row, month, days) for row in connection.execute(asked)}


def _tenancies(district_id: int, month: date) -> Any:
    """Tenancies; instants stay as the driver has them, for few are looked at."""
    t, (first, end) = Tenancy, _bounds(month)
    whole = sa.and_(t.valid_from <= first, sa.or_(t.valid_to.is_(None), t.valid_to >= end))
    since, until = (sa.type_coerce(column, sa.types.NullType()) for column in (t.valid_from, t.valid_to))
    return (
        sa.select(Household.complex_id, Building.name, Household.unit, t.household_id, t.id.label("tenancy_id"))
        .add_columns(sa.case((whole, 1), else_=0), since, until)
        .join(Household, sa.and_(Household.district_id == t.district_id, Household.id == t.household_id))
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
        .where(t.district_id == district_id)
    )


def _bounds(month: date) -> tuple[datetime, datetime]:
    """When the month begins and ends in Asia/Seoul."""
    return midnight(month), midnight(month_after(month))


def _lived(row: Any, month: date, days: int) -> Lived:
    _, building, unit, household_id, tenancy_id, whole, since, until = row
    if not whole:
        moved_in, moved_out = from_driver(since), from_driver(until)
        assert moved_in is not None
        days = days_within(month, service_day(moved_in), service_day(moved_out) if moved_out else None)
    return Lived((natural(building), natural(unit), since), household_id, tenancy_id, days)
