"""From grams to won: what the weight of a household's month costs.

What a gram costs depends on its place in the month's running total, spans in the order of time:
won = Σ over spans and tiers (grams of the span in the tier × won per kg ÷ 1,000), less the relief, rounded once.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from billing.tariffs import Tariff
from billing.units import KG_PER_G, rounded

FREE = -1  # the tier of grams that cost nothing
PERCENT = Decimal("0.01")
NOTHING = Decimal(0)


class Used(NamedTuple):
    """Weight of a span. `weights` ((grams, how many discharges) …) is given where the tariff rounds each discharge."""

    grams: int
    discharges: int
    weights: tuple[tuple[int, int], ...] = ()


class Step(NamedTuple):
    """Grams that cost the same: a tier of a tariff (FREE: none), what counted of them, and their exact won.

    `won` is before relief and rounding; where each discharge is rounded, it is what those add up to, relief included.
    """

    tariff: int
    tier: int
    grams: int
    won: Decimal


class Rated(NamedTuple):
    """What a month's weight costs: `exact` won, relief taken off, and `won` rounded."""

    steps: tuple[Step, ...]
    exact: Decimal
    won: int


def rate(tariffs: Sequence[Tariff], used: Sequence[Used], estimated: Sequence[int] = ()) -> Rated:
    """Rate a household's month: a tariff, what was weighed and (none: 0) grams estimated for each span.

    Spans in which one tariff goes on count as one, so that another payer class's price change alters nothing here.
    Raises ValueError where a tariff rounds at each discharge and the weight of each is not known.
    """
    return Rater(tariffs).rate(used, estimated)


class Rater:
    """Rates many households by the same tariffs of a month."""

    def __init__(self, tariffs: Sequence[Tariff]) -> None:
        self.tariffs = tuple(tariffs)
        self.runs = _runs(self.tariffs)
        first = self.tariffs[0]
        self.plain = len(self.runs) == 1 and _is_plain(first)
        self.per_g = first.tiers[0].won_per_kg * KG_PER_G

    def rate(self, used: Sequence[Used], estimated: Sequence[int] = ()) -> Rated:
        """What `rate` says, quickly where all grams cost the same, as nearly everywhere."""
        if not self.plain:
            return self._rate_tiers(used, estimated or [0] * len(used))
        tariff = self.tariffs[0]
        grams = (used[0].grams if len(used) == 1 else sum(each.grams for each in used)) + sum(estimated)
        exact = grams * self.per_g
        won = rounded(exact, tariff.rounding, tariff.round_to_won)
        return Rated((Step(tariff.id, 0, grams, exact),), exact, won)

    def _rate_tiers(self, used: Sequence[Used], estimated: Sequence[int]) -> Rated:
        weighed = [_counted_in(tariff, used[run], estimated[run]) for tariff, run in self.runs]
        total, place = sum(weighed), 0
        steps: list[Step] = []
        exact, paid, last = NOTHING, 0, self.tariffs[-1]
        for (tariff, run), grams in zip(self.runs, weighed, strict=True):
            if tariff.rounded_at == "discharge":
                step = _step_of_each(tariff, used[run], estimated[run], grams)
                paid += int(step.won)
                steps.append(step)
            else:
                found = _steps(tariff, place, place + grams, total)
                steps += found
                exact += after_relief(tariff, sum((step.won for step in found), NOTHING))
                last = tariff
            place += grams
        return Rated(tuple(steps), exact + paid, rounded(exact, last.rounding, last.round_to_won) + paid)


def after_relief(tariff: Tariff, won: Decimal) -> Decimal:
    """Won less what the tariff lets off."""
    return won * (100 - tariff.relief_percent) * PERCENT if tariff.relief_percent else won


def bounds(tariff: Tariff, grams: int, discharges: int) -> tuple[Decimal, Decimal]:
    """What so many discharges of together so many grams may cost where fractions are dropped at each of them.

    They cost more than the first and at most the second; each discharge loses less than `round_to_won`.
    """
    most = after_relief(tariff, grams * tariff.tiers[0].won_per_kg * KG_PER_G)
    return most - discharges * tariff.round_to_won, most


def _is_plain(tariff: Tariff) -> bool:
    """Whether won are grams × price, rounded once, and nothing else."""
    at_once = tariff.rounded_at == "statement" and tariff.unit_g == 1
    return at_once and len(tariff.tiers) == 1 and not tariff.free_g and not tariff.relief_percent


def _runs(tariffs: Sequence[Tariff]) -> list[tuple[Tariff, slice]]:
    """The tariffs that follow each other, each with the spans it is in force for."""
    begins = [at for at in range(len(tariffs)) if not at or tariffs[at] != tariffs[at - 1]]
    ends = [*begins[1:], len(tariffs)]
    return [(tariffs[begin], slice(begin, end)) for begin, end in zip(begins, ends, strict=True)]


def _counted_in(tariff: Tariff, used: Sequence[Used], estimated: Sequence[int]) -> int:
    """How many grams count: whole units of the sum or, where each discharge is rounded, of each."""
    if tariff.rounded_at == "statement":
        return _units(tariff, sum(each.grams for each in used) + sum(estimated))
    return sum(_units(tariff, grams) * times for grams, times in _weights(used, estimated))


def _units(tariff: Tariff, grams: int) -> int:
    return rounded(grams, tariff.unit_rounding, tariff.unit_g)


def _weights(used: Sequence[Used], estimated: Sequence[int]) -> list[tuple[int, int]]:
    """The weight of each discharge and how often; what was estimated of a span counts as one discharge."""
    for each in used:
        if sum(grams * times for grams, times in each.weights) != each.grams:
            raise ValueError("A tariff that rounds at each discharge needs the weights of all; give Used.weights.")
    return [*(weight for each in used for weight in each.weights), *((grams, 1) for grams in estimated)]


def _step_of_each(tariff: Tariff, used: Sequence[Used], estimated: Sequence[int], counted: int) -> Step:
    """What discharges cost that are rounded one by one; relief is taken off each."""
    per_g = after_relief(tariff, tariff.tiers[0].won_per_kg * KG_PER_G)
    won = sum(
        rounded(_units(tariff, grams) * per_g, tariff.rounding, tariff.round_to_won) * times
        for grams, times in _weights(used, estimated)
    )
    return Step(tariff.id, 0, counted, Decimal(won))


def _steps(tariff: Tariff, begin: int, end: int, total: int) -> list[Step]:
    """The grams at the places from `begin` to before `end`, of a month with `total`, by what they cost."""
    cuts = [from_g for from_g, _ in tariff.tiers]
    if tariff.tiering == "whole_amount":
        tier = sum(from_g <= total for from_g in cuts) - 1
        pieces = [(FREE, 0, tariff.free_g), (tier, tariff.free_g, end)]
    else:
        ends = [*cuts[1:], max(end, cuts[-1])]
        paid = [(tier, max(from_g, tariff.free_g), ends[tier]) for tier, from_g in enumerate(cuts)]
        pieces = [(FREE, 0, tariff.free_g), *paid]
    found = [(tier, min(end, stop) - max(begin, start)) for tier, start, stop in pieces]
    return [
        Step(tariff.id, tier, grams, NOTHING if tier == FREE else grams * tariff.tiers[tier].won_per_kg * KG_PER_G)
        for tier, grams in found
        if grams > 0
    ]
