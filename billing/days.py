"""Service days and billing months: Korean calendar days, whatever the server's clock says."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
DAY = timedelta(days=1)


def service_day(instant: datetime) -> date:
    """The service day (배출일) of an instant that carries a time zone. Raises ValueError without one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone; give an instant in UTC.")
    return instant.astimezone(SEOUL).date()


def month_of(day: date) -> date:
    """The first day of the calendar month, which is how billing months are named."""
    return day.replace(day=1)


def month_after(month: date, months: int = 1) -> date:
    """The first day of the month so many months later, or with a negative number earlier."""
    year, index = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(year, index + 1, 1)


def days_of(month: date) -> Iterator[date]:
    """The service days of the month, one after the other: 29 of them in February of a leap year."""
    return (month_of(month) + n * DAY for n in range(days_within(month, month_of(month), None)))


def midnight(day: date) -> datetime:
    """When a service day begins, in Asia/Seoul."""
    return datetime.combine(day, time(), SEOUL)


def days_within(month: date, first: date, end: date | None) -> int:
    """How many days of the month lie in the half-open `first` … `end` (None: open), as those of a tenancy."""
    month_end = month_after(month)
    return max(0, ((month_end if end is None else min(end, month_end)) - max(first, month_of(month))).days)
