"""The API of messages: one's own channels and messages, and the desk."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import audit_words
from app.access.models import AuditEntry
from app.fleet.messages.channels import MOST_TESTS
from tests.access.people import running_app
from tests.messages.world import Outboxed, Receiver
from tests.metering.staff import Staff


@pytest.fixture
def app(database_url: str, receiver: Receiver) -> Iterator[Flask]:
    with running_app(database_url, webhook_hosts=(receiver.host,)) as app:
        yield app


@pytest.fixture
def staff(app: Flask) -> Staff:
    return Staff(app)


@pytest.fixture
def own(staff: Staff, app: Flask, receiver: Receiver) -> Outboxed:
    """The staff member as somebody who is told."""
    return Outboxed(app.extensions["jongnyang"].database, receiver, 1, 1)


def test_a_channel_is_added_changed_tried_and_removed(staff: Staff, own: Outboxed) -> None:
    made = staff.post("/me/channels", {"kind": "sms", "address": " +82 10-1234-5678 "})
    assert made.status_code == 201
    assert made.json["address"] == "010-1234-5678"
    assert (made.json["quiet_from"], made.json["urgent_breaks_quiet"]) == ("22:00", True)
    hook = {"kind": "webhook", "address": own.receiver.url, "quiet_from": "23:30"}
    staff.post("/me/channels", hook)
    changed = staff.client.put("/api/v1/me/channels/2", json=hook | {"language": "en"}, headers=staff.headers)
    assert (changed.status_code, changed.json["language"]) == (200, "en")
    assert staff.post("/me/channels/2/preferences", None).status_code == 204
    assert [item["id"] for item in staff.get("/me/channels").json["items"]] == [2, 1]
    tested = staff.post("/me/channels/2/tests", None)
    assert (tested.status_code, tested.json) == (201, {"message_id": 1})
    assert staff.client.delete("/api/v1/me/channels/1", headers=staff.headers).status_code == 204
    assert staff.client.delete("/api/v1/me/channels/1", headers=staff.headers).status_code == 404
    own.send(own.messages()[0].created_at)
    (message,) = staff.get("/me/messages").json["items"]
    assert (message["subject"], message["state"], message["address"]) == ("Test message", "sent", own.receiver.url)


def test_every_change_is_booked_and_no_address_stands_in_the_log(staff: Staff, own: Outboxed) -> None:
    staff.post("/me/channels", {"kind": "sms", "address": "010-1234-5678"})
    staff.post("/me/channels", {"kind": "email", "address": "kim@example.kr"})
    staff.post("/me/channels/2/preferences", None)
    staff.client.put(
        "/api/v1/me/channels/2", json={"kind": "email", "address": "kim2@example.kr"}, headers=staff.headers
    )
    staff.post("/me/channels/1/tests", None)
    staff.client.delete("/api/v1/me/channels/1", headers=staff.headers)
    own.put()
    staff.post("/messages/2/cancellations", None)
    staff.post("/messages/2/sendings", None)
    with own.database.begin() as session:
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.actor == staff.actor)).all()
    assert [entry.action for entry in entries] == [
        *("channel.added", "channel.added", "channel.preferred", "channel.changed", "channel.tested"),
        *("channel.removed", "message.cancelled", "message.sent_again"),
    ]
    assert {entry.action for entry in entries} <= audit_words.ACTIONS.keys()
    written = "".join(f"{entry.subject}{entry.before}{entry.after}" for entry in entries)
    assert "1234-5678" not in written
    assert "kim@" not in written
    assert "ki••@example.kr" in written


REFUSED: tuple[dict[str, object], ...] = (
    {"kind": "pigeon"},
    {"address": "kim"},
    {"address": "a@b.kr\nBcc: c@d.kr"},
    {"quiet_from": "24:00"},
    {"active": "yes"},
    {"language": "fr"},
    {"id": 1},
)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_cannot_be_a_channel_is_refused_by_its_field(staff: Staff) -> None:
    for wrong in REFUSED:
        answer = staff.post("/me/channels", {"kind": "email", "address": "kim@example.kr"} | wrong)
        assert answer.status_code == 422
        assert set(answer.json["errors"]) == set(wrong)
    assert staff.get("/me/channels").json == {"items": []}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_same_channel_twice_and_an_eleventh_are_refused(staff: Staff) -> None:
    answers = [
        staff.post("/me/channels", {"kind": "email", "address": f"kim{number % 10}@example.kr"}).status_code
        for number in range(12)
    ]
    assert answers == [201] * 10 + [422] * 2


def test_the_desk_lists_by_state_in_pages_with_masked_addresses(staff: Staff, own: Outboxed) -> None:
    own.put(1)
    own.add("sms", "010-1234-5678")
    for number in (2, 3):
        own.put(number)
    first = staff.get("/messages?limit=2").json
    assert [item["id"] for item in first["items"]] == [3, 2]
    assert {item["address"] for item in first["items"]} == {"010-••••-5678"}
    second = staff.get(f"/messages?limit=2&before={first['next_before']}").json
    assert [(item["id"], item["state"]) for item in second["items"]] == [(1, "failed")]
    assert second["next_before"] is None
    assert [item["id"] for item in staff.get("/messages?state=failed&login=kim").json["items"]] == [1]
    assert staff.get("/messages?state=lost").status_code == 422
    again = staff.post("/messages/1/sendings", None)
    assert (again.status_code, again.json["state"], again.json["last_error"]) == (201, "waiting", None)
    assert staff.post("/messages/1/sendings", None).status_code == 409


def test_another_district_sees_and_decides_nothing(staff: Staff, own: Outboxed, app: Flask) -> None:
    own.add()
    own.put()
    other = Staff(app, "park", "W0H")
    assert other.get("/messages").json["items"] == []
    assert other.get("/me/channels").json["items"] == []
    for path in ("/messages/1/sendings", "/messages/1/cancellations", "/me/channels/1/tests"):
        assert other.post(path, None).status_code == 404


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_token_for_other_work_does_not_decide_whom_faults_are_told_to(app: Flask) -> None:
    program = Staff(app, scopes=("metering:read",))
    assert program.get("/me/channels").status_code == 200
    assert program.post("/me/channels", {"kind": "email", "address": "x@example.kr"}).status_code == 403


def test_metrics_count_what_needs_somebody(staff: Staff, own: Outboxed) -> None:
    own.put(1)
    own.add()
    own.put(2)
    lines = staff.client.get("/metrics").text.splitlines()
    assert {line for line in lines if line.startswith("jongnyang_messages")} == {
        "jongnyang_messages_failed 1.0",
        "jongnyang_messages_unknown 0.0",
        "jongnyang_messages_waiting 1.0",
    }


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_nobody_floods_a_strangers_phone_with_tests(staff: Staff) -> None:
    statuses = []
    for _ in range(MOST_TESTS + 1):
        made = staff.post("/me/channels", {"kind": "sms", "address": "010-1234-5678"}).json["id"]
        statuses.append(staff.post(f"/me/channels/{made}/tests", None).status_code)
        staff.client.delete(f"/api/v1/me/channels/{made}", headers=staff.headers)
    assert statuses == [201] * MOST_TESTS + [422]
