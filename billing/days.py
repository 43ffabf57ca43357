"""Which day a discharge belongs to: the Korean calendar day of its instant."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


def service_day(instant: datetime) -> date:
    """The service day (배출일) of an instant that carries a time zone. Raises ValueError without one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone; give an instant in UTC.")
    return instant.astimezone(SEOUL).date()


def month_of(day: date) -> date:
    """The first day of the calendar month, which is how billing months are named."""
    return day.replace(day=1)
