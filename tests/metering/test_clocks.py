"""Four times that never stand in for each other: where the server places what a box with a doubtful clock sent."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.db import Database
from app.metering.placing import TOLERANCE, Placed, Sending, place
from app.metering.records import Fault
from app.times import format_instant, now
from billing.days import month_of, service_day
from tests.builders import Box, Town
from tests.metering.reading import ledger, statuses

RECEIVED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SENDING = Sending("boot", 100_000_000, RECEIVED)
ages = st.integers(0, 100_000_000)


@given(ages)
def test_an_unset_clock_of_the_running_boot_is_placed_by_the_monotonic_clock(age_ms: int) -> None:
    placed = place(datetime(1970, 1, 1, tzinfo=UTC), "unset", "boot", 100_000_000 - age_ms, SENDING, None)
    assert placed == Placed(RECEIVED - timedelta(milliseconds=age_ms), None, None)


@given(ages, st.integers(-100, 100))
def test_a_synced_clock_is_believed_while_the_monotonic_clock_agrees(age_ms: int, off_s: int) -> None:
    claimed = RECEIVED - timedelta(milliseconds=age_ms) + timedelta(seconds=off_s)
    placed = place(claimed, "synced", "boot", 100_000_000 - age_ms, SENDING, None)
    assert placed == Placed(claimed, None, None)


@given(
    ages,
    st.integers(-400_000_000, 400_000_000).filter(lambda off_s: abs(off_s) > 4000),  # hours to a dozen years
    st.sampled_from(["synced", "holdover"]),
)
def test_a_clock_that_is_wrong_is_overruled_by_the_monotonic_clock(age_ms: int, off_s: int, clock: str) -> None:
    moment = RECEIVED - timedelta(milliseconds=age_ms)
    placed = place(moment + timedelta(seconds=off_s), clock, "boot", 100_000_000 - age_ms, SENDING, None)
    assert placed == Placed(moment, None, None)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - `timezones` adds it
    st.integers(1, 30 * 86400),
)
def test_an_unset_clock_of_an_earlier_boot_has_bounds_and_lies_between_them(claimed: datetime, before_s: int) -> None:
    booted = RECEIVED - timedelta(milliseconds=SENDING.mono_ms)
    previous = booted - timedelta(seconds=before_s)
    placed = place(claimed, "unset", "old boot", 5, SENDING, previous)
    assert isinstance(placed, Placed)
    assert (placed.earliest, placed.latest) == (previous, booted)
    assert previous <= placed.occurred_at <= booted


def test_a_set_clock_of_an_earlier_boot_is_believed() -> None:
    claimed = RECEIVED - timedelta(days=3)
    assert place(claimed, "holdover", "old boot", 5, SENDING, None) == Placed(claimed, None, None)


def test_a_claim_in_the_future_of_an_earlier_boot_is_a_fault() -> None:
    fault = place(RECEIVED + timedelta(minutes=6), "synced", "old boot", 1, SENDING, None)
    assert isinstance(fault, Fault)
    assert fault.code == "future_time"
    assert timedelta(minutes=6) > TOLERANCE


def test_what_the_gateway_claimed_is_kept_beside_the_servers_estimate(box: Box, database: Database) -> None:
    claimed = "1970-01-01T00:10:00.000Z"
    box.post([box.record(1, clock="unset", occurred_at=claimed, ago=timedelta(hours=2))])
    row = ledger(database)[0]
    assert row.claimed_at == datetime(1970, 1, 1, 0, 10, tzinfo=UTC)
    assert abs(row.received_at - row.occurred_at - timedelta(hours=2)) < timedelta(seconds=5)
    assert row.booked_at >= row.received_at


def test_a_clock_in_the_future_spoils_no_record_of_the_running_boot(box: Box, database: Database) -> None:
    claimed = "2031-05-01T09:00:00.000Z"
    answer = box.post([box.record(1, clock="holdover", occurred_at=claimed, ago=timedelta(hours=2))])
    assert statuses(answer) == [(1, "stored", None)]
    (row,) = ledger(database)
    assert abs(row.received_at - row.occurred_at - timedelta(hours=2)) < timedelta(seconds=5)
    assert (row.earliest_at, row.latest_at) == (None, None)


@pytest.mark.parametrize(
    ("previous_ago", "up_for", "billable"),
    [
        (timedelta(days=2), timedelta(days=1), True),  # both bounds in one month and tenancy
        (timedelta(days=20), timedelta(days=1), False),  # the month turned between them
    ],
)
@time_machine.travel(datetime(2026, 11, 15, 3, 0, tzinfo=UTC), tick=True)
def test_a_doubtful_time_bills_only_within_one_month(
    box: Box, town: Town, database: Database, previous_ago: timedelta, up_for: timedelta, billable: bool
) -> None:
    card = town.move_in("1001", "0D00319CD0")
    box.post([box.record(1, ago=previous_ago)])
    box.boot_id, box.mono_ms = "boot-2", int(up_for.total_seconds() * 1000)
    doubtful = box.record(2, card=card, clock="unset", boot_id="boot-1b", occurred_at="1970-01-01T00:00:00.000Z")
    assert statuses(box.post([doubtful | {"mono_ms": 7}])) == [(2, "stored", None)]
    row = ledger(database)[1]
    assert (row.earliest_at is not None, row.latest_at is not None, row.billable) == (True, True, billable)


@time_machine.travel(datetime(2026, 11, 15, 3, 0, tzinfo=UTC), tick=True)
def test_a_guessed_time_bounds_no_later_record(box: Box, database: Database) -> None:
    known = box.record(1, ago=timedelta(days=20), boot_id="boot-1a")
    ahead = format_instant(now() + timedelta(days=3))
    guessed = [box.record(seq, clock="unset", boot_id="boot-1b", occurred_at=ahead) for seq in (2, 3)]
    box.mono_ms = 86_400_000  # this boot is a day old: the two lie somewhere in the nineteen days before it
    box.post([known, *guessed])
    first, *others = ledger(database)
    assert [row.earliest_at for row in others] == [first.occurred_at] * 2


def test_a_doubtful_time_does_not_bill_across_a_move(box: Box, town: Town, database: Database) -> None:
    moved = datetime(2026, 11, 13, 12, 0, tzinfo=UTC)
    card = town.move_in("1001", "0D00319CD0", valid_to=moved)
    box.post([box.record(1, ago=timedelta(days=3))])
    box.boot_id, box.mono_ms = "boot-2", 86_400_000
    doubtful = box.record(2, card=card, clock="unset", boot_id="boot-1b", occurred_at="1970-01-01T00:00:00.000Z")
    box.post([doubtful | {"mono_ms": 7}])
    row = ledger(database)[1]
    assert (row.earliest_at is not None, row.billable) == (True, False)


def test_a_card_counts_for_the_tenancy_at_the_time_of_the_discharge(box: Box, town: Town, database: Database) -> None:
    from app.times import now

    moved = now() - timedelta(days=5)
    old = town.move_in("1001", "0D00319CD0", valid_to=moved)
    before = town.tenancies["1001"]
    new = town.move_in("1001", "1F00644BB6", valid_from=moved)
    after = town.tenancies["1001"]
    box.post(
        [
            box.record(1, card=old, ago=timedelta(days=6)),
            box.record(2, card=old, ago=timedelta(days=4)),
            box.record(3, card=new, ago=timedelta(days=6)),
            box.record(4, card=new, ago=timedelta(days=4)),
        ]
    )
    assert [row.tenancy_id for row in ledger(database)] == [before, None, None, after]


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 30, 14, 59, 59, 999999, tzinfo=UTC), date(2026, 11, 30)),
        (datetime(2026, 11, 30, 15, 0, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2028, 2, 28, 15, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_service_day_begins_at_midnight_in_seoul(instant: datetime, day: date) -> None:
    assert service_day(instant) == day
    assert month_of(day).day == 1


def test_an_instant_without_a_zone_has_no_service_day() -> None:
    with pytest.raises(ValueError, match="time zone"):
        service_day(datetime(2026, 11, 22))  # noqa: DTZ001 - the point of the test
