"""Digits and units of scales as whole grams.

Weights are integer grams. A scale that shows less than grams (29.84 g), or pounds (1 lb = 453.59237 g), is rounded to
the nearest gram, halves to the even one, exactly: no binary fraction is ever involved.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

GRAMS: Final = {"kg": Decimal(1_000), "g": Decimal(1), "t": Decimal(1_000_000), "lb": Decimal("453.59237")}


def padded_units(*widths: tuple[str, int]) -> dict[bytes, Decimal]:
    """Return grams per unit by the bytes of a unit field; a width goes with `<` (unit left) or `>` (unit right)."""
    return {f"{unit:{align}{width}}".encode(): grams for unit, grams in GRAMS.items() for align, width in widths}


def grams_per(unit: str) -> Decimal:
    """Return the grams in a unit of the settings; raises ValueError."""
    if unit not in GRAMS:
        raise ValueError(f"unit = {unit!r} must be one of {', '.join(GRAMS)}")
    return GRAMS[unit]


def grams_of(field: bytes, per_unit: Decimal) -> int | None:
    """Return the whole grams of a number, or None if the field holds none.

    The field is an optional sign (which may stand apart), then digits with at most one point inside, right-aligned.
    """
    number = field.lstrip(b" ")
    is_negative = number[:1] == b"-"
    if is_negative or number[:1] == b"+":
        number = number[1:].lstrip(b" ")
    whole, point, fraction = number.partition(b".")
    if not whole.isdigit() or (point and not fraction.isdigit()):
        return None
    grams = int((Decimal(number.decode("ascii")) * per_unit).to_integral_value(ROUND_HALF_EVEN))
    return -grams if is_negative else grams
