"""Wall clocks jump: by NTP, by a flat battery, by a server that was set wrongly. Order and delivery do not."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.clock import BUILD_FLOOR, Clock, rfc3339
from gateways.spool import Stamp
from tests.gateways.fake_server import Refusal
from tests.gateways.link.rig import METER, Rig

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
JUMPS = st.timedeltas(timedelta(days=-400), timedelta(days=400))


class Box:
    """A box whose wall clock can be set; monotonic time only goes on."""

    def __init__(self, wall: datetime = NOON, floor: datetime = BUILD_FLOOR) -> None:
        self.mono = 500.0
        self.wall = wall
        self.clock = Clock(mono=lambda: self.mono, wall=lambda: self.wall, boot="b", floor=floor)

    def pass_s(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)


@given(jumps=st.lists(st.tuples(st.floats(0, 3600), JUMPS), max_size=10))
def test_once_the_server_was_heard_no_jump_of_the_wall_clock_is_noticed(jumps: list[tuple[float, timedelta]]) -> None:
    box, passed = Box(), 0.0
    box.clock.learn(NOON, asked=box.mono, answered=box.mono)
    for seconds, jump in jumps:
        box.pass_s(seconds)
        box.wall += jump
        passed += seconds
        now = box.clock.now()
        assert abs(now.wall - (NOON + timedelta(seconds=passed))) < timedelta(milliseconds=1)
        assert now.mono_ms == int(box.mono * 1000)


@pytest.mark.parametrize("jump", [timedelta(days=-30), timedelta(hours=-1), timedelta(hours=1), timedelta(days=30)])
def test_a_server_whose_time_was_wrong_is_followed_when_it_is_mended(jump: timedelta) -> None:
    box = Box()
    box.clock.learn(NOON + jump, asked=box.mono, answered=box.mono)
    box.pass_s(60)
    box.clock.learn(NOON + timedelta(seconds=60), asked=box.mono, answered=box.mono)
    assert box.clock.now().wall == NOON + timedelta(seconds=60)
    assert box.clock.now().quality == "synced"


@pytest.mark.parametrize("told", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)])
def test_a_time_at_which_this_software_did_not_exist_is_not_learnt(told: datetime) -> None:
    box = Box()
    box.clock.learn(told, asked=box.mono, answered=box.mono)
    assert not box.clock.has_learnt
    assert box.clock.now().quality == "holdover"


def test_a_wall_clock_that_falls_behind_the_last_contact_is_unset_until_the_server_is_heard() -> None:
    box = Box(floor=NOON - timedelta(days=1))
    assert box.clock.now().quality == "holdover"
    box.wall -= timedelta(days=2)
    assert box.clock.now().quality == "unset"
    box.clock.learn(NOON, asked=box.mono, answered=box.mono)
    assert (box.clock.now().quality, box.clock.now().wall) == ("synced", NOON)


def test_tls_goes_by_the_system_clock_only_while_that_can_be_right() -> None:
    box = Box()
    assert box.clock.system_is_plausible
    box.wall = datetime(1970, 1, 1, tzinfo=UTC)
    assert not box.clock.system_is_plausible
    box.clock.learn(NOON, asked=box.mono, answered=box.mono)
    assert not box.clock.system_is_plausible
    box.wall = NOON + timedelta(hours=1)
    assert box.clock.system_is_plausible
    box.wall = NOON + timedelta(days=3)
    assert not box.clock.system_is_plausible


@pytest.mark.parametrize("jump", [timedelta(days=-3), timedelta(minutes=-20), timedelta(minutes=20), timedelta(days=3)])
def test_records_arrive_in_order_whatever_the_two_clocks_do_meanwhile(tmp_path: Path, jump: timedelta) -> None:
    walls = [datetime.now(UTC)]
    rig = Rig(tmp_path, clock=Clock(wall=lambda: walls[0]))
    with rig.fake, closing(rig.spool), closing(rig.server):
        for _ in range(4):
            rig.put(5)
            rig.steps()
            rig.fake.clock_ahead += jump
            walls[0] -= jump
        assert [record["seq"] for record in rig.fake.records] == list(range(1, 21))
        assert rig.spool.depth().records == 0


def test_a_boot_without_a_clock_tells_the_server_what_it_needs_to_place_its_records(tmp_path: Path) -> None:
    rig = Rig(tmp_path, clock=Clock(wall=lambda: datetime(1970, 1, 1, 0, 10, tzinfo=UTC)))
    with rig.fake, closing(rig.spool), closing(rig.server):
        rig.fake.misbehave = lambda _path, _body: Refusal()
        begun = rig.clock.mono()
        book(rig)
        rig.fake.misbehave = lambda _path, _body: None
        rig.steps()
        book(rig)
        rig.steps()
        ended = rig.clock.mono()
    early, late = rig.fake.records
    assert (early["clock"], early["occurred_at"][:4]) == ("unset", "1970")
    assert late["clock"] == "synced"
    envelopes = [json.loads(body) for path, body in rig.fake.requests if path.endswith("/discharges")]
    with_early = next(one for one in envelopes if one["discharges"])
    sent_at, mono_ms = datetime.fromisoformat(with_early["sent_at"]), with_early["mono_ms"]
    placed = sent_at - timedelta(milliseconds=mono_ms - early["mono_ms"])
    assert with_early["boot_id"] == early["boot_id"]
    assert abs(placed - datetime.now(UTC)) < timedelta(seconds=5 + ended - begun)


def book(rig: Rig) -> None:
    """Spool a record as a meter does."""
    now = rig.clock.now()
    value = {
        "meter": METER,
        "occurred_at": rfc3339(now.wall),
        "clock": now.quality,
        "boot_id": rig.clock.boot_id,
        "mono_ms": now.mono_ms,
    }
    make = lambda seq: json.dumps({"seq": seq, **value}, separators=(",", ":")).encode()  # noqa: E731
    rig.spool.append(METER, make, Stamp(rig.clock.boot_id, now.mono_ms))
