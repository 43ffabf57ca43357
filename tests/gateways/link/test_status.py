"""A status tells what waits to be told, at once where somebody waits for it, and never holds up the records."""

import json
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateways.cards import Card
from gateways.link.uplink import MeterReading, Uplink, UplinkSettings
from gateways.spool import Spool, open_spool
from tests.gateways.fake_server import Refusal, wait_until
from tests.gateways.link.rig import FAST, METER, READING, Rig
from tests.gateways.link.test_commands import status

PORT = {"open": True, "frames": 3, "rejects": {"checksum": 1}, "noise_bytes": 2, "errors": 0, "last_error": None}


def touch(rig: Rig, number: int, reason: str = "card_unknown") -> None:
    rig.spool.note_touch(METER, Card(f"{number:032x}", "00AB"), reason, rig.clock.now(), rig.clock.boot_id)


def notice(rig: Rig, detail: str) -> None:
    rig.spool.add_notice("disk_full", detail, rig.clock.now(), rig.clock.boot_id)


def test_a_status_says_how_ports_disk_and_lists_are(rig: Rig) -> None:
    reading = MeterReading(METER, 12_000, None, ["comm"], fill_percent=41, zero_drift_g=-20, ports={"scale": PORT})
    rig.uplink._readings = lambda: [reading]
    rig.uplink.step()
    (told,) = rig.fake.statuses
    (meter,) = told["meters"]
    assert (meter["fill_percent"], meter["zero_drift_g"], meter["lid"]) == (41, -20, "unknown")
    assert meter["ports"] == {"scale": PORT}
    assert told["disk"]["spool_bytes"] > 0
    assert told["disk"]["free_bytes"] > 0
    assert told["disk"]["refusing"] is False
    assert told["cards"] == {"version": None, "count": 0, "expired": False}


def test_touches_and_notices_are_told_until_the_server_has_them(rig: Rig) -> None:
    touch(rig, 1, "card_blocked")
    notice(rig, "no room")
    rig.fake.misbehave = lambda path, _body: Refusal(503) if path.endswith("/status") else None
    rig.uplink.step()
    assert (len(rig.spool.touches(9)), len(rig.spool.notices(9))) == (1, 1)
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    status(rig)
    first, second = rig.fake.statuses
    assert [(one["card"], one["reason"]) for one in first["touches"]] == [
        ({"hash": f"{1:032x}", "last4": "00AB"}, "card_blocked")
    ]
    assert "id" not in first["touches"][0]
    assert [(one["kind"], one["detail"]) for one in first["notices"]] == [("disk_full", "no room")]
    assert (second["touches"], second["notices"]) == ([], [])


def test_more_than_fits_follows_in_the_next_status_at_once(rig: Rig) -> None:
    for number in range(120):
        touch(rig, number)
        notice(rig, str(number))
    waits = [rig.uplink.step() for _ in range(3)]
    assert [(len(told["touches"]), len(told["notices"])) for told in rig.fake.statuses] == [
        (50, 100),
        (50, 20),
        (20, 0),
    ]
    assert waits[:2] == [0.0, 0.0]
    assert waits[2] > 1000
    assert sorted(int(one["detail"]) for told in rig.fake.statuses for one in told["notices"]) == list(range(120))


def test_a_refused_card_reaches_the_server_within_two_seconds_and_not_more_often_than_each_second(rig: Rig) -> None:
    with closing(Spool(rig.spool.path)) as own:
        uplink = Uplink(rig.server, own, rig.clock, lambda: [READING], replace(FAST, status_every_s=60))
        thread = threading.Thread(target=uplink.run)
        thread.start()
        try:
            assert wait_until(lambda: len(rig.fake.statuses) == 1)
            begun = time.monotonic()
            for number in range(10):
                touch(rig, number)
                uplink.report_soon()
                time.sleep(0.02)
            assert wait_until(lambda: sum(len(told["touches"]) for told in rig.fake.statuses) == 10)
            assert time.monotonic() - begun < 2.0
            assert len(rig.fake.statuses) <= 3
        finally:
            uplink.stop()
            thread.join()


def test_after_a_refused_card_the_next_statuses_come_soon_so_that_it_can_be_enrolled(rig: Rig) -> None:
    rig.uplink.step()
    rig.uplink.report_soon()
    rig.uplink._status_at -= 2.0
    assert 1.0 < rig.uplink.step() <= 5.0
    rig.uplink._watched_until = float("-inf")
    assert rig.uplink.step() > 5.0


@pytest.mark.parametrize("refusal", [Refusal(400, {"type": "/problems/unknown-field"}), Refusal(413), Refusal(500)])
def test_a_status_that_the_server_cannot_take_holds_up_no_record(rig: Rig, refusal: Refusal) -> None:
    rig.put(600)
    rig.fake.misbehave = lambda path, _body: refusal if path.endswith("/status") else None
    with capture_logs() as logs:
        for _ in range(3):
            assert rig.uplink._records.failures == 0
            rig.uplink.step()
    assert rig.spool.depth().records == 0
    assert rig.batches == [0, 500, 100]
    assert [line["event"] for line in logs].count("status_refused") == 1


def test_a_notice_that_the_server_does_not_know_waits_and_the_rest_of_the_status_arrives(rig: Rig) -> None:
    notice(rig, "from the future")
    rig.spool.add_alive([(METER, b'{"from":"2026-11-22T09:00:00.000Z"}')])
    rig.fake.misbehave = lambda _path, body: (
        Refusal(400, {"type": "/problems/broken-envelope"}) if b"from the future" in body else None
    )
    rig.uplink.step()
    (told,) = rig.fake.statuses
    assert (len(told["meters"][0]["alive"]), told["notices"]) == (1, [])
    assert (len(rig.spool.alive(9)), len(rig.spool.notices(9))) == (0, 1)
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    assert rig.fake.statuses[-1]["notices"][0]["detail"] == "from the future"


@pytest.mark.parametrize(("status_code", "slug"), [(401, "key-revoked"), (403, "other-gateway")])
def test_a_refused_key_is_tried_rarely_and_a_key_let_in_again_goes_on_by_itself(
    rig: Rig, status_code: int, slug: str
) -> None:
    rig.put(30)
    rig.settings = UplinkSettings(backoff_first_s=1.0, backoff_last_s=300.0)
    rig.begin()
    rig.fake.misbehave = lambda _path, _body: Refusal(status_code, {"type": f"/problems/{slug}", "title": "gone"})
    waits = [rig.uplink.step() for _ in range(8)]
    assert all(150 <= wait <= 300 for wait in waits)
    assert len(set(waits)) > 1
    state = json.loads(rig.spool.statuses()["uplink"])
    assert state["state"] == "refused"
    assert slug in state["problem"]
    rig.fake.misbehave = lambda _path, _body: None
    rig.steps()
    assert rig.spool.depth().records == 0
    assert json.loads(rig.spool.statuses()["uplink"])["state"] == "ok"


def test_back_off_is_full_jitter_from_a_second_to_five_minutes(rig: Rig) -> None:
    rig.settings = UplinkSettings()
    rig.begin()
    rig.put(1)
    rig.fake.misbehave = lambda _path, _body: Refusal(502)
    waits = [rig.uplink.step() for _ in range(60)]
    for number, wait in enumerate(waits):
        assert 0 <= wait <= min(300.0, 2.0**number)
    assert max(waits[10:]) > 150
    assert min(waits[10:]) < 150


def test_the_state_of_the_link_is_written_only_when_it_changes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = rig.spool.put_status

    def count(kind: str, body: bytes) -> None:
        written.append(json.loads(body)["state"])
        real(kind, body)

    monkeypatch.setattr(rig.spool, "put_status", count)
    for answer in (None, Refusal(503), Refusal(503), Refusal(503), None, None):
        rig.fake.misbehave = lambda _path, _body, answer=answer: answer  # type: ignore[misc]
        status(rig)
    assert written == ["ok", "waiting", "ok"]


def test_while_it_rests_the_uplink_counts_as_moving_and_in_a_hung_call_it_does_not(rig: Rig) -> None:
    release = threading.Event()

    def hang(_path: str, _body: bytes) -> None:
        release.wait(5)

    rig.uplink.step()
    assert rig.clock.mono() - rig.uplink.progress_at < 0.1
    rig.fake.misbehave = hang
    rig.put(1)
    with closing(Spool(rig.spool.path)) as own:
        uplink = Uplink(rig.server, own, rig.clock, lambda: [READING], FAST)
        thread = threading.Thread(target=uplink.run)
        thread.start()
        try:
            time.sleep(0.6)
            assert rig.clock.mono() - uplink.progress_at > 0.3
        finally:
            rig.fake.misbehave = lambda _path, _body: None
            release.set()
            uplink.stop()
            thread.join()


def test_a_fault_in_the_status_is_logged_and_holds_no_record_up(rig: Rig) -> None:
    def broken() -> list[MeterReading]:
        raise RuntimeError("a meter's fault")

    rig.uplink._readings = broken
    rig.put(3)
    with capture_logs() as logs:
        rig.uplink.step()
        rig.put(3)
        rig.uplink.step()
    assert [line["event"] for line in logs] == ["status_broken"]
    assert rig.batches == [0, 3, 3]
    rig.uplink._readings = lambda: [READING]
    status(rig)
    assert len(rig.fake.statuses) == 1


def test_what_breaks_inside_is_logged_and_the_uplink_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_values: object) -> bool:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(rig.uplink._delivery, "step", broken)
        assert rig.uplink._step_or_back_off() == FAST.backoff_last_s
    rig.uplink._step_or_back_off()
    assert [line["event"] for line in logs] == ["uplink_broken"]
    assert len(rig.fake.statuses) == 1


@pytest.mark.parametrize("code", [0, 429, 502, 503, 504])
@pytest.mark.parametrize("route", ["/status", "/cards", "/time"])
def test_a_route_that_fails_beside_the_discharges_throttles_no_record(rig: Rig, route: str, code: int) -> None:
    rig.fake.lists.cards["a1"] = {}
    real = rig.fake.answer
    rig.fake.answer = lambda method, path, *rest: Refusal(code) if route in path else real(method, path, *rest)  # type: ignore[method-assign]
    sent = 0
    for _ in range(4):
        rig.put(30)
        sent += 30
        rig.uplink.step()
        assert len(rig.fake.records) == sent
    assert rig.batches == [0, 30, 30, 30, 30]


def test_a_status_that_times_out_is_not_repeated_with_every_record(rig: Rig) -> None:
    rig.settings = UplinkSettings(timeout_s=2.0, backoff_first_s=60.0, backoff_last_s=60.0)
    rig.begin()
    rig.fake.misbehave = lambda path, _body: (
        Refusal(503, {}, {"Retry-After": "60"}) if path.endswith("/status") else None
    )
    for _ in range(5):
        rig.put(1)
        rig.uplink.step()
    assert len([path for path, _ in rig.fake.requests if path.endswith("/status")]) == 1
    assert rig.spool.depth().records == 0


def test_a_record_that_comes_while_the_status_backs_off_leaves_at_once(rig: Rig) -> None:
    rig.fake.misbehave = lambda path, _body: (
        Refusal(503, {}, {"Retry-After": "60"}) if path.endswith("/status") else None
    )
    with closing(Spool(rig.spool.path)) as own:
        uplink = Uplink(rig.server, own, rig.clock, lambda: [READING], FAST)
        thread = threading.Thread(target=uplink.run)
        thread.start()
        try:
            assert wait_until(lambda: uplink._statuses.failures == 1)
            rig.put(1)
            uplink.wake()
            assert wait_until(lambda: rig.spool.depth().records == 0, timeout_s=2.0)
        finally:
            uplink.stop()
            thread.join()


def test_a_list_of_cards_that_fails_stops_no_status(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = {}
    rig.fake.misbehave = lambda path, _body: Refusal(503) if "/cards" in path else None
    for _ in range(3):
        status(rig)
    assert len(rig.fake.statuses) == 3
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    assert rig.spool.cards_status().version == "a1"


def test_what_is_left_of_a_status_that_somebody_asked_for_follows_at_once(rig: Rig) -> None:
    rig.settings = replace(FAST, status_every_s=60)
    rig.begin()
    rig.uplink.step()
    for number in range(120):
        touch(rig, number)
    rig.uplink.report_soon()
    rig.uplink._status_at -= 2.0
    for _ in range(3):
        rig.uplink.step()
    assert [len(told["touches"]) for told in rig.fake.statuses] == [0, 50, 50, 20]


def test_a_notice_keeps_its_number_until_it_is_heard_and_later_ones_have_higher_numbers(rig: Rig) -> None:
    for detail in "abc":
        notice(rig, detail)
    rig.fake.misbehave = lambda path, _body: Refusal(after_booking=True) if path.endswith("/status") else None
    status(rig)
    notice(rig, "d")
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    first, second = ([(one["id"], one["detail"]) for one in told["notices"]] for told in rig.fake.statuses)
    assert second[:3] == first
    assert second == sorted(second)
    assert all(0 <= number < 2**53 for number, _ in second)


def test_notices_of_a_restored_image_are_not_taken_for_those_that_the_server_has_heard(
    rig: Rig, tmp_path: Path
) -> None:
    image = tmp_path / "image.db"
    with closing(sqlite3.connect(image)) as copy:
        rig.spool._db.backup(copy)
    notice(rig, "before")
    rig.uplink.step()
    with closing(open_spool(image)) as restored:
        restored.add_notice("disk_full", "after", rig.clock.now(), rig.clock.boot_id)
        assert restored.epoch() == rig.spool.epoch()
        assert [row.id for row in restored.notices(9)] == [1]
        Uplink(rig.server, restored, rig.clock, lambda: [READING], FAST).step()
    before, after = (one for told in rig.fake.statuses for one in told["notices"])
    assert (before["detail"], after["detail"]) == ("before", "after")
    assert before["id"] != after["id"]
