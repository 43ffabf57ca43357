"""Keys of a gateway: a second beside the first, confirmed by use, and refused everywhere once revoked or retired."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.access import signed
from app.db import Database
from app.times import now
from tests.builders import Box, Town
from tests.fleet.reports import ask_key, get, opened, report, send, told, with_key
from tests.metering.reading import problem, rows_of, statuses
from tests.metering.staff import Staff

HOUR = timedelta(hours=1)


def events(database: Database, kind: str) -> list[str]:
    return [detail for (detail,) in rows_of(database, f"SELECT detail FROM gateway_event WHERE kind = '{kind}'")]


def test_the_answer_is_as_in_the_contract(box: Box) -> None:
    golden = json.loads((Path(__file__).parents[1] / "contract" / "keys_response.json").read_text())
    answer = ask_key(box)
    assert answer.json.keys() == golden.keys()
    assert answer.json["key_id"] == "W0G/GW-1/2"
    assert len(answer.json["secret"]) == len(golden["secret"])


def test_asked_again_before_its_use_the_answer_is_the_same_key(box: Box, database: Database) -> None:
    first, second = ask_key(box).json, ask_key(box).json
    assert (first["key_id"], first["secret"]) == (second["key_id"], second["secret"])
    assert events(database, "key_made") == ["W0G/GW-1/2"]


def test_both_keys_work_until_a_day_after_the_new_one_was_used(box: Box, database: Database) -> None:
    fresh = with_key(box, ask_key(box))
    with time_machine.travel(now() + 48 * HOUR, tick=False):  # a box that was off for days
        assert send(box).status_code == 200
        assert send(fresh).status_code == 200
        assert events(database, "key_confirmed") == ["W0G/GW-1/1", "W0G/GW-1/2"]
        assert send(box).status_code == 200
        used = now()
    with time_machine.travel(used + 24 * HOUR - timedelta(seconds=1), tick=False):
        assert send(box).status_code == 200
    with time_machine.travel(used + 24 * HOUR, tick=False):
        assert problem(send(box)) == (401, "key-revoked")
        assert problem(box.post([])) == (401, "key-revoked")
        assert problem(get(box, "/cards")) == (401, "key-revoked")
        assert statuses(fresh.post([fresh.record(1)])) == [(1, "stored", None)]


def test_a_key_is_confirmed_by_whatever_it_signs_first(box: Box, database: Database) -> None:
    fresh = with_key(box, ask_key(box))
    assert get(fresh, "/cards").status_code == 200
    assert rows_of(database, "SELECT key_id FROM gateway_key WHERE retires_at IS NOT NULL") == [("W0G/GW-1/1",)]


def test_a_request_for_another_gateway_confirms_nothing(box: Box, town: Town, database: Database) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    fresh = with_key(box, ask_key(box))
    answer = fresh.post_body(b'{"schema": 1}', "/api/v1/gateways/GW-2/keys")
    assert problem(answer) == (403, "other-gateway")
    assert "W0G/GW-1/2" not in events(database, "key_confirmed")


def test_at_most_two_keys_live_however_often_the_box_rotates(box: Box, database: Database) -> None:
    current = box
    for _ in range(3):
        current = with_key(current, ask_key(current))
        assert send(current).status_code == 200
        living = rows_of(database, "SELECT key_id FROM gateway_key WHERE revoked_at IS NULL ORDER BY key_id")
        assert len(living) == 2
        assert (current.key_id,) in living
    assert problem(send(box)) == (401, "key-revoked")


def test_an_old_key_fetches_no_key_once_its_successor_was_used(box: Box, database: Database) -> None:
    fresh = with_key(box, ask_key(box))
    assert send(fresh).status_code == 200
    assert problem(ask_key(box)) == (403, "key-retiring")
    assert rows_of(database, "SELECT count(*) FROM gateway_key") == [(2,)]
    assert statuses(box.post([box.record(1)])) == [(1, "stored", None)], "what a restored image holds is delivered"
    waiting = with_key(fresh, ask_key(fresh))
    assert problem(ask_key(box)) == (401, "key-revoked"), "nor does it get the key that waits"
    assert send(waiting).status_code == 200


def test_a_box_restored_to_an_old_key_goes_on_by_a_claim(box: Box, client: FlaskClient, staff: Staff) -> None:
    assert send(with_key(box, ask_key(box))).status_code == 200
    assert problem(ask_key(box)) == (403, "key-retiring")
    code = staff.post("/fleet/gateways/GW-1/claim-codes", {}).json["claim_code"]
    claimed = with_key(box, client.post("/api/v1/gateways/claim", json={"claim_code": code, "hardware_id": "box"}))
    assert statuses(claimed.post([claimed.record(1)])) == [(1, "stored", None)]
    assert ask_key(claimed).status_code == 201


def test_two_rotations_at_once_get_the_same_key(app: Flask, town: Town, database: Database) -> None:
    start = Barrier(4)

    def ask(_: int) -> tuple[str, str]:
        box = Box(app.test_client())
        start.wait()
        answer = ask_key(box)
        assert answer.status_code == 201, answer.text
        return answer.json["key_id"], answer.json["secret"]

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(ask, range(4)))
    assert len(answers) == 1
    assert rows_of(database, "SELECT count(*) FROM gateway_key") == [(2,)]


def test_first_uses_at_once_confirm_the_key_once(app: Flask, box: Box, database: Database) -> None:
    fresh, start = with_key(box, ask_key(box)), Barrier(4)

    def use(_: int) -> int:
        client = app.test_client()
        mine = Box(client, secret=fresh.secret, key_id=fresh.key_id)
        start.wait()
        return send(mine).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(4))) == [200] * 4
    assert events(database, "key_confirmed").count("W0G/GW-1/2") == 1


def test_a_revoked_key_is_refused_at_once_on_every_route(box: Box, staff: Staff) -> None:
    assert statuses(box.post([box.record(1)])) == [(1, "stored", None)]  # the service remembers the secret
    answer = staff.post("/fleet/gateways/GW-1/revocations", {})
    assert answer.json == {"revoked": ["W0G/GW-1/1"]}
    answers = [box.post([box.record(2)]), send(box), ask_key(box), get(box, "/cards"), get(box, "/releases/1")]
    assert {problem(each) for each in answers} == {(401, "key-revoked")}
    assert len(answers) == 5


def test_one_of_two_keys_can_be_revoked(box: Box, staff: Staff, database: Database) -> None:
    fresh = with_key(box, ask_key(box))
    answer = staff.post("/fleet/gateways/GW-1/revocations", {"key_id": "W0G/GW-1/1"})
    assert answer.json == {"revoked": ["W0G/GW-1/1"]}
    assert problem(send(box)) == (401, "key-revoked")
    assert send(fresh).status_code == 200
    assert problem(staff.post("/fleet/gateways/GW-1/revocations", {"key_id": "W0G/GW-1/1"})) == (404, "not-found")
    assert rows_of(database, "SELECT detail, actor FROM gateway_event WHERE kind = 'key_revoked'") == [
        ("W0G/GW-1/1", "kim/desk")
    ]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("body", "slug"), [(b"{", "broken-json"), (b'{"schema": 2}', "unknown-schema"), (b"{}", "broken-envelope")]
)
def test_what_asks_for_no_key_is_refused(box: Box, body: bytes, slug: str) -> None:
    assert problem(box.post_body(body, "/api/v1/gateways/GW-1/keys")) == (400, slug)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_failed_signatures_are_limited_by_address_but_right_ones_are_not(box: Box, client: FlaskClient) -> None:
    stranger = Box(client, secret=b"of somebody else entirely, no key")
    answers = [send(stranger) for _ in range(61)]
    assert {problem(answer) for answer in answers[:60]} == {(401, "signature-wrong")}
    assert problem(answers[60]) == (429, "too-many-requests")
    assert 0 < int(answers[60].headers["Retry-After"]) <= 300
    for number in range(1, 80):  # a backlog behind the same address drains
        assert box.post([box.record(number)]).status_code == 200
    wrong = client.post("/api/v1/gateways/claim", json={"claim_code": "guess", "hardware_id": "x"})
    assert problem(wrong) == (429, "too-many-requests")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_refusal_leaves_its_key_and_reason_in_the_log(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, dict[str, str]]] = []
    log = SimpleNamespace(warning=lambda event, **values: heard.append((event, values)))
    monkeypatch.setattr(signed, "log", log)  # structlog keeps the stream of whichever test logged first
    send(Box(box.client, secret=b"of somebody else entirely, no key"))
    told = {"reason": "signature-wrong", "key_id": "W0G/GW-1/1", "address": "127.0.0.1"}
    assert heard == [("gateway refused", told)]


def test_the_answer_to_a_status_is_signed_with_the_key_that_asked(box: Box, staff: Staff) -> None:
    staff.post("/fleet/gateways/GW-1/commands", {"kind": "sync_cards"})
    fresh = with_key(box, ask_key(box))
    for each in (box, fresh):
        (command,) = told(each)["commands"]
        assert opened(command, each.secret or b"GW-1".ljust(32))["kind"] == "sync_cards"


def test_a_report_is_no_way_around_a_revoked_key(box: Box, staff: Staff, database: Database) -> None:
    staff.post("/fleet/gateways/GW-1/revocations", {})
    assert problem(send(box, **{key: value for key, value in report(box).items() if key == "meters"}))[0] == 401
    assert rows_of(database, "SELECT count(*) FROM gateway_status") == [(0,)]
