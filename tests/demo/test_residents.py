"""What the demo's residents throw away: always the same for one seed, and as others measured it."""

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo import patterns
from app.demo.residents import (
    DAY_US,
    EMPTY_OPEN,
    HOUR_US,
    NEGATIVE,
    OUTCOMES,
    RECOVERED,
    UNSETTLED,
    Deeds,
    Residents,
    Stretch,
    Stretches,
    alive,
    join,
    midnight_us,
)

YEAR = [date(2025, 3, 1) + timedelta(number) for number in range(365)]
MONDAY = date(2026, 6, 15)
LARGE = Residents(7, "W0G900", homes=5000, meters=40)


@pytest.fixture(scope="module")
def year() -> dict[date, Deeds]:
    return {day: LARGE.day(day, LARGE.silences(day)) for day in YEAR}


def grams(deeds: Deeds) -> int:
    return int(deeds.net_g[deeds.outcome <= RECOVERED].sum())


def rows(deeds: Deeds) -> list[tuple[object, ...]]:
    return list(zip(*(column.tolist() for column in deeds), strict=True))


@given(st.integers(0, 2**32 - 1), st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(1, 60), st.integers(1, 5))
def test_one_seed_always_gives_the_same_day(seed: int, day: date, homes: int, meters: int) -> None:
    one, other = (Residents(seed, "W0G001", homes, meters) for _ in range(2))
    other.day(day - timedelta(1))  # whatever was drawn before
    assert rows(one.day(day, one.silences(day))) == rows(other.day(day, other.silences(day)))


def test_another_seed_or_complex_gives_other_days() -> None:
    days = [
        rows(Residents(seed, code, 100, 2).day(MONDAY)) for seed, code in [(1, "W0G001"), (2, "W0G001"), (1, "W0G008")]
    ]
    assert days[0] != days[1] != days[2] != days[0]


def test_the_factors_of_a_year_are_around_one_but_for_the_festivals() -> None:
    ordinary = [patterns.day_factor(day) for day in YEAR]
    assert np.mean(ordinary) == pytest.approx(1, abs=0.01)


def test_a_household_throws_away_as_much_as_was_measured() -> None:
    days, means = YEAR[::15], []
    for number in range(120):
        residents = Residents(2016, f"W0G9{number:02X}", homes=400, meters=5)
        expected = sum(patterns.day_factor(day) for day in days)
        means.append(sum(grams(residents.day(day)) for day in days) / 400 / expected)
    assert np.mean(means) == pytest.approx(413, rel=0.05)
    quarter, three_quarters = np.quantile(means, [0.25, 0.75])
    assert quarter == pytest.approx(354, rel=0.08)
    assert three_quarters == pytest.approx(478, rel=0.08)


# As published for 2018 (K-eco open API, data.go.kr 3045421).
SUNDAY_FIRST = (1.08, 1.13, 0.99, 0.97, 0.94, 0.93, 0.95)
TONNES_A_DAY = (1875, 1968, 1897, 1860, 1958, 2189, 2431, 2124, 2148, 2014, 2286, 2141)
FESTIVALS = (date(2025, 10, 6), date(2026, 2, 17))


def test_weekdays_and_months_weigh_as_much_as_in_2018(year: dict[date, Deeds]) -> None:
    by_weekday, by_month = defaultdict(list), defaultdict(list)
    for day in YEAR:
        if min(abs((day - festival).days) for festival in FESTIVALS) > 2:
            weekday = day.isoweekday() % 7
            by_weekday[weekday].append(grams(year[day]) / TONNES_A_DAY[day.month - 1])
            by_month[day.month - 1].append(grams(year[day]) / SUNDAY_FIRST[weekday])
    mean = sum(TONNES_A_DAY) / 12
    assert shares(by_weekday) == pytest.approx(dict(enumerate(SUNDAY_FIRST)), rel=0.03)
    assert shares(by_month) == pytest.approx({month: each / mean for month, each in enumerate(TONNES_A_DAY)}, rel=0.03)


def shares(found: dict[int, list[float]]) -> dict[int, float]:
    means = {key: float(np.mean(values)) for key, values in found.items()}
    whole = sum(means.values()) / len(means)
    return {key: mean / whole for key, mean in means.items()}


def test_the_eves_of_seollal_and_chuseok_are_half_as_much_again(year: dict[date, Deeds]) -> None:
    for festival in FESTIVALS:
        eve = festival - timedelta(1)
        usual = np.mean([grams(year[eve + timedelta(7 * weeks)]) for weeks in (-2, -1, 1)])
        assert 1.3 < grams(year[eve]) / usual < 1.7


def test_the_evening_is_the_peak_and_the_night_is_quiet(year: dict[date, Deeds]) -> None:
    hours = np.bincount(
        np.concatenate([(deeds.at_us - midnight_us(day)) // HOUR_US for day, deeds in year.items()]), minlength=24
    )
    assert hours.argmax() in (19, 20, 21)
    assert 7 <= hours[:12].argmax() <= 9
    assert hours[2:5].sum() < 0.01 * hours.sum()


def test_households_keep_their_habits(year: dict[date, Deeds]) -> None:
    def by_home(days: list[date]) -> np.ndarray:
        deeds = join([year[day] for day in days])
        known = (deeds.home >= 0) & (deeds.outcome <= RECOVERED)
        return np.bincount(deeds.home[known], deeds.net_g[known], minlength=5000)

    first, second = by_home(YEAR[:182]), by_home(YEAR[182:])
    assert np.corrcoef(first, second)[0, 1] > 0.8
    assert np.std(np.log(first + second)) == pytest.approx(patterns.SPREAD_OF_GRAMS, rel=0.1)


def test_what_goes_wrong_goes_wrong_as_often_as_said(year: dict[date, Deeds]) -> None:
    deeds = join(year.values())
    count = len(deeds.at_us)
    assert count / 5000 / 365 == pytest.approx(patterns.DISCHARGES_A_DAY, rel=0.03)
    assert (deeds.stranger >= 0).mean() == pytest.approx(patterns.UNKNOWN_CARDS, rel=0.1)
    assert ((deeds.stranger >= 0) == (deeds.home < 0)).all()
    found = dict(zip(OUTCOMES, np.bincount(deeds.outcome) / count, strict=True))
    assert {name: found[name] for name in patterns.OUTCOMES} == pytest.approx(patterns.OUTCOMES, rel=0.1)


def test_weights_are_what_the_scale_shows_and_the_bin_adds_up() -> None:
    deeds, division = LARGE.day(MONDAY), LARGE.division_g
    assert not (deeds.net_g % division).any()
    assert not (deeds.before_g % division).any()
    assert (deeds.after_g - deeds.before_g == deeds.net_g).all()
    assert deeds.net_g[deeds.outcome <= RECOVERED].min() >= 3 * division
    assert (deeds.net_g[deeds.outcome == NEGATIVE] < 0).all()
    assert not deeds.net_g[(deeds.outcome == EMPTY_OPEN) | (deeds.outcome == UNSETTLED)].any()
    for meter in range(40):
        own = deeds.where(deeds.meter == meter)
        assert (own.before_g[1:] == own.after_g[:-1]).all()
        assert own.before_g[0] > 0


def test_discharges_come_in_the_order_of_time_within_their_day(year: dict[date, Deeds]) -> None:
    for day, deeds in year.items():
        assert (np.diff(deeds.at_us) >= 0).all()
        assert midnight_us(day) <= deeds.at_us[0]
        assert deeds.at_us[-1] < midnight_us(day) + DAY_US


def test_nothing_is_thrown_into_a_silent_meter_and_neighbours_help_out() -> None:
    start = midnight_us(MONDAY)
    silence = Stretch(3, start + 8 * HOUR_US, start + 20 * HOUR_US)
    usual, without = LARGE.day(MONDAY), LARGE.day(MONDAY, [silence])

    def at(deeds: Deeds, meter: int) -> int:
        return int(((deeds.meter == meter) & (silence.from_us <= deeds.at_us) & (deeds.at_us < silence.to_us)).sum())

    assert at(usual, 3) > 0
    assert at(without, 3) == 0
    assert at(usual, 4) < at(without, 4) < at(usual, 4) + at(usual, 3)
    assert at(without, 5) == at(usual, 5)


silences = st.builds(
    lambda meter, start, length: Stretch(meter, midnight_us(MONDAY) + start * 60_000_000, 0)._replace(
        to_us=midnight_us(MONDAY) + min(start + length, 1440) * 60_000_000
    ),
    st.integers(0, 2),
    st.integers(0, 1439),
    st.integers(1, 600),
)


@given(st.lists(silences, max_size=5), st.integers(0, 1440))
def test_a_meter_is_alive_whenever_it_is_not_silent(silent: list[Stretch], cut_minute: int) -> None:
    cut_us = midnight_us(MONDAY) + cut_minute * 60_000_000
    whole = alive(MONDAY, 3, silent)
    parts = join([whole.until(cut_us), whole.since(cut_us)])
    for meter in range(3):
        dark = {minute for each in silent if each.meter == meter for minute in minutes(each.from_us, each.to_us)}
        for found in (whole, parts):
            assert sorted(awake(found, meter)) == sorted(set(range(1440)) - dark)
    assert (whole.from_us // HOUR_US == (whole.to_us - 1) // HOUR_US).all()


def minutes(from_us: int, to_us: int) -> range:
    start = midnight_us(MONDAY)
    return range((from_us - start) // 60_000_000, (to_us - start) // 60_000_000)


def awake(found: Stretches, meter: int) -> list[int]:
    own = found.where(found.meter == meter)
    return [
        minute
        for from_us, to_us in zip(own.from_us.tolist(), own.to_us.tolist(), strict=True)
        for minute in minutes(from_us, to_us)
    ]
