"""Service days, months, and how grams and won are written and rounded."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.days import days_of, days_within, midnight, month_after, month_of, service_day
from billing.units import Rounding, kilograms, plain, rounded
from tests.billing.support import ROUNDINGS


def test_midnight_is_the_first_moment_of_its_day() -> None:
    begun = midnight(date(2026, 10, 31))
    assert begun == datetime(2026, 10, 30, 15, tzinfo=UTC)
    assert service_day(begun) == date(2026, 10, 31)
    assert service_day(begun - timedelta(microseconds=1)) == date(2026, 10, 30)


months = st.dates(date(1990, 1, 1), date(2100, 12, 1)).map(month_of)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC), date(2026, 10, 31)),  # a second before midnight in Seoul
        (datetime(2026, 10, 31, 15, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 15, 0, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2028, 2, 29, 15, 0, tzinfo=UTC), date(2028, 3, 1)),
    ],
)
def test_a_service_day_begins_at_midnight_in_seoul(instant: datetime, day: date) -> None:
    assert service_day(instant) == day


def test_an_instant_without_time_zone_has_no_service_day() -> None:
    with pytest.raises(ValueError, match="give an instant in UTC"):
        service_day(datetime(2026, 10, 1, 12))  # noqa: DTZ001


def test_february_has_29_days_in_a_leap_year_only() -> None:
    assert [len(list(days_of(date(year, 2, 1)))) for year in (2027, 2028, 2100)] == [28, 29, 28]
    assert list(days_of(date(2028, 2, 14)))[-1] == date(2028, 2, 29)


@given(months, st.integers(-40, 40))
def test_months_follow_each_other_without_gap(month: date, count: int) -> None:
    assert month_after(month_after(month, count), -count) == month
    assert list(days_of(month))[-1] + timedelta(days=1) == month_after(month)


@given(months, st.lists(st.integers(-10, 45), min_size=1, max_size=3, unique=True))
def test_tenancies_that_follow_each_other_live_every_day_of_the_month_once(month: date, cuts: list[int]) -> None:
    days = [month + timedelta(days=cut) for cut in sorted(cuts)]
    firsts, ends = [date(1990, 1, 1), *days], [*days, None]
    lived = sum(days_within(month, first, end) for first, end in zip(firsts, ends, strict=True))
    assert lived == len(list(days_of(month)))


@pytest.mark.parametrize(
    ("value", "step", "down", "half_up", "up"),
    [
        ("1604.85", 1, 1604, 1605, 1605),
        ("1604.5", 1, 1604, 1605, 1605),
        ("1604.49", 1, 1604, 1604, 1605),
        ("1604", 1, 1604, 1604, 1604),
        ("1604.99", 10, 1600, 1600, 1610),
        ("1605", 10, 1600, 1610, 1610),
        ("1610", 10, 1610, 1610, 1610),
        ("0.01", 10, 0, 0, 10),
    ],
)
def test_won_are_rounded_to_multiples(value: str, step: int, down: int, half_up: int, up: int) -> None:
    assert [rounded(Decimal(value), rule, step) for rule in ROUNDINGS] == [down, half_up, up]


@given(st.decimals(0, 10**9, places=7), st.sampled_from(ROUNDINGS), st.integers(1, 1000))
def test_rounding_is_less_than_a_step_away_and_twice_the_same(value: Decimal, rule: Rounding, step: int) -> None:
    found = rounded(value, rule, step)
    assert abs(found - value) < step
    assert found % step == 0
    assert rounded(found, rule, step) == found


@pytest.mark.parametrize(
    ("grams", "text"),
    [(0, "0.00"), (5, "0.005"), (12_400, "12.40"), (12_345, "12.345"), (1_012_340, "1,012.34"), (-50, "-0.05")],
)
def test_grams_are_read_as_kilograms(grams: int, text: str) -> None:
    assert kilograms(grams) == text


@pytest.mark.parametrize(
    ("value", "text"), [("130", "130"), ("1604.850", "1,604.85"), ("1E+2", "100"), ("7.50", "7.5"), ("-4", "-4")]
)
def test_decimals_are_read_without_idle_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
