"""What is usual: the median of comparable periods before and after, itself left out. Pure, in whole numbers."""

from collections.abc import Iterable, Mapping
from datetime import date
from statistics import median_low

from app.metering.reported.periods import DAY, WEEK, months_after

WEEKS = 4  # on either side: far enough for a median of eight, near enough to stay within a season
MONTHS = 3
FEWEST_WEEKDAYS = 3
FEWEST = 2


def neighbours(period: str, start: date) -> list[date]:
    """The beginnings of the periods around one: 28 days or 3 months on either side."""
    if period == "month":
        return [months_after(start, distance) for distance in range(-MONTHS, MONTHS + 1) if distance]
    return [start + DAY * distance for distance in range(-7 * WEEKS, 7 * WEEKS + 1) if distance]


def usual(period: str, values: Mapping[date, int], start: date) -> int | None:
    """The median of the same weekday in the 4 weeks before and after, if at least 3 of them are known; else of all days
    around, if at least 2. Of months: those around. None where too little is known."""
    if period == "day":
        found = _found(values, (start + WEEK * distance for distance in range(-WEEKS, WEEKS + 1) if distance))
        if len(found) >= FEWEST_WEEKDAYS:
            return median_low(found)
    found = _found(values, neighbours(period, start))
    return median_low(found) if len(found) >= FEWEST else None


def _found(values: Mapping[date, int], starts: Iterable[date]) -> list[int]:
    return [values[start] for start in starts if start in values]
