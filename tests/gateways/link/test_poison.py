"""A record that the server cannot take is found, set aside and tried again; nobody waits behind it."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.gateways.fake_server import Refusal
from tests.gateways.link.rig import Rig, poisoned

BROKEN_JSON = Refusal(400, {"type": "/problems/broken-json", "title": "no"})


def arrived(rig: Rig) -> list[int]:
    return [record["seq"] for record in rig.fake.records]


def work(rig: Rig, waiting: int = 0, limit: int = 400) -> None:
    """Step until no more than `waiting` records are left, without the waits between."""
    for _ in range(limit):
        rig.uplink.step()
        if rig.spool.depth().records <= waiting and rig.spool.pending(1, 1) is None:
            return
    raise AssertionError(f"{rig.spool.depth().records} records still wait")


@pytest.mark.parametrize(("status", "bad"), [(400, 1), (413, 250), (422, 501)])
def test_a_record_that_is_refused_is_set_aside_and_the_others_arrive(rig: Rig, status: int, bad: int) -> None:
    rig.put(501)
    rig.fake.misbehave = poisoned(Refusal(status, {"type": "/problems/x", "title": "no"}), bad)
    work(rig, waiting=1)
    assert arrived(rig) == [seq for seq in range(1, 502) if seq != bad]
    assert [seq for seq, _ in rig.spool.aside()] == [bad]
    assert len(rig.batches) < 60


@pytest.mark.parametrize("bad", [1, 100, 119])
def test_a_record_that_breaks_the_server_for_ever_is_set_aside(rig: Rig, bad: int) -> None:
    rig.put(120)
    rig.fake.misbehave = poisoned(Refusal(500), bad)
    work(rig, waiting=1)
    assert arrived(rig) == [seq for seq in range(1, 121) if seq != bad]
    assert [seq for seq, _ in rig.spool.aside()] == [bad]


def test_records_that_break_the_server_side_by_side_are_all_set_aside(rig: Rig) -> None:
    rig.put(40)
    rig.fake.misbehave = poisoned(Refusal(500), 10, 11, 12, 13, 14)
    work(rig, waiting=5)
    assert arrived(rig) == [*range(1, 10), *range(15, 41)]


def test_an_operator_hears_of_a_record_that_was_set_aside(rig: Rig) -> None:
    rig.put(3)
    rig.fake.misbehave = poisoned(BROKEN_JSON, 2)
    work(rig, waiting=1)
    ((kind, detail),) = rig.notices
    assert kind == "record_aside"
    assert " 2: 400 broken-json" in detail


def test_a_record_set_aside_still_counts_as_not_delivered(rig: Rig) -> None:
    rig.put(2)
    rig.fake.misbehave = poisoned(BROKEN_JSON, 1)
    work(rig, waiting=1)
    assert rig.spool.depth().records == 1


def test_a_record_set_aside_is_tried_again_after_hours_and_arrives_once(rig: Rig) -> None:
    rig.put(3)
    rig.fake.misbehave = poisoned(BROKEN_JSON, 2)
    work(rig, waiting=1)
    rig.fake.misbehave = lambda _path, _body: None
    rig.uplink.step()
    assert 2 not in arrived(rig)
    rig.uplink._delivery._retry_aside_at = rig.clock.mono()
    work(rig)
    assert arrived(rig) == [1, 2, 3]
    assert rig.spool.aside() == []
    assert rig.fake.conflicts == 0


def test_a_record_set_aside_is_tried_again_by_the_next_process_and_by_the_same_one_hours_later(rig: Rig) -> None:
    rig.put(3)
    rig.fake.misbehave = poisoned(BROKEN_JSON, 2)
    work(rig, waiting=1)
    rig.begin()
    work(rig, waiting=1)
    assert rig.sent[-2:] == [[2], []]
    assert [seq for seq, _ in rig.spool.aside()] == [2]
    rig.fake.misbehave = lambda _path, _body: None
    rig.uplink.step()
    assert arrived(rig) == [1, 3]
    rig.begin()
    work(rig)
    assert arrived(rig) == [1, 2, 3]


def test_a_server_that_refuses_everything_makes_nobody_set_records_aside(rig: Rig) -> None:
    rig.uplink.step()
    rig.put(20)
    rig.fake.misbehave = lambda path, _body: BROKEN_JSON if path.endswith("/discharges") else None
    for _ in range(60):
        rig.uplink.step()
    assert rig.spool.aside() == []
    rig.fake.misbehave = lambda _path, _body: None
    work(rig)
    assert arrived(rig) == list(range(1, 21))


def test_a_server_that_breaks_over_every_record_makes_nobody_set_records_aside(rig: Rig) -> None:
    rig.uplink.step()
    rig.put(20)

    def breaks(path: str, body: bytes) -> Refusal | None:
        return Refusal(500) if path.endswith("/discharges") and json.loads(body)["discharges"] else None

    rig.fake.misbehave = breaks
    for _ in range(60):
        rig.uplink.step()
    assert rig.spool.aside() == []
    rig.fake.misbehave = lambda _path, _body: None
    work(rig)
    assert arrived(rig) == list(range(1, 21))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_server_that_is_away_is_no_reason_to_doubt_a_record(rig: Rig, status: int) -> None:
    rig.uplink.step()
    rig.put(4)
    rig.fake.misbehave = poisoned(Refusal(status), 1)
    for _ in range(30):
        rig.uplink.step()
    assert rig.spool.aside() == []
    assert arrived(rig) == []


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink one would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    count=st.integers(2, 60),
    bad=st.sets(st.integers(1, 60), max_size=5),
    status=st.sampled_from([400, 413, 422, 500]),
)
def test_whatever_is_poisoned_the_rest_arrives_once(rig: Rig, count: int, bad: set[int], status: int) -> None:
    rig.spool.begin_epoch()
    rig.spool.bring_back()
    rig.fake.misbehave = lambda _path, _body: None
    work(rig)
    rig.fake.epochs.clear()
    rig.spool.begin_epoch()
    rig.put(count + 1)  # the last one is sound: a record is compared with what comes after it
    bad = {seq for seq in bad if seq <= count}
    rig.fake.misbehave = poisoned(Refusal(status), *bad)
    work(rig, waiting=len(bad), limit=600)
    assert arrived(rig) == [seq for seq in range(1, count + 2) if seq not in bad]
    assert {seq for seq, _ in rig.spool.aside()} == bad
    assert rig.fake.conflicts == 0
