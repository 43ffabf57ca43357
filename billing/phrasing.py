"""Numbers, days and rounding rules as they stand in explanations."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from billing.tariffs import Tariff
from billing.units import kilograms, plain
from billing.words import Words

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
FRACTIONS = {
    "down": Words("원 미만 버림", "fractions of a won dropped"),
    "half_up": Words("원 미만 반올림", "rounded to the nearest won"),
    "up": Words("원 미만 올림", "rounded up to the next won"),
}
MULTIPLES = {
    "down": Words("{step}원 미만 버림", "rounded down to {step} won"),
    "half_up": Words("{step}원 단위로 반올림", "rounded to the nearest {step} won"),
    "up": Words("{step}원 단위로 올림", "rounded up to {step} won"),
}
UNITS = {
    "down": Words("{unit} g 미만 버림", "whole steps of {unit} g, the rest dropped"),
    "half_up": Words("{unit} g 단위로 반올림", "to the nearest {unit} g"),
    "up": Words("{unit} g 단위로 올림", "begun steps of {unit} g counted whole"),
}


def won(amount: Decimal | int) -> Words:
    """An amount of money; its fraction too, where it has one."""
    number = plain(Decimal(amount))
    return Words(f"{number}원", f"{number} won")


def price(won_per_kg: Decimal) -> Words:
    """What a kilogram costs."""
    return Words(f"{plain(won_per_kg)}원/kg", f"{plain(won_per_kg)} won/kg")


def weight(grams: int) -> str:
    """Grams as people read them on a bill."""
    return f"{kilograms(grams)} kg"


def discharges(count: int) -> Words:
    """How many times somebody opened the bin."""
    return Words(f"{count:,}회 배출", f"{count:,} discharge{'' if count == 1 else 's'}")


def day(found: date) -> Words:
    """A service day, with its year."""
    return Words(
        f"{found.year}년 {found.month}월 {found.day}일",
        f"{found.day} {MONTHS[found.month - 1]} {found.year}",
    )


def month(found: date) -> Words:
    """A billing month."""
    return Words(f"{found.year}년 {found.month}월", f"{MONTHS[found.month - 1]} {found.year}")


def rounding(tariff: Tariff) -> Words:
    """By which rule won become whole."""
    if tariff.round_to_won == 1:
        return FRACTIONS[tariff.rounding]
    rule = MULTIPLES[tariff.rounding]
    return Words(*(text.format(step=f"{tariff.round_to_won:,}") for text in rule))


def unit(tariff: Tariff) -> Words:
    """By which rule weight becomes whole units."""
    return Words(*(text.format(unit=f"{tariff.unit_g:,}") for text in UNITS[tariff.unit_rounding]))


def joined(words: Iterable[Words], by: str) -> Words:
    """Several as one, in both languages."""
    listed = list(words)
    return Words(by.join(each.ko for each in listed), by.join(each.en for each in listed))


def quotient(dividend: int, divisor: int) -> str:
    """A quotient of 0 or more with two decimals, the rest dropped, `…` where there is one."""
    hundredths, rest = divmod(dividend * 100, divisor)
    text = plain(Decimal(hundredths).scaleb(-2))
    return f"{text}…" if rest else text
