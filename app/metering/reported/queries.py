"""Volumes that others reported, always of one district, source and level. Blank is null, never zero."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from app.metering.reported.models import PERIOD_OF, UNLOCATED
from app.metering.reported.periods import DAY, end_of, months_after, start_of, units
from app.metering.reported.rows import Executor, Row, Series, Span, current_rows, reported_series, spans, total
from app.metering.reported.tariff import Amounts, Fit, rates_of, tariff_fit
from app.metering.reported.texts import LEVEL_NAMES, NO_DONG, PERIOD_NAMES, TOO_FINE
from app.texts import Refused, Text
from billing.days import month_of

__all__ = [
    "By",
    "ReportedVolume",
    "Series",
    "SourceFit",
    "level_for",
    "reported_fit",
    "reported_series",
    "reported_volumes",
]

By = Literal["place", "dong", "hour", "day", "week", "month", "year"]
TIMES = ("hour", "day", "week", "month", "year")
CLOSED_AFTER = timedelta(days=365)  # a place that was silent for longer is no longer expected to report


class ReportedVolume(NamedTuple):
    """What a place reported in the whole range, or all places in one day, week, month or year.

    `ends_on` is exclusive. A sum is None where nothing was reported. `periods` are the days (for sites: months) in
    which a place was known, added up over the places; in `periods_reporting` of them it reported. A place is known from
    its first report until a year after its last. `located` is False for devices without a location.
    """

    place: str
    name: str
    level: str
    starts_on: date
    ends_on: date
    grams: int | None
    count: int | None  # type: ignore[assignment]
    won: int | None
    periods: int
    periods_reporting: int
    places: int
    places_reporting: int
    located: bool = True


class SourceFit(NamedTuple):
    """How the won of one source and level fit its tariff."""

    source: str
    level: str
    fit: list[Fit]


def reported_volumes(
    executor: Executor,
    district_id: int,
    source: str,
    by: By,
    per: str,
    start: date,
    end: date,
    place: str | None = None,
) -> list[ReportedVolume]:
    """Volumes of level `per` from the periods that lie wholly from `start` until before `end`, in order.

    By day, week, month or year every unit of the published time appears, also one in which nobody reported; its ends
    are cut to the range. Raises Refused where the level has no such figures, as days of sites, or dongs of the nation.
    """
    if fault := _fault(per, by):
        raise Refused(fault)
    start, end = _published(executor, district_id, source, per, start, end)
    if start >= end:
        return []
    rows = current_rows(executor, district_id, source, per, start, end - DAY, place)
    known = spans(executor, district_id, source, per, place)
    return (_by_time if by in TIMES else _by_place)(by, per, rows, known, (start, end))


def level_for(executor: Executor, district_id: int, source: str, by: By) -> str | None:
    """The level to read where none was named: the narrowest that can be shown so, or None."""
    found = [each.level for each in reported_series(executor, district_id, source) if not _fault(each.level, by)]
    return "dong" if by == "dong" and "dong" in found else next(reversed(found), None)


def reported_fit(
    executor: Executor,
    district_id: int,
    source: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[SourceFit]:
    """How the won fit the tariff, of each source whose rate is known, for periods beginning from `start` to `end`."""
    fits = []
    for series in reported_series(executor, district_id, source):
        if rates_of(series.source):
            last = end - DAY if end else None
            rows = current_rows(executor, district_id, series.source, series.level, start, last)
            amounts = [Amounts(row.starts_on, row.grams, row.count, row.won) for row in rows]
            fits.append(SourceFit(series.source, series.level, tariff_fit(series.source, amounts)))
    return fits


def _fault(level: str, by: By) -> Text | None:
    period = PERIOD_OF[level]
    if by in TIMES and TIMES.index(by) < TIMES.index(period):
        return TOO_FINE.fill(level=LEVEL_NAMES[level], period=PERIOD_NAMES[period])
    return NO_DONG.fill(level=LEVEL_NAMES[level]) if by == "dong" and level not in ("dong", "site") else None


def _published(
    executor: Executor, district_id: int, source: str, level: str, start: date, end: date
) -> tuple[date, date]:
    """The part of the range for which the source published anything, in whole periods."""
    series = next((each for each in reported_series(executor, district_id, source) if each.level == level), None)
    if series is None:
        return start, start
    if series.period == "month":
        start, end = start if start.day == 1 else months_after(month_of(start), 1), month_of(end)
    return max(start, series.starts_on), min(end, series.ends_on)


def _by_place(by: By, level: str, rows: list[Row], known: list[Span], span: tuple[date, date]) -> list[ReportedVolume]:
    mine: dict[str, list[Row]] = defaultdict(list)
    expected: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        mine[_group(by, level, row)].append(row)
    for each in known:
        expected[_group(by, level, each)].append(each)
    beginnings = list(units(PERIOD_OF[level], *span))
    names = {each.place: each.name for each in known} | {row.place: row.name for row in rows}
    volumes = [
        _volume((place, names.get(place, place), level), span, mine[place], expected[place], beginnings)
        for place in sorted(mine.keys() | expected.keys())
    ]
    return [volume for volume in volumes if volume.periods or mine[volume.place]]


def _group(by: By, level: str, each: Row | Span) -> str:
    return each.dong_name or UNLOCATED if by == "dong" and level == "site" else each.place


def _by_time(by: By, level: str, rows: list[Row], known: list[Span], span: tuple[date, date]) -> list[ReportedVolume]:
    start, end = span
    mine: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        mine[start_of(by, row.starts_on)].append(row)
    volumes = []
    for unit in units(by, start_of(by, start), end):
        part = max(unit, start), min(end_of(by, unit), end)
        beginnings = list(units(PERIOD_OF[level], *part))
        volumes.append(_volume(("", "", level), part, mine[unit], known, beginnings))
    return volumes


def _volume(
    what: tuple[str, str, str],
    span: tuple[date, date],
    rows: Sequence[Row],
    known: Iterable[Span],
    beginnings: list[date],
) -> ReportedVolume:
    periods = [_known(each, beginnings) for each in known]
    reporting = [row for row in rows if row.reporting]
    return ReportedVolume(
        *what,
        *span,
        grams=total(row.grams for row in rows),
        count=total(row.count for row in rows),
        won=total(row.won for row in rows),
        periods=sum(periods),
        periods_reporting=len(reporting),
        places=sum(count > 0 for count in periods),
        places_reporting=len({row.place for row in reporting}),
        located=what[0] != UNLOCATED,
    )


def _known(place: Span, beginnings: list[date]) -> int:
    """In how many of the periods the place was known."""
    return bisect_right(beginnings, place.last + CLOSED_AFTER) - bisect_left(beginnings, place.first)
