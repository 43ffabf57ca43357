"""What pages call the states and lines of statements, in the language of the page."""

from datetime import date, datetime

from babel.dates import format_skeleton
from flask_babel import format_date, format_datetime, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.statements.disputes import words as disputes
from app.statements.terms import words as terms
from billing.phrasing import weight as weight

STATES = {"preview": _l("Preview"), "final": _l("Final"), "voided": _l("Void")}
STATE_BADGES = {"preview": "outline-warning", "final": "bg-light-success", "voided": "bg-light-danger"}
LINES = {
    "usage": _l("Food waste thrown away"),
    "estimated": _l("Estimated while the bin could not weigh"),
    "suspense_share": _l("Share of weight without a household"),
    "complex_share": _l("Share of the complex's fee"),
    "adjustment": _l("Adjustment of an earlier month"),
    "manual": _l("Adjustment by the office"),
}
DISPUTES = disputes.STATE_NAMES
SCHEMES, SUSPENSE, SHARING = terms.SCHEMES, terms.SUSPENSE, terms.SHARING
SHORT_HASH = 12


DISPUTE_BADGES = {"open": "bg-light-warning", "accepted": "bg-light-success", "partly": "bg-light-success"}


def day(text: str) -> date:
    """A day as JSON has it."""
    return date.fromisoformat(text)


def month(first_day: date) -> str:
    """A billing month by name."""
    return str(format_date(first_day, _("MMMM yyyy")))


def short(content_hash: str) -> str:
    """The first digits of a hash, which are enough to compare by eye."""
    return content_hash[:SHORT_HASH]


def weekday(service_day: date) -> str:
    """A service day with its day of the week, without its year."""
    return format_skeleton("MMMEd", service_day, locale=get_locale())


def when(instant: datetime) -> str:
    """A moment in Seoul to the minute."""
    return f"{format_date(instant)} {format_datetime(instant, 'HH:mm')}"
