"""Claims: a one-time code becomes a gateway's key, and the key before it ends."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access.claims import VALID, open_claim
from app.db import Base, Database
from app.registry.cards import card_hash
from app.times import now
from tests.access.people import running_app
from tests.builders import Box, Town
from tests.metering.reading import problem, rows_of, statuses

NUMBER = "0D00319CD0"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with running_app(database_url, log_level="WARNING") as app:
        yield app
        app.extensions["jongnyang"].close()


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database, code="W0K")


@pytest.fixture
def old_key(client: FlaskClient, town: Town) -> Box:
    """The box with the key that it had before."""
    return Box(client, district=town.code)


def code_for(town: Town, gateway_id: int = 1) -> str:
    with town.database.begin() as session:
        return open_claim(session, town.district.id, gateway_id, now())


def claim(client: FlaskClient, code: str, hardware_id: str = "box-77") -> TestResponse:
    return client.post("/api/v1/gateways/claim", json={"claim_code": code, "hardware_id": hardware_id})


def binary(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_code_becomes_a_key_with_what_the_box_needs_to_know(client: FlaskClient, town: Town) -> None:
    answer = claim(client, code_for(town))
    assert answer.status_code == 201
    golden = json.loads((Path(__file__).parents[1] / "contract" / "claim_response.json").read_text())
    assert answer.json.keys() == golden.keys()
    assert (answer.json["gateway"], answer.json["district"], answer.json["key_id"]) == ("GW-1", "W0K", "W0K/GW-1/2")
    assert [len(binary(answer.json[name])) for name in ("secret", "card_key")] == [32, 32]
    assert binary(answer.json["card_key"]) == town.district.card_key


def test_the_secret_signs_requests_and_the_card_key_hashes_cards_as_the_server_does(
    client: FlaskClient, town: Town
) -> None:
    town.move_in("1001", NUMBER)
    fresh = claim(client, code_for(town)).json
    box = Box(client, district="W0K", secret=binary(fresh["secret"]))
    card = {"hash": card_hash(binary(fresh["card_key"]), NUMBER).hex(), "last4": NUMBER[-4:]}
    record = box.record(1, card=card)
    path = "/api/v1/gateways/GW-1/discharges"
    body = json.dumps(box.envelope([record])).encode()
    answer = client.post(path, data=body, headers=box.sign(path, body, key_id=fresh["key_id"]))
    assert statuses(answer) == [(1, "stored", None)]
    assert rows_of(town.database, "SELECT household_id, billable FROM discharge")[0][0] == town.households["1001"]


def test_a_code_works_once(client: FlaskClient, town: Town) -> None:
    code = code_for(town)
    assert claim(client, code).status_code == 201
    assert problem(claim(client, code)) == (403, "claim-refused")
    assert rows_of(town.database, "SELECT count(*) FROM gateway_key") == [(2,)]


def test_a_code_works_once_however_many_boxes_try_it_at_the_same_time(app: Flask, town: Town) -> None:
    code, start, answers = code_for(town), Barrier(4), []

    def post(name: str) -> None:
        sender = app.test_client()
        start.wait()
        answers.append(claim(sender, code, name).status_code)

    threads = [Thread(target=post, args=(f"box-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 403, 403, 403]
    assert rows_of(town.database, "SELECT count(*) FROM gateway_key WHERE revoked_at IS NULL") == [(1,)]


def test_a_code_lasts_for_a_day_and_no_longer(client: FlaskClient, town: Town) -> None:
    first, second = code_for(town), code_for(town)
    opened = now()
    assert timedelta(hours=24) == VALID
    with time_machine.travel(opened + VALID - timedelta(seconds=5), tick=False):
        assert claim(client, first).status_code == 201
    with time_machine.travel(opened + VALID, tick=False):
        assert problem(claim(client, second)) == (403, "claim-refused")


@pytest.mark.parametrize("change", [lambda code: code[:-1], lambda code: "0" * 30, lambda code: code + "0"])
def test_a_wrong_code_is_refused_and_uses_up_nothing(client: FlaskClient, town: Town, change: Any) -> None:
    code = code_for(town)
    assert problem(claim(client, change(code))) == (403, "claim-refused")
    assert claim(client, code).status_code == 201


def test_a_code_may_be_typed_in_capitals_and_with_blanks_around_it(client: FlaskClient, town: Town) -> None:
    assert claim(client, f" {code_for(town).upper()}\n").status_code == 201


def test_a_new_claim_ends_the_key_before_it(client: FlaskClient, town: Town, old_key: Box) -> None:
    assert statuses(old_key.post([old_key.record(1)])) == [(1, "stored", None)]
    claim(client, code_for(town))
    assert problem(old_key.post([old_key.record(2)])) == (401, "key-revoked")
    path = "/api/v1/gateways/GW-1/status"
    body = old_key.envelope([]) | {"clock": "synced", "firmware": "1", "spool": {"depth": 0, "oldest_age_s": 0}}
    del body["discharges"]
    assert problem(old_key.post_body(json.dumps(body | {"meters": []}).encode(), path)) == (401, "key-revoked")
    assert rows_of(town.database, "SELECT count(*) FROM discharge") == [(1,)]


def test_every_claim_makes_another_key_and_only_the_last_one_lives(client: FlaskClient, town: Town) -> None:
    keys = [claim(client, code_for(town)).json for _ in range(3)]
    assert [key["key_id"] for key in keys] == ["W0K/GW-1/2", "W0K/GW-1/3", "W0K/GW-1/4"]
    assert len({key["secret"] for key in keys}) == 3
    living = rows_of(town.database, "SELECT key_id FROM gateway_key WHERE revoked_at IS NULL")
    assert living == [("W0K/GW-1/4",)]


def test_the_keys_of_other_gateways_go_on(client: FlaskClient, town: Town) -> None:
    town.add_gateway("GW-2", ["W0K-M3"])
    neighbour = Box(client, code="GW-2", district="W0K")
    claim(client, code_for(town))
    assert statuses(neighbour.post([neighbour.record(1, meter="W0K-M3")])) == [(1, "stored", None)]


def test_the_new_key_opens_only_its_own_gateway(client: FlaskClient, town: Town) -> None:
    town.add_gateway("GW-2", ["W0K-M3"])
    fresh = claim(client, code_for(town)).json
    box = Box(client, district="W0K", secret=binary(fresh["secret"]))
    path = "/api/v1/gateways/GW-2/discharges"
    body = json.dumps(box.envelope([])).encode()
    answer = client.post(path, data=body, headers=box.sign(path, body, key_id=fresh["key_id"]))
    assert problem(answer) == (403, "other-gateway")


def test_nothing_secret_is_stored_in_clear_but_the_keys_secret(client: FlaskClient, town: Town) -> None:
    code = code_for(town)
    secret = claim(client, code).json["secret"]
    holding: dict[str, set[str]] = {code: set(), secret: set()}
    with town.database.session() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(sa.select(table)).mappings():
                for column, value in row.items():
                    for hidden in holding:
                        if any(form in _bytes(value) for form in _forms(hidden)):
                            holding[hidden].add(f"{table.name}.{column}")
    assert holding == {code: set(), secret: {"gateway_key.secret"}}
    assert rows_of(town.database, "SELECT hardware_id FROM gateway_key WHERE key_id = 'W0K/GW-1/2'") == [("box-77",)]


def _forms(hidden: str) -> list[bytes]:
    """A secret as text, and as the bytes it stands for."""
    decoded = bytes.fromhex(hidden) if len(hidden) == 30 else binary(hidden)
    return [hidden.encode(), decoded, decoded.hex().encode(), base64.b64encode(decoded)]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"claim_code": "x"}',
        b'{"claim_code": "", "hardware_id": "x"}',
        b'{"claim_code": 5, "hardware_id": "x"}',
        b'{"claim_code": "x", "hardware_id": "x", "gateway": "GW-1"}',
        b'{"claim_code": "%s", "hardware_id": "x"}' % (b"x" * 201),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_is_no_claim_is_refused(client: FlaskClient, body: bytes) -> None:
    assert problem(client.post("/api/v1/gateways/claim", data=body)) == (400, "broken-json")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_refusal_says_in_the_readers_language_where_to_get_another_code(client: FlaskClient) -> None:
    for language, word in (("ko", "코드"), ("en", "Ask the district office for a new code")):
        answer = client.post(
            "/api/v1/gateways/claim",
            json={"claim_code": "wrong", "hardware_id": "x"},
            headers={"Accept-Language": language},
        )
        assert word in answer.json["detail"]
