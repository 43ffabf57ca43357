"""Hostile and unlucky input, and a database that is away: refused with a reason, never a fault, nothing lost."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.test import TestResponse

from app.access.claims import open_claim
from app.cli import main
from app.db import Database
from app.factory import create_app
from app.settings import Settings, SettingsError, from_environment
from app.times import format_instant, now
from tests.builders import Box, Town
from tests.metering.reading import ledger, problem, quarantine, rows_of, statuses
from tests.metering.staff import Staff

EDGES = ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"]


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    return Staff(app)


def correct(staff: Staff, **wanted: Any) -> TestResponse:
    return staff.post("/discharges/1-1-1/corrections", {"reason": "why", **wanted})


def send_status(box: Box, meter: str, alive: dict[str, Any]) -> TestResponse:
    envelope = box.envelope([]) | {"clock": "synced", "firmware": "1", "spool": {"depth": 0, "oldest_age_s": 0}}
    del envelope["discharges"]
    looks = {"gross_g": None, "fill_percent": None, "zero_drift_g": None, "lid": "closed", "faults": []}
    body = envelope | {"meters": [{"meter": meter, "alive": [alive], **looks}]}
    return box.post_body(msgspec.json.encode(body), f"/api/v1/gateways/{box.code}/status")


# 1. One record, or one envelope, must not make every delivery of its batch fail: the gateway would never get past it.


@pytest.mark.parametrize(
    "changes",
    [
        {"meter": "W0G-M1\x00"},
        {"a\x00b": 1},
        *({"occurred_at": edge} for edge in EDGES),
        *({"occurred_at": edge, "clock": "unset"} for edge in EDGES),
        {"mono_ms": 2**53 - 1, "boot_id": "an earlier boot"},
    ],
)
def test_a_bad_record_never_keeps_its_neighbours_out(box: Box, database: Database, changes: dict[str, Any]) -> None:
    answer = box.post([box.record(1), box.record(2) | changes])
    assert [item[1] for item in statuses(answer)] == ["stored", "quarantined"]
    assert len(ledger(database)) == len(quarantine(database)) == 1


@pytest.mark.parametrize("changes", [{"mono_ms": 2**53 - 1}, *({"sent_at": edge} for edge in EDGES)])
def test_an_envelope_with_a_time_that_cannot_be_is_a_broken_one(box: Box, changes: dict[str, Any]) -> None:
    body = box.envelope([box.record(1)]) | changes
    assert problem(box.post_body(msgspec.json.encode(body))) == (400, "broken-envelope")


def test_json_that_is_too_deep_is_told_as_broken(box: Box) -> None:
    body = msgspec.json.encode(box.envelope([box.record(1, evidence={"x": "MARK"})]))
    answer = box.post_body(body.replace(b'"MARK"', b"[" * 100_000 + b"]" * 100_000))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "span",
    [
        {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z", "clock": "unset"},
        {"from": "0001-01-01T00:00:00+01:00", "to": "0001-01-01T00:00:00+00:30", "clock": "synced"},
    ],
)
def test_an_interval_at_the_edge_of_the_calendar_is_refused(box: Box, span: dict[str, str]) -> None:
    answer = send_status(box, "W0G-M1", span | {"boot_id": box.boot_id, "mono_ms": 1})
    assert answer.status_code == 200
    assert answer.json["refused"] == [{"meter": "W0G-M1", "code": "malformed"}]


# 2. Liveness says what was, however often it is sent.


def test_an_interval_by_an_unset_clock_sent_again_changes_nothing(box: Box, database: Database) -> None:
    alive = {
        "from": "1970-01-01T00:00:00Z",
        "to": "1970-01-01T00:10:00Z",
        "clock": "unset",
        "boot_id": box.boot_id,
        "mono_ms": box.mono_ms - 60_000,
    }
    for _ in range(3):
        assert send_status(box, "W0G-M1", alive).status_code == 200
        box.mono_ms += 30
    assert rows_of(database, "SELECT count(*) FROM meter_alive") == [(1,)]


def test_following_intervals_by_an_unset_clock_stay_apart(box: Box, database: Database) -> None:
    for minute in (1, 2, 3):
        alive = {
            "from": f"1970-01-01T00:0{minute - 1}:00Z",
            "to": f"1970-01-01T00:0{minute}:00Z",
            "clock": "unset",
            "boot_id": box.boot_id,
            "mono_ms": box.mono_ms - (4 - minute) * 60_000,
        }
        send_status(box, "W0G-M1", alive)
    assert rows_of(database, "SELECT count(*) FROM meter_alive") == [(3,)]


def test_an_interval_of_more_than_an_hour_is_refused(box: Box) -> None:
    moment = now()
    alive = {
        "from": format_instant(moment - timedelta(days=500)),
        "to": format_instant(moment),
        "clock": "synced",
        "boot_id": box.boot_id,
        "mono_ms": box.mono_ms,
    }
    assert send_status(box, "W0G-M1", alive).json["refused"] == [{"meter": "W0G-M1", "code": "malformed"}]


# 3. The ledger cannot be emptied past its triggers.


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_month_of_the_ledger_cannot_be_truncated(box: Box, database: Database) -> None:
    box.post([box.record(1)])
    ((partition,),) = rows_of(database, "SELECT tableoid::regclass::text FROM discharge")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {partition}"))


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_row_of_the_ledger_cannot_be_replaced(box: Box, database: Database) -> None:
    box.post([box.record(1)])
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text("INSERT OR REPLACE INTO discharge SELECT * FROM discharge"))


# 4. Corrections and decisions.


@pytest.mark.parametrize(("outcome", "net"), [("collection", -5000), ("negative", -20), ("empty_open", 0)])
def test_an_event_given_to_a_household_does_not_become_billable(
    box: Box, town: Town, staff: Staff, outcome: str, net: int
) -> None:
    town.move_in("1001", "0D00319CD0")
    box.post([box.record(1, outcome=outcome, net_g=net, gross_after_g=12000 + net)])
    assert correct(staff, kind="re_attribute", household_id=town.households["1001"]).json["billable"] is False


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_of_two_who_decide_at_once_the_second_is_told(app: Flask, box: Box, staff: Staff) -> None:
    for quarantine_id in range(1, 6):
        box.post([box.record(quarantine_id, meter="nowhere")])
        start, answers = Barrier(4), []

        def discard(path: str, start: Barrier = start, answers: list[int] = answers) -> None:
            client = app.test_client()
            start.wait()
            answers.append(client.post(path, json={"note": "why"}, headers=staff.headers).status_code)

        path = f"/api/v1/quarantine/{quarantine_id}/discard"
        threads = [Thread(target=discard, args=(path,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [204, 409, 409, 409]


def test_a_record_with_an_unknown_field_can_be_released_without_it(box: Box, staff: Staff, database: Database) -> None:
    box.post([box.record(1) | {"colour": "green"}])
    answer = staff.post("/quarantine/1/release", {"note": "newer firmware"})
    assert answer.status_code == 201, answer.text
    assert ledger(database)[0].net_g == 410
    assert b"colour" in bytes(quarantine(database)[0].raw)


@pytest.mark.parametrize("raw", [b"17", b"null", b'{"seq":1,"meter":"\xed\xa0\x80"}'])
def test_correcting_what_is_no_record_is_refused_not_a_fault(box: Box, staff: Staff, raw: bytes) -> None:
    body = msgspec.json.encode(box.envelope([])).replace(b'"discharges":[]', b'"discharges":[' + raw + b"]")
    assert box.post_body(body).status_code == 200
    answer = staff.post("/quarantine/1/release", {"note": "why", "corrected": {"net_g": 5}})
    assert problem(answer) == (409, "cannot-release")


@pytest.mark.parametrize("corrected", [{"occurred_at": EDGES[1]}, {"meter": "\ud800"}])
def test_a_corrected_field_that_cannot_be_is_refused_not_a_fault(
    box: Box, staff: Staff, corrected: dict[str, Any]
) -> None:
    box.post([box.record(1, meter="nowhere")])
    assert problem(staff.post("/quarantine/1/release", {"note": "why", "corrected": corrected})) == (
        409,
        "cannot-release",
    )


# 5. The people's API.


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/discharges/1-1-1/corrections", {"kind": "void"}, "reason"),
        ("/discharges/1-1-1/corrections", {"kind": "void", "reason": "why", "colour": 1}, "colour"),
        ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": -1}, "net_g"),
        ("/quarantine/1/release", {}, "note"),
        ("/quarantine/1/discard", {"note": ""}, "note"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_request_that_cannot_be_used_is_told_which_field(
    staff: Staff, path: str, body: dict[str, Any], field: str
) -> None:
    answer = staff.post(path, body)
    assert problem(answer) == (422, "invalid")
    assert list(answer.json["errors"]) == [field]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_page_that_cannot_be_is_told_which_argument(staff: Staff) -> None:
    answer = staff.get("/quarantine?limit=0")
    assert problem(answer) == (422, "invalid")
    assert list(answer.json["errors"]) == ["limit"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_body_that_is_no_json_is_a_problem_with_a_type(staff: Staff) -> None:
    answer = staff.client.post(
        "/api/v1/quarantine/1/discard", data=b"{", content_type="application/json", headers=staff.headers
    )
    assert problem(answer) == (400, "broken-json")


@pytest.mark.parametrize("number", [3_000_000_000, 2**63, 2**70])
def test_a_number_that_the_database_cannot_hold_is_no_fault_of_the_service(box: Box, staff: Staff, number: int) -> None:
    box.post([box.record(1)])
    assert staff.get(f"/quarantine?after={number}").status_code == 422
    assert staff.post(f"/quarantine/{number}/discard", {"note": "why"}).status_code == 404
    assert correct(staff, kind="re_attribute", household_id=number).status_code == 422


@pytest.mark.parametrize("text", ["a\x00b", "  ", "\ud800"])
def test_a_reason_that_says_nothing_or_cannot_be_stored_is_refused(box: Box, staff: Staff, text: str) -> None:
    box.post([box.record(1), box.record(2, meter="nowhere")])
    assert correct(staff, kind="void", reason=text).status_code == 422
    assert staff.post("/quarantine/1/discard", {"note": text}).status_code == 422


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_hardware_id_that_cannot_be_stored_is_refused(app: Flask, town: Town) -> None:
    with town.database.begin() as session:
        code = open_claim(session, 1, 1, now())
    answer = app.test_client().post("/api/v1/gateways/claim", json={"claim_code": code, "hardware_id": "\x00"})
    assert answer.status_code == 400


# 6. Commands and settings.

Type = Callable[..., Result]


@pytest.fixture
def typed(box: Box, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs `quarantine …`; record 1 is of an unknown meter."""
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    box.post([box.record(1, meter="nowhere")])
    return lambda language, *words: CliRunner().invoke(main, ["--lang", language, "quarantine", *words])


@pytest.mark.parametrize(
    ("words", "ko", "en"),
    [
        (("discard", "99", "--note", "x", "--actor", "kim"), "없", "There is nothing here."),
        (("release", "1", "--note", "x", "--actor", "kim"), "unknown_meter", "unknown_meter"),
        (("release", "1", "--note", "x", "--actor", "kim", "--corrected", '{"seq": 5}'), "seq", "seq"),
        (("discard", "1", "--note", "", "--actor", "kim"), "note", "note"),
        (("discard", "1", "--note", "x", "--actor", " "), "actor", "actor"),
        (("discard", "3000000000", "--note", "x", "--actor", "kim"), "ID", "ID"),
    ],
)
def test_a_command_that_is_refused_says_why_without_a_traceback(
    typed: Type, words: tuple[str, ...], ko: str, en: str
) -> None:
    for language, expected in (("ko", ko), ("en", en)):
        answer = typed(language, *words)
        assert answer.exit_code == 2, repr(answer.exception)
        assert expected in answer.stderr


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_second_decision_by_command_says_that_there_is_one(typed: Type) -> None:
    words = ("discard", "1", "--note", "x", "--actor", "kim")
    assert typed("en", *words).exit_code == 0
    again = typed("en", *words)
    assert (again.exit_code, "decided about already" in again.stderr) == (2, True)


def test_an_unknown_log_level_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="JONGNYANG_LOG_LEVEL"):
        from_environment({"JONGNYANG_LOG_LEVEL": "LOUD", "JONGNYANG_SECRET_KEY": "given"})


def test_an_empty_secret_file_is_never_used_as_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").touch()
    assert from_environment({}).secret_key


def test_whatever_is_told_of_a_record_can_be_read_as_json(box: Box, staff: Staff) -> None:
    box.post([box.record(1, meter="no\x01where")])
    assert json.loads(staff.get("/quarantine").data)["items"][0]["code"] == "unknown_meter"


# 7. A database that is away.


@pytest.fixture
def away() -> Iterator[Flask]:
    """The service, started while its database cannot be reached."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2"
    made = create_app(Settings(url, secret_key="only for tests", log_level="CRITICAL"))
    yield made
    made.extensions["jongnyang"].close()


def test_a_gateway_is_not_sent_for_a_claim_because_the_database_is_away(away: Flask) -> None:
    box = Box(away.test_client())
    answers = [
        box.post([box.record(1)]),
        box.post_body(b"{}", "/api/v1/gateways/GW-1/status"),
        away.test_client().post("/api/v1/gateways/claim", json={"claim_code": "x", "hardware_id": "x"}),
    ]
    assert [problem(answer) for answer in answers] == [(503, "unavailable")] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_people_are_told_that_the_database_is_away(away: Flask) -> None:
    answer = away.test_client().get("/api/v1/quarantine", headers={"Authorization": "Bearer jn_x"})
    assert problem(answer) == (503, "unavailable")


def test_the_metrics_can_be_read_while_the_database_is_away(away: Flask) -> None:
    answer = away.test_client().get("/metrics")
    assert answer.status_code == 200
    assert "jongnyang_records" in answer.text
    assert "jongnyang_quarantine_open" not in answer.text  # not known is not zero
