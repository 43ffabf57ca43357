"""Which meters were listening, and when: status reports of a gateway, with the alive intervals of its meters."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.db import Database
from app.fleet.models import GatewayStatus
from app.metering.models import AliveDay, AliveHour, AliveMonth, MeterAlive
from app.registry.service import install_meter
from app.times import format_instant, now
from tests.builders import Box, Town
from tests.metering.reading import agrees, problem, quarantine, rows_of, statuses

MINUTE = timedelta(minutes=1)


def interval(box: Box, start: datetime, end: datetime, **changes: Any) -> dict[str, Any]:
    """Alive from start to end by a clock that is right."""
    mono_ms = box.mono_ms - int((now() - end).total_seconds() * 1000)
    times = {"from": format_instant(start), "to": format_instant(end), "clock": "synced"}
    return times | {"boot_id": box.boot_id, "mono_ms": mono_ms} | changes


def meter(code: str, *alive: dict[str, Any], **changes: Any) -> dict[str, Any]:
    looks = {"gross_g": 41230, "fill_percent": 41, "zero_drift_g": 0, "lid": "closed", "faults": []}
    return {"meter": code, "alive": list(alive)} | looks | changes


def report(box: Box, *meters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    envelope = box.envelope([]) | {"clock": "synced", "firmware": "0.1.0", "spool": {"depth": 3, "oldest_age_s": 12}}
    del envelope["discharges"]
    return envelope | {"meters": list(meters)} | changes


def send(box: Box, body: dict[str, Any] | bytes, **options: Any) -> TestResponse:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return box.post_body(content, f"/api/v1/gateways/{box.code}/status", **options)


def alive(database: Database) -> list[MeterAlive]:
    with database.session() as session:
        return list(session.scalars(sa.select(MeterAlive).order_by(MeterAlive.meter_id, MeterAlive.started_at)))


def spans(database: Database) -> list[tuple[int, datetime, datetime]]:
    return [(row.meter_id, row.started_at, row.ended_at) for row in alive(database)]


def long_ago(**ago: int) -> datetime:
    """A moment in the past, to the millisecond that the wire carries."""
    moment = now() - timedelta(**ago)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@time_machine.travel(datetime(2026, 11, 22, 9, 30, 6, tzinfo=UTC), tick=True)
def test_the_documented_report_is_taken(client: FlaskClient, database: Database) -> None:
    town = Town(database)
    town.add_gateway("GW-2", ["W0G-001-01-1"])
    box = Box(client, code="GW-2")
    golden = (Path(__file__).parents[1] / "contract" / "status_request.json").read_bytes()
    answer = send(box, golden)
    assert answer.status_code == 200, answer.text
    assert answer.json["refused"] == []
    assert len(alive(database)) == 1


def test_a_report_stores_the_intervals_of_each_meter(box: Box, database: Database) -> None:
    first, second, third = long_ago(minutes=30), long_ago(minutes=20), long_ago(minutes=10)
    answer = send(
        box,
        report(
            box,
            meter("W0G-M1", interval(box, first, second), interval(box, second, third)),
            meter("W0G-M2", interval(box, first, third)),
        ),
    )
    assert (answer.status_code, answer.json["refused"], answer.json["commands"]) == (200, [], [])
    assert abs(datetime.fromisoformat(answer.json["server_time"]) - now()) < MINUTE
    assert spans(database) == [(1, first, second), (1, second, third), (2, first, third)]


def test_a_meter_that_was_alive_without_a_discharge_is_told_from_one_that_was_not(box: Box, database: Database) -> None:
    start, end = long_ago(minutes=10), long_ago(minutes=5)
    send(box, report(box, meter("W0G-M1", interval(box, start, end)), meter("W0G-M2")))
    assert {row.meter_id for row in alive(database)} == {1}


def test_the_same_intervals_sent_again_change_nothing(box: Box, database: Database) -> None:
    body = report(box, meter("W0G-M1", interval(box, long_ago(minutes=30), long_ago(minutes=20))))
    send(box, body)
    before = rows_of(database, "SELECT * FROM meter_alive")
    for _ in range(2):
        assert send(box, body).status_code == 200
    assert rows_of(database, "SELECT * FROM meter_alive") == before


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), min_size=1, max_size=12),
    st.lists(st.integers(1, 4), min_size=1, max_size=12),
)
def test_any_order_and_repetition_of_reports_stores_each_interval_once(
    box: Box, database: Database, drawn: list[tuple[int, int]], cuts: list[int]
) -> None:
    with database.begin() as session:
        for table in (MeterAlive, AliveHour, AliveDay, AliveMonth):
            session.execute(sa.delete(table))
    base = long_ago(hours=3)
    waiting = [(base + 10 * start * MINUTE, base + (10 * start + length) * MINUTE) for start, length in drawn]
    spooled = {span: interval(box, *span) for span in waiting}  # a spool writes an interval once and for ever
    for size in cuts:
        part, waiting = waiting[:size], waiting[size:]
        send(box, report(box, meter("W0G-M1", *(spooled[span] for span in part))))
    send(box, report(box, meter("W0G-M1", *(spooled[span] for span in waiting))))
    assert sorted(spans(database)) == sorted((1, *span) for span in spooled)
    assert agrees(database)
    whole = sum((end - start) // timedelta(milliseconds=1) for start, end in spooled)
    for table in ("alive_hour", "alive_day", "alive_month"):
        assert rows_of(database, f"SELECT sum(alive_ms) FROM {table}") == [(whole,)]


def test_an_interval_by_an_unset_clock_is_placed_by_what_has_passed_since(box: Box, database: Database) -> None:
    ended, length = timedelta(hours=2), timedelta(minutes=15)
    unset = {
        "from": "1970-01-01T00:10:00.000Z",
        "to": "1970-01-01T00:25:00.000Z",
        "clock": "unset",
        "boot_id": box.boot_id,
        "mono_ms": box.mono_ms - int(ended.total_seconds() * 1000),
    }
    assert send(box, report(box, meter("W0G-M1", unset), clock="unset")).json["refused"] == []
    (row,) = alive(database)
    assert row.ended_at - row.started_at == length
    assert row.received_at - row.ended_at == ended


def test_a_clock_that_jumped_is_overruled_by_the_monotonic_clock(box: Box, database: Database) -> None:
    ended = timedelta(minutes=30)
    mono_ms = box.mono_ms - int(ended.total_seconds() * 1000)
    wrong = interval(box, long_ago(days=9, minutes=10), long_ago(days=9), mono_ms=mono_ms)
    send(box, report(box, meter("W0G-M1", wrong)))
    (row,) = alive(database)
    assert row.received_at - row.ended_at == ended


EARLIER = {"boot_id": "an earlier boot", "mono_ms": 5}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "2026-01-01T00:00:00.000Z", "from": "2026-01-01T00:00:00.000Z"}, "malformed"),
        ({"to": "2026-01-01T00:00:00.000Z", "from": "2026-01-01T00:10:00.000Z"}, "malformed"),
        ({"mono_ms": 10_000_000_001}, "clock_inconsistent"),
        (EARLIER | {"to": "2999-01-01T00:10:00.000Z", "from": "2999-01-01T00:00:00.000Z"}, "future_time"),
        (EARLIER | {"to": "2019-01-01T00:10:00.000Z", "from": "2019-01-01T00:00:00.000Z"}, "past_time"),
    ],
    ids=["empty", "backwards", "after its sending", "future", "past"],
)
def test_an_interval_that_cannot_be_is_refused_and_its_neighbours_are_stored(
    box: Box, database: Database, changes: dict[str, Any], code: str
) -> None:
    box.mono_ms = 10_000_000_000
    start, end = long_ago(minutes=10), long_ago(minutes=5)
    body = report(
        box,
        meter("W0G-M1", interval(box, start, end) | changes, interval(box, start, end)),
        meter("W0G-M2", interval(box, start, end)),
    )
    assert send(box, body).json["refused"] == [{"meter": "W0G-M1", "code": code}]
    assert spans(database) == [(1, start, end), (2, start, end)]
    (kept,) = quarantine(database)
    assert (kept.kind, kept.code, msgspec.json.decode(kept.raw)["meter"]) == ("alive", code, "W0G-M1")


def test_foreign_and_unknown_meters_are_refused_and_kept_aside_once(box: Box, town: Town, database: Database) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    span = interval(box, long_ago(minutes=10), long_ago(minutes=5))
    body = report(box, meter("W0G-M3", span), meter("W0G-M9", span), meter("W0G-M1", span))
    for _ in range(2):
        assert send(box, body).json["refused"] == [
            {"meter": "W0G-M3", "code": "foreign_meter"},
            {"meter": "W0G-M9", "code": "unknown_meter"},
        ]
    kept = quarantine(database)
    raws = [msgspec.json.decode(item.raw) for item in kept]
    assert [(item.kind, item.code, item.gateway_id, raw["meter"]) for item, raw in zip(kept, raws, strict=True)] == [
        ("alive", "foreign_meter", 1, "W0G-M3"),
        ("alive", "unknown_meter", 1, "W0G-M9"),
    ]
    for raw in raws:
        assert raw["alive"]["mono_ms"] == span["mono_ms"]
        assert [datetime.fromisoformat(raw["alive"][end]) for end in ("from", "to")] == [
            datetime.fromisoformat(span[end]) for end in ("from", "to")
        ]
    assert {row.meter_id for row in alive(database)} == {1}


def test_a_refused_interval_takes_no_number_from_the_discharges(box: Box, database: Database) -> None:
    span = interval(box, long_ago(minutes=10), long_ago(minutes=5))
    send(box, report(box, meter("W0G-M9", span)))
    answer = box.post([box.record(1)])
    assert statuses(answer) == [(1, "stored", None)]
    assert (answer.json["acked_through"], answer.json["high_seq"]) == (1, 1)


def test_the_newest_report_of_each_gateway_is_kept(
    box: Box, client: FlaskClient, town: Town, database: Database
) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    other = Box(client, code="GW-2")
    send(other, report(other, meter("W0G-M3", lid="open")))
    for depth in (3, 1):
        send(box, report(box, meter("W0G-M1", faults=["comm", "weighing"]), spool={"depth": depth, "oldest_age_s": 0}))
    with database.session() as session:
        found = session.scalars(sa.select(GatewayStatus).order_by(GatewayStatus.gateway_id)).all()
    assert [(row.gateway_id, msgspec.json.decode(row.report)["spool"]["depth"]) for row in found] == [(1, 1), (2, 3)]
    assert msgspec.json.decode(found[0].report)["meters"][0]["faults"] == ["comm", "weighing"]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "another schema": ({"schema": 2}, "unknown-schema"),
    "another schema with other fields": ({"schema": 2, "mood": "fine"}, "unknown-schema"),
    "unknown field": ({"mood": "fine"}, "broken-envelope"),
    "unknown fault": ({"meters": [meter("W0G-M1", faults=["tired"])]}, "broken-envelope"),
    "unknown lid": ({"meters": [meter("W0G-M1", lid="ajar")]}, "broken-envelope"),
    "epoch that is none": ({"epoch": "first"}, "broken-envelope"),
    "time without a zone": ({"sent_at": "2026-11-22T09:30:00"}, "broken-envelope"),
    "too many meters": ({"meters": [meter(f"W0G-M{number}") for number in range(65)]}, "broken-envelope"),
    "no clock": ({"clock": None}, "broken-envelope"),
}


@pytest.mark.parametrize(("changes", "slug"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_broken_envelope_is_refused_as_a_whole(
    box: Box, database: Database, changes: dict[str, Any], slug: str
) -> None:
    assert problem(send(box, report(box) | changes)) == (400, slug)
    assert rows_of(database, "SELECT count(*) FROM gateway_status") == [(0,)]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_bytes_that_are_no_report_are_refused(box: Box) -> None:
    assert problem(send(box, b"{")) == (400, "broken-json")
    assert problem(send(box, b'{"schema": 1, "firmware": "\xff"}')) == (400, "broken-json")
    assert problem(send(box, b"[]")) == (400, "broken-envelope")
    assert problem(send(box, b"no gzip", headers={"Content-Encoding": "gzip"})) == (400, "broken-gzip")
    bomb = gzip.compress(b" " * (3 * 1024 * 1024))
    assert problem(send(box, bomb, headers={"Content-Encoding": "gzip"})) == (413, "body-too-large")


def test_a_compressed_report_is_taken(box: Box, database: Database) -> None:
    start, end = long_ago(minutes=10), long_ago(minutes=5)
    body = gzip.compress(msgspec.json.encode(report(box, meter("W0G-M1", interval(box, start, end)))))
    assert send(box, body, headers={"Content-Encoding": "gzip"}).status_code == 200
    assert spans(database) == [(1, start, end)]


def test_a_replayed_report_is_refused_and_changes_nothing(box: Box, database: Database) -> None:
    nonce = "the-same-nonce-twice-22"
    start = long_ago(minutes=10)
    send(box, report(box, meter("W0G-M1", interval(box, start, start + MINUTE))), nonce=nonce)
    again = report(box, meter("W0G-M1", interval(box, start, start + 2 * MINUTE)), firmware="evil")
    assert problem(send(box, again, nonce=nonce)) == (401, "nonce-replayed")
    assert spans(database) == [(1, start, start + MINUTE)]
    assert "evil" not in rows_of(database, "SELECT report FROM gateway_status")[0][0]


def test_a_report_must_be_signed_by_the_gateway_it_is_of(
    box: Box, client: FlaskClient, town: Town, database: Database
) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    other = Box(client, code="GW-2")
    body, path = msgspec.json.encode(report(box)), "/api/v1/gateways/GW-1/status"
    assert problem(other.post_body(body, path)) == (403, "other-gateway")
    assert problem(client.post(path, data=body)) == (401, "signature-missing")
    headers = box.sign(path, body)
    assert problem(client.post(path, data=body + b" ", headers=headers)) == (401, "signature-wrong")
    assert problem(send(box, body, created=datetime(2020, 1, 1, tzinfo=UTC))) == (401, "clock-skew")
    assert rows_of(database, "SELECT count(*) FROM gateway_status") == [(0,)]


def test_an_interval_before_the_meter_stood_there_is_refused(box: Box, town: Town, database: Database) -> None:
    with town.database.begin() as session:
        install_meter(session, town.gateway, town.complex, "W0G-M4", long_ago(hours=1))
    early = interval(box, long_ago(hours=2), long_ago(minutes=90))
    late = interval(box, long_ago(minutes=50), long_ago(minutes=40))
    answer = send(box, report(box, meter("W0G-M4", early, late)))
    assert answer.json["refused"] == [{"meter": "W0G-M4", "code": "unknown_meter"}]
    assert len(alive(database)) == 1
