"""Weights, times, cards and outcomes as people read them, in the language of the page."""

from datetime import date, datetime
from decimal import Decimal

from babel.units import format_unit
from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.web.queries import Latest

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
COUNTED = ("settled", "late_close", "recovered")
SHOWN_DIGITS = 2


def weight(grams: int) -> str:
    """A household's weight: grams below a kilogram, kilograms with two decimals from there."""
    if abs(grams) < 1000:
        return format_unit(grams, "mass-gram", "short", locale=get_locale())
    return format_unit(Decimal(grams) / 1000, "mass-kilogram", "short", format="#,##0.00", locale=get_locale())


def kilograms(grams: int) -> str:
    """A total: kilograms with one decimal, so that a column lines up."""
    return format_unit(Decimal(grams) / 1000, "mass-kilogram", "short", format="#,##0.0", locale=get_locale())


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
