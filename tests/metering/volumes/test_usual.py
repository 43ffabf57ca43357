"""What is usual: the median of the same weekday in the eight weeks before, added up over the days of a slot."""

from datetime import date, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metering.volumes.coverage import Coverage, judge
from app.metering.volumes.slots import BY, By, midnight, slots
from app.metering.volumes.usual import LONGEST, usual_grams
from billing.days import service_day
from tests.metering.volumes.city import DAY

MONDAY = date(2026, 11, 16)
NOW = midnight(date(2026, 12, 31))


def by_hand(daily: dict[date, int], first: date, after: date) -> int | None:
    """The same from the sentence: for each day the weekday's median of the 56 days before the slot."""
    if (after - first).days > 92:
        return None
    total = 0.0
    for n in range((after - first).days):
        day = first + n * DAY
        before = [first - back * DAY for back in range(1, 57) if (first - back * DAY).weekday() == day.weekday()]
        known = [daily[past] for past in before if past in daily]
        assert len(before) == 8
        if len(known) < 4:
            return None
        total += median(known)
    return round(total)


histories = st.dictionaries(st.integers(1, 80).map(lambda n: MONDAY - n * DAY), st.integers(0, 900_000), max_size=80)


@given(histories, st.sampled_from(BY), st.integers(0, 20), st.integers(1, 120))
def test_it_is_the_sum_of_the_medians_of_the_weekdays_before(
    daily: dict[date, int], by: By, offset: int, length: int
) -> None:
    first = MONDAY - offset * DAY
    for slot in slots(by, first, first + length * DAY)[:3]:
        if by == "hour":
            assert usual_grams(daily, slot) is None
        else:
            assert usual_grams(daily, slot) == by_hand(daily, service_day(slot.start), service_day(slot.end))


@given(st.integers(1, 300))
def test_a_steady_place_is_usual_for_any_length_up_to_a_quarter(length: int) -> None:
    daily = {MONDAY - n * DAY: 1000 for n in range(1, 57)}
    (slot,) = slots(None, MONDAY, MONDAY + length * DAY)
    assert usual_grams(daily, slot) == (1000 * length if length * DAY <= LONGEST else None)


def test_three_weeks_say_too_little_and_four_enough() -> None:
    (slot,) = slots("day", MONDAY, MONDAY + DAY)
    weeks = {MONDAY - 7 * n * DAY: 1000 * n for n in range(1, 9)}
    three = {day: grams for day, grams in weeks.items() if day >= MONDAY - 21 * DAY}
    four = {day: grams for day, grams in weeks.items() if day >= MONDAY - 28 * DAY}
    assert (usual_grams(three, slot), usual_grams(four, slot)) == (None, 2500)
    assert usual_grams(weeks, slot) == 4500
    assert usual_grams({}, slot) is None


def test_a_week_of_festival_moves_nothing() -> None:
    daily = {MONDAY - n * DAY: 1000 for n in range(1, 57)}
    odd = daily | {MONDAY - n * DAY: 5000 for n in range(8, 15)}
    for by in ("day", "week"):
        slot = slots(by, MONDAY, MONDAY + 7 * DAY)[0]
        assert usual_grams(odd, slot) == usual_grams(daily, slot)


def told(grams: int, usual: int | None, share: float | None, **missing: int) -> str:
    counts = {"households": 100, "meters": 8, "meters_reporting": 8, "silent_meters": 0}
    counts |= {"gateways": 2, "gateways_reporting": 2, "gateways_out": 0}
    (slot,) = slots("day", MONDAY, MONDAY + DAY)
    return judge(Coverage(**(counts | missing), alive_share=share), slot, grams, usual, NOW)


@pytest.mark.parametrize(
    ("grams", "usual", "share", "condition"),
    [
        *((600, 1000, 1.0, "complete"), (599, 1000, 1.0, "fall"), (0, 1000, 1.0, "fall"), (0, None, 1.0, "complete")),
        *((0, 0, 1.0, "complete"), (480, 1000, 0.8, "complete"), (479, 1000, 0.8, "fall")),
        *((449, 1000, 0.75, "fall"), (0, 1000, 0.7499, "complete"), (0, 1000, 0.0, "complete")),
    ],
)
def test_a_fall_is_less_than_six_tenths_of_the_usual_for_the_time_that_was_heard(
    grams: int, usual: int | None, share: float, condition: str
) -> None:
    assert told(grams, usual, share) == condition
    worse = condition if condition == "fall" else "outage"
    assert told(grams, usual, share, gateways_out=1, silent_meters=1) == worse
    assert told(grams, usual, share, silent_meters=1) == (condition if condition == "fall" else "silent_meter")


def test_without_meters_or_time_nothing_is_told() -> None:
    assert told(0, 1000, None, meters=0) == "no_meters"
    assert told(0, 1000, None, gateways_out=2) == "too_early"


def test_a_slot_that_goes_on_is_no_fall_until_its_last_reports_are_due() -> None:
    (slot,) = slots("day", MONDAY, MONDAY + DAY)
    coverage = Coverage(100, 8, 8, 0, 2, 2, 0, 1.0)
    for minutes, condition in ((-60, "complete"), (0, "complete"), (9, "complete"), (10, "fall")):
        assert judge(coverage, slot, 0, 1000, slot.end + timedelta(minutes=minutes)) == condition
