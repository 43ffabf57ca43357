"""What pages call tariffs, schemes and terms, in the language of the page."""

from typing import Any

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.languages import choose_language
from app.statements.terms import classes, words
from app.texts import Text
from billing.units import kilograms
from billing.words import Words

TIERINGS = {
    "graduated": _l("Each part of the weight at the price of its tier"),
    "whole_amount": _l("The whole weight at the price of the tier that it reaches"),
}
ROUNDINGS = {"down": _l("dropped"), "half_up": _l("to the nearest"), "up": _l("up")}
PLACES = {"statement": _l("once on the statement"), "discharge": _l("at each discharge (prepaid)")}
CHOICES = {"tiering": TIERINGS, "rounding": ROUNDINGS, "rounded_at": PLACES, "unit_rounding": ROUNDINGS}
LIMITS = {
    "late_months": (_l("Late usage is billed by itself up to (months)"), _l("What is older waits for a decision.")),
    "review_days": (_l("Managers look at a preview for (days)"), _l("Then the month may be closed.")),
    "reply_days": (_l("A dispute is answered within (days)"), _l("The clock is shown with each dispute.")),
    "pay_days": (_l("A statement is paid within (days)"), _l("After that it is in arrears.")),
}


def said(text: Text | Words) -> str:
    """A sentence in the language of the page."""
    return text.said(choose_language())


def scheme(name: str) -> str:
    """How a complex is billed."""
    return said(words.SCHEMES[name])


def choices(table: dict[str, Text]) -> list[tuple[str, str]]:
    """A table of words as the choices of a field."""
    return [(name, said(text)) for name, text in table.items()]


def class_name(row: dict[str, Any]) -> str:
    """A payer class in the language of the page."""
    return str(row["name_ko"] if choose_language() == "ko" else row["name_en"])


def class_names(session: Session, district_id: int) -> dict[str, str]:
    """The payer classes of a district by code, in the language of the page."""
    return {row["code"]: class_name(row) for row in classes.listed(session, district_id)}


def signed(won: int) -> str:
    """An amount with its sign."""
    return f"{'+' if won > 0 else ''}{format_decimal(won)}".replace("-", "−")


def weight(grams: int) -> str:
    """Kilograms to the gram, as bills have them."""
    return f"{kilograms(grams)} kg"
