"""Tariffs and terms in words, Korean and English next to each other."""

from typing import Any

from flask_babel import LazyString, get_locale

from app.texts import Text
from billing import phrasing
from billing.tariffs import Tariff
from billing.units import plain
from billing.words import Words

SCHEMES = {
    "household": Text("세대별 부과", "each household by its own weight"),
    "complex": Text("단지 부과 후 배분", "the complex, shared by its households"),
    "prepaid": Text("선불(배출할 때 결제)", "prepaid at the bin"),
}
SUSPENSE = {
    "shared": Text("미확인 배출은 세대가 나누어 부담", "unidentified weight is shared"),
    "not_billed": Text("미확인 배출은 부과하지 않음", "unidentified weight is not billed"),
    "held": Text("미확인 배출은 보류", "unidentified weight is held"),
}
SHARING = {"equal": Text("똑같이", "equally"), "weight": Text("중량에 따라", "by weight")}
# Classes that districts usually have; one is made the first time that it is used.
OFFERED = {
    "general": Text("일반", "General"),
    "basic_livelihood": Text("기초생활수급", "Basic livelihood"),
    "near_poor": Text("차상위계층", "Near poor"),
    "disabled": Text("중증장애인", "Severely disabled"),
    "veteran": Text("국가유공자", "Persons of merit"),
    "many_children": Text("다자녀", "Many children"),
    "welfare_facility": Text("사회복지시설", "Welfare facility"),
}


def lazily(words: Words) -> LazyString:
    """The sentence in whichever language it is read."""
    return LazyString(lambda: words.said(str(getattr(get_locale(), "language", "ko"))))


def prices(tariff: Tariff) -> Words:
    """What a kilogram costs, tier by tier: `80원/kg, 20 kg부터 120원/kg`."""
    first, *others = tariff.tiers
    told = [phrasing.price(first.won_per_kg)]
    for from_g, won in others:
        more, begin = phrasing.price(won), phrasing.weight(from_g)
        told.append(Words(f"{begin}부터 {more.ko}", f"{more.en} from {begin}"))
    return phrasing.joined(told, ", ")


def conditions(tariff: Tariff) -> Words:
    """All else that the tariff says: tiering, rounding and its place, unit, free weight, relief."""
    at_each = Words("배출할 때마다 ", "at each discharge ") if tariff.rounded_at == "discharge" else Words("", "")
    rule = phrasing.rounding(tariff)
    told = [Words(at_each.ko + rule.ko, at_each.en + rule.en)]
    if len(tariff.tiers) > 1 and tariff.tiering == "whole_amount":
        told.append(Words("전량을 해당 구간 단가로", "all grams at the tier of the month's total"))
    if tariff.unit_g > 1:
        told.append(phrasing.unit(tariff))
    if tariff.free_g:
        free = phrasing.weight(tariff.free_g)
        told.append(Words(f"{free}까지 무료", f"first {free} free"))
    if tariff.relief_percent:
        relief = plain(tariff.relief_percent)
        told.append(Words(f"{relief}% 감면", f"{relief} % relief"))
    return phrasing.joined(told, ", ")


def both(words: Words) -> dict[str, Any]:
    """As programs read it."""
    return {"ko": words.ko, "en": words.en}
