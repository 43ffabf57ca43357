"""Wall time is only what the box believes, and it says how much it believes it."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways import clock as clocks
from gateways.alive import AliveTracker
from gateways.clock import WALL_OFFSET_VARIABLE, Clock, rfc3339, system_is_synchronised

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Time:
    def __init__(self, wall: datetime = NOON, mono: float = 50.0) -> None:
        self.wall = wall
        self.mono = mono
        self.is_synchronised = True
        self.clock = Clock(
            mono=lambda: self.mono, wall=lambda: self.wall, synchronised=lambda: self.is_synchronised, boot="boot-1"
        )

    def pass_s(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)


def test_a_plausible_clock_that_nobody_set_in_this_boot_is_unset_until_the_server_is_heard() -> None:
    time = Time()
    time.is_synchronised = False
    assert (time.clock.now().quality, time.clock.now().wall) == ("unset", NOON)
    time.clock.learn(NOON + timedelta(hours=38), asked=50, answered=50)
    assert (time.clock.now().quality, time.clock.now().wall) == ("synced", NOON + timedelta(hours=38))


def test_a_clock_that_an_ntp_client_sets_later_is_held_over_from_then_on() -> None:
    time = Time()
    time.is_synchronised = False
    assert time.clock.now().quality == "unset"
    time.is_synchronised = True
    assert time.clock.now().quality == "holdover"


class Kernel:
    """A C library whose adjtimex(2) answers `state`, if it has one."""

    def __init__(self, state: int | None) -> None:
        if state is not None:
            self.adjtimex = lambda _timex: state


@pytest.mark.parametrize(
    ("state", "told_by_timesyncd", "synchronised"),
    [
        (0, False, True),
        (4, False, True),  # a leap second
        (5, False, False),  # TIME_ERROR
        (5, True, True),
        (-1, False, False),  # forbidden, as by ProtectClock=
        (-1, True, True),
        (None, False, False),  # no such call
    ],
)
def test_the_system_is_synchronised_if_kernel_or_ntp_client_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: int | None, told_by_timesyncd: bool, synchronised: bool
) -> None:
    monkeypatch.setattr(clocks.ctypes, "CDLL", lambda _name: Kernel(state))
    monkeypatch.setattr(clocks, "_SYNCHRONIZED_FILE", tmp_path / "synchronized")
    if told_by_timesyncd:
        (tmp_path / "synchronized").touch()
    assert system_is_synchronised() is synchronised


def test_this_machines_kernel_answers_and_is_not_asked_about_a_clock_that_is_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert system_is_synchronised() in (True, False)
    monkeypatch.setattr(clocks.ctypes, "CDLL", lambda _name: Kernel(0))
    monkeypatch.setenv(WALL_OFFSET_VARIABLE, "offset")
    assert not system_is_synchronised()


def test_a_plausible_clock_is_held_over_until_the_server_confirms_it() -> None:
    time = Time()
    assert time.clock.now().quality == "holdover"
    time.clock.learn(NOON, asked=49.9, answered=50.1)
    now = time.clock.now()
    assert (now.quality, now.wall, now.mono_ms) == ("synced", NOON, 50_000)


@pytest.mark.parametrize("wall", [datetime(1970, 1, 1, 0, 10, tzinfo=UTC), datetime(2125, 1, 1, tzinfo=UTC)])
def test_an_absurd_clock_is_unset_until_the_servers_time_corrects_it(wall: datetime) -> None:
    time = Time(wall)
    assert time.clock.now().quality == "unset"
    time.clock.learn(NOON, asked=50, answered=50)
    assert (time.clock.now().quality, time.clock.now().wall) == ("synced", NOON)


def test_a_clock_behind_the_last_contact_with_the_server_is_unset() -> None:
    clock = Clock(mono=lambda: 1.0, wall=lambda: NOON, boot="b", floor=NOON + timedelta(minutes=1))
    assert clock.now().quality == "unset"


def test_a_wall_clock_that_jumps_changes_nothing_once_the_server_was_heard() -> None:
    time = Time()
    time.clock.learn(NOON, asked=50, answered=50)
    time.wall = datetime(1999, 1, 1, tzinfo=UTC)
    time.mono += 60
    assert time.clock.now().wall == NOON + timedelta(seconds=60)


def test_a_slow_answer_does_not_move_a_clock_that_is_right() -> None:
    time = Time()
    time.clock.learn(NOON, asked=50, answered=50)
    time.pass_s(10)
    time.clock.learn(NOON + timedelta(seconds=10), asked=52, answered=60)
    assert time.clock.now().wall == NOON + timedelta(seconds=10)


def test_after_a_day_without_the_server_the_clock_only_holds_over() -> None:
    time = Time()
    time.clock.learn(NOON, asked=50, answered=50)
    time.pass_s(25 * 3600)
    assert time.clock.now().quality == "holdover"


def test_an_instant_is_written_in_milliseconds_with_z() -> None:
    assert rfc3339(datetime(2026, 11, 22, 9, 30, tzinfo=UTC)) == "2026-11-22T09:30:00.000Z"


def test_the_kernels_boot_id_and_clock_are_used_by_default() -> None:
    clock = Clock()
    first = clock.now()
    assert len(clock.boot_id) == 36
    assert clock.now().mono_ms >= first.mono_ms > 0


# --- Alive


def intervals(raw: list[bytes]) -> list[tuple[datetime, datetime, int]]:
    values = [msgspec.json.decode(body) for body in raw]
    return [(datetime.fromisoformat(v["from"]), datetime.fromisoformat(v["to"]), v["mono_ms"]) for v in values]


def test_an_unbroken_stretch_is_handed_over_in_chunks_without_a_gap() -> None:
    time = Time()
    tracker = AliveTracker(time.clock, chunk_s=300)
    raw: list[bytes] = []
    for _ in range(700):
        raw += tracker.observe(time.mono, alive=True)
        time.pass_s(1)
    raw += tracker.flush()
    spans = intervals(raw)
    assert [(end - begin).total_seconds() for begin, end, _ in spans] == [300, 300, 99]
    assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))


def test_silence_ends_a_stretch() -> None:
    time = Time()
    tracker = AliveTracker(time.clock, chunk_s=300)
    tracker.observe(50, alive=True)
    tracker.observe(60, alive=True)
    (interval,) = intervals(tracker.observe(61, alive=False))
    assert (interval[1] - interval[0]).total_seconds() == 10
    assert tracker.flush() == []


@given(start=st.integers(0, 7200_000), length=st.integers(0, 3 * 3600_000))
def test_intervals_never_cross_a_full_hour_and_add_up(start: int, length: int) -> None:
    time = Time(NOON + timedelta(milliseconds=start), mono=10_000.0)
    tracker = AliveTracker(time.clock, chunk_s=10**9)
    tracker.observe(time.mono, alive=True)
    time.pass_s(length / 1000)
    tracker.observe(time.mono, alive=True)
    spans = intervals(tracker.flush())
    assert abs(sum((end - begin).total_seconds() for begin, end, _ in spans) - length / 1000) < 0.005
    for begin, end, mono_ms in spans:
        assert begin < end
        assert begin.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) >= end
        assert 10_000_000 < mono_ms <= 10_000_000 + length + 1
