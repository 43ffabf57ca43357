"""What the board calls states, obstacles and warnings, and what it says to do about each."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import LazyString, format_date, format_percent, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.web.billing_words import when
from app.web.device_words import CERTIFICATES
from billing.phrasing import weight

Row = dict[str, Any]
STATES = {
    "open": _l("No preview"),
    "preview": _l("Ready to close"),
    "review": _l("In review"),
    "reviewed": _l("Agreed"),
    "final": _l("Final"),
}
BADGES = {
    "open": "outline-warning",
    "preview": "bg-light-primary",
    "review": "bg-light-warning",
    "reviewed": "bg-light-primary",
    "final": "bg-light-success",
}
BLOCKS = {
    "no-tariff": _l("No tariff: enter one for the whole month"),
    "no-preview": _l("Make the preview"),
    "month-not-over": _l("Make the preview once the month is over"),
    "preview-outdated": _l("Make the preview anew: what it follows from has changed"),
    "review-open": _l("Managers may look at it; wait, or have it agreed to"),
}
SORTS = {
    "complex": _l("Complex"),
    "state": _l("State"),
    "households": _l("Households"),
    "grams": _l("Weight"),
    "won": _l("Won"),
    "change_won": _l("Change"),
    "warnings": _l("To look at"),
}


class Warned:
    """A kind of warning: its name, what to do about its rows, and what a row says."""

    def __init__(self, name: LazyString, advice: LazyString, found: Callable[[Row], str]) -> None:
        self.name, self.advice, self.found = name, advice, found


def _discharges(row: Row) -> str:
    return str(ngettext("%(num)s discharge", "%(num)s discharges", row["count"]))


def _spell(row: Row) -> str:
    if row["closed_at"] is None:
        return str(_("open since %(day)s", day=format_date(row["opened_at"])))
    return f"{format_date(row['opened_at'])} – {format_date(row['closed_at'])}"


def _bare(row: Row) -> str:
    days = ngettext("%(num)s day", "%(num)s days", row["days"])
    since = _("%(days)s of the month, from %(day)s on", days=days, day=format_date(row["first_day"]))
    return f"{since} · {CERTIFICATES[row['state']]}"


def _heard(row: Row) -> str:
    if row["meter"] is None:
        return str(_("No meter stood here"))
    return str(_("heard for %(share)s of the time", share=format_percent(row["alive_percent"] / 100)))


def _against(row: Row) -> str:
    usual = "–" if row["usual_g"] is None else weight(row["usual_g"])
    return str(_("%(weight)s, usually %(usual)s", weight=weight(row["grams"]), usual=usual))


def _stopped(row: Row) -> str:
    return str(_("nothing, %(weight)s in the month before", weight=weight(row["last_g"])))


def _share(row: Row) -> str:
    share = format_percent(row["suspense_g"] * 1000 // row["weighed_g"] / 1000, "#,##0.0%")
    return str(_("%(weight)s, %(share)s of all weight", weight=weight(row["suspense_g"]), share=share))


def extras(extra: Mapping[str, Any], class_names: Mapping[str, str]) -> list[str]:
    """What else a problem tells: the run, day, payer class or time that it is about."""
    said: dict[str, Callable[[str], str]] = {
        "run": str,
        "complex": str,
        "day": lambda text: format_date(date.fromisoformat(text)),
        "payer_class": lambda code: class_names.get(code, code),
        "review_until": lambda text: str(_("Review until %(when)s", when=when(datetime.fromisoformat(text)))),
    }
    return [said[name](str(value)) for name, value in extra.items() if name in said]


QUARANTINED = {
    "clock_inconsistent": _l("its time contradicts itself"),
    "foreign_meter": _l("the meter belongs to another gateway"),
    "future_time": _l("its time lies in the future"),
    "past_time": _l("its time lies more than three years back"),
    "malformed": _l("it cannot be read"),
    "net_mismatch": _l("its weights contradict each other"),
    "number_conflict": _l("its number was used with other content"),
    "number_unverifiable": _l("its number belongs to a month that is archived"),
    "unknown_meter": _l("the meter is not registered there"),
    "weight_implausible": _l("its weight is no household's"),
}

WARNINGS = {
    "no_tariff": Warned(
        _l("No tariff"),
        _l("Nothing can be billed there. Enter a tariff of this class that begins on that day or earlier."),
        lambda row: f"{row['class_name']}, {format_date(row['day'])}",
    ),
    "no_households": Warned(
        _l("No households"),
        _l("What is weighed there is nobody's. Import the households with their cards, then make the preview."),
        lambda _row: "–",
    ),
    "no_payers": Warned(
        _l("Nobody lives there"),
        _l("The complex has households, but nobody moved in. Import or enter who lives where."),
        lambda _row: "–",
    ),
    "since_preview": Warned(
        _l("Changed since the preview"),
        _l("Discharges came or were corrected since. Make the preview anew, or they become an adjustment next month."),
        lambda row: str(_("%(now)s discharges, %(then)s in the preview", now=row["count"], then=row["then"])),
    ),
    "doubtful": Warned(
        _l("Discharges that do not count"),
        _l(
            "They were weighed, but their time may be of another tenancy or month. Say whose they are; until then they "
            "wait unbilled."
        ),
        lambda row: f"{_discharges(row)}, {weight(row['grams'])}",
    ),
    "undecided": Warned(
        _l("Weights to decide about"),
        _l("The scale was unsteady or the weight fell. Correct the weight where it is known; else it is not billed."),
        _discharges,
    ),
    "quarantined": Warned(
        _l("Records in quarantine"),
        _l("They could not be booked. Release or discard them; what is released later becomes an adjustment."),
        lambda row: f"{QUARANTINED.get(row['code'], row['code'])}, {format_date(row['received_at'])}",
    ),
    "suspense": Warned(
        _l("Much weight of nobody"),
        _l("More than 5 per cent of the weight has no household. Register unknown cards before the month is closed."),
        _share,
    ),
    "jumps": Warned(
        _l("Far above their past"),
        _l(
            "More than three times, and 10 kg more, than the median of the household's own months of the last twelve "
            "(those with discharges, three at least). Look at its discharges: a bin may have weighed wrongly."
        ),
        _against,
    ),
    "gone": Warned(
        _l("Stopped throwing away"),
        _l(
            "Nothing in this month, and something in each of the six before. Look whether they moved out, lost their "
            "card, or whether their bin does not answer."
        ),
        _stopped,
    ),
    "silent": Warned(
        _l("Meters hardly heard"),
        _l(
            "Heard for less than 90 per cent of the time. What was thrown away meanwhile is missing: enter an estimate."
        ),
        _heard,
    ),
    "faulty": Warned(
        _l("Faulty scales"),
        _l("The scale had a fault on days of the month. Look at what it weighed then, and correct or estimate it."),
        _spell,
    ),
    "uncertified": Warned(
        _l("Scales without a certificate"),
        _l("On these days no certificate held. Record the certificate if there is one; else have the scale inspected."),
        _bare,
    ),
}
