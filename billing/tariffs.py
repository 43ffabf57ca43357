"""Tariffs: won per kilogram, in force from a service day until the next one begins."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

Tiering = Literal["graduated", "whole_amount"]
Rounding = Literal["down", "half_up", "up"]
Place = Literal["statement", "discharge"]


class Tier(NamedTuple):
    """`won_per_kg` from `from_g` grams of the month on."""

    from_g: int
    won_per_kg: Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """How weight becomes won, from `first_day` on.

    `graduated`: each gram costs what its place in the month's total says; `whole_amount`: all cost what the total says.
    Won are rounded once, to a multiple of `round_to_won`, at each `discharge` (prepaid schemes) or per `statement`.
    Weight counts in whole steps of `unit_g`. The first `free_g` of a month cost nothing, and `relief_percent` of the
    won are let off. `id` is the number by which lines name it; 0 is a draft.
    """

    id: int
    first_day: date
    tiers: tuple[Tier, ...]
    tiering: Tiering = "graduated"
    rounding: Rounding = "down"
    round_to_won: int = 1
    rounded_at: Place = "statement"
    unit_g: int = 1
    unit_rounding: Rounding = "down"
    free_g: int = 0
    relief_percent: Decimal = Decimal(0)


class Span(NamedTuple):
    """Service days from `first_day` until before `end`, within one month, in which no tariff changes."""

    first_day: date
    end: date
