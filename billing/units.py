"""Whole grams and whole won: how they are rounded, and how people read them."""

from decimal import Decimal
from typing import Literal

Rounding = Literal["down", "half_up", "up"]
KG_PER_G = Decimal("0.001")


def rounded(value: Decimal | int, rule: Rounding, step: int) -> int:
    """`value`, 0 or more, as a multiple of `step`; `half_up` takes the upper one where both are equally near."""
    whole = int(value)
    below = whole - whole % step
    if rule == "down" or value == below:
        return below
    if rule == "up" or (value - below) * 2 >= step:
        return below + step
    return below


def kilograms(grams: int) -> str:
    """Grams as kilograms with two decimals, or three where the gram needs them: `12.40`, `1,012.345`, `-0.05`."""
    kilos, rest = divmod(abs(grams), 1000)
    decimals = f"{rest:03d}".removesuffix("0")
    return f"{'-' if grams < 0 else ''}{kilos:,}.{decimals}"


def plain(value: Decimal) -> str:
    """A decimal as people write it, without trailing zeros or exponent: `1,604.85`, `130`."""
    text = format(value, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text
