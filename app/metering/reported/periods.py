"""Days, weeks, months and years as half-open spans of calendar days."""

from collections.abc import Iterator
from datetime import date, timedelta

from billing.days import month_of

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def months_after(month: date, count: int) -> date:
    """The first day of the month `count` months later (earlier where negative)."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def start_of(unit: str, day: date) -> date:
    """The first day of the day, week (from Monday), month or year that holds `day`."""
    if unit == "year":
        return day.replace(month=1, day=1)
    if unit == "month":
        return month_of(day)
    return day - DAY * day.weekday() if unit == "week" else day


def end_of(unit: str, start: date) -> date:
    """The first day after the unit that begins on `start`."""
    if unit in ("month", "year"):
        return months_after(start, 12 if unit == "year" else 1)
    return start + (WEEK if unit == "week" else DAY)


def units(unit: str, start: date, end: date) -> Iterator[date]:
    """The beginnings of all units from `start`, itself one, until before `end`."""
    while start < end:
        yield start
        start = end_of(unit, start)
