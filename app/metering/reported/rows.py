"""Which stored rows count: of each place and period that of the latest import not undone."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.metering.reported.models import LEVELS, PERIOD_OF, ReportedRow
from app.metering.reported.periods import end_of
from app.registry.models import ImportBatch

Executor = sa.Connection | Session
T = ReportedRow


class Row(NamedTuple):
    """The figure that counts for a place and the period that begins on `starts_on`."""

    starts_on: date
    place: str
    name: str
    dong_name: str | None
    grams: int | None
    count: int | None  # type: ignore[assignment]
    won: int | None

    @property
    def reporting(self) -> bool:
        """Whether anything was reported; fees alone are no volume."""
        return self.grams is not None or self.count is not None


REPORTING = sa.or_(T.grams.is_not(None), T.count.is_not(None))


class Series(NamedTuple):
    """What there is of a source at one level, from the first day until before `ends_on`."""

    source: str
    level: str
    period: str
    starts_on: date
    ends_on: date
    places: int


class Span(NamedTuple):
    """A place, and the beginnings of the first and the last period for which it reported anything."""

    place: str
    name: str
    dong_name: str | None
    first: date
    last: date


def current_rows(
    executor: Executor,
    district_id: int,
    source: str,
    level: str,
    first: date | None = None,
    last: date | None = None,
    place: str | None = None,
) -> list[Row]:
    """The figures that count, of periods beginning from `first` to `last`, in the order of time and place."""
    within = [
        *([T.starts_on >= first] if first else []),
        *([T.starts_on <= last] if last else []),
        *([T.place == place] if place is not None else []),
    ]
    latest = sa.func.row_number().over(partition_by=[T.starts_on, T.place], order_by=T.batch_id.desc())
    columns = [getattr(T, name) for name in Row._fields]
    given = sa.select(*columns, latest.label("latest")).where(*_mine(district_id, source, level), *within).subquery()
    chosen = sa.select(*(given.c[name] for name in Row._fields)).where(given.c.latest == 1)
    return [Row(*row) for row in executor.execute(chosen.order_by(given.c.starts_on, given.c.place))]


def spans(executor: Executor, district_id: int, source: str, level: str, place: str | None = None) -> list[Span]:
    """Every place that ever reported, or the one named, in order."""
    statement = (
        sa.select(
            T.place, sa.func.max(T.name), sa.func.max(T.dong_name), sa.func.min(T.starts_on), sa.func.max(T.starts_on)
        )
        .where(*_mine(district_id, source, level), REPORTING)
        .group_by(T.place)
        .order_by(T.place)
    )
    if place is not None:
        statement = statement.where(T.place == place)
    return [Span(*row) for row in executor.execute(statement)]


def reported_series(executor: Executor, district_id: int, source: str | None = None) -> list[Series]:
    """What was imported, by source and level, the widest level first; `places` are those that ever reported."""
    ever = sa.func.count(sa.case((REPORTING, T.place)).distinct())
    statement = (
        sa.select(T.source, T.level, sa.func.min(T.starts_on), sa.func.max(T.starts_on), ever)
        .where(T.district_id == district_id, T.batch_id.in_(_standing(district_id)))
        .group_by(T.source, T.level)
    )
    if source is not None:
        statement = statement.where(T.source == source)
    series = [
        Series(source, level, PERIOD_OF[level], first, end_of(PERIOD_OF[level], last), places)
        for source, level, first, last, places in executor.execute(statement)
    ]
    return sorted(series, key=lambda each: (each.source, LEVELS.index(each.level)))


def total(values: Iterable[int | None]) -> int | None:
    """The sum of what was given; None where nothing was."""
    given = [value for value in values if value is not None]
    return sum(given) if given else None


def _mine(district_id: int, source: str, level: str) -> list[sa.ColumnElement[bool]]:
    return [
        T.district_id == district_id,
        T.source == source,
        T.level == level,
        T.period == PERIOD_OF[level],
        T.batch_id.in_(_standing(district_id)),
    ]


def _standing(district_id: int) -> sa.Select[int]:
    """Imports that were not taken back: the registry's undo marks the batch and knows nothing of the rows here."""
    return sa.select(ImportBatch.id).where(ImportBatch.district_id == district_id, ImportBatch.undone_at.is_(None))
