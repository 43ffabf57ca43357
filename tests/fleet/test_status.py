"""What a status carries besides intervals: notices and touches, each booked once, and what it is answered."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from app.db import Database
from app.fleet import service as fleet
from app.fleet import touches
from app.times import format_instant, now
from billing.days import service_day
from tests.builders import Box, Town
from tests.fleet.reports import moment, notice, report, send, told, touch
from tests.metering.reading import problem, rows_of
from tests.metering.staff import Staff

CONTRACT = Path(__file__).parents[1] / "contract"
NOTICES = "SELECT kind, detail, epoch, notice_id FROM gateway_event WHERE notice_id IS NOT NULL ORDER BY id"


@time_machine.travel(datetime(2026, 11, 22, 9, 30, 6, tzinfo=UTC), tick=True)
@pytest.mark.parametrize("name", ["status_request", "status_request_minimal"])
def test_the_documented_reports_are_answered_as_documented(client: FlaskClient, database: Database, name: str) -> None:
    town = Town(database)
    town.add_gateway("GW-2", ["W0G-001-01-1"])
    box = Box(client, code="GW-2")
    answer = box.post_body((CONTRACT / f"{name}.json").read_bytes(), "/api/v1/gateways/GW-2/status")
    assert answer.status_code == 200, answer.text
    assert answer.json.keys() == json.loads((CONTRACT / "status_response.json").read_text()).keys()
    assert answer.json["refused"] == []
    whole = name == "status_request"
    assert rows_of(database, "SELECT count(*) FROM unknown_touch") == [(whole,)]
    assert [row[0] for row in rows_of(database, NOTICES)] == ["spool_corrupt"] * whole


def test_a_notice_is_booked_once_however_often_it_comes(box: Box, database: Database) -> None:
    told(box, notices=[notice(box, 7), notice(box, 8, "disk_ok")])
    told(box, notices=[notice(box, 8, "disk_ok"), notice(box, 9, "wrong_device", "scale on ttyUSB1"), notice(box, 9)])
    assert rows_of(database, NOTICES) == [
        ("disk_full", "", box.epoch, 7),
        ("disk_ok", "", box.epoch, 8),
        ("wrong_device", "scale on ttyUSB1", box.epoch, 9),
    ]


def test_another_epoch_names_other_notices(box: Box, database: Database) -> None:
    told(box, notices=[notice(box, 1)])
    box.epoch = "0123456789abcdef"
    told(box, notices=[notice(box, 1, "new_epoch")])
    assert [row[:2] for row in rows_of(database, NOTICES)] == [("disk_full", ""), ("new_epoch", "")]
    seen = rows_of(database, "SELECT detail FROM gateway_event WHERE kind = 'epoch_seen' ORDER BY id")
    assert seen == [("1: 9f2c4be01a77d035",), ("2: 0123456789abcdef",)]


def test_a_notice_of_an_unset_clock_is_dated_by_what_passed_since(box: Box, database: Database) -> None:
    unset = {"at": "1970-01-01T00:00:05.000Z", "clock": "unset", "mono_ms": box.mono_ms - 3_600_000}
    told(box, notices=[notice(box, 1, **unset)])
    with database.session() as session:
        from app.access.models import GatewayEvent

        found = session.scalars(sa.select(GatewayEvent).where(GatewayEvent.notice_id == 1)).one()
    assert found.booked_at - found.at == timedelta(hours=1)
    assert (found.claimed_at, found.clock) == (datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC), "unset")


def test_a_notice_that_cannot_be_placed_is_booked_all_the_same(box: Box, database: Database) -> None:
    told(box, notices=[notice(box, 1, at="2999-01-01T00:00:00Z"), notice(box, 2, mono_ms=box.mono_ms + 1)])
    assert [row[3] for row in rows_of(database, NOTICES)] == [1, 2]


def test_what_a_box_writes_with_a_nul_is_stored(box: Box, database: Database) -> None:
    told(box, notices=[notice(box, 1, detail="a\0b")])
    assert rows_of(database, NOTICES)[0][1] == "a␀b"


def test_events_cannot_be_changed_or_deleted(box: Box, database: Database) -> None:
    told(box, notices=[notice(box, 1)])
    for statement in ("UPDATE gateway_event SET detail = 'nothing'", "DELETE FROM gateway_event"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.begin() as session:
            session.execute(sa.text(statement))


def test_touches_keep_the_first_and_the_last_time(box: Box, town: Town, database: Database) -> None:
    card = town.card("0D00319CD0")
    told(box, touches=[touch(box, card, **moment(box, 120)), touch(box, card, **moment(box, 60))])
    told(box, touches=[touch(box, card, **moment(box, 60)), touch(box, card, meter="W0G-M2")])
    told(box, touches=[touch(box, card, reason="card_blocked", **moment(box, 5))])
    told(box, touches=[touch(box, card, **moment(box, 90))])
    with database.session() as session:
        from app.fleet.models import UnknownTouch

        rows = session.scalars(sa.select(UnknownTouch).order_by(UnknownTouch.meter_id)).all()
    assert [(row.meter_id, row.last4, row.reason) for row in rows] == [
        (1, "9CD0", "card_blocked"),
        (2, "9CD0", "card_unknown"),
    ]
    assert timedelta(seconds=114) < rows[0].last_seen_at - rows[0].first_seen_at < timedelta(seconds=116)


def test_no_hash_of_a_card_stays_in_what_is_shown_of_a_report(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    card = town.card("0D00319CD0")
    meter = {"meter": "W0G-M1", "gross_g": 1, "fill_percent": 2, "zero_drift_g": 3, "lid": "closed", "faults": []}
    interval = {"from": format_instant(now() - timedelta(seconds=9)), "to": format_instant(now())} | moment(box, 0)
    del interval["at"]
    told(box, meters=[meter | {"alive": [interval]}], touches=[touch(box, card)], notices=[notice(box, 1)])
    ((report,),) = rows_of(database, "SELECT report FROM gateway_status")
    assert card["hash"] not in report
    assert json.loads(report).keys() == {*SAID_NOW, "meters"}
    assert json.loads(report)["meters"] == [meter]
    shown = staff.get("/fleet/gateways/GW-1").text
    assert card["hash"] not in shown
    assert "W0G-M1" in shown


SAID_NOW = {"schema", "epoch", "boot_id", "sent_at", "mono_ms", "clock", "firmware", "spool"}


def test_touches_older_than_a_month_are_dropped_a_bounded_number_at_a_time(
    box: Box, town: Town, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touches, "DROPPED_AT_ONCE", 2)
    old = [touch(box, town.card(f"0D0031000{number}")) for number in range(5)]
    told(box, touches=old)
    left = []
    for days in (29, 31, 32, 33):
        with time_machine.travel(now() + timedelta(days=days)):
            told(box, touches=[touch(box, town.card("0D00319CD0"))])
        left += [count for (count,) in rows_of(database, "SELECT count(*) FROM unknown_touch WHERE last4 <> '9CD0'")]
    assert left == [5, 3, 1, 0]


def test_a_touch_that_cannot_be_placed_is_refused_alone(box: Box, town: Town, database: Database) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    card = town.card("0D00319CD0")
    undated = touch(box, card, at="2999-01-01T00:00:00Z", boot_id="an earlier boot")
    wrong = [touch(box, card, "W0G-M9"), touch(box, card, "W0G-M3"), undated]
    answer = told(box, touches=[*wrong, touch(box, card)], notices=[notice(box, 1)])
    assert answer["refused"] == [
        {"meter": "W0G-M9", "code": "unknown_meter"},
        {"meter": "W0G-M3", "code": "foreign_meter"},
        {"meter": "W0G-M1", "code": "future_time"},
    ]
    assert rows_of(database, "SELECT meter_id FROM unknown_touch") == [(1,)]
    assert len(rows_of(database, NOTICES)) == 1


BROKEN: dict[str, dict[str, Any]] = {
    "unknown kind of notice": {"notices": [{"kind": "gossip"}]},
    "unknown field in a touch": {"touches": [{"number": "0D00319CD0"}]},
    "unknown state of a command": {"commands": [{"id": "x", "state": "maybe", "detail": ""}]},
    "too many touches": {"touches": [{}] * 51},
    "disk without its state": {"disk": {"spool_bytes": 1, "free_bytes": 1}},
    "negative count of cards": {"cards": {"version": None, "count": -1, "expired": False}},
    "a card's number": {"cards": {"version": None, "count": 1, "expired": False, "numbers": []}},
}


@pytest.mark.parametrize("more", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_report_that_is_not_as_documented_is_refused_as_a_whole(
    box: Box, town: Town, database: Database, more: dict[str, Any]
) -> None:
    filled = {
        name: [
            {"notices": notice(box, 1), "touches": touch(box, town.card("0D00319CD0")), "commands": {}}[name] | each
            for each in value
        ]
        if isinstance(value, list)
        else value
        for name, value in more.items()
    }
    assert problem(send(box, **filled)) == (400, "broken-envelope")
    assert rows_of(database, "SELECT count(*) FROM gateway_event") == [(1,)]  # the key's first use


def test_a_replayed_report_books_nothing(box: Box, database: Database) -> None:
    body = msgspec.json.encode(report(box, notices=[notice(box, 1)]))
    path, nonce = "/api/v1/gateways/GW-1/status", "the-same-nonce-twice-22"
    assert box.post_body(body, path, nonce=nonce).status_code == 200
    other = msgspec.json.encode(report(box, notices=[notice(box, 2)]))
    assert problem(box.post_body(other, path, nonce=nonce)) == (401, "nonce-replayed")
    assert [row[3] for row in rows_of(database, NOTICES)] == [1]


def test_the_tariff_is_the_step_in_force_and_those_to_come(box: Box, database: Database) -> None:
    today = service_day(now())
    assert told(box)["tariff"] == []
    with database.begin() as session:
        for days, won in ((-60, "110"), (-30, "130"), (30, "147.50"), (90, "0")):
            fleet.set_display_rate(session, 1, Decimal(won), today + timedelta(days=days), "kim", now())
    assert told(box)["tariff"] == [
        {"from": (today - timedelta(days=30)).isoformat(), "won_per_kg": "130"},
        {"from": (today + timedelta(days=30)).isoformat(), "won_per_kg": "147.5"},
        {"from": (today + timedelta(days=90)).isoformat(), "won_per_kg": "0"},
    ]
