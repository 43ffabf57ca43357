"""A draft of a tariff as a page's form has it, and back again."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from app.problems import Problem
from app.statements.terms.drafting import tariff_of
from app.statements.terms.weights import grams_of
from app.web.fields import MOST_DIGITS, POOR_DAY, POOR_NUMBER
from billing.checking import CHOICES
from billing.tariffs import Tariff
from billing.units import plain

TIERS = 6  # the first one, and five more that may stay empty
POOR_WEIGHT = _l("Write kilograms as 12.4.")
NO_PRICE = _l("Write a price for every tier.")
NAMES = (
    *("scheme", "payer_class", "first_day", "reference", "replaces", "free_kg", "relief_percent"),
    *("round_to_won", "unit_g", *CHOICES),
    *(f"{name}_{number}" for number in range(1, TIERS + 1) for name in ("from_kg", "won")),
)
USUAL = {
    **{"scheme": "household", "payer_class": "general", "free_kg": "0", "relief_percent": "0", "round_to_won": "1"},
    **{"unit_g": "1", "from_kg_1": "0"},
    **{name: choices[0] for name, choices in CHOICES.items()},
}


def given(values: Mapping[str, str]) -> dict[str, str]:
    """The fields of a draft as they were written; where none was, as usual."""
    written = {name: values[name].strip().replace("\0", "")[:300] for name in NAMES if name in values}
    return {**USUAL, **written, "from_kg_1": "0"}


def fields_of(tariff: Tariff) -> dict[str, str]:
    """The fields that say what the tariff does."""
    found = {name: str(getattr(tariff, name)) for name in ("round_to_won", "unit_g", *CHOICES)}
    found |= {"free_kg": _kilograms(tariff.free_g), "relief_percent": plain(tariff.relief_percent)}
    found["first_day"] = tariff.first_day.isoformat()
    for number, tier in enumerate(tariff.tiers, 1):
        found |= {f"from_kg_{number}": _kilograms(tier.from_g), f"won_{number}": plain(tier.won_per_kg)}
    return found


def tariff(fields: Mapping[str, str], first_day: date | None = None) -> Tariff:
    """The draft of the fields; `first_day` is used where they name none. Raises `invalid`, by field."""
    errors: dict[str, Any] = {}
    day = _day(fields, first_day, errors)
    terms: dict[str, Any] = {name: fields[name] for name in CHOICES}
    terms |= {name: _whole(fields, name, errors) for name in ("round_to_won", "unit_g")}
    terms |= {"free_g": _grams(fields, "free_kg", errors), "relief_percent": _decimal(fields["relief_percent"]) or "0"}
    terms["tiers"] = _tiers(fields, errors)
    if errors:
        raise Problem("invalid", errors=errors)
    return tariff_of(day, terms)


def _tiers(fields: Mapping[str, str], errors: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for number in range(1, TIERS + 1):
        from_name, won_name = f"from_kg_{number}", f"won_{number}"
        from_kg, won = fields.get(from_name, ""), fields.get(won_name, "")
        if number > 1 and not from_kg and not won:
            continue
        if not won:
            errors[won_name] = NO_PRICE
        found.append({"from_g": _grams(fields, from_name, errors), "won_per_kg": _decimal(won)})
    return found


def _day(fields: Mapping[str, str], otherwise: date | None, errors: dict[str, Any]) -> date:
    text = fields.get("first_day", "")
    if not text and otherwise is not None:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        errors["first_day"] = POOR_DAY
        return date.min


def _whole(fields: Mapping[str, str], name: str, errors: dict[str, Any]) -> int:
    digits = _decimal(fields[name])
    if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS:
        return int(digits)
    errors[name] = POOR_NUMBER
    return 0


def _grams(fields: Mapping[str, str], name: str, errors: dict[str, Any]) -> int:
    try:
        return grams_of(fields.get(name, ""))
    except ValueError:
        errors[name] = POOR_WEIGHT
        return 0


def _decimal(text: str) -> str:
    """A number without what people put around it; whether it is one, the tariff says."""
    return text.replace(",", "").removesuffix("원").removesuffix("%").strip()


def _kilograms(grams: int) -> str:
    return plain(Decimal(grams).scaleb(-3))
