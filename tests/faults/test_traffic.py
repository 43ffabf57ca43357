"""Silence of a bin is held against what it usually takes at that hour, and against the others' pace."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.fleet.faults.traffic import HOUR, WEEK, WEEKS, WINDOW, hours_needed, quiet_bins

NOW = datetime(2026, 11, 27, 12, 20, tzinfo=UTC)  # 21:20 in Seoul
FULL_HOUR = NOW.replace(minute=0)
ONE_IN = 1_000_000


def past(per_hour: dict[int, int], weeks: int = WEEKS) -> dict[datetime, int]:
    """The same in each of the weeks before: discharges by how many hours before the full hour."""
    return {
        FULL_HOUR - hours * HOUR - week * WEEK: count
        for week in range(1, weeks + 1)
        for hours, count in per_hour.items()
    }


EVERY_HOUR = dict.fromkeys(range(1, WINDOW + 1), 4)


def test_a_busy_bin_that_takes_nothing_for_four_hours_is_improbable() -> None:
    taken = {FULL_HOUR - hours * HOUR: 4 for hours in range(5, 10)}
    quiet = quiet_bins({1: past(EVERY_HOUR) | taken}, NOW)[1]
    assert quiet.since == FULL_HOUR - 4 * HOUR
    assert quiet.expected == 16
    assert quiet.improbable(ONE_IN)


def test_a_bin_that_is_quiet_at_this_hour_every_week_is_well() -> None:
    by_day = dict.fromkeys(range(9, WINDOW + 1), 4)  # nothing in the eight hours of the night
    taken = {FULL_HOUR - hours * HOUR: 4 for hours in range(9, 12)}
    quiet = quiet_bins({1: past(by_day) | taken}, NOW)[1]
    assert quiet.expected == 0
    assert not quiet.improbable(ONE_IN)


def test_one_discharge_in_the_hour_under_way_ends_it() -> None:
    quiet = quiet_bins({1: past(EVERY_HOUR) | {FULL_HOUR: 1}}, NOW)[1]
    assert quiet.expected == 0


def test_of_a_bin_that_is_there_for_three_weeks_nothing_is_known() -> None:
    assert quiet_bins({1: past(EVERY_HOUR, weeks=3)}, NOW) == {}


def test_a_week_of_outage_lowers_nothing() -> None:
    counts = {hour: count for hour, count in past(EVERY_HOUR).items() if hour > NOW - 7 * WEEK}
    assert quiet_bins({1: counts}, NOW)[1].expected == 4 * WINDOW


def test_on_a_day_when_all_bins_are_slow_more_silence_is_needed() -> None:
    typhoon = past(EVERY_HOUR) | {FULL_HOUR - hours * HOUR: 1 for hours in range(1, WINDOW + 1)}
    silent = past(EVERY_HOUR) | {FULL_HOUR - 5 * HOUR: 1}
    alone = quiet_bins({1: silent}, NOW)[1]
    among = quiet_bins({1: silent} | dict.fromkeys(range(2, 9), typhoon), NOW)[1]
    assert alone.improbable(ONE_IN)
    assert not among.improbable(ONE_IN)
    assert math.isclose(among.expected, alone.expected / 4)


def test_a_silent_bin_does_not_slow_the_pace_that_it_is_held_to() -> None:
    usual = past(EVERY_HOUR) | {FULL_HOUR - hours * HOUR: 4 for hours in range(1, WINDOW + 1)}
    assert quiet_bins({1: past(EVERY_HOUR), 2: usual}, NOW)[1].expected == 4 * WINDOW


counts = st.dictionaries(st.sampled_from(hours_needed(NOW)), st.integers(0, 9))


@given(counts, counts)
def test_one_more_discharge_never_makes_a_silence_longer(one: dict[datetime, int], other: dict[datetime, int]) -> None:
    before = quiet_bins({1: one, 2: other}, NOW).get(1)
    after = quiet_bins({1: one | {FULL_HOUR - HOUR: 1}, 2: other}, NOW).get(1)
    if before is not None and after is not None:
        assert after.since >= before.since
        assert after.expected <= before.expected


@given(st.dictionaries(st.integers(1, 5), counts), st.randoms())
def test_the_order_of_bins_does_not_matter(bins: dict[int, dict[datetime, int]], random: object) -> None:
    backwards = dict(reversed(bins.items()))
    found, again = quiet_bins(bins, NOW), quiet_bins(backwards, NOW)
    assert found.keys() == again.keys()
    for number, quiet in found.items():
        assert again[number].since == quiet.since
        assert math.isclose(again[number].expected, quiet.expected, abs_tol=1e-9)


def test_the_hours_that_are_needed_are_those_of_nine_weeks() -> None:
    needed = hours_needed(NOW)
    assert len(needed) == len(set(needed)) == 9 * (WINDOW + 1)
    assert min(needed) == FULL_HOUR - 8 * WEEK - timedelta(hours=WINDOW)
