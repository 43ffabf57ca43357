"""A broken envelope has its own problem, in both languages, and loses nothing: the gateway keeps the batch."""

import gzip
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access.models import GatewayKey
from app.db import Database
from app.times import now
from tests.builders import Box, Town
from tests.metering.reading import ledger, problem, statuses

PATH = "/api/v1/gateways/GW-1/discharges"


def body_of(box: Box, **changes: object) -> bytes:
    return msgspec.json.encode(box.envelope([box.record(1)]) | changes)


def unsigned(box: Box) -> TestResponse:
    return box.client.post(PATH, data=body_of(box))


def changed_body(box: Box) -> TestResponse:
    return box.client.post(PATH, data=body_of(box) + b" ", headers=box.sign(PATH, body_of(box)))


def changed_target(box: Box) -> TestResponse:
    body = body_of(box)
    return box.client.post(PATH + "?x=1", data=body, headers=box.sign(PATH, body))


def wrong_secret(box: Box) -> TestResponse:
    box.secret = b"x" * 32
    return box.post([box.record(1)])


def covering_less(box: Box) -> TestResponse:
    return box.post([box.record(1)], components=("@method",))


def unknown_key(box: Box) -> TestResponse:
    return box.post([box.record(1)], key_id="W0G/GW-1/99")


def clock_off(minutes: int) -> Callable[[Box], TestResponse]:
    return lambda box: box.post([box.record(1)], created=now() + timedelta(minutes=minutes))


def other_gateway(box: Box) -> TestResponse:
    return box.post_body(body_of(box), path="/api/v1/gateways/GW-2/discharges")


def raw(body: bytes, **headers: str) -> Callable[[Box], TestResponse]:
    return lambda box: box.post_body(body, headers=headers)


BOMB = gzip.compress(b" " * 50_000_000)
BROKEN: dict[str, tuple[Callable[[Box], TestResponse], int, str]] = {
    "no signature": (unsigned, 401, "signature-missing"),
    "a changed body": (changed_body, 401, "signature-wrong"),
    "another target": (changed_target, 401, "signature-wrong"),
    "a wrong secret": (wrong_secret, 401, "signature-wrong"),
    "a signature that leaves out the target": (covering_less, 401, "signature-wrong"),
    "an unknown key": (unknown_key, 401, "key-unknown"),
    "a clock behind": (clock_off(-6), 401, "clock-skew"),
    "a clock ahead": (clock_off(6), 401, "clock-skew"),
    "another gateway's address": (other_gateway, 403, "other-gateway"),
    "no JSON": (raw(b'{"schema": 1, '), 400, "broken-json"),
    "no text": (raw(b"\xff\xfe\x00"), 400, "broken-json"),
    "not an object": (raw(b"[]"), 400, "broken-envelope"),
    "a missing field": (raw(b'{"schema": 1}'), 400, "broken-envelope"),
    "a gzip bomb": (raw(BOMB, **{"Content-Encoding": "gzip"}), 413, "body-too-large"),
    "what is no gzip": (raw(b"plain", **{"Content-Encoding": "gzip"}), 400, "broken-gzip"),
    "a cut gzip": (raw(gzip.compress(b"x" * 1000)[:-5], **{"Content-Encoding": "gzip"}), 400, "broken-gzip"),
    "an unknown encoding": (raw(b"x", **{"Content-Encoding": "br"}), 400, "broken-gzip"),
    "a body over the limit": (raw(b" " * (2 * 1024 * 1024 + 1)), 413, "body-too-large"),
    "an unknown schema": (lambda box: box.post_body(body_of(box, schema=2)), 400, "unknown-schema"),
    "another schema's form": (raw(b'{"schema": 2, "items": []}'), 400, "unknown-schema"),
    "a broken epoch": (lambda box: box.post_body(body_of(box, epoch="one")), 400, "broken-envelope"),
    "an unknown field": (lambda box: box.post_body(body_of(box, extra=1)), 400, "broken-envelope"),
    "over 500 records": (lambda box: box.post([box.record(1)] * 501), 400, "broken-envelope"),
}


@pytest.mark.parametrize(("send", "status", "slug"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_each_broken_envelope_has_its_problem_and_books_nothing(
    box: Box, database: Database, send: Callable[[Box], TestResponse], status: int, slug: str
) -> None:
    assert problem(send(box)) == (status, slug)
    assert ledger(database) == []
    box.secret = None
    assert statuses(box.post([box.record(1)])) == [(1, "stored", None)]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_problems_speak_korean_unless_english_is_asked_for(box: Box) -> None:
    korean = unsigned(box).json
    english = box.client.post(PATH, data=b"{}", headers={"Accept-Language": "en"}).json
    assert korean["type"] == english["type"]
    assert any("가" <= letter <= "힣" for letter in korean["title"] + korean["detail"])
    assert english["title"] == "The request is not signed."


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_clock_that_is_off_is_told_the_servers_time(box: Box) -> None:
    answer = clock_off(-60)(box).json
    moment = msgspec.convert(answer["server_time"], type=type(now()))
    assert abs(moment - now()) < timedelta(seconds=10)


def test_a_replayed_request_is_refused_and_booked_once(box: Box, database: Database) -> None:
    body = body_of(box)
    headers = box.sign(PATH, body)
    assert box.client.post(PATH, data=body, headers=headers).status_code == 200
    assert problem(box.client.post(PATH, data=body, headers=headers)) == (401, "nonce-replayed")
    assert len(ledger(database)) == 1


def test_a_revoked_key_is_refused_at_once(box: Box, town: Town, database: Database) -> None:
    assert box.post([box.record(1)]).status_code == 200
    with database.begin() as session:
        session.get_one(GatewayKey, (town.district.id, "W0G/GW-1/1")).revoked_at = now()
    assert problem(box.post([box.record(2)])) == (401, "key-revoked")
    assert len(ledger(database)) == 1


def test_gzip_is_accepted_and_signed_as_sent(box: Box, database: Database) -> None:
    answer = box.post_body(gzip.compress(body_of(box)), headers={"Content-Encoding": "gzip"})
    assert statuses(answer) == [(1, "stored", None)]


def test_a_request_that_failed_in_the_database_may_be_sent_again(
    app: Flask, box: Box, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.metering import ledger as booking

    body = body_of(box)
    headers = box.sign(PATH, body)
    with monkeypatch.context() as broken:
        broken.setattr(booking, "write", lambda *_: 1 / 0)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert problem(box.client.post(PATH, data=body, headers=headers)) == (500, "internal")
    assert ledger(database) == []
    assert statuses(box.client.post(PATH, data=body, headers=headers)) == [(1, "stored", None)]
