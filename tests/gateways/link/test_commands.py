"""A command of the server is verified, carried out once, before it expires, and its result told until it is heard."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateways.fake_server import Refusal
from tests.gateways.link.rig import METER, Rig


def status(rig: Rig) -> None:
    """Make a status due, and send it, as if every wait was over."""
    rig.uplink._status_at = rig.uplink._statuses.not_before = rig.uplink._cards.not_before = float("-inf")
    rig.uplink.step()


def test_an_opened_lid_is_asked_for_once_and_reported_done(rig: Rig) -> None:
    command = rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    assert rig.opened == [METER]
    status(rig)
    assert rig.fake.results == {command: {"id": command, "state": "done", "detail": f"{METER} was told to open"}}
    status(rig)
    assert rig.opened == [METER]
    assert rig.fake.statuses[-1]["commands"] == []


def test_a_lid_that_may_not_open_now_is_reported_with_the_reason(rig: Rig) -> None:
    rig.bars_lid = "lid_not_closed"
    command = rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    status(rig)
    detail = f"{METER} does not open now: lid_not_closed"
    assert rig.fake.results == {command: {"id": command, "state": "refused", "detail": detail}}


def test_a_command_that_comes_with_the_answer_to_records_is_carried_out(rig: Rig) -> None:
    rig.uplink.step()
    rig.fake.command("open_lid", meter=METER)
    rig.put(1)
    rig.uplink.step()
    assert rig.opened == [METER]


def test_a_result_wants_a_status_at_once(rig: Rig) -> None:
    rig.uplink.step()
    rig.fake.command("open_lid", meter=METER)
    rig.put(1)
    assert rig.uplink.step() <= 1.0


def test_a_result_is_repeated_until_the_server_has_it(rig: Rig) -> None:
    command = rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    rig.fake.misbehave = lambda path, _body: Refusal(503) if path.endswith("/status") else None
    status(rig)
    assert rig.fake.results == {}
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    assert list(rig.fake.results) == [command]


def test_a_command_repeated_by_the_server_or_after_a_restart_is_not_carried_out_again(rig: Rig) -> None:
    rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    rig.begin()  # its result was not told
    status(rig)
    rig.fake.results.clear()  # a server that forgot
    status(rig)
    status(rig)
    assert rig.opened == [METER]


def test_a_lid_is_not_opened_after_a_power_cut_in_between(rig: Rig) -> None:
    command = rig.fake.command("open_lid", meter=METER)
    carry_out = rig.uplink._remote.work
    rig.uplink._remote.work = lambda: False  # type: ignore[method-assign] # the power goes before it is carried out
    rig.uplink.step()
    assert carry_out
    rig.begin()
    status(rig)
    status(rig)
    assert rig.opened == []
    assert rig.fake.results[command]["state"] == "failed"
    assert "restarted" in rig.fake.results[command]["detail"]


def test_a_command_for_a_meter_of_another_gateway_is_refused(rig: Rig) -> None:
    command = rig.fake.command("open_lid", meter="W0G-999-01-1")
    rig.uplink.step()
    status(rig)
    assert rig.fake.results[command]["state"] == "refused"
    assert "W0G-999-01-1" in rig.fake.results[command]["detail"]


def test_an_unknown_kind_is_refused_with_its_name(rig: Rig) -> None:
    command = rig.fake.command("make_coffee")
    rig.uplink.step()
    status(rig)
    assert rig.fake.results[command]["state"] == "refused"
    assert "make_coffee" in rig.fake.results[command]["detail"]


def test_an_expired_command_is_reported_and_not_carried_out(rig: Rig) -> None:
    command = rig.fake.command("open_lid", meter=METER, lives_s=-1)
    rig.uplink.step()
    status(rig)
    assert rig.opened == []
    assert rig.fake.results[command]["state"] == "expired"


def test_a_command_that_waits_for_the_server_is_tried_again_until_it_expires(rig: Rig) -> None:
    command = rig.fake.command("rotate_key")
    rig.fake.misbehave = lambda path, _body: Refusal() if path.endswith("/keys") else None
    rig.uplink.step()
    assert command not in rig.fake.results
    rig.fake.misbehave = lambda _path, _body: None
    rig.uplink._remote._not_before = float("-inf")
    rig.uplink.step()
    status(rig)
    assert rig.fake.results[command]["state"] == "done"


def test_a_command_that_waits_too_long_expires(rig: Rig) -> None:
    command = rig.fake.command("rotate_key")
    rig.fake.misbehave = lambda path, _body: Refusal() if path.endswith("/keys") else None
    rig.uplink.step()
    rig.fake.clock_ahead += timedelta(minutes=10)
    rig.put(1)
    rig.steps()  # teaches the clock
    rig.uplink._remote._not_before = float("-inf")
    rig.uplink.step()
    status(rig)
    assert rig.fake.results[command]["state"] == "expired"


def test_what_the_server_refuses_to_give_fails_the_command(rig: Rig) -> None:
    command = rig.fake.command("rotate_key")
    rig.fake.misbehave = lambda path, _body: (
        Refusal(409, {"type": "/problems/two-keys", "title": "two keys live"}) if path.endswith("/keys") else None
    )
    rig.uplink.step()
    rig.fake.misbehave = lambda _path, _body: None
    status(rig)
    assert rig.fake.results[command]["state"] == "failed"
    assert "two keys live" in rig.fake.results[command]["detail"]


def test_a_clock_that_is_unset_carries_nothing_out(rig: Rig) -> None:
    rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    rig.opened.clear()
    (row,) = rig.fake.commands
    text = json.dumps({**row, "id": "another-id-of-22-chars"})
    raw = _signed(rig, text)
    rig.clock._learnt = None
    rig.clock._wall = lambda: rig.fake.now() - timedelta(days=20_000)
    rig.uplink._remote.receive([raw])
    rig.uplink._remote.work()
    assert rig.opened == []
    assert rig.spool.open_commands() == []


def _signed(rig: Rig, text: str) -> Any:
    import msgspec

    from tests.gateways.fake_server import sign_command

    value = {"command": text, "signature": sign_command(text, rig.keys.signing.secret_bytes)}
    return msgspec.Raw(json.dumps(value).encode())


def _flip(signature: str) -> str:
    raw = bytearray(base64.urlsafe_b64decode(signature + "="))
    raw[0] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: {**value, "signature": _flip(value["signature"])},
        lambda value: {**value, "signature": ""},
        lambda value: {**value, "signature": "한글"},
        lambda value: {**value, "command": value["command"].replace(METER, "W0G-001-01-2")},
        lambda value: {"command": value["command"]},
        lambda _value: "open",
        lambda _value: None,
    ],
)
def test_a_command_whose_signature_is_not_right_is_ignored(rig: Rig, spoil: Any) -> None:
    rig.fake.command("open_lid", meter=METER)
    real = rig.fake._signed_commands
    rig.fake._signed_commands = lambda key_id: [spoil(value) for value in real(key_id)]  # type: ignore[method-assign]
    rig.put(1)
    with capture_logs() as logs:
        rig.steps()
    assert rig.opened == []
    assert rig.spool.depth().records == 0
    assert "command_ignored" in [line["event"] for line in logs]


def test_a_command_for_another_gateway_is_ignored_though_it_is_signed(rig: Rig) -> None:
    rig.fake.command("open_lid", gateway="W0G-GW-002", meter=METER)
    rig.uplink.step()
    assert rig.opened == []
    assert rig.spool.command_results(10) == []


def test_more_results_than_fit_into_one_status_follow_in_the_next(rig: Rig) -> None:
    for _ in range(60):
        rig.fake.command("open_lid", meter=METER)
    rig.uplink.step()
    status(rig)
    rig.uplink.step()
    assert len(rig.fake.results) == 60
    assert max(len(told["commands"]) for told in rig.fake.statuses) == 50
    assert len(rig.opened) == 60
