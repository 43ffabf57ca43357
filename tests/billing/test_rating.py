"""What weight costs: tiers and their edges, units, free weight, relief, rounding, and price changes in a month."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import FREE, Used, after_relief, bounds, rate
from billing.tariffs import Tariff
from billing.units import rounded
from tests.billing.support import CITY, prepaid, tariff, tariffs, used, weights

OCTOBER_15 = date(2026, 10, 15)


def won(found: Tariff, grams: int) -> int:
    """What so many grams of a month cost, in one discharge."""
    return rate([found], used(grams)).won


@pytest.mark.parametrize(
    ("grams", "graduated", "whole_amount"),
    [
        (0, 0, 0),
        (19_999, 1599, 1599),  # 19.999 × 80 = 1,599.92
        (20_000, 1600, 2400),  # 20 × 80; as a whole amount 20 × 120
        (20_001, 1600, 2400),  # 1,600 + 0.001 × 120 = 1,600.12; 20.001 × 120 = 2,400.12
        (29_999, 2799, 3599),  # 1,600 + 9.999 × 120 = 2,799.88; 29.999 × 120 = 3,599.88
        (30_000, 2800, 4200),  # 1,600 + 10 × 120; 30 × 140
        (30_001, 2800, 4200),  # 2,800 + 0.14; 4,200.14
        (45_500, 4970, 6370),  # 2,800 + 15.5 × 140 = 4,970; 45.5 × 140
    ],
)
def test_tiers_change_at_their_gram(grams: int, graduated: int, whole_amount: int) -> None:
    assert won(tariff(*CITY), grams) == graduated
    assert won(tariff(*CITY, tiering="whole_amount"), grams) == whole_amount


@pytest.mark.parametrize(
    ("terms", "grams", "expected"),
    [
        ({}, 12_400, 1612),  # 12.4 × 130
        ({}, 12_345, 1604),  # 1,604.85
        ({"rounding": "half_up"}, 12_345, 1605),
        ({"rounding": "up"}, 12_340, 1605),  # 1,604.2
        ({"round_to_won": 10}, 12_345, 1600),
        ({"unit_g": 100}, 12_399, 1599),  # 12.3 kg count
        ({"unit_g": 100, "unit_rounding": "half_up"}, 12_350, 1612),  # 12.4
        ({"unit_g": 100, "unit_rounding": "up"}, 12_301, 1612),
        ({"free_g": 2000}, 12_400, 1352),  # 10.4 × 130
        ({"free_g": 2000}, 1999, 0),
        ({"relief_percent": Decimal(50)}, 12_345, 802),  # 802.425
        ({"relief_percent": Decimal(100)}, 12_345, 0),
        ({"relief_percent": Decimal("33.33"), "free_g": 400}, 12_400, 1040),  # 12 × 130 × 66.67 % = 1,040.052
        ({"free_g": 500, "unit_g": 1000}, 2999, 195),  # 2 kg count, of which 0.5 are free
    ],
)
def test_terms_of_a_flat_tariff(terms: dict[str, Any], grams: int, expected: int) -> None:
    assert won(tariff(**terms), grams) == expected


def test_free_weight_takes_the_first_places_of_the_tiers() -> None:
    graduated = rate([tariff(*CITY, free_g=25_000)], used(31_000))
    assert [(step.tier, step.grams, int(step.won)) for step in graduated.steps] == [
        (FREE, 25_000, 0),
        (1, 5000, 600),
        (2, 1000, 140),
    ]
    assert won(tariff(*CITY, free_g=25_000, tiering="whole_amount"), 31_000) == 840  # 6 × 140: the total reached 30 kg


def test_a_price_change_within_the_month_goes_on_at_the_place_that_was_reached() -> None:
    # 1-14 October: 15 kg at 80. From the 15th on 5 kg at 100 (up to 20 kg), then 4 kg at 150.
    new = tariff((0, "100"), (20_000, "150"), number=2, first_day=OCTOBER_15)
    found = rate([tariff(*CITY), new], used(15_000, 9000))
    assert [tuple(step) for step in found.steps] == [(1, 0, 15_000, 1200), (2, 0, 5000, 500), (2, 1, 4000, 600)]
    assert found.won == 2300


def test_a_whole_amount_looks_at_the_total_of_the_month_and_prices_each_span() -> None:
    old, new = tariff(*CITY, tiering="whole_amount"), tariff(number=2, first_day=OCTOBER_15)
    assert rate([old, new], used(15_000, 4999)).won == 1200 + 649  # 15 × 80, 4.999 × 130 = 649.87
    assert rate([old, new], used(15_000, 5000)).won == 1800 + 650  # 15 × 120: together 20 kg were reached


def test_the_last_tariff_of_the_month_rounds_the_sum_once() -> None:
    old = tariff(round_to_won=10, rounding="up")
    new = tariff(number=2, first_day=OCTOBER_15)
    assert rate([old, new], used(1005, 1010)).won == 261  # 130.65 + 131.3 = 261.95


def test_relief_that_begins_within_the_month_is_taken_off_its_own_days() -> None:
    relieved = tariff(number=2, first_day=OCTOBER_15, relief_percent=Decimal(50))
    assert rate([tariff(), relieved], used(10_000, 10_000)).won == 1300 + 650


JEJU = tariff((0, "30"), rounded_at="discharge")


def discharged(*grams: int) -> Used:
    """Discharges of one span, with the weight of each."""
    return Used(sum(grams), len(grams), tuple((each, 1) for each in grams))


def test_prepaid_won_are_floored_at_each_discharge() -> None:
    # 1,250 g → 37.5 → 37; 2,050 g → 61.5 → 61; 33 g → 0.99 → 0. Their sum, 3,333 g, would cost 99.99.
    assert rate([JEJU], [discharged(1250, 2050, 33)]).won == 98


def test_the_same_weight_may_be_told_by_how_often() -> None:
    assert rate([JEJU], [Used(3750, 3, ((1250, 3),))]).won == rate([JEJU], [discharged(1250, 1250, 1250)]).won == 111


def test_unit_and_relief_count_at_each_discharge_of_a_prepaid_scheme() -> None:
    found = tariff((0, "30"), rounded_at="discharge", unit_g=100, relief_percent=Decimal(50))
    # 1,299 g → 1.2 kg × 15 = 18; 599 g → 0.5 × 15 = 7.5 → 7
    assert rate([found], [discharged(1299, 599)]).won == 25


def test_a_month_may_change_from_one_way_of_rounding_to_the_other() -> None:
    postpaid = tariff(number=2, first_day=OCTOBER_15)
    spans = [discharged(1250, 2050), discharged(1005)]
    assert rate([JEJU, postpaid], spans).won == 37 + 61 + 130  # 1.005 × 130 = 130.65
    assert rate([postpaid, JEJU], spans[::-1]).won == 37 + 61 + 130


def test_estimated_weight_of_a_prepaid_scheme_counts_as_one_discharge() -> None:
    assert rate([JEJU], [discharged(1250)], [1250]).won == 37 + 37


def test_discharges_without_their_weights_cannot_be_rounded_one_by_one() -> None:
    with pytest.raises(ValueError, match=r"give Used\.weights"):
        rate([JEJU], [Used(1250, 1)])


def test_what_rounding_dropped_at_each_discharge_is_known_within_bounds() -> None:
    # Three discharges of together 3.333 kg: at most 99.99 won, and each of them lost less than one.
    assert bounds(JEJU, 3333, 3) == (Decimal("96.99"), Decimal("99.99"))


@given(tariffs(tiering="graduated") | prepaid(), weights, st.integers(0, 5000))
def test_more_grams_never_lower_a_graduated_bill(found: Tariff, grams: int, more: int) -> None:
    assert won(found, grams) <= won(found, grams + more)


graduated = tariffs(tiering="graduated")
NEXT = tariffs(number=2, first_day=OCTOBER_15, tiering="graduated")


@given(graduated, NEXT, st.tuples(weights, weights), st.tuples(st.integers(0, 900), st.integers(0, 900)))
def test_nor_does_a_price_change_let_more_grams_cost_less(
    old: Tariff, new: Tariff, grams: tuple[int, int], more: tuple[int, int]
) -> None:
    less, later = rate([old, new], used(*grams)), rate([old, new], used(grams[0] + more[0], grams[1] + more[1]))
    assert less.won <= later.won


@given(tariffs() | prepaid(), st.lists(weights, max_size=12), st.randoms(use_true_random=False))
def test_order_and_batches_of_discharges_change_nothing(found: Tariff, grams: list[int], mix: random.Random) -> None:
    shuffled = mix.sample(grams, len(grams))
    times = tuple((each, grams.count(each)) for each in sorted(set(grams)))
    expected = rate([found], [discharged(*grams)])
    assert rate([found], [discharged(*shuffled)]) == expected
    assert rate([found], [Used(sum(grams), len(grams), times)]) == expected


@given(tariffs(), weights, weights, weights)
def test_a_cut_at_which_this_tariff_goes_on_changes_nothing(found: Tariff, first: int, second: int, third: int) -> None:
    whole = rate([found], used(first + second + third), [900])
    assert rate([found] * 3, used(first, second, third), [300, 0, 600]) == whole


@given(tariffs(), weights)
def test_steps_hold_every_gram_that_counts_and_the_exact_won(found: Tariff, grams: int) -> None:
    rated = rate([found], used(grams))
    assert sum(step.grams for step in rated.steps) == rounded(grams, found.unit_rounding, found.unit_g)
    assert rated.exact == after_relief(found, sum((step.won for step in rated.steps), Decimal(0)))
    assert rated.won == rounded(rated.exact, found.rounding, found.round_to_won)
    for step in rated.steps:
        price = Decimal(0) if step.tier == FREE else found.tiers[step.tier].won_per_kg
        assert step.won * 1000 == step.grams * price


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=50), st.decimals(1, 500, places=2))
def test_won_floored_at_each_discharge_lie_within_the_bounds(grams: list[int], price: Decimal) -> None:
    found = tariff((0, str(price)), rounded_at="discharge")
    least, most = bounds(found, sum(grams), len(grams))
    assert least < rate([found], [discharged(*grams)]).won <= most


@given(st.integers(0, 10**9), st.decimals(0, 10**6, places=4), st.decimals(0, 100, places=2))
def test_no_product_is_inexact_at_the_largest_amounts(grams: int, price: Decimal, relief: Decimal) -> None:
    exact = rate([tariff((0, str(price)), relief_percent=relief)], used(grams)).exact
    numerator = grams * int(price * 10**4) * int(100 * (100 - relief))
    assert int(exact.scaleb(11)) == numerator
