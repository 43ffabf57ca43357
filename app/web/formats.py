"""Weights, times, cards and outcomes as people read them, in the language of the page."""

import math
from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_skeleton
from babel.units import format_unit
from flask_babel import format_datetime, format_decimal, format_percent, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.metering.volumes.coverage import LISTENING
from app.metering.volumes.model import Volume
from app.web.queries import Latest
from billing.days import SEOUL, service_day

OUTCOMES = {
    "settled": _l("Weighed"),
    "late_close": _l("Weighed, lid closed late"),
    "recovered": _l("Weighed after a power cut"),
    "unsettled": _l("Weight unsteady"),
    "empty_open": _l("Opened, nothing put in"),
    "negative": _l("Weight fell"),
    "collection": _l("Bin emptied"),
    "unattended_step": _l("Weight without a card"),
    "refused_full": _l("Refused, bin full"),
    "aborted": _l("Broken off"),
}
CORRECTIONS = {
    "void": _l("Voided"),
    "re_weigh": _l("Weight corrected"),
    "re_attribute": _l("Household corrected"),
}
CONDITIONS = {
    "complete": _l("Normal"),
    "fall": _l("Real fall"),
    "silent_meter": _l("Meter silent"),
    "outage": _l("Gateway out"),
    "slight": _l("Meter silent"),
    "gap": _l("Nothing heard"),
    "reported": _l("All reported"),
    "part": _l("In part"),
    "slight_part": _l("Nearly all"),
    "no_meters": _l("No meter"),
    "too_early": _l("Not yet known"),
    "running": _l("Goes on"),
}
BADGES = {
    "fall": "bg-light-point",
    "silent_meter": "bg-light-warning",
    "slight": "outline-warning",
    "part": "bg-light-warning",
    "slight_part": "outline-warning",
    "outage": "bg-light-danger",
    "gap": "bg-danger",
}  # of KRDS; the other conditions are plain words
COUNTED = ("settled", "late_close", "recovered")
SHOWN_DIGITS = 2
HUNDRED_TONNES = 100_000_000  # grams


def weight(grams: int) -> str:
    """A household's weight: grams below a kilogram, kilograms with two decimals from there."""
    if abs(grams) < 1000:
        return format_unit(grams, "mass-gram", "short", locale=get_locale())
    return format_unit(Decimal(grams) / 1000, "mass-kilogram", "short", format="#,##0.00", locale=get_locale())


def kilograms(grams: int) -> str:
    """A total: kilograms with one decimal, so that a column lines up; none from a hundred tonnes on."""
    shown = "#,##0.0" if abs(grams) < HUNDRED_TONNES else "#,##0"
    return format_unit(Decimal(grams) / 1000, "mass-kilogram", "short", format=shown, locale=get_locale())


def tenths(number: Decimal) -> str:
    """A number with one decimal, so that a column lines up."""
    return str(format_decimal(number, "#,##0.0"))


def clock_time(occurred_at: datetime, service_day: date, today: date) -> str:
    """The time of day in Seoul, with the day before where it was not today."""
    shown: str = format_datetime(occurred_at, "HH:mm:ss")
    return shown if service_day == today else str(_("Yesterday %(time)s", time=shown))


def card(row: Latest) -> str:
    """A household's card by its last two digits, `unknown` for weight that nobody owns, nothing for other events."""
    if row.household:
        return "••" + (row.last4 or "")[-SHOWN_DIGITS:]
    return str(_("Unknown")) if standing(row) == "suspense" else ""


def status(row: Latest) -> str:
    """What became of the discharge: its last correction, else its outcome."""
    return str(CORRECTIONS[row.correction] if row.correction else OUTCOMES[row.outcome])


def standing(row: Latest) -> str:
    """A class of the style sheet: the discharge counts for a household, for nobody yet, or not at all."""
    if row.correction == "void" or row.outcome not in COUNTED:
        return "event"
    return "counted" if row.household else "suspense"


def state(row: Volume, now: datetime) -> str:
    """What a row is worth, as a key of CONDITIONS: its condition, refined.

    `gap`: no meter was heard at all. `slight`: some were not, but together they listened nearly all the time.
    `running`: it is not over yet, and no gateway is out.
    """
    if row.condition in ("outage", "silent_meter") and not row.meters_reporting:
        return "gap"
    if row.end > now and row.condition in ("complete", "silent_meter", "too_early"):
        return "running"
    slight = row.condition == "silent_meter" and (row.alive_share or 0) >= LISTENING
    return "slight" if slight else row.condition


def hour(instant: datetime) -> str:
    """An hour of the day in Seoul, short enough for a chart."""
    return str(_("%(hour)s:00", hour=format_datetime(instant, "H")))


def moment(instant: datetime | None, today: date) -> str:
    """When something was heard of last: the time today, else with its day."""
    if instant is None:
        return str(_("never"))
    time = format_datetime(instant, "HH:mm")
    return str(time) if service_day(instant) == today else f"{month_day(instant)} {time}"


def month_day(instant: datetime) -> str:
    """A day in Seoul without its year."""
    return format_skeleton("MMMd", instant.astimezone(SEOUL), locale=get_locale())


def percent(share: float | None) -> str:
    """A share in whole per cent, rounded down so that only what is complete reads 100 %."""
    return "–" if share is None else str(format_percent(math.floor(share * 100) / 100))


def more_or_less(percent: int) -> str:
    """A difference in per cent with its sign."""
    return f"{'+' if percent > 0 else ''}{format_percent(percent / 100)}".replace("-", "−")
