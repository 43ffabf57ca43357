"""A complex's month: who owes what, and that lines, suspense and residue are the complex's statement."""

import json
import random
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import rate
from billing.sharing import share
from billing.statements import Assessment, ComplexMonth, Estimated, Used, assess
from billing.tariffs import Schedule
from tests.billing.support import CITY, MONTH, amounts, complex_months, month, part, tariff, used

OCTOBER_15 = date(2026, 10, 15)


def test_each_household_pays_for_its_own_weight() -> None:
    found = assess(month([part(1, 12_400), part(2, 0), part(3, 12_345)]))
    assert amounts(found.lines) == [("usage", 1, 1612), ("usage", 2, 0), ("usage", 3, 1604)]
    assert [(line.grams, line.discharges) for line in found.lines] == [(12_400, 1), (0, 0), (12_345, 1)]
    assert found.residue_won == 0  # 1,612 + 1,604.85 = 3,216.85 → 3,216


def test_a_price_change_within_the_month() -> None:
    # 130 until the 14th, then 150: 6.2 × 130 + 6.205 × 150 = 806 + 930.75 = 1,736.75
    new = tariff((0, "150"), number=2, first_day=OCTOBER_15)
    found = assess(month([part(1, 6200, 6205)], tariff(), new))
    assert amounts(found.lines) == [("usage", 1, 1736)]
    assert found.lines[0].detail == {"steps": [[1, 0, 6200, "806.000"], [2, 0, 6205, "930.750"]]}


def test_a_price_that_begins_on_the_leap_day() -> None:
    # February 2028: 10 kg until the 28th at 75, 1 kg on the 29th at 100. In 2027 the month has no such day.
    old, new = tariff((0, "75")), tariff((0, "100"), number=2, first_day=date(2028, 2, 29))
    found = assess(month([part(1, 10_000, 1000, days=29)], old, new, month=date(2028, 2, 1)))
    assert amounts(found.lines) == [("usage", 1, 850)]
    assert amounts(assess(month([part(1, 11_000, days=28)], old, new, month=date(2027, 2, 1))).lines)[0][2] == 825


def test_a_move_within_the_month_parts_the_won_of_the_whole() -> None:
    # Together 25.001 kg: 20 × 80 + 5.001 × 120 = 2,200.12 → 2,200. By weight 10.000 : 15.001 → 879.97 and 1,320.03.
    found = assess(month([part(1, 10_000, days=12), part(2, 15_001, household=1, days=19)], tariff(*CITY)))
    assert amounts(found.lines) == [("usage", 1, 880), ("usage", 2, 1320)]


def test_neighbours_are_no_parts_of_each_other() -> None:
    found = assess(month([part(1, 10_000), part(2, 15_001)], tariff(*CITY)))
    assert amounts(found.lines) == [("usage", 1, 800), ("usage", 2, 1200)]


def test_a_payer_class_that_changes_with_the_tenants_is_rated_for_itself() -> None:
    relief = tariff(number=2, relief_percent=Decimal(50))
    parts = [part(1, 10_000), part(2, 10_000, household=1, payer_class="relief")]
    assert amounts(assess(month(parts, relief=relief)).lines) == [("usage", 1, 1300), ("usage", 2, 650)]


def test_estimated_weight_joins_the_total_and_has_a_line_of_its_own() -> None:
    # 18 + 4 kg: 20 × 80 + 2 × 120 = 1,840, of which 18/22 = 1,505.45 and 4/22 = 334.55
    found = assess(month([part(1, 18_000, estimated=(Estimated(7, 0, 4000),))], tariff(*CITY)))
    assert amounts(found.lines) == [("usage", 1, 1505), ("estimated", 1, 335)]
    assert [(line.grams, line.discharges) for line in found.lines] == [(18_000, 1), (4000, 0)]
    assert found.lines[1].detail["estimate"] == 7


def test_an_estimate_over_a_price_change_is_one_line() -> None:
    new = tariff((0, "150"), number=2, first_day=OCTOBER_15)
    estimated = (Estimated(7, 0, 1000), Estimated(7, 1, 2000))
    found = assess(month([part(1, 0, 0, estimated=estimated)], tariff(), new))
    assert amounts(found.lines) == [("usage", 1, 0), ("estimated", 1, 130 + 300)]


def test_suspense_is_shared_by_weight_at_the_lowest_tier() -> None:
    # 25 kg × 80 = 2,000, though 25 kg of one household would cost more; by 1 kg : 2 kg : 0
    parts = [part(1, 1000), part(2, 2000), part(3, 0)]
    found = assess(month(parts, tariff(*CITY), suspense=[25_000], suspense_policy="shared"))
    shares = [line for line in found.lines if line.kind == "suspense_share"]
    assert amounts(shares) == [("suspense_share", 1, 667), ("suspense_share", 2, 1333)]
    assert (found.suspense_g, found.suspense_count, found.suspense_won) == (25_000, 1, 2000)
    assert [(line.grams, line.discharges) for line in shares] == [(0, 0), (0, 0)]


def test_suspense_is_shared_equally_by_the_days_lived_there() -> None:
    parts = [part(1, 1000), part(2, 2000, days=10), part(3, 0, days=20, household=2)]
    found = assess(month(parts, suspense=[10_000], suspense_policy="shared", sharing="equal"))
    # 1,300 won by 31 : 10 : 20 days: 660.66, 213.11, 426.23
    assert [line.won for line in found.lines if line.kind == "suspense_share"] == [661, 213, 426]


@pytest.mark.parametrize(
    ("days", "by", "shares"), [((31, 31), "days", [65, 65]), ((0, 0), "parts", [65, 65]), ((0, 31), "days", [130])]
)
def test_where_nobody_threw_anything_away_days_share_and_then_households(
    days: tuple[int, int], by: str, shares: list[int]
) -> None:
    parts = [part(number, 0, days=lived) for number, lived in enumerate(days, 1)]
    found = assess(month(parts, suspense=[1000], suspense_policy="shared"))
    of_suspense = [line for line in found.lines if line.kind == "suspense_share"]
    assert [line.won for line in of_suspense] == shares
    assert {line.detail["by"] for line in of_suspense} == {by}


@pytest.mark.parametrize("policy", ["not_billed", "held"])
def test_suspense_that_is_not_shared_costs_nobody_anything(policy: str) -> None:
    found = assess(month([part(1, 1000)], suspense=[25_000], suspense_policy=policy))
    assert (found.suspense_g, found.suspense_won, found.residue_won) == (25_000, 0, 0)
    assert amounts(found.lines) == [("usage", 1, 130)]


def test_suspense_of_a_complex_where_nobody_lives_waits() -> None:
    found = assess(month([], suspense=[25_000], suspense_policy="shared"))
    assert found.lines == []
    assert (found.suspense_g, found.suspense_won, found.residue_won) == (25_000, 0, 0)


def test_what_many_floors_lose_stands_as_the_residue() -> None:
    # 500 households of 12.345 kg, each 1,604.85 → 1,600; together 802,425 → 802,420
    dropping = tariff(round_to_won=10)
    found = assess(month([part(number, 12_345) for number in range(1, 501)], dropping))
    assert sum(line.won for line in found.lines) == 800_000
    assert found.residue_won == 2420


def test_a_complex_of_500_billed_on_its_total_pays_more_than_its_households_floored_to_10_won() -> None:
    mix = random.Random(20)
    found = assess(month([part(n, mix.randrange(3000, 25_000)) for n in range(1, 501)], tariff(round_to_won=10)))
    assert 2000 < found.residue_won < 2600  # nearly half a step for each: measured as 2,248 won on real-sized bills


def test_guro_bills_the_complex_and_shares_it_equally() -> None:
    # 40 kg + 2 kg of suspense at 75 = 3,150; by 31 : 31 : 13 days
    parts = [part(1, 30_000), part(2, 0), part(3, 10_000, days=13)]
    found = assess(month(parts, tariff((0, "75")), scheme="complex", sharing="equal", suspense=[2000]))
    assert amounts(found.lines) == [("complex_share", 1, 1302), ("complex_share", 2, 1302), ("complex_share", 3, 546)]
    assert [line.grams for line in found.lines] == [30_000, 0, 10_000]
    assert (found.suspense_won, found.residue_won) == (0, 0)


def test_what_the_truck_weighed_replaces_the_meters_and_may_be_shared_by_them() -> None:
    parts = [part(1, 30_000), part(2, 10_000)]
    found = assess(month(parts, tariff((0, "75")), scheme="complex", weighed_elsewhere_g=50_000))
    assert amounts(found.lines) == [("complex_share", 1, 2813), ("complex_share", 2, 937)]  # 3,750: 2,812.5 and 937.5


def test_weight_of_a_truck_is_laid_over_a_price_change_as_the_meters_weighed_or_by_days() -> None:
    tariffs = (tariff((0, "75")), tariff((0, "100"), number=2, first_day=date(2026, 10, 22)))
    metered = month([part(1, 3000, 1000)], *tariffs, scheme="complex", weighed_elsewhere_g=8000)
    assert assess(metered).exact_won == 6 * 75 + 2 * 100
    unmetered = month([part(1, 0, 0)], *tariffs, scheme="complex", weighed_elsewhere_g=31_000)
    assert assess(unmetered).exact_won == 21 * 75 + 10 * 100


def test_estimated_weight_is_part_of_a_complex_unless_a_truck_weighed_it() -> None:
    parts = [part(1, 30_000, estimated=(Estimated(7, 0, 10_000),)), part(2, 10_000)]
    by_weight = month(parts, tariff((0, "75")), scheme="complex")
    assert amounts(assess(by_weight).lines) == [
        ("complex_share", 1, 3000),
        ("estimated", 1, 0),
        ("complex_share", 2, 750),
    ]
    by_truck = assess(by_weight._replace(weighed_elsewhere_g=30_000))
    assert sum(line.won for line in by_truck.lines) == 2250


def test_a_complex_without_households_keeps_its_fee_as_residue() -> None:
    found = assess(month([], tariff((0, "75")), scheme="complex", weighed_elsewhere_g=10_000))
    assert (found.lines, found.residue_won) == ([], 750)


def test_who_paid_at_the_bin_paid_their_own_whoever_lived_there_before() -> None:
    jeju, twice = tariff((0, "30"), rounded_at="discharge"), (Used(1_030, 2, ((515, 2),)),)
    parts = [part(1, 9_000), part(2, household=1, used=twice)]
    assert [line.won for line in assess(month(parts, jeju)).lines] == [270, 30]


def test_a_prepaid_month_says_what_was_paid_at_the_bin() -> None:
    jeju = tariff((0, "30"), rounded_at="discharge")
    three = Used(3333, 3, ((1250, 1), (2050, 1), (33, 1)))  # 37.5, 61.5 and 0.99 won, each floored
    found = assess(month([part(1, used=(three,))], jeju, scheme="prepaid"))
    assert amounts(found.lines) == [("usage", 1, 98)]
    assert found.residue_won == 0


@given(complex_months())
def test_lines_suspense_and_residue_are_the_complex_statement(found: ComplexMonth) -> None:
    assessed = assess(found)
    lines = sum(line.won for line in assessed.lines if line.kind != "suspense_share")
    shares = sum(line.won for line in assessed.lines if line.kind == "suspense_share")
    assert shares == assessed.suspense_won
    assert lines + shares + assessed.residue_won == assessed.detail["won"]
    assert str(assessed.exact_won) == assessed.detail["exact"]
    assert all(line.won >= 0 for line in assessed.lines)


@given(complex_months())
def test_every_gram_of_every_part_stands_in_exactly_one_line(found: ComplexMonth) -> None:
    assessed, grams, count = assess(found), Counter[int](), Counter[int]()
    for line in assessed.lines:
        grams[line.tenancy_id] += line.grams
        count[line.tenancy_id] += line.discharges
    for each in found.parts:
        estimated = sum(guess.grams for guess in each.estimated)
        assert grams[each.tenancy_id] == sum(own.grams for own in each.used) + estimated
        assert count[each.tenancy_id] == sum(own.discharges for own in each.used)
    assert assessed.suspense_g == sum(each.grams for each in found.suspense)


@given(complex_months("household"))
def test_parts_of_a_moved_month_are_the_whole(found: ComplexMonth) -> None:
    billed: Counter[tuple[int, str]] = Counter()
    classes = {each.tenancy_id: each.payer_class for each in found.parts}
    for line in assess(found._replace(suspense_policy="held")).lines:
        billed[line.household_id, classes[line.tenancy_id]] += line.won
    for (household, payer_class), won in billed.items():
        parts = [each for each in found.parts if (each.household_id, each.payer_class) == (household, payer_class)]
        spans = range(len(found.spans))
        whole = [
            Used(
                sum(each.used[at].grams for each in parts),
                0,
                tuple(weight for each in parts for weight in each.used[at].weights),
            )
            for at in spans
        ]
        guessed = [sum(guess.grams for each in parts for guess in each.estimated if guess.span == at) for at in spans]
        assert won == rate(found.tariffs[payer_class], whole, guessed).won


def of_tenancies(assessed: Assessment) -> Counter[tuple[str, int]]:
    """Won by kind and tenancy."""
    won: Counter[tuple[str, int]] = Counter()
    for line in assessed.lines:
        won[line.kind, line.tenancy_id] += line.won
    return won


@given(complex_months(), st.randoms(use_true_random=False))
def test_order_batches_and_repetition_change_nothing(found: ComplexMonth, mix: random.Random) -> None:
    def shuffled(spans: tuple[Used, ...]) -> tuple[Used, ...]:
        return tuple(each._replace(weights=tuple(mix.sample(each.weights, len(each.weights)))) for each in spans)

    parts = [each._replace(used=shuffled(each.used)) for each in found.parts]
    again = found._replace(parts=parts, suspense=shuffled(found.suspense))
    assert assess(again) == assess(found) == assess(found)


@given(complex_months("household"), st.randoms(use_true_random=False))
def test_households_in_another_order_owe_the_same_for_their_own_weight(found: ComplexMonth, mix: random.Random) -> None:
    one_each = [each._replace(household_id=each.tenancy_id) for each in found.parts]
    mixed = mix.sample(one_each, len(one_each))
    first, second = (assess(found._replace(parts=parts)) for parts in (one_each, mixed))
    own = [{key: won for key, won in of_tenancies(each).items() if key[0] == "usage"} for each in (first, second)]
    assert own[0] == own[1]
    assert first.exact_won == second.exact_won
    assert (first.suspense_won, first.residue_won) == (second.suspense_won, second.residue_won)


@given(complex_months())
def test_details_are_json_and_come_back_the_same(found: ComplexMonth) -> None:
    assessed = assess(found)
    for detail in [assessed.detail, *(line.detail for line in assessed.lines)]:
        assert json.loads(json.dumps(detail)) == detail


@given(complex_months())
def test_shares_follow_the_weights_that_they_tell(found: ComplexMonth) -> None:
    shares = [line for line in assess(found).lines if line.kind in ("suspense_share", "complex_share")]
    if shares:
        told = shares[0].detail
        assert share(told["won"], [line.detail["own"] for line in shares]) == [line.won for line in shares]
        assert sum(line.detail["own"] for line in shares) == told["all"]


def test_another_payer_class_changing_its_price_changes_nothing_for_the_general_one() -> None:
    general, relief = (
        Schedule([tariff(unit_g=1000)]),
        Schedule([tariff(number=2), tariff(number=3, first_day=OCTOBER_15)]),
    )
    spans = general.spans(MONTH, relief)
    assert [span.first_day for span in spans] == [MONTH, OCTOBER_15]
    base = month([part(1, 1900)], tariff(unit_g=1000))
    cut = base._replace(
        spans=spans,
        parts=[part(1, 900, 1000)],
        tariffs={"general": general.over(spans), "relief": relief.over(spans)},
        suspense=used(0, 0),
    )
    assert assess(cut).lines[0].won == assess(base).lines[0].won == 130
