"""Sums of what others reported, and how many places and periods they rest on."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.metering.reported.periods import end_of, start_of
from app.metering.reported.queries import By, level_for
from app.texts import Refused
from tests.metering.reported.support import Desk, jeju, sites

MONTHS = sites(
    ("2018-01", "W6X001", "건입동", 1000, 1),
    ("2018-02", "W6X001", "건입동", 2000, 2),
    ("2018-03", "W6X001", "건입동", "", ""),
    ("2018-02", "W6X002", "건입동", 500, 1),
    ("2018-02", "W6X003", "연동", 0, 4),
    ("2018-02", "W6X004", "연동", "", ""),
)


def test_blank_is_null_and_not_zero(desk: Desk) -> None:
    desk.take_in(MONTHS, "keco")
    february = date(2018, 2, 1), date(2018, 3, 1)
    rows = {volume.place: volume for volume in desk.volumes(per="site", source="keco", span=february)}
    assert (rows["W6X003"].grams, rows["W6X003"].count) == (0, 4)
    assert (rows["W6X004"].grams, rows["W6X004"].count, rows["W6X004"].won) == (None, None, None)
    assert (rows["W6X003"].places_reporting, rows["W6X004"].places_reporting) == (1, 0)


def test_a_sum_says_how_many_places_and_periods_it_rests_on(desk: Desk) -> None:
    desk.take_in(MONTHS, "keco")
    months = desk.volumes("month", "site", "keco")
    assert [(m.starts_on.month, m.grams, m.places_reporting, m.places) for m in months] == [
        (1, 1000, 1, 1),  # the others had not begun
        (2, 3500 - 1000, 3, 3),
        (3, None, 0, 3),
    ]
    (dong, _) = desk.volumes("dong", "site", "keco")
    assert (dong.name, dong.grams, dong.periods_reporting, dong.periods) == ("건입동", 3500, 3, 5)


def test_a_day_on_which_nobody_reported_appears_without_a_sum(desk: Desk) -> None:
    desk.take_in(jeju(("2018-01-01", "연동", 1, 2000, 60), ("2018-01-03", "연동", 1, 2000, 60)))
    found = [(day.starts_on.day, day.grams, day.places_reporting, day.places) for day in desk.volumes("day")]
    assert found == [(1, 2000, 1, 1), (2, None, 0, 1), (3, 2000, 1, 1)]


def test_only_months_wholly_within_the_range_are_added_up(desk: Desk) -> None:
    desk.take_in(MONTHS, "keco")
    sums = {
        span: sum(volume.grams or 0 for volume in desk.volumes(per="site", source="keco", span=span))
        for span in (
            (date(2018, 1, 1), date(2018, 2, 28)),
            (date(2018, 1, 1), date(2018, 3, 1)),
            (date(2018, 1, 2), date(2018, 3, 15)),
            (date(2018, 2, 2), date(2018, 2, 28)),
        )
    }
    assert list(sums.values()) == [1000, 3500, 2500, 0]


def test_one_place_can_be_read_by_itself(desk: Desk) -> None:
    desk.take_in(jeju(("2018-01-01", "연동", 1, 2000, 60), ("2018-01-01", "노형동", 1, 3000, 90)))
    (day,) = desk.volumes("day", place="노형동")
    assert (day.grams, day.places) == (3000, 1)


@pytest.mark.parametrize(("by", "per"), [("day", "site"), ("week", "site"), ("hour", "dong"), ("dong", "nation")])
def test_what_was_not_published_so_is_refused_with_what_to_do(desk: Desk, by: By, per: str) -> None:
    with pytest.raises(Refused, match=r"Show them by|Choose those of"):
        desk.volumes(by, per)


def test_a_place_that_was_silent_for_over_a_year_is_not_expected_any_more(desk: Desk) -> None:
    desk.take_in(jeju(("2018-01-01", "연동", 1, 2000, 60), ("2019-01-02", "노형동", 1, 3000, 90)))
    *_, before_last, last = desk.volumes("day")
    assert (before_last.places, last.places) == (1, 1)
    assert (before_last.places_reporting, last.places_reporting) == (0, 1)


def test_the_level_is_the_one_that_can_be_shown_so(desk: Desk) -> None:
    desk.take_in(MONTHS, "keco")
    desk.take_in("disYear,disMonth,disDate,disQuantity,disCount\n2018,01,01,70000,30\n", "keco")
    with desk.database.session() as session:
        found = {by: level_for(session, desk.ids["T0X"], "keco", by) for by in ("dong", "month", "day", "hour")}
    assert found == {"dong": "site", "month": "site", "day": "nation", "hour": None}


amounts = st.one_of(st.none(), st.integers(0, 10**9))
figures = st.dictionaries(
    st.tuples(st.integers(0, 120), st.sampled_from(["연동", "노형동", "건입동"])),
    st.tuples(amounts, amounts, amounts),
    min_size=1,
    max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(figures=figures, cut=st.integers(0, 120))
def test_parts_add_up_to_the_whole_however_they_are_cut(
    desk: Desk, figures: dict[tuple[int, str], tuple[int | None, int | None, int | None]], cut: int
) -> None:
    first = date(2019, 12, 1)
    rows = [
        (first + timedelta(days=day), dong, *("" if each is None else each for each in values))
        for (day, dong), values in figures.items()
    ]
    batch = desk.take_in(jeju(*rows)).batch
    middle = first + timedelta(days=cut)
    whole = [sum(values[index] or 0 for values in figures.values()) for index in range(3)]
    for by in ("place", "dong", "day", "week", "month", "year"):
        parts = [*desk.volumes(by, span=(first, middle)), *desk.volumes(by, span=(middle, first + timedelta(days=200)))]
        sums = [sum(getattr(part, name) or 0 for part in parts) for name in ("grams", "count", "won")]
        assert [sums[1], sums[0], sums[2]] == whole
        assert sum(part.periods_reporting for part in parts) == sum(
            values[:2] != (None, None) for values in figures.values()
        )
    desk.undo(batch)


@given(st.sampled_from(["day", "week", "month", "year"]), st.dates(date(1999, 1, 1), date(2040, 1, 1)))
def test_every_day_is_in_exactly_the_unit_that_begins_before_it(unit: str, day: date) -> None:
    start = start_of(unit, day)
    assert start <= day < end_of(unit, start)
    assert start_of(unit, start) == start
    assert start_of(unit, end_of(unit, start)) == end_of(unit, start)
