"""From the arguments of the API, a page or a command to what is asked, and the same defaults for all three."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.metering.volumes.model import Ask, Place, Volume
from app.metering.volumes.reading import volumes
from app.metering.volumes.slots import DAY, FLOOR, By, month_after
from billing.days import month_of, service_day

LEDGER = "ledger"
SOURCES = (LEDGER, "keco", "jeju")
USUAL_ROWS = 1000
MOST_ROWS = 5000
EARLIEST = date(1980, 1, 1)  # no meter is older
LATEST = date(2199, 12, 31)  # far from the end of the calendar, where adding a day fails
DAYS_BACK: dict[By | None, int] = {None: 30, "hour": 1, "day": 30, "week": 181, "month": 365, "year": 4 * 365}


def days_of(arguments: dict[str, Any], now: datetime) -> tuple[date, date]:
    """First day and the day after the last, from `month` ("2026-10") or `from_` and `to`, both included.

    Without them: up to today, as far back as suits `by`, and this month for households.
    """
    if month := arguments.get("month"):
        named = date.fromisoformat(f"{month}-01")
        return named, month_after(named)
    by: By | None = arguments.get("by")
    first: date | None = arguments.get("from_")
    last: date | None = arguments.get("to")
    if arguments.get("per") == "household" and first is last is None:
        this_month = month_of(service_day(now))
        return this_month, month_after(this_month)
    last = last or max(service_day(now), first or date.min)
    return first or _usual_start(by, last), last + DAY


def _usual_start(by: By | None, last: date) -> date:
    first = max(last, EARLIEST) - DAYS_BACK[by] * DAY
    return FLOOR[by](first) if by in ("week", "month", "year") else first


def ask_for(place: Place, arguments: dict[str, Any], now: datetime) -> Ask:
    """What the arguments of `VolumeArguments` ask about a place."""
    start, end = days_of(arguments, now)
    return Ask(
        place,
        start,
        end,
        arguments.get("by"),
        arguments.get("per"),
        arguments.get("compare", False),
        arguments.get("limit", USUAL_ROWS),
        arguments.get("after"),
    )


def all_pages(connection: sa.Connection, district_id: int, ask: Ask, now: datetime) -> Iterator[Volume]:
    """Every row, read page by page, so that an export of a district's households fits in memory."""
    ask = ask._replace(limit=MOST_ROWS)
    while True:
        page = volumes(connection, district_id, ask, now)
        yield from page.rows
        if page.next_after is None:
            return
        ask = ask._replace(after=page.next_after)


def last_day(end: date) -> date:
    """The last day of a range, for people who name it."""
    return end - timedelta(days=1)
