"""Whatever the server does, each record arrives once and only its own acknowledgement forgets it."""

import json
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateways.clock import Clock
from gateways.link.uplink import Uplink
from gateways.spool import Spool, open_spool
from tests.gateways.fake_server import Refusal, loses_replies, wait_until
from tests.gateways.link.rig import FAST, READING, Rig, once
from tests.gateways.link.test_commands import status


def test_a_backlog_drains_in_order_in_batches_of_five_hundred(rig: Rig) -> None:
    rig.put(1_100)
    rig.steps()
    assert rig.batches == [0, 500, 500, 100]
    assert [record["seq"] for record in rig.fake.records] == list(range(1, 1_101))
    assert rig.spool.depth().records == 0


def test_lost_requests_and_lost_replies_lose_and_double_nothing(rig: Rig) -> None:
    rig.put(60)
    rig.fake.misbehave = loses_replies(0.6, seed=3)
    rig.steps()
    assert [record["seq"] for record in rig.fake.records] == list(range(1, 61))
    assert rig.spool.depth().records == 0
    assert rig.fake.conflicts == 0


def test_after_an_outage_one_record_probes_before_the_backlog_follows(rig: Rig) -> None:
    rig.put(20)
    rig.fake.misbehave = once(Refusal())
    rig.steps()
    assert rig.batches == [0, 20, 1, 19]


def test_a_batch_that_is_too_large_is_halved(rig: Rig) -> None:
    rig.put(64)
    rig.fake.misbehave = lambda path, body: (
        Refusal(413, {"type": "/problems/body-too-large"}) if body.count(b'"pad"') > 20 else None
    )
    rig.uplink._delivery._limit = 64
    rig.steps()
    assert len(rig.fake.records) == 64
    assert max(rig.batches[-3:]) <= 20


def test_a_batch_stays_below_the_bytes_that_the_server_takes(rig: Rig) -> None:
    rig.put(40, size=100_000)
    rig.steps()
    sizes = [len(body) for path, body in rig.fake.requests if path.endswith("/discharges")]
    assert max(sizes) < 2 * 1024 * 1024
    assert len(rig.fake.records) == 40


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(rig: Rig, status: int) -> None:
    rig.put(1)
    rig.fake.misbehave = once(Refusal(status, {"type": "/problems/unavailable"}, {"Retry-After": "7"}))
    assert rig.uplink.step() >= 7
    assert rig.spool.depth().records == 1
    rig.steps()
    assert rig.spool.depth().records == 0


def test_retry_after_as_a_date_is_counted_from_the_servers_own_date(rig: Rig) -> None:
    rig.put(1)
    dates = {"Date": "Sun, 22 Nov 2026 09:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 09:00:30 GMT"}
    rig.fake.misbehave = once(Refusal(503, {}, dates))
    assert rig.uplink.step() == 30


def test_a_clock_that_is_days_off_is_corrected_once_and_the_request_signed_anew(rig: Rig) -> None:
    rig.put(2)
    rig.uplink.step()
    rig.put(2)
    rig.fake.clock_ahead = timedelta(days=3)
    rig.uplink.step()
    assert rig.spool.depth().records == 0
    assert abs(rig.clock.now().wall - rig.fake.now()) < timedelta(seconds=5)


def test_a_clock_that_was_never_set_asks_for_the_time_before_it_signs(tmp_path: Path) -> None:
    clock = Clock(wall=lambda: datetime(1970, 1, 1, 0, 10, tzinfo=UTC))
    rig = Rig(tmp_path, clock=clock)
    with rig.fake, closing(rig.spool), closing(rig.server):
        rig.put(1)
        rig.steps()
        assert len(rig.fake.records) == 1
    assert clock.now().quality == "synced"


@pytest.mark.parametrize(
    ("status", "slug", "event"),
    [
        (401, "key-revoked", "server_refuses_key"),
        (403, "other-gateway", "server_refuses_key"),
        (400, "unknown-schema", "server_failed"),
        (500, "", "server_failed"),
        (307, "", "server_failed"),
    ],
)
def test_a_refusal_keeps_the_records_and_is_reported(rig: Rig, status: int, slug: str, event: str) -> None:
    rig.put(3)
    rig.fake.misbehave = lambda path, _body: Refusal(status, {"type": f"/problems/{slug}", "title": "no"})
    with capture_logs() as logs:
        rig.uplink.step()
    assert [log["event"] for log in logs] == [event]
    assert rig.spool.depth().records == 3


def test_an_answer_that_is_not_the_apis_acknowledges_nothing(rig: Rig) -> None:
    rig.put(3)
    rig.uplink.step()
    rig.put(3)
    rig.fake.misbehave = lambda _path, _body: Refusal(200, {"hello": "captive portal"})
    rig.uplink.step()
    assert rig.spool.depth().records == 3


def test_a_replayed_nonce_is_answered_with_a_new_one(rig: Rig) -> None:
    rig.put(1)
    rig.fake.misbehave = once(Refusal(401, {"type": "/problems/nonce-replayed"}))
    rig.uplink.step()
    assert rig.spool.depth().records == 0


def test_a_quarantined_record_is_with_the_server_and_blocks_nobody(rig: Rig) -> None:
    rig.put(3)
    rig.fake.quarantine = {2: "weight_implausible"}
    with capture_logs() as logs:
        rig.steps()
    assert rig.spool.depth().records == 0
    assert [log["seq"] for log in logs if log["event"] == "record_quarantined"] == [2]


def test_a_restored_image_starts_a_new_epoch_before_it_books_anything(rig: Rig) -> None:
    rig.put(5)
    rig.steps()
    old = rig.spool.epoch()
    image = Path(f"{rig.spool.path}.image")
    with closing(open_spool(image)) as restored:
        restored._db.execute("UPDATE epochs SET epoch = ?", (old,))
        uplink = Uplink(rig.server, restored, rig.clock, lambda: [READING], FAST)
        uplink.step()
        assert restored.epoch() != old
        assert restored.next_seq() == 1


def test_a_number_conflict_starts_a_new_epoch_and_keeps_both_records(rig: Rig) -> None:
    rig.uplink.step()
    rig.put(2)
    old = rig.spool.epoch()
    for seq in (1, 2):
        rig.fake.epochs["W0G-GW-001", old].records[seq] = (b"other", {"seq": seq, "meter": "other"})
    rig.steps()
    assert rig.spool.epoch() != old
    assert rig.fake.conflicts == 2
    assert [record["meter"] for record in rig.fake.records] == ["other", "other"]
    rig.put(1)
    rig.steps()
    assert len(rig.fake.records) == 3


def test_a_status_carries_every_alive_interval_once_it_arrives(rig: Rig) -> None:
    interval = b'{"from":"2026-11-22T09:00:00.000Z","to":"2026-11-22T09:05:00.000Z","boot_id":"b","mono_ms":1}'
    rig.spool.add_alive([("W0G-001-01-1", interval)] * 3)
    rig.fake.misbehave = lambda path, _body: Refusal(503) if path.endswith("/status") else None
    rig.uplink.step()
    assert len(rig.spool.alive(10)) == 3
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    (told,) = rig.fake.statuses
    (meter,) = told["meters"]
    assert meter["alive"] == [json.loads(interval)] * 3
    assert (meter["gross_g"], meter["lid"], meter["faults"]) == (12_000, "closed", [])
    assert rig.spool.alive(10) == []


def test_the_uplink_sleeps_between_records_and_wakes_for_one(rig: Rig, tmp_path: Path) -> None:
    with closing(Spool(rig.spool.path)) as own:
        uplink = Uplink(rig.server, own, rig.clock, lambda: [READING], FAST)
        thread = threading.Thread(target=uplink.run)
        thread.start()
        try:
            assert wait_until(lambda: len(rig.fake.statuses) == 1)
            rig.put(1)
            uplink.wake()
            assert wait_until(lambda: rig.spool.depth().records == 0)
        finally:
            uplink.stop()
            thread.join()


def test_a_slow_server_does_not_slow_the_spool(rig: Rig) -> None:
    rig.put(1)

    def slowly(_path: str, _body: bytes) -> None:
        time.sleep(0.5)

    rig.fake.misbehave = slowly
    with closing(Spool(rig.spool.path)) as own:
        uplink = Uplink(rig.server, own, rig.clock, lambda: [READING], FAST)
        thread = threading.Thread(target=uplink.step)
        thread.start()
        assert wait_until(lambda: bool(rig.fake.requests))
        begun = time.monotonic()
        rig.put(5)
        assert time.monotonic() - begun < 0.4
        thread.join()
