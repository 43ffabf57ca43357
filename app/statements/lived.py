"""Who lived where in a month, in the order in which statements are numbered: building, unit, moving in."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.registry.models import Building, Household, Tenancy
from billing.days import SEOUL, days_within, month_after, service_day

DIGITS = re.compile(r"(\d+)")


class Lived(NamedTuple):
    """A tenancy with days of the month that it lived in its household: a day is whose it is when the day ends."""

    place: tuple[Any, ...]
    household_id: int
    tenancy_id: int
    days: int


def natural(name: str) -> tuple[Any, ...]:
    """What names are sorted by: 102 before 1001, 가동 after all numbers."""
    parts = DIGITS.split(name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def by_complex(
    connection: sa.Connection, district_id: int, month: date, complex_ids: Sequence[int] | None = None
) -> Iterator[tuple[int, list[Lived]]]:
    """The tenancies of each complex that overlap the month, by complex id; rows stream. None: the whole district."""
    first, end = (datetime.combine(day, time(), SEOUL) for day in (month, month_after(month)))
    asked = _tenancies(district_id).where(
        Tenancy.valid_from < end, sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to > first)
    )
    if complex_ids is not None:
        asked = asked.where(Household.complex_id.in_(complex_ids))
    streamed = asked.order_by(Household.complex_id).execution_options(stream_results=True)
    with closing(connection.execute(streamed)) as rows:
        for complex_id, group in groupby(rows, attrgetter("complex_id")):
            yield complex_id, sorted(_lived(row, month) for row in group)


def of_tenancies(
    connection: sa.Connection, district_id: int, month: date, tenancy_ids: Sequence[int]
) -> dict[int, Lived]:
    """The same of single tenancies, whenever they were; of those outside the month no day counts."""
    asked = _tenancies(district_id).where(Tenancy.id.in_(tenancy_ids))
    return {row.tenancy_id: _lived(row, month) for row in connection.execute(asked)}


def _tenancies(district_id: int) -> Any:
    columns = (Household.complex_id, Building.name, Household.unit, Tenancy.valid_from, Tenancy.valid_to)
    return (
        sa.select(*columns, Tenancy.household_id, Tenancy.id.label("tenancy_id"))
        .join(Household, sa.and_(Household.district_id == Tenancy.district_id, Household.id == Tenancy.household_id))
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
        .where(Tenancy.district_id == district_id)
    )


def _lived(row: Any, month: date) -> Lived:
    moved_out = None if row.valid_to is None else service_day(row.valid_to)
    place = (natural(row.name), natural(row.unit), row.valid_from)
    return Lived(place, row.household_id, row.tenancy_id, days_within(month, service_day(row.valid_from), moved_out))
