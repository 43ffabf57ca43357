"""Which terms a tariff may have. What is refused is told in Korean and in English, with what to do instead."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from billing.words import Refused, Words

CHOICES = {
    "tiering": ("graduated", "whole_amount"),
    "rounding": ("down", "half_up", "up"),
    "rounded_at": ("statement", "discharge"),
    "unit_rounding": ("down", "half_up", "up"),
}
OPTIONS = (*CHOICES, "round_to_won", "unit_g", "free_g")
MOST_WON = 1_000_000
MOST_GRAMS = 1_000_000_000
PRICE_PLACES, RELIEF_PLACES = 4, 2  # decimals; with them every product of billing is exact in decimal's 28 digits

NAMES = {
    "tiering": Words("구간 적용 방식", "Tiering"),
    "rounding": Words("금액 반올림 방식", "Rounding of won"),
    "rounded_at": Words("반올림 시점", "Where won are rounded"),
    "unit_rounding": Words("중량 반올림 방식", "Rounding of weight"),
    "round_to_won": Words("금액 반올림 단위(원)", "Multiple of won to round to"),
    "unit_g": Words("중량 단위(g)", "Unit of weight (g)"),
    "free_g": Words("무료 중량(g)", "Free weight (g)"),
    "from_g": Words("구간 시작(g)", "Beginning of a tier (g)"),
    "won_per_kg": Words("단가(원/kg)", "Price (won/kg)"),
    "relief_percent": Words("감면율(%)", "Relief (%)"),
}
ONE_PRICE = Words(
    "배출할 때마다 반올림하는 단가에는 구간과 무료 중량을 둘 수 없습니다. "
    "단가 하나만 두고 무료 중량을 0으로 하거나, 고지서에서 한 번 반올림하십시오.",
    "A tariff rounded at each discharge can have neither tiers nor free weight. "
    "Give it one price and no free weight, or round once per statement.",
)
MALFORMED = Words(
    "단가를 읽을 수 없습니다. tiers 목록에 from_g와 won_per_kg를 적고, 다른 항목은 as_json이 쓰는 이름만 쓰십시오.",
    "These terms of a tariff cannot be read. Give a list of tiers with from_g and won_per_kg, and no other names than "
    "as_json writes.",
)


def two_begin_on(day: date) -> Words:
    """Why a schedule cannot hold two tariffs of the same first day."""
    return Words(
        f"{day}에 시작하는 단가가 둘입니다. 하나만 남기십시오.",
        f"Two tariffs begin on {day}. Keep one of them.",
    )


def choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse whatever is none of the choices."""
    if value not in choices:
        listed = ", ".join(choices)
        ko, en = NAMES[name]
        raise Refused(Words(f"{ko}: {value!r}. {listed} 가운데 하나로 하십시오.", f"{en}: {value!r}. Use {listed}."))


def whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse whatever is no whole number from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        _refuse_number(name, value, f"{least:,}부터 {most:,}까지의 정수", f"a whole number from {least:,} to {most:,}")


def decimal(name: str, value: object, most: int, places: int) -> None:
    """Refuse whatever is no Decimal from 0 to `most` with at most so many decimals."""
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= most or _is_finer(value, places):
        _refuse_number(
            name,
            value,
            f"0부터 {most:,}까지, 소수 {places}자리 이하의 수",
            f"a number from 0 to {most:,} with at most {places} decimals",
        )


def tiers(found: Sequence[tuple[int, Decimal]]) -> None:
    """Refuse tiers that do not begin at 0 g and rise: in weight, and never falling in price.

    A dearer tier after a cheaper one keeps "more grams never lower a bill" true, whole amounts and price changes
    within a month included.
    """
    for from_g, won_per_kg in found:
        whole("from_g", from_g, 0, MOST_GRAMS)
        decimal("won_per_kg", won_per_kg, MOST_WON, PRICE_PLACES)
    if not found or found[0][0] != 0:
        raise Refused(Words("첫 구간은 0 g부터 시작해야 합니다.", "The first tier must begin at 0 g."))
    for (from_g, won), (next_g, next_won) in pairwise(found):
        if next_g <= from_g:
            raise Refused(
                Words(
                    f"{next_g:,} g 구간이 {from_g:,} g 구간 다음에 있습니다. 구간을 무게 순서로 한 번씩만 적으십시오.",
                    f"The tier from {next_g:,} g follows the one from {from_g:,} g. Order tiers by weight, each once.",
                )
            )
        if next_won < won:
            raise Refused(
                Words(
                    f"{next_g:,} g부터의 단가가 그 앞 구간보다 쌉니다. 더 버릴수록 싸지지 않게 하십시오.",
                    f"From {next_g:,} g on a kilogram costs less than before. Let more waste never become cheaper.",
                )
            )


def terms(text: str) -> dict[str, Any]:
    """What a JSON object of terms holds, if its names are those of a tariff; values are not looked at yet."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Refused(MALFORMED) from None
    if not isinstance(found, dict) or not isinstance(found.get("tiers"), list):
        raise Refused(MALFORMED)
    known = found.keys() <= {*OPTIONS, "tiers", "relief_percent"}
    if not known or any(
        not isinstance(tier, dict) or tier.keys() != {"from_g", "won_per_kg"} for tier in found["tiers"]
    ):
        raise Refused(MALFORMED)
    return found


def number(text: object) -> Decimal:
    """A decimal that stands as text, as it must in JSON, where numbers become floats. Raises Refused for others."""
    try:
        return Decimal(text if isinstance(text, str) else "")
    except InvalidOperation:
        raise Refused(
            Words(
                f'{text!r}은(는) 따옴표로 묶은 수가 아닙니다. "130" 또는 "7.5"처럼 적으십시오.',
                f'{text!r} is no number written as text. Write it as in "130" or "7.5".',
            )
        ) from None


def _is_finer(value: Decimal, places: int) -> bool:
    return value != value.quantize(Decimal(1).scaleb(-places))


def _refuse_number(name: str, value: object, ko: str, en: str) -> None:
    raise Refused(
        Words(f"{NAMES[name].ko}: {value}. {ko}로 하십시오.", f"{NAMES[name].en}: {value}. Use {en}."),
    )
