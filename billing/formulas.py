"""How won follow from weight, step by step, in words and with every number."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from billing import phrasing
from billing.phrasing import weight, won
from billing.rating import FREE, Step, after_relief
from billing.tariffs import Tariff
from billing.units import KG_PER_G
from billing.words import Words

NOTHING = Words(
    "배출한 음식물쓰레기가 없어 0원입니다.",
    "No food waste was thrown away, so 0 won are due.",
)


class Weight(NamedTuple):
    """What was rated: grams, `estimated_g` of them unweighed, from how many discharges (0 where nobody counted)."""

    grams: int
    discharges: int
    estimated_g: int = 0


Told = Sequence[Sequence[int | str]]  # steps as `Line.detail` has them


def formula(told: Told, of: Weight, rated_won: int, tariffs: Mapping[int, Tariff]) -> list[Words]:
    """The sentences that lead from the weight to `rated_won`."""
    steps = [Step(int(number), int(tier), int(grams), Decimal(exact)) for number, tier, grams, exact in told]
    if not of.grams:
        return [NOTHING]
    if not steps:
        return [_too_little(of)]
    used = [tariffs[number] for number in dict.fromkeys(step.tariff for step in steps)]
    if len(steps) == 1 and _is_told_at_once(used[0], steps[0], of):
        return [_at_once(used[0], steps[0], of, rated_won)]
    found = [_weighed(of), *_units(used, steps, of)]
    parts: list[Decimal] = []
    for tariff in used:
        own = [step for step in steps if step.tariff == tariff.id]
        found += [_step(tariff, step, len(used) > 1) for step in own]
        paid = sum((step.won for step in own), Decimal(0))
        if tariff.relief_percent and tariff.rounded_at == "statement":
            found.append(_relief(tariff, paid))
            parts.append(after_relief(tariff, paid))
        else:
            parts += [step.won for step in own if step.tier != FREE]
    return [*found, _total(used, parts, rated_won)]


def _too_little(of: Weight) -> Words:
    return Words(
        f"배출한 {weight(of.grams)}은 요금을 매기는 중량 단위에 미치지 못하여 0원입니다.",
        f"The {weight(of.grams)} thrown away are less than the unit of weight that costs something: 0 won are due.",
    )


def _is_told_at_once(tariff: Tariff, step: Step, of: Weight) -> bool:
    simple = len(tariff.tiers) == 1 and step.tier != FREE and not tariff.relief_percent and not of.estimated_g
    return simple and tariff.rounded_at == "statement" and step.grams == of.grams


def _at_once(tariff: Tariff, step: Step, of: Weight, rated_won: int) -> Words:
    count = phrasing.discharges(of.discharges)
    product, due = _product(tariff, step), _rounded(step.won, rated_won, tariff)
    before = Words(f"{count.ko} ", f"{count.en}, ") if of.discharges else Words("", "")
    return Words(f"{before.ko}{product.ko} = {due.ko}", f"{before.en}{product.en} = {due.en}")


def _weighed(of: Weight) -> Words:
    total, estimated, count = weight(of.grams), weight(of.estimated_g), phrasing.discharges(of.discharges)
    before = Words(f"{count.ko}, ", f"{count.en}, ") if of.discharges else Words("", "")
    inside = Words(f", 그중 추정 {estimated}", f", {estimated} of it estimated") if of.estimated_g else Words("", "")
    return Words(f"{before.ko}모두 {total}{inside.ko}입니다.", f"{before.en}{total} in all{inside.en}.")


def _units(used: Sequence[Tariff], steps: Sequence[Step], of: Weight) -> list[Words]:
    """That less or more grams count than were weighed, and why."""
    counted = sum(step.grams for step in steps)
    if counted == of.grams:
        return []
    rules = phrasing.joined(dict.fromkeys(phrasing.unit(tariff) for tariff in used if tariff.unit_g > 1), ", ")
    return [
        Words(
            f"요금을 매기는 중량은 {weight(counted)}입니다 ({rules.ko}).",
            f"{weight(counted)} of it count ({rules.en}).",
        )
    ]


def _product(tariff: Tariff, step: Step) -> Words:
    price = phrasing.price(Decimal(0) if step.tier == FREE else tariff.tiers[step.tier].won_per_kg)
    return Words(f"{weight(step.grams)} × {price.ko}", f"{weight(step.grams)} × {price.en}")


def _rounded(exact: Decimal, rated_won: int, tariff: Tariff) -> Words:
    rule, before, after = phrasing.rounding(tariff), won(exact), won(rated_won)
    if exact == rated_won:
        return Words(f"{after.ko} ({rule.ko})", f"{after.en} ({rule.en})")
    return Words(f"{before.ko} → {after.ko} ({rule.ko})", f"{before.en} → {after.en} ({rule.en})")


def _step(tariff: Tariff, step: Step, dated: bool) -> Words:
    """One step's formula; with the day the price began where there are several."""
    begun = phrasing.day(tariff.first_day)
    when = Words(f"{begun.ko} 시행 단가, ", f"price since {begun.en}, ") if dated else Words("", "")
    where, product = _place(tariff, step), _product(tariff, step)
    if tariff.rounded_at == "discharge":
        product, due = _relieved(tariff, product), _of_each(tariff, step)
    else:
        due = won(step.won)
    heading = Words(f"{when.ko}{where.ko}", f"{when.en}{where.en}")
    heading = Words(*(f"{text[0].upper()}{text[1:].removesuffix(', ')}: " if text else "" for text in heading))
    return Words(f"{heading.ko}{product.ko} = {due.ko}", f"{heading.en}{product.en} = {due.en}")


def _place(tariff: Tariff, step: Step) -> Words:
    """Which grams of the month these are."""
    if step.tier == FREE:
        return Words(f"처음 {weight(tariff.free_g)}은 무료", f"the first {weight(tariff.free_g)} are free")
    if len(tariff.tiers) == 1:
        return Words("", "")
    begin = weight(tariff.tiers[step.tier].from_g)
    is_last = step.tier == len(tariff.tiers) - 1
    end = "" if is_last else weight(tariff.tiers[step.tier + 1].from_g)
    if tariff.tiering == "whole_amount":
        return _whole_amount(step.tier, begin, end)
    if step.tier == 0:
        return Words(f"{end}까지", f"up to {end}")
    if is_last:
        return Words(f"{begin}부터", f"from {begin} on")
    return Words(f"{begin}부터 {end}까지", f"from {begin} to {end}")


def _whole_amount(tier: int, begin: str, end: str) -> Words:
    if tier == 0:
        return Words(f"합계가 {end} 미만이므로 전체 중량", f"all weight, as the total is below {end}")
    if not end:
        return Words(f"합계가 {begin} 이상이므로 전체 중량", f"all weight, as the total is {begin} or more")
    return Words(
        f"합계가 {begin} 이상 {end} 미만이므로 전체 중량",
        f"all weight, as the total is {begin} or more and below {end}",
    )


def _relieved(tariff: Tariff, product: Words) -> Words:
    if not tariff.relief_percent:
        return product
    left = (100 - tariff.relief_percent).normalize()
    return Words(f"{product.ko} × {left:f}% (감면 후)", f"{product.en} × {left:f}% (after relief)")


def _of_each(tariff: Tariff, step: Step) -> Words:
    """What the discharges of a step cost together if they were not rounded, and as they are."""
    exact = won(after_relief(tariff, step.grams * tariff.tiers[0].won_per_kg * KG_PER_G))
    rule, due = phrasing.rounding(tariff), won(step.won)
    return Words(
        f"{exact.ko}, 배출할 때마다 {rule.ko} → {due.ko}",
        f"{exact.en}; at each discharge {rule.en} → {due.en}",
    )


def _relief(tariff: Tariff, paid: Decimal) -> Words:
    left = after_relief(tariff, paid)
    percent = f"{tariff.relief_percent.normalize():f}%"
    before, off, after = won(paid), won(paid - left), won(left)
    return Words(
        f"감면 {percent}: {before.ko} − {off.ko} = {after.ko}",
        f"Relief of {percent}: {before.en} − {off.en} = {after.en}",
    )


def _total(used: Sequence[Tariff], parts: Sequence[Decimal], rated_won: int) -> Words:
    """The sum of the steps, rounded once: by the last tariff that is rounded per statement."""
    exact = sum(parts, Decimal(0))
    sums = phrasing.joined([won(part) for part in parts], " + ") if len(parts) > 1 else Words("", "")
    sums = Words(*(f"{text} = " if text else "" for text in sums))
    at_end = [tariff for tariff in used if tariff.rounded_at == "statement"]
    due = _rounded(exact, rated_won, at_end[-1]) if at_end else won(rated_won)
    return Words(f"합계: {sums.ko}{due.ko}", f"Together: {sums.en}{due.en}")
