"""Whoever is told sets how, on a page of their own; staff see what did not arrive and decide about it."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.times import now
from tests.access.people import PAGE, add_person, csrf_token, log_in, running_app
from tests.messages.world import Outboxed, Receiver

FORM = {
    "kind": "email",
    "address": "kim@example.kr",
    "language": "ko",
    "quiet_from": "22:00",
    "quiet_to": "07:00",
    "urgent_breaks_quiet": "1",
    "active": "1",
}
ENGLISH = PAGE | {"Accept-Language": "en"}


@pytest.fixture
def app(database_url: str, receiver: Receiver) -> Iterator[Flask]:
    with running_app(database_url, webhook_hosts=(receiver.host,)) as app:
        yield app


@pytest.fixture
def client(app: Flask, kim: Outboxed) -> FlaskClient:
    client = app.test_client()
    log_in(client)
    return client


def get(client: FlaskClient, path: str) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200
    return answer.text


def post(client: FlaskClient, path: str, **data: str) -> Any:
    token = csrf_token(client, "/account/channels")
    return client.post(path, data={"csrf_token": token} | data, headers=ENGLISH, follow_redirects=True)


def test_somebody_adds_changes_tries_and_removes_a_channel(client: FlaskClient, kim: Outboxed) -> None:
    assert "No channel yet" in get(client, "/account/channels")
    page = post(client, "/account/channels", **FORM).text
    assert "The channel is added" in page
    assert "kim@example.kr" in page
    assert "JONGNYANG_MAIL_URL" in page  # this service has no mail server
    post(client, "/account/channels", **FORM | {"kind": "webhook", "address": kim.receiver.url})
    page = post(client, "/account/channels/2", action="prefer").text
    assert page.index(kim.receiver.url) < page.index("kim@example.kr")
    assert "A test message is on its way" in post(client, "/account/channels/2", action="test").text
    assert 'value="22:00"' in get(client, "/account/channels?edit=1")
    changed = FORM | {"quiet_from": "20:30", "urgent_breaks_quiet": "0"}
    page = post(client, "/account/channels/1", action="change", **changed).text
    assert "20:30–07:00" in page
    assert "urgent notices too" in page
    assert "The channel is removed" in post(client, "/account/channels/1", action="remove").text
    assert "kim@example.kr" not in get(client, "/account/channels")
    kim.send(kim.messages()[0].created_at)
    assert [posted["title"] for posted in kim.receiver.posted] == ["시험 메시지"]
    page = get(client, "/account/messages")
    assert "시험 메시지" in page
    assert "Sent" in page


REFUSED = (
    ({"address": "kim"}, 'value="kim"', "Not an e-mail address: kim"),
    ({"kind": "webhook", "address": "https://169.254.169.254/"}, "https://169.254.169.254/", "JONGNYANG_WEBHOOK_HOSTS"),
    ({"quiet_from": "25:00"}, 'value="25:00"', "Write a time of day"),
    ({"kind": "pigeon"}, 'value="kim@example.kr"', "The request cannot be used"),
)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_channel_that_cannot_be_is_refused_and_the_form_stays_as_typed(client: FlaskClient) -> None:
    for wrong, typed, told in REFUSED:
        answer = post(client, "/account/channels", **FORM | wrong)
        assert answer.status_code == 422
        assert typed in answer.text
        assert told in answer.text
    assert "No channel yet" in get(client, "/account/channels")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_nobody_reaches_the_channel_of_somebody_else(client: FlaskClient, kim: Outboxed, app: Flask) -> None:
    kim.add()
    add_person(kim.database, "lee", role="auditor")
    other = app.test_client()
    log_in(other, "lee")
    assert kim.receiver.url not in get(other, "/account/channels?edit=1")
    for action in ("change", "prefer", "remove", "test"):
        assert post(other, "/account/channels/1", action=action, **FORM).status_code == 404
    assert other.get("/messages", headers=PAGE).status_code == 403


def test_staff_see_what_failed_and_send_it_again_or_cancel_it(client: FlaskClient, kim: Outboxed) -> None:
    kim.put()
    page = get(client, "/messages?state=failed")
    assert "The person has no active channel" in page
    assert "W0G-001-01-1" in page
    answer = post(client, "/messages/1", action="again", state="failed")
    assert answer.status_code == 422
    assert "no active channel to be reached by" in answer.text
    kim.add()
    page = post(client, "/messages/1", action="again").text
    assert "It is sent again within a minute" in page
    assert kim.receiver.url not in page
    kim.put(2)
    assert "The message is cancelled" in post(client, "/messages/2", action="cancel").text
    assert kim.send(now()) == {"sent": 1}
    assert post(client, "/messages/1", action="again").status_code == 422
    assert post(client, "/messages/77", action="again").status_code == 404
    assert "Somebody cancelled it" in get(client, "/messages?state=cancelled&login=kim")
    assert "No message fits" in get(client, "/messages?state=unknown")
