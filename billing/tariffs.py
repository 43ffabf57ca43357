"""Tariffs: won per kilogram, in force from a service day until the next one begins."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from billing import checking
from billing.days import month_after, month_of
from billing.units import Rounding
from billing.words import Refused, Words

Tiering = Literal["graduated", "whole_amount"]
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

    Raises Refused, a ValueError that says in both languages what to do, for terms by which nothing could be billed.
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

    def __post_init__(self) -> None:
        for name, choices in checking.CHOICES.items():
            checking.choice(name, getattr(self, name), choices)
        checking.tiers(self.tiers)
        checking.whole("round_to_won", self.round_to_won, 1, checking.MOST_WON)
        checking.whole("unit_g", self.unit_g, 1, checking.MOST_GRAMS)
        checking.whole("free_g", self.free_g, 0, checking.MOST_GRAMS)
        checking.decimal("relief_percent", self.relief_percent, 100, checking.RELIEF_PLACES)
        if self.rounded_at == "discharge" and (len(self.tiers) > 1 or self.free_g):
            raise Refused(checking.ONE_PRICE)

    def as_json(self) -> str:
        """The terms, without id and first day, from which `from_json` makes the same tariff again."""
        terms: dict[str, Any] = {name: getattr(self, name) for name in checking.OPTIONS}
        terms["tiers"] = [{"from_g": tier.from_g, "won_per_kg": format(tier.won_per_kg, "f")} for tier in self.tiers]
        terms["relief_percent"] = format(self.relief_percent, "f")
        return json.dumps(terms)

    @staticmethod
    def from_json(id_: int, first_day: date, text: str) -> "Tariff":
        """The tariff of terms as `as_json` writes them; only `tiers` must be there. Raises Refused for others."""
        terms = checking.terms(text)
        tiers = tuple(Tier(tier["from_g"], checking.number(tier["won_per_kg"])) for tier in terms.pop("tiers"))
        relief = checking.number(terms.pop("relief_percent", "0"))
        return Tariff(id_, first_day, tiers, relief_percent=relief, **terms)


class Span(NamedTuple):
    """Service days from `first_day` until before `end`, within one month, in which no tariff changes."""

    first_day: date
    end: date


class NoTariff(LookupError):
    """No tariff is in force on `day`, for `words` say when the first one begins and what to do."""

    def __init__(self, day: date, begins: date | None) -> None:
        known_ko = f"첫 단가는 {begins}부터입니다" if begins else "등록된 단가가 없습니다"
        known_en = f"the first one begins on {begins}" if begins else "none was entered"
        self.day = day
        self.words = Words(
            f"{day}에 적용할 단가가 없습니다. {known_ko}. {day} 또는 그 전에 시작하는 단가를 등록하십시오.",
            f"No tariff is in force on {day}: {known_en}. Enter one that begins on {day} or earlier.",
        )
        super().__init__(self.words.en)


class Schedule:
    """The tariffs of one scheme and payer class: exactly one for every day from the first one's first day on."""

    def __init__(self, tariffs: Iterable[Tariff]) -> None:
        self.tariffs = tuple(sorted(tariffs, key=lambda tariff: tariff.first_day))
        self.first_days = [tariff.first_day for tariff in self.tariffs]
        twice = {day for day in self.first_days if self.first_days.count(day) > 1}
        if twice:
            raise Refused(checking.two_begin_on(min(twice)))

    def on(self, day: date) -> Tariff:
        """The tariff in force on a service day. Raises NoTariff before the first one."""
        index = bisect_right(self.first_days, day)
        if not index:
            raise NoTariff(day, self.first_days[0] if self.first_days else None)
        return self.tariffs[index - 1]

    def over(self, spans: Sequence[Span]) -> tuple[Tariff, ...]:
        """The tariff of each span. Raises NoTariff as `on` does."""
        return tuple(self.on(span.first_day) for span in spans)

    def spans(self, month: date, *others: "Schedule") -> tuple[Span, ...]:
        """The month, cut wherever a tariff of this schedule or of others begins."""
        first, end = month_of(month), month_after(month)
        begun = {day for schedule in (self, *others) for day in schedule.first_days if first < day < end}
        cuts = [first, *sorted(begun), end]
        return tuple(map(Span, cuts[:-1], cuts[1:]))
