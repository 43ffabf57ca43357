"""A range of service days cut into hours, days, weeks, months or years of Asia/Seoul. Pure."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from billing.days import SEOUL, month_of

By = Literal["hour", "day", "week", "month", "year"]
BY: tuple[By, ...] = get_args(By)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Slot(NamedTuple):
    """From `start` until just before `end` (UTC). `key` names it: an instant for an hour, else its first day.

    At the ends of a range a slot is shorter than its week, month or year; its key still names the whole one. The key of
    a range that is not cut at all is None.
    """

    key: datetime | date | None
    start: datetime
    end: datetime


@lru_cache(maxsize=10_000)
def midnight(day: date) -> datetime:
    """The instant (UTC) at which a service day begins in Seoul."""
    return datetime.combine(day, time(), SEOUL).astimezone(UTC)


def month_after(day: date) -> date:
    """The first day of the next calendar month."""
    return (month_of(day) + timedelta(days=31)).replace(day=1)


@lru_cache(maxsize=256)
def slots(by: By | None, start: date, end: date) -> tuple[Slot, ...]:
    """The slots of the service days from `start` until just before `end`, in order and without a gap."""
    if start >= end:
        return ()
    if by is None:
        return (Slot(None, midnight(start), midnight(end)),)
    if by == "hour":
        first = midnight(start)
        hours = (midnight(end) - first) // HOUR
        return tuple(Slot(first + n * HOUR, first + n * HOUR, first + (n + 1) * HOUR) for n in range(hours))
    found, key = [], FLOOR[by](start)
    while key < end:
        after = AFTER[by](key)
        found.append(Slot(key, midnight(max(key, start)), midnight(min(after, end))))
        key = after
    return tuple(found)


FLOOR: dict[By, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - day.weekday() * DAY,
    "month": month_of,
    "year": lambda day: day.replace(month=1, day=1),
}
AFTER: dict[By, Callable[[date], date]] = {
    "day": lambda day: day + DAY,
    "week": lambda day: day + 7 * DAY,
    "month": month_after,
    "year": lambda day: date(day.year + 1, 1, 1),
}
