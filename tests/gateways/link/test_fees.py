"""The display's estimate: whole won rounded down, by the step in force on the Korean day, or nothing at all."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.clock import Instant
from gateways.link.fees import fee_estimate, korean_day
from tests.gateways.link.rig import Rig
from tests.gateways.link.test_commands import status

STEPS = [(date(2026, 1, 1), Decimal("130")), (date(2027, 1, 1), Decimal("147.5"))]


@pytest.mark.parametrize(
    ("grams", "day", "won"),
    [
        (1000, date(2026, 1, 1), 130),
        (410, date(2026, 12, 31), 53),
        (410, date(2027, 1, 1), 60),
        (0, date(2026, 6, 1), 0),
        (7, date(2026, 6, 1), 0),
        (1000, date(2025, 12, 31), None),
        (1000, None, None),
        (-10, date(2026, 6, 1), None),
    ],
)
def test_the_estimate_goes_by_the_step_in_force(grams: int, day: date | None, won: int | None) -> None:
    assert fee_estimate(grams, STEPS, day) == won
    assert fee_estimate(grams, STEPS[::-1], day) == won


def test_a_district_that_shows_no_fees_has_no_estimate() -> None:
    assert fee_estimate(1000, [], date(2026, 6, 1)) is None


@given(grams=st.integers(0, 10**7), price=st.decimals(0, 10**6, places=3))
def test_the_estimate_is_never_above_the_price_and_less_than_a_won_below_it(grams: int, price: Decimal) -> None:
    won = fee_estimate(grams, [(date(2026, 1, 1), price)], date(2026, 1, 1))
    assert won is not None
    assert 0 <= Fraction(price) * grams / 1000 - won < 1


def test_the_day_is_koreas_which_begins_nine_hours_before_utcs() -> None:
    eve = datetime(2026, 12, 31, 15, tzinfo=UTC)
    assert korean_day(Instant(eve, "synced", 0)) == date(2027, 1, 1)
    assert korean_day(Instant(eve - timedelta(seconds=1), "holdover", 0)) == date(2026, 12, 31)
    assert korean_day(Instant(eve, "unset", 0)) is None


def test_the_tariff_comes_with_the_status_and_goes_when_the_district_shows_none(rig: Rig) -> None:
    rig.fake.lists.tariff = [{"from": "2027-01-01", "won_per_kg": "147.5"}, {"from": "2026-01-01", "won_per_kg": "130"}]
    rig.uplink.step()
    assert rig.spool.tariff() == STEPS
    rig.fake.lists.tariff = None  # an older server says nothing of it
    status(rig)
    assert rig.spool.tariff() == STEPS
    rig.fake.lists.tariff = []
    status(rig)
    assert rig.spool.tariff() == []
