"""Rows of volumes as pages show them, whether we weighed them or others reported them."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from babel.dates import format_skeleton
from flask_babel import format_date, get_locale
from flask_babel import gettext as _

from app.metering.volumes.asking import last_day
from app.metering.volumes.model import Volume
from app.metering.volumes.slots import DAY, By
from app.web import formats
from billing.days import SEOUL, service_day

NEARLY_ALL = 0.95
Link = Callable[..., str]


class Row(NamedTuple):
    """One line of a table and point of a chart. Weights in grams; None is "not known", which is not zero.

    `place` and `time` name it, each with a link to what lies inside; `short` is for a chart. `state` is a key of
    `formats.CONDITIONS`. Of `all` meters (days or months of places, where others reported), `reporting` were heard.
    """

    place: str
    time: str
    short: str
    state: str
    grams: int | None
    discharges: int | None
    reporting: int
    all: int
    share: float | None
    place_link: str | None = None
    time_link: str | None = None
    usual: int | None = None
    suspense_grams: int = 0
    per_household: Decimal | None = None
    won: int | None = None


def of_ledger(row: Volume, by: By | None, now: datetime, place_link: str | None, link: Link) -> Row:
    """A row of our own ledger. `link(by, first, last)` leads to a range cut more finely."""
    state = formats.state(row, now)
    silent = state == "gap" and not row.discharges
    return Row(
        place=row.place.name,
        place_link=place_link,
        time=named(by, row.start, row.end),
        time_link=_inside(by, service_day(row.start), last_day(service_day(row.end)), link),
        short=short(by, row.start),
        state=state,
        grams=None if silent else row.grams,
        discharges=None if silent else row.discharges,
        reporting=row.meters_reporting,
        all=row.meters,
        share=row.alive_share,
        usual=row.usual_grams if by == "day" or row.end <= now else None,  # of a whole month, and this is a part of one
        suspense_grams=row.suspense_grams,
        per_household=row.grams_per_household_day,
    )


def of_report(row: dict[str, Any], by: By | None) -> Row:
    """A row of what others reported."""
    first, after = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
    start, end = (datetime(day.year, day.month, day.day, tzinfo=SEOUL) for day in (first, after))
    heard, expected = row["periods_reporting"], row["periods"]
    state = "gap" if not heard else "reported" if heard >= expected else "part"
    if state == "part" and heard >= NEARLY_ALL * expected:
        state = "slight_part"
    return Row(
        place=row["place"]["name"],
        time=named(by, start, end),
        short=short(by, start),
        state=state,
        grams=row["grams"],
        discharges=row["discharges"],
        reporting=heard,
        all=expected,
        share=min(heard / expected, 1.0) if expected else None,
        won=row["won"],
    )


NARROWER: dict[By, By] = {"year": "month", "month": "day", "week": "day", "day": "hour"}


def _inside(by: By | None, first: date, last: date, link: Link) -> str | None:
    return link(NARROWER[by], first, last) if by in NARROWER else None


def named(by: By | None, start: datetime, end: datetime) -> str:
    """A slot in words, in the reader's language."""
    locale, day = get_locale(), start.astimezone(SEOUL)
    if by == "hour":
        return f"{formats.month_day(start)} {formats.hour(start)}"
    if by == "day":
        return str(format_skeleton("yMMMEd", day, locale=locale))
    if by == "month" and day.day == 1 and service_day(end).day == 1:
        return str(format_skeleton("yMMM", day, locale=locale))
    if by == "year" and (day.month, day.day) == (1, 1) and service_day(end).month == 1:
        return str(format_skeleton("y", day, locale=locale))
    return str(_("%(first)s to %(last)s", first=format_date(day.date()), last=format_date(last_day(service_day(end)))))


def short(by: By | None, start: datetime) -> str:
    """The same for a chart: short, and without words."""
    day = start.astimezone(SEOUL)
    if by == "hour":
        return formats.hour(start) if day.hour else f"{day.month}/{day.day}"
    return {"month": f"{day:%Y-%m}", "year": f"{day:%Y}"}.get(by or "", f"{day.month}/{day.day}")


def ends_of_month(day: date) -> tuple[date, date]:
    """The first and the last day of a month."""
    after = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return day.replace(day=1), after - DAY
