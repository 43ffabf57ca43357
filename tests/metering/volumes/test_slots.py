"""Slots tile a range of service days in Asia/Seoul; every instant has one, and its key is that of its service day."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.metering.volumes.slots import BY, By, midnight, month_after, slots
from billing.days import SEOUL, service_day

DAY = timedelta(days=1)
EDGES = [date(2024, 2, 28), date(2024, 2, 29), date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1)]
dates = st.dates(date(1989, 1, 1), date(2100, 12, 31)) | st.sampled_from(EDGES)
lengths = st.integers(1, 800)


@given(st.sampled_from([None, *BY]), dates, lengths)
def test_slots_follow_each_other_from_the_first_midnight_to_the_last(by: By | None, first: date, length: int) -> None:
    found = slots(by, first, first + length * DAY)
    assert found[0].start == midnight(first)
    assert found[-1].end == midnight(first + length * DAY)
    assert all(slot.start < slot.end for slot in found)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert len({slot.key for slot in found}) == len(found)


@given(st.sampled_from([None, *BY]), dates)
def test_a_range_without_a_day_has_no_slots(by: By | None, first: date) -> None:
    assert len(slots(by, first, first)) == 0


def key_by_calendar(by: By, instant: datetime) -> date | datetime:
    local = instant.astimezone(SEOUL)
    year, week, _ = local.isocalendar()
    return {
        "hour": local.replace(minute=0, second=0, microsecond=0),
        "day": local.date(),
        "week": date.fromisocalendar(year, week, 1),
        "month": date(local.year, local.month, 1),
        "year": date(local.year, 1, 1),
    }[by]


@given(st.sampled_from(BY), st.sampled_from(EDGES), st.integers(-36 * 60, 36 * 60), st.integers(0, 59_999_999))
@example("day", date(2024, 2, 29), 0, 0)
@example("month", date(2024, 2, 29), 24 * 60, 0)
@example("year", date(2026, 12, 31), 24 * 60 - 1, 59_999_999)
def test_every_instant_around_an_edge_falls_into_the_one_slot_of_its_calendar(
    by: By, edge: date, minutes: int, microseconds: int
) -> None:
    instant = midnight(edge) + timedelta(minutes=minutes, microseconds=microseconds)
    found = slots(by, edge - 40 * DAY, edge + 40 * DAY)
    (slot,) = [slot for slot in found if slot.start <= instant < slot.end]
    assert slot.key == key_by_calendar(by, instant)
    if by == "day":
        assert slot.key == service_day(instant)


@given(st.sampled_from(["week", "month", "year"]), dates, lengths)
def test_a_slot_that_the_range_cuts_keeps_the_name_of_the_whole(by: By, first: date, length: int) -> None:
    whole = {slot.key: slot for slot in slots(by, date(first.year - 1, 1, 1), date(first.year + 4, 1, 1))}
    last = first + length * DAY
    for slot in slots(by, first, last):
        around = whole[slot.key]
        assert slot.start == max(around.start, midnight(first))
        assert slot.end == min(around.end, midnight(last))


@given(dates)
def test_the_month_after_begins_with_the_next_first(day: date) -> None:
    after = month_after(day)
    assert (after.day, (after - DAY).month) == (1, day.month)


@pytest.mark.parametrize(("year", "hours"), [(2024, 366 * 24), (2026, 365 * 24), (2028, 366 * 24)])
def test_a_year_has_all_its_hours(year: int, hours: int) -> None:
    assert len(slots("hour", date(year, 1, 1), date(year + 1, 1, 1))) == hours
