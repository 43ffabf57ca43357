"""Lines of statements in words: every won with the formula and the numbers that it follows from."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billing import phrasing
from billing.formulas import Told, Weight, formula
from billing.phrasing import weight, won
from billing.statements import Line
from billing.tariffs import Tariff
from billing.words import Words

Detail = Mapping[str, Any]


def explain(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    """The sentences that lead to the line's won, in Korean and English. `tariffs` by id: those that it names.

    Raises KeyError for a kind that no line has, and where a tariff is missing.
    """
    return KINDS[line.kind](line, tariffs)


def tariffs_of(detail: Detail) -> set[int]:
    """The ids of all tariffs that a line's (or an assessment's) detail names."""
    steps = [*detail.get("steps", ()), *detail.get("suspense_steps", ())]
    own = {int(number) for number, *_ in steps} | ({detail["rounded_by"]} if "rounded_by" in detail else set())
    return own.union(*(tariffs_of(each["detail"]) for each in detail.get("lines", ())))


def explain_total(detail: Detail, residue_won: int, tariffs: Mapping[int, Tariff]) -> list[Words]:
    """How a complex's total came about and why its lines do not add up to it; `detail` is that of its Assessment."""
    exact, total = won(Decimal(detail["exact"])), won(detail["won"])
    rule, residue = phrasing.rounding(tariffs[detail["rounded_by"]]), won(residue_won)
    return [
        Words(
            f"단지 전체 요금은 정확히 {exact.ko}이며, 한 번만 반올림하여 {total.ko}입니다 ({rule.ko}).",
            f"The complex's fees are exactly {exact.en} and, rounded once, {total.en} ({rule.en}).",
        ),
        Words(
            f"단지 요금에서 세대별 금액을 모두 뺀 단수 차액은 {residue.ko}입니다.",
            f"Less all amounts of its households that leaves {residue.en}, the rounding residue.",
        ),
    ]


def _usage(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    if "whole" not in line.detail:
        return formula(line.detail["steps"], Weight(line.grams, line.discharges), line.won, tariffs)
    return _part_of_household(line, tariffs)


def _part_of_household(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    """The household's whole month, and which part of its won is this line's."""
    whole = line.detail["whole"]
    told = _of_whole(line.detail["steps"], whole, tariffs)
    if line.grams == whole["grams"]:
        return told
    total = won(whole["won"])
    beginning = Words(
        f"세대의 한 달 요금 {total.ko}을 중량에 따라 나누어, 이 항목의 몫은 다음과 같습니다:",
        f"The household's {total.en} for the month are shared by weight; this line's part is",
    )
    parts = (line.grams, whole["grams"])
    return [*told, _portion(beginning, line.won, whole["won"], parts, _by_weight(*parts))]


def _of_whole(steps: Told, whole: Detail, tariffs: Mapping[int, Tariff]) -> list[Words]:
    """How the won of a whole came about that is shared afterwards."""
    weighed = Weight(whole["grams"], whole["discharges"], whole["estimated_g"])
    return formula(steps, weighed, whole["won"], tariffs)


def _estimated(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    method = _method(line)
    if "whole" in line.detail:
        return [*method, *_part_of_household(line, tariffs)]
    return [*method, IN_COMPLEX if not line.detail["elsewhere"] else WEIGHED_ELSEWHERE]


def _method(line: Line) -> list[Words]:
    """Where the estimated grams come from."""
    basis, grams = line.detail["basis"], weight(line.grams)
    number = line.detail["estimate"]
    if basis is None:
        return [
            Words(
                f"추정 {number}번에 따라 계량하지 못한 중량 {grams}을 더했습니다.",
                f"{grams} that no scale weighed were added by estimate {number}.",
            )
        ]
    first, last, since, until = (
        date.fromisoformat(basis[name]) for name in ("first_day", "last_day", "basis_first_day", "basis_last_day")
    )
    from_, to, then, until_ = map(phrasing.day, (first, last, since, until))
    days = (last - first).days + 1
    before, expected, weighed = weight(basis["basis_g"]), weight(basis["expected_g"]), weight(basis["weighed_g"])
    return [
        Words(
            f"{from_.ko}부터 {to.ko}까지 {days}일 동안 종량기가 계량하지 못하여 중량을 추정했습니다 (추정 {number}번).",
            f"From {from_.en} to {to.en} ({days} days) the meters failed, so that weight was estimated "
            f"(estimate {number}).",
        ),
        Words(
            f"{then.ko}부터 {until_.ko}까지 {basis['basis_days']}일 동안 배출한 {before} ÷ {basis['basis_days']}일 × "
            f"{days}일 = {expected}",
            f"{before} from {then.en} to {until_.en} ÷ {basis['basis_days']} days × {days} days = {expected}",
        ),
        Words(
            f"예상 중량 {expected}에서 그동안 계량된 {weighed}을 뺀 추정 중량은 {grams}입니다.",
            f"Of the {expected} expected, {weighed} were weighed after all; {grams} are estimated.",
        ),
    ]


def _suspense_share(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    detail = line.detail
    return [
        Words(
            "누가 배출했는지 알 수 없는 중량(미확인 배출)은 가장 낮은 단가로 계산하여 세대가 나누어 냅니다.",
            "Weight without a household (suspense) costs the lowest price and is shared by the households.",
        ),
        *_of_whole(detail["steps"], detail, tariffs),
        _shared(line),
    ]


def _complex_share(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    detail = line.detail
    heading = Words(
        "단지 전체의 중량으로 계산한 요금을 세대가 나누어 냅니다.",
        "The complex is billed for all of its weight, and the households share.",
    )
    return [
        WEIGHED_ELSEWHERE if detail["elsewhere"] else heading,
        *_of_whole(detail["steps"], detail, tariffs),
        _shared(line),
    ]


def _shared(line: Line) -> Words:
    own, whole, total = line.detail["own"], line.detail["all"], line.detail["won"]
    beginning = Words(
        f"{won(total).ko} 가운데 이 세대의 몫은 다음과 같습니다:", f"Of the {won(total).en} this household's share is"
    )
    return _portion(beginning, line.won, total, (own, whole), SHARED_BY[line.detail["by"]](own, whole))


def _portion(beginning: Words, own_won: int, total: int, parts: tuple[int, int], ratio: Words) -> Words:
    """`total` × own part ÷ all parts, and whether its fraction was dropped or became one of the won left over."""
    own, whole = parts
    exact, due = phrasing.quotient(total * own, whole), won(own_won)
    product = Words(f"{beginning.ko} {won(total).ko} × {ratio.ko}", f"{beginning.en} {won(total).en} × {ratio.en}")
    if total * own == own_won * whole:
        return Words(f"{product.ko} = {due.ko}", f"{product.en} = {due.en}")
    how = DROPPED if own_won == total * own // whole else RAISED
    return Words(
        f"{product.ko} = {exact}원 → {due.ko} ({how.ko})",
        f"{product.en} = {exact} won → {due.en} ({how.en})",
    )


def _by_weight(own: int, whole: int) -> Words:
    return Words(f"{weight(own)} ÷ {weight(whole)}", f"{weight(own)} ÷ {weight(whole)}")


def _by_days(own: int, whole: int) -> Words:
    return Words(
        f"거주 {own:,}일 ÷ 전체 세대의 거주일 합계 {whole:,}일",
        f"{own:,} days lived here ÷ {whole:,} days of all households",
    )


def _by_parts(own: int, whole: int) -> Words:
    return Words(f"{own:,} ÷ {whole:,}세대", f"{own:,} ÷ {whole:,} households")


def _adjustment(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    old, new, month = line.detail["old"], line.detail["new"], phrasing.month(line.usage_month)
    before, after = (_told(each) for each in (old, new))
    kept = line.detail.get("kept", 0)
    found = [
        Words(
            f"{month.ko}에 배출한 것으로 나중에 알려졌거나 바로잡은 내용이 있어, 그 달의 단가로 다시 계산했습니다.",
            f"Something of {month.en} became known or was corrected later, so it was reckoned again at its own price.",
        ),
        Words(
            f"이미 고지한 금액 {before.ko} → 다시 계산한 금액 {after.ko}: {_change(line.won - kept).ko}",
            f"Billed so far {before.en} → reckoned again {after.en}: {_change(line.won - kept).en}",
        ),
    ]
    if kept:
        found.append(_settled(won(abs(kept)), added_back=line.won == kept))
    for each in line.detail["lines"]:
        figures = (each[name] for name in FIGURES)
        own = Line(each["kind"], line.usage_month, line.household_id, line.tenancy_id, *figures)
        name = NAMES[own.kind]
        found += [Words(f"{name.ko} - {words.ko}", f"{name.en} - {words.en}") for words in explain(own, tariffs)]
    return found


def _settled(amount: Words, *, added_back: bool) -> Words:
    """What an objection or a write-off settled before, so that it is not given twice."""
    if added_back:
        return Words(
            f"이의신청 인정이나 결손 처리로 이미 {amount.ko}을 빼 드렸으므로, 다시 발행한 고지에서는 그만큼 더합니다.",
            f"An objection or a write-off took off {amount.en} before, so the statement issued anew adds as much.",
        )
    return Words(
        f"그 가운데 {amount.ko}은 이의신청 인정이나 결손 처리로 이미 반영되어 다시 셈하지 않습니다.",
        f"Of that, {amount.en} was settled before by an objection or a write-off and does not count again.",
    )


def _change(difference: int) -> Words:
    amount = won(abs(difference))
    if difference > 0:
        return Words(f"차액 {amount.ko}을 더합니다.", f"the difference of {amount.en} is added.")
    if difference < 0:
        return Words(f"차액 {amount.ko}을 뺍니다.", f"the difference of {amount.en} is taken off.")
    return Words("금액은 그대로입니다.", "the amount stays the same.")


def _told(figures: Mapping[str, int]) -> Words:
    due, count = won(figures["won"]), phrasing.discharges(figures["discharges"])
    return Words(
        f"{due.ko} ({count.ko} {weight(figures['grams'])})",
        f"{due.en} ({count.en}, {weight(figures['grams'])})",
    )


def _manual(line: Line, tariffs: Mapping[int, Tariff]) -> list[Words]:
    amount, why, dispute = won(abs(line.won)), line.detail["reason"], line.detail.get("dispute")
    if dispute:
        return [
            Words(
                f"이의신청 {dispute}번을 받아들여 {amount.ko}을 뺐습니다.", f"Objection {dispute} took off {amount.en}."
            )
        ]
    if line.won < 0:
        return [Words(f"담당자가 {amount.ko}을 뺐습니다: {why}", f"The office took off {amount.en}: {why}")]
    return [Words(f"담당자가 {amount.ko}을 더했습니다: {why}", f"The office added {amount.en}: {why}")]


FIGURES = ("grams", "discharges", "won", "detail")
SHARED_BY = {"weight": _by_weight, "days": _by_days, "parts": _by_parts}
DROPPED = Words("원 미만 버림", "fractions dropped")
RAISED = Words("버린 원을 나머지가 큰 순서로 나눔", "one of the dropped won, which go to the largest remainders")
IN_COMPLEX = Words(
    "추정 중량은 단지 전체 중량에 더해졌으며, 요금은 단지 요금의 몫에 들어 있습니다.",
    "The estimated weight is part of the complex's; what it costs is in the share of the complex's fee.",
)
WEIGHED_ELSEWHERE = Words(
    "단지의 중량은 다른 곳에서 계량했으며, 그 중량의 요금을 세대가 나누어 냅니다.",
    "The complex was weighed elsewhere, and its households share what that weight costs.",
)
NAMES = {
    "usage": Words("배출", "Usage"),
    "estimated": Words("추정", "Estimate"),
    "suspense_share": Words("미확인 배출 분담", "Suspense share"),
    "complex_share": Words("단지 요금 분담", "Complex share"),
}
KINDS: dict[str, Callable[[Line, Mapping[int, Tariff]], list[Words]]] = {
    "usage": _usage,
    "estimated": _estimated,
    "suspense_share": _suspense_share,
    "complex_share": _complex_share,
    "adjustment": _adjustment,
    "manual": _manual,
}
