"""Every line in words: the formula with its numbers, in Korean and in English, and the arithmetic in it is right."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adjusting import Billed, differences
from billing.explaining import explain, explain_total, tariffs_of
from billing.statements import Basis, ComplexMonth, Estimated, Line, Used, assess
from billing.tariffs import Tariff
from billing.words import Words
from tests.billing.histories import MONTHS, drawn
from tests.billing.support import CITY, MONTH, complex_months, month, part, tariff

OCTOBER_15 = date(2026, 10, 15)
BASIS = Basis(date(2026, 10, 3), date(2026, 10, 5), date(2026, 9, 1), date(2026, 9, 28), 11_200, 28, 1200, 300)


def told(line: Line, *tariffs: Tariff) -> list[Words]:
    """The line in words, by these tariffs."""
    return explain(line, {each.id: each for each in tariffs})


def ko(line: Line, *tariffs: Tariff) -> list[str]:
    """The same in Korean."""
    return [words.said("ko") for words in told(line, *tariffs)]


def en(line: Line, *tariffs: Tariff) -> list[str]:
    """The same in English."""
    return [words.said("en") for words in told(line, *tariffs)]


def usage(found: Tariff, grams: int, count: int = 31) -> Line:
    """The line of a household that discharged so often."""
    return assess(month([part(1, used=(Used(grams, count),))], found)).lines[0]


def test_a_flat_price_is_one_formula() -> None:
    flat = tariff()
    assert ko(usage(flat, 12_400), flat) == ["31회 배출 12.40 kg × 130원/kg = 1,612원 (원 미만 버림)"]
    assert en(usage(flat, 12_400), flat) == [
        "31 discharges, 12.40 kg × 130 won/kg = 1,612 won (fractions of a won dropped)"
    ]
    assert en(usage(flat, 12_345, 1), flat) == [
        "1 discharge, 12.345 kg × 130 won/kg = 1,604.85 won → 1,604 won (fractions of a won dropped)"
    ]


@pytest.mark.parametrize(
    ("rounding", "step", "korean", "english"),
    [
        ("down", 10, "1,600원 (10원 미만 버림)", "1,600 won (rounded down to 10 won)"),
        ("half_up", 10, "1,600원 (10원 단위로 반올림)", "1,600 won (rounded to the nearest 10 won)"),
        ("up", 10, "1,610원 (10원 단위로 올림)", "1,610 won (rounded up to 10 won)"),
        ("half_up", 1, "1,605원 (원 미만 반올림)", "1,605 won (rounded to the nearest won)"),
        ("up", 1, "1,605원 (원 미만 올림)", "1,605 won (rounded up to the next won)"),
    ],
)
def test_the_rounding_rule_is_named(rounding: str, step: int, korean: str, english: str) -> None:
    found = tariff(rounding=rounding, round_to_won=step)
    assert ko(usage(found, 12_345), found)[0].endswith(f"1,604.85원 → {korean}")
    assert en(usage(found, 12_345), found)[0].endswith(f"1,604.85 won → {english}")


def test_nothing_thrown_away_is_said_so() -> None:
    assert ko(usage(tariff(), 0, 0), tariff()) == ["배출한 음식물쓰레기가 없어 0원입니다."]


def test_less_than_a_unit_of_weight_is_not_called_nothing() -> None:
    found = tariff(unit_g=100)
    assert ko(usage(found, 99, 1), found) == ["배출한 0.099 kg은 요금을 매기는 중량 단위에 미치지 못하여 0원입니다."]


def test_tiers_are_told_step_by_step() -> None:
    city = tariff(*CITY)
    assert ko(usage(city, 32_001), city) == [
        "31회 배출, 모두 32.001 kg입니다.",
        "20.00 kg까지: 20.00 kg × 80원/kg = 1,600원",
        "20.00 kg부터 30.00 kg까지: 10.00 kg × 120원/kg = 1,200원",
        "30.00 kg부터: 2.001 kg × 140원/kg = 280.14원",
        "합계: 1,600원 + 1,200원 + 280.14원 = 3,080.14원 → 3,080원 (원 미만 버림)",
    ]
    assert en(usage(city, 32_001), city)[1:4] == [
        "Up to 20.00 kg: 20.00 kg × 80 won/kg = 1,600 won",
        "From 20.00 kg to 30.00 kg: 10.00 kg × 120 won/kg = 1,200 won",
        "From 30.00 kg on: 2.001 kg × 140 won/kg = 280.14 won",
    ]


@pytest.mark.parametrize(
    ("grams", "korean", "english"),
    [
        (
            19_999,
            "합계가 20.00 kg 미만이므로 전체 중량: 19.999 kg × 80원/kg = 1,599.92원",
            "All weight, as the total is below 20.00 kg: 19.999 kg × 80 won/kg = 1,599.92 won",
        ),
        (
            20_000,
            "합계가 20.00 kg 이상 30.00 kg 미만이므로 전체 중량: 20.00 kg × 120원/kg = 2,400원",
            "All weight, as the total is 20.00 kg or more and below 30.00 kg: 20.00 kg × 120 won/kg = 2,400 won",
        ),
        (
            30_000,
            "합계가 30.00 kg 이상이므로 전체 중량: 30.00 kg × 140원/kg = 4,200원",
            "All weight, as the total is 30.00 kg or more: 30.00 kg × 140 won/kg = 4,200 won",
        ),
    ],
)
def test_a_whole_amount_says_what_the_total_reached(grams: int, korean: str, english: str) -> None:
    whole = tariff(*CITY, tiering="whole_amount")
    assert ko(usage(whole, grams), whole)[1] == korean
    assert en(usage(whole, grams), whole)[1] == english


def test_a_price_change_within_the_month_names_the_days_on_which_prices_began() -> None:
    old, new = tariff(), tariff(*CITY, number=2, first_day=OCTOBER_15)
    line = assess(month([part(1, 6200, 6205)], old, new)).lines[0]
    assert ko(line, old, new) == [
        "2회 배출, 모두 12.405 kg입니다.",
        "2015년 1월 1일 시행 단가: 6.20 kg × 130원/kg = 806원",
        "2026년 10월 15일 시행 단가, 20.00 kg까지: 6.205 kg × 80원/kg = 496.4원",
        "합계: 806원 + 496.4원 = 1,302.4원 → 1,302원 (원 미만 버림)",
    ]
    assert en(line, old, new)[2] == "Price since 15 October 2026, up to 20.00 kg: 6.205 kg × 80 won/kg = 496.4 won"


def test_units_free_weight_and_relief_are_told() -> None:
    found = tariff(unit_g=100, free_g=2000, relief_percent=Decimal(50))
    assert ko(usage(found, 12_345), found) == [
        "31회 배출, 모두 12.345 kg입니다.",
        "요금을 매기는 중량은 12.30 kg입니다 (100 g 미만 버림).",
        "처음 2.00 kg은 무료: 2.00 kg × 0원/kg = 0원",
        "10.30 kg × 130원/kg = 1,339원",
        "감면 50%: 1,339원 − 669.5원 = 669.5원",
        "합계: 669.5원 → 669원 (원 미만 버림)",
    ]
    assert en(usage(found, 12_345), found)[1:5] == [
        "12.30 kg of it count (whole steps of 100 g, the rest dropped).",
        "The first 2.00 kg are free: 2.00 kg × 0 won/kg = 0 won",
        "10.30 kg × 130 won/kg = 1,339 won",
        "Relief of 50%: 1,339 won − 669.5 won = 669.5 won",
    ]


def test_prepaid_discharges_tell_what_rounding_each_of_them_dropped() -> None:
    jeju = tariff((0, "30"), rounded_at="discharge")
    three = Used(3333, 3, ((1250, 1), (2050, 1), (33, 1)))
    line = assess(month([part(1, used=(three,))], jeju, scheme="prepaid")).lines[0]
    assert ko(line, jeju) == [
        "3회 배출, 모두 3.333 kg입니다.",
        "3.333 kg × 30원/kg = 99.99원, 배출할 때마다 원 미만 버림 → 98원",
        "합계: 98원",
    ]
    relieved = tariff((0, "30"), rounded_at="discharge", relief_percent=Decimal(50))
    line = assess(month([part(1, used=(three,))], relieved, scheme="prepaid")).lines[0]
    assert en(line, relieved)[1] == (
        "3.333 kg × 30 won/kg × 50% (after relief) = 49.995 won; at each discharge fractions of a won dropped → 48 won"
    )


def test_a_moved_month_tells_the_whole_and_the_part() -> None:
    city = tariff(*CITY)
    lines = assess(month([part(1, 10_000), part(2, 15_001, household=1)], city)).lines
    assert ko(lines[0], city)[-1] == (
        "세대의 한 달 요금 2,200원을 중량에 따라 나누어, 이 항목의 몫은 다음과 같습니다: "
        "2,200원 × 10.00 kg ÷ 25.001 kg = 879.96…원 → 880원 (버린 원을 나머지가 큰 순서로 나눔)"
    )
    assert en(lines[1], city)[-1] == (
        "The household's 2,200 won for the month are shared by weight; this line's part is "
        "2,200 won × 15.001 kg ÷ 25.001 kg = 1,320.03… won → 1,320 won (fractions dropped)"
    )


def test_who_was_alone_in_a_moved_month_owes_the_whole() -> None:
    flat = tariff()
    lines = assess(month([part(1, 10_000), part(2, 0, household=1)], flat)).lines
    assert ko(lines[0], flat) == ["1회 배출 10.00 kg × 130원/kg = 1,300원 (원 미만 버림)"]


def test_an_estimate_tells_its_method() -> None:
    flat = tariff()
    line = assess(month([part(1, 9100, estimated=(Estimated(7, 0, 900, BASIS),))], flat)).lines[1]
    assert ko(line, flat) == [
        "2026년 10월 3일부터 2026년 10월 5일까지 3일 동안 종량기가 계량하지 못하여 중량을 추정했습니다 (추정 7번).",
        "2026년 9월 1일부터 2026년 9월 28일까지 28일 동안 배출한 11.20 kg ÷ 28일 × 3일 = 1.20 kg",
        "예상 중량 1.20 kg에서 그동안 계량된 0.30 kg을 뺀 추정 중량은 0.90 kg입니다.",
        "1회 배출, 모두 10.00 kg, 그중 추정 0.90 kg입니다.",
        "10.00 kg × 130원/kg = 1,300원",
        "합계: 1,300원 (원 미만 버림)",
        "세대의 한 달 요금 1,300원을 중량에 따라 나누어, 이 항목의 몫은 다음과 같습니다: "
        "1,300원 × 0.90 kg ÷ 10.00 kg = 117원",
    ]


def test_an_estimate_without_a_basis_names_its_number() -> None:
    flat = tariff()
    line = assess(month([part(1, 0, estimated=(Estimated(7, 0, 900),))], flat)).lines[1]
    assert ko(line, flat) == [
        "추정 7번에 따라 계량하지 못한 중량 0.90 kg을 더했습니다.",
        "모두 0.90 kg, 그중 추정 0.90 kg입니다.",
        "0.90 kg × 130원/kg = 117원",
        "합계: 117원 (원 미만 버림)",
    ]


def test_a_share_of_suspense_tells_both_totals() -> None:
    flat = tariff()
    found = month([part(1, 1000), part(2, 2000)], flat, suspense=[10_005], suspense_policy="shared")
    (line,) = [line for line in assess(found).lines if (line.kind, line.tenancy_id) == ("suspense_share", 1)]
    assert en(line, flat) == [
        "Weight without a household (suspense) costs the lowest price and is shared by the households.",
        "1 discharge, 10.005 kg × 130 won/kg = 1,300.65 won → 1,300 won (fractions of a won dropped)",
        "Of the 1,300 won this household's share is 1,300 won × 1.00 kg ÷ 3.00 kg = 433.33… won → 433 won "
        "(fractions dropped)",
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((31, 10), "650원 가운데 이 세대의 몫은 다음과 같습니다: 650원 × 거주 31일 ÷ 전체 세대의 거주일 합계 41일"),
        ((0, 0), "650원 가운데 이 세대의 몫은 다음과 같습니다: 650원 × 1 ÷ 2세대 = 325원"),
    ],
)
def test_an_equal_share_tells_days_or_households(days: tuple[int, int], expected: str) -> None:
    flat = tariff()
    parts = [part(number, 0, days=lived) for number, lived in enumerate(days, 1)]
    found = assess(month(parts, flat, suspense=[5000], suspense_policy="shared", sharing="equal"))
    assert ko(found.lines[1], flat)[-1].startswith(expected)


def test_a_share_of_the_complex_tells_where_it_was_weighed() -> None:
    flat = tariff((0, "75"))
    metered = month([part(1, 30_000, estimated=(Estimated(7, 0, 900),)), part(2, 9100)], flat, scheme="complex")
    share, estimate, _ = assess(metered).lines
    assert ko(share, flat) == [
        "단지 전체의 중량으로 계산한 요금을 세대가 나누어 냅니다.",
        "2회 배출, 모두 40.00 kg, 그중 추정 0.90 kg입니다.",
        "40.00 kg × 75원/kg = 3,000원",
        "합계: 3,000원 (원 미만 버림)",
        "3,000원 가운데 이 세대의 몫은 다음과 같습니다: 3,000원 × 30.90 kg ÷ 40.00 kg = 2,317.5원 → 2,318원 "
        "(버린 원을 나머지가 큰 순서로 나눔)",
    ]
    assert en(estimate, flat)[-1].startswith("The estimated weight is part of the complex's")
    share, estimate, _ = assess(metered._replace(weighed_elsewhere_g=50_000)).lines
    assert ko(share, flat)[:2] == [
        "단지의 중량은 다른 곳에서 계량했으며, 그 중량의 요금을 세대가 나누어 냅니다.",
        "50.00 kg × 75원/kg = 3,750원 (원 미만 버림)",
    ]
    assert en(estimate, flat)[-1].startswith("The complex was weighed elsewhere")


@pytest.mark.parametrize(
    ("billed", "korean", "english"),
    [
        (1170, "차액 130원을 더합니다.", "the difference of 130 won is added."),
        (1430, "차액 130원을 뺍니다.", "the difference of 130 won is taken off."),
        (1300, "금액은 그대로입니다.", "the amount stays the same."),
    ],
)
def test_an_adjustment_tells_the_old_and_the_new_and_how_the_new_came_about(
    billed: int, korean: str, english: str
) -> None:
    flat = tariff()
    (line,) = differences(assess(month([part(1, 10_000)], flat)), {1: Billed(1, 9000, 2, billed)})
    first, second, third = told(line, flat)
    assert first.ko.startswith("2026년 10월에 배출한 것으로 나중에 알려졌거나 바로잡은 내용이 있어")
    assert first.en.startswith("Something of October 2026 became known or was corrected later")
    before = f"이미 고지한 금액 {billed:,}원 (2회 배출 9.00 kg) → 다시 계산한 금액 1,300원 (1회 배출 10.00 kg): "
    assert second.ko == before + korean
    assert second.en.endswith(english)
    assert third.ko == "배출 - 1회 배출 10.00 kg × 130원/kg = 1,300원 (원 미만 버림)"


def test_an_adjustment_tells_what_an_objection_settled_before() -> None:
    flat = tariff()
    again = assess(month([part(1, 6000)], flat))
    (line,) = differences(again, {1: Billed(1, 10_000, 1, 1300)}, {1: 520})
    _, change, settled, _ = told(line, flat)
    assert change.ko.endswith("차액 520원을 뺍니다.")
    assert settled.ko == "그 가운데 520원은 이의신청 인정이나 결손 처리로 이미 반영되어 다시 셈하지 않습니다."
    (line,) = differences(again, {1: Billed(1, 6000, 1, 780)}, {1: 520}, replaced={1: 520})
    _, _, settled, _ = told(line, flat)
    assert (
        settled.en == "An objection or a write-off took off 520 won before, so the statement issued anew adds as much."
    )


def test_a_line_names_the_tariffs_that_explain_it() -> None:
    old, new = tariff(number=4), tariff(number=5, first_day=OCTOBER_15)
    found = assess(month([part(1, 6200, 6205)], old, new, suspense=[500, 0], suspense_policy="shared"))
    assert [tariffs_of(line.detail) for line in found.lines] == [{4, 5}, {4}]
    assert tariffs_of(found.detail) == {4, 5}
    (line,) = differences(found, {1: Billed(1, 6200, 1, 806)})
    assert tariffs_of(line.detail) == {4, 5}


@pytest.mark.parametrize(("won", "korean"), [(-500, "500원을 뺐습니다"), (500, "500원을 더했습니다")])
def test_a_manual_adjustment_tells_its_reason(won: int, korean: str) -> None:
    line = Line("manual", MONTH, 1, 1, 0, 0, won, {"reason": "종량기 오류"})
    assert ko(line) == [f"담당자가 {korean}: 종량기 오류"]
    assert en(line)[0].endswith("500 won: 종량기 오류")


def test_an_accepted_objection_is_named_by_its_number() -> None:
    line = Line("manual", MONTH, 1, 1, 0, 0, -520, {"reason": "이의신청 #12 (3번 줄): 저울 오류", "dispute": 12})
    assert ko(line) == ["이의신청 12번을 받아들여 520원을 뺐습니다."]
    assert en(line) == ["Objection 12 took off 520 won."]


def test_the_complex_total_tells_its_residue() -> None:
    dropping = tariff(round_to_won=10)
    found = assess(month([part(1, 12_345), part(2, 12_345)], dropping))
    korean, residue = (words.ko for words in explain_total(found.detail, found.residue_won, {1: dropping}))
    assert korean == "단지 전체 요금은 정확히 3,209.7원이며, 한 번만 반올림하여 3,200원입니다 (10원 미만 버림)."
    assert residue == "단지 요금에서 세대별 금액을 모두 뺀 단수 차액은 0원입니다."


WON_KO, WON_EN = re.compile(r"(-?[\d,.]+)…?원"), re.compile(r"(-?[\d,.]+)…? won")
KG = re.compile(r"([\d,.]+) kg")
PRODUCT = re.compile(r"([\d,.]+) kg × ([\d,.]+)원/kg = ([\d,.]+)원")
TOTAL = re.compile(r"합계: ((?:[\d,.]+원 \+ )+[\d,.]+원) = ([\d,.]+)원")


def number(text: str) -> Decimal:
    """A number as it was written for people."""
    return Decimal(text.replace(",", ""))


def all_tariffs(found: ComplexMonth) -> dict[int, Tariff]:
    """By id, as explanations look them up."""
    return {each.id: each for tariffs in found.tariffs.values() for each in tariffs}


def assert_right(words: Sequence[Words], won: int) -> None:
    """Both languages tell the same numbers, every product and sum is right, and the won of the line are among them."""
    for each in words:
        assert WON_KO.findall(each.ko) == WON_EN.findall(each.en)
        assert KG.findall(each.ko) == KG.findall(each.en)
        for weight, price, product in PRODUCT.findall(each.ko):
            assert number(weight) * number(price) == number(product)
        for parts, total in TOTAL.findall(each.ko):
            assert sum(number(part) for part in WON_KO.findall(parts)) == number(total)
    assert f"{abs(won):,}" in " ".join(WON_KO.findall(words[-1].ko)) or won == 0


@given(complex_months())
def test_every_explanation_leads_to_the_won_by_right_arithmetic_in_both_languages(found: ComplexMonth) -> None:
    assessed, tariffs = assess(found), all_tariffs(found)
    for line in assessed.lines:
        words = explain(line, {number: tariffs[number] for number in tariffs_of(line.detail)})
        if line.kind == "estimated" and found.scheme == "complex":
            assert line.won == 0
            continue
        assert_right(words, line.won)
    total = explain_total(
        assessed.detail, assessed.residue_won, {each: tariffs[each] for each in tariffs_of(assessed.detail)}
    )
    assert f"{assessed.detail['won']:,}원" in total[0].ko


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_every_line_of_a_history_is_explained_by_the_tariffs_that_it_names(seed: int) -> None:
    history = drawn(seed)
    for run in range(MONTHS):
        history.close(run)
    tariffs = {each.id: each for schedule in history.schedules.values() for each in schedule.tariffs}
    for line in history.lines():
        words = explain(line, {number: tariffs[number] for number in tariffs_of(line.detail)})
        assert words
        if line.kind == "adjustment":
            assert f"{line.detail['new']['won']:,}원" in words[1].ko
