"""What could not be accepted is kept as it came until staff release or discard it, once and with a note."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import Database
from app.registry.service import install_meter
from app.times import format_instant, now
from tests.builders import LONG_AGO, Box, Town
from tests.metering.reading import agrees, ledger, problem, quarantine, rows_of, statuses, totals
from tests.metering.staff import Staff


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    return Staff(app)


def install(town: Town, code: str) -> None:
    """Register a meter that the gateway had been running all along."""
    with town.database.begin() as session:
        install_meter(session, town.gateway, town.complex, code, LONG_AGO)


def release(staff: Staff, quarantine_id: int, **corrected: Any) -> TestResponse:
    return staff.post(f"/quarantine/{quarantine_id}/release", {"note": "checked on site", "corrected": corrected})


def discard(staff: Staff, quarantine_id: int, note: str = "a test bin") -> TestResponse:
    return staff.post(f"/quarantine/{quarantine_id}/discard", {"note": note})


def decisions(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(
        database, "SELECT quarantine_id, decision, note, corrected, actor FROM quarantine_decision ORDER BY 1"
    )


def test_the_list_tells_what_came_from_where_and_what_is_wrong(box: Box, staff: Staff) -> None:
    record = box.record(7, meter="W0G-M9")
    box.post([record])
    page = staff.get("/quarantine").json
    assert page["next_after"] is None
    (item,) = page["items"]
    assert (item["id"], item["kind"], item["gateway"], item["seq"], item["code"]) == (
        1,
        "discharge",
        "GW-1",
        7,
        "unknown_meter",
    )
    assert "W0G-M9" in item["detail"]
    assert msgspec.json.decode(item["raw"]) == record
    assert (item["decision"], item["note"], item["actor"], item["decided_at"]) == (None, None, None, None)


def test_the_list_shows_the_open_the_decided_or_all(box: Box, town: Town, staff: Staff) -> None:
    box.post([box.record(seq, meter="W0G-M9") for seq in (1, 2, 3)])
    discard(staff, 2, "a test bin")
    install(town, "W0G-M9")
    release(staff, 3)
    by_state = {
        state: [(item["id"], item["decision"]) for item in staff.get(f"/quarantine?state={state}").json["items"]]
        for state in ("open", "decided", "all")
    }
    assert by_state == {
        "open": [(1, None)],
        "decided": [(2, "discarded"), (3, "released")],
        "all": [(1, None), (2, "discarded"), (3, "released")],
    }
    decided = staff.get("/quarantine?state=decided").json["items"][0]
    assert (decided["note"], decided["actor"]) == ("a test bin", staff.actor)
    assert decided["decided_at"] >= decided["received_at"]


def test_pages_follow_each_other_without_a_gap_or_a_repetition(box: Box, staff: Staff) -> None:
    box.post([box.record(seq, meter="nowhere") for seq in range(1, 8)])
    discard(staff, 4)
    seen, after = [], 0
    while after is not None:
        page = staff.get(f"/quarantine?limit=2&after={after}").json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        after = page["next_after"]
    assert seen == [1, 2, 3, 5, 6, 7]


@pytest.mark.parametrize("state", ["open", "decided", "all"])
def test_another_districts_quarantine_is_out_of_sight_and_reach(
    app: Flask, box: Box, staff: Staff, database: Database, state: str
) -> None:
    Town(database, code="W0K")
    neighbour = Staff(app, login="lee", district="W0K")
    box.post([box.record(1, meter="nowhere"), box.record(2, meter="nowhere")])
    discard(staff, 2)
    assert neighbour.get(f"/quarantine?state={state}").json == {"items": [], "next_after": None}
    assert problem(discard(neighbour, 1)) == (404, "not-found")
    assert problem(release(neighbour, 1)) == (404, "not-found")
    assert len(decisions(database)) == 1


def test_a_record_can_be_released_once_its_meter_is_registered(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    card = town.move_in("1001", "0D00319CD0")
    box.post([box.weighing(1, 410, meter="W0G-M9", card=card, flags=["late"])])
    assert problem(release(staff, 1)) == (409, "cannot-release")
    install(town, "W0G-M9")
    answer = release(staff, 1)
    assert (answer.status_code, answer.json) == (201, {"number": "1-0-1"})
    (row,) = ledger(database)
    kept = quarantine(database)[0]
    assert (row.epoch_no, row.seq, row.net_g, row.billable, row.household_id) == (0, 1, 410, True, 1)
    assert (row.received_at, bytes(row.content_hash)) == (kept.received_at, bytes(kept.content_hash))
    assert row.booked_at > row.received_at
    assert msgspec.json.decode(row.flags) == ["late", "released"]
    assert totals(database, "household_month")["billable_g"] == 410
    assert decisions(database) == [(1, "released", "checked on site", None, staff.actor)]
    assert staff.get("/discharges/1-0-1").json["meter"] == "W0G-M9"
    assert agrees(database)


def test_a_released_record_sent_again_by_its_gateway_is_not_booked_twice(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    record = box.record(1, meter="W0G-M9")
    box.post([record])
    install(town, "W0G-M9")
    release(staff, 1)
    assert statuses(box.post([record])) == [(1, "quarantined", "unknown_meter")]
    assert len(ledger(database)) == 1
    assert agrees(database)


def test_a_record_can_be_released_with_the_fields_that_staff_corrected(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    card = town.move_in("1001", "0D00319CD0")
    box.post([box.record(1, net_g=400)])
    before = bytes(quarantine(database)[0].raw)
    fixed = {"net_g": 410, "card": card, "meter": "W0G-M2"}
    assert release(staff, 1, **fixed).status_code == 201
    (row,) = ledger(database)
    assert (row.net_g, row.billable, row.meter_id, row.household_id) == (410, True, 2, 1)
    ((_, decision, _, corrected, _),) = decisions(database)
    assert (decision, msgspec.json.decode(corrected)) == ("released", fixed)
    assert bytes(quarantine(database)[0].raw) == before
    assert agrees(database)


def test_a_time_that_staff_give_is_taken_as_it_is(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.record(1, mono_ms=box.mono_ms + 1, clock="unset", occurred_at="1970-01-01T00:00:00.000Z")])
    assert quarantine(database)[0].code == "clock_inconsistent"
    told = now().replace(microsecond=0) - timedelta(days=45)
    assert release(staff, 1, occurred_at=format_instant(told)).status_code == 201
    (row,) = ledger(database)
    assert (row.occurred_at, row.clock, row.earliest_at, row.latest_at) == (told, "synced", None, None)
    assert agrees(database)


def test_a_correction_that_does_not_help_is_told_with_its_code(box: Box, staff: Staff, database: Database) -> None:
    box.post([box.record(1, net_g=400)])
    answer = release(staff, 1, net_g=405)
    assert problem(answer) == (409, "cannot-release")
    assert answer.json["code"] == "net_mismatch"
    later = release(staff, 1, net_g=410, occurred_at=format_instant(now() + timedelta(days=2)))
    assert later.json["code"] == "future_time"
    assert decisions(database) == []
    assert ledger(database) == []
    assert discard(staff, 1).status_code == 204  # still open to be decided


@pytest.mark.parametrize("field", ["seq", "clock", "boot_id", "mono_ms", "colour"])
def test_what_names_and_places_a_record_cannot_be_corrected(
    box: Box, staff: Staff, database: Database, field: str
) -> None:
    box.post([box.record(1, net_g=400)])
    answer = release(staff, 1, net_g=410, **{field: 1})
    assert problem(answer) == (422, "invalid")
    assert list(answer.json["errors"]) == [field]
    assert decisions(database) == []


def test_a_released_conflict_gets_a_number_of_its_own_and_the_original_stands(
    box: Box, staff: Staff, database: Database
) -> None:
    box.post([box.weighing(1, 400)])
    box.post([box.weighing(1, 900)])
    assert release(staff, 1).json == {"number": "1-0-1"}
    assert [(row.epoch_no, row.seq, row.net_g) for row in ledger(database)] == [(0, 1, 900), (1, 1, 400)]
    assert totals(database, "meter_hour")["weighed_g"] == 1300
    assert statuses(box.post([box.weighing(2, 5)])) == [(2, "stored", None)]
    assert agrees(database)


def test_many_conflicts_of_one_number_can_all_be_released(box: Box, staff: Staff, database: Database) -> None:
    for net in (400, 500, 600):
        box.post([box.weighing(1, net)])
    assert [release(staff, quarantine_id).json["number"] for quarantine_id in (1, 2)] == ["1-0-1", "1-0-2"]
    assert totals(database, "complex_day")["weighed_g"] == 1500
    assert agrees(database)


def test_a_decision_is_made_once(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.record(seq, meter="W0G-M9") for seq in (1, 2)])
    install(town, "W0G-M9")
    assert release(staff, 1).status_code == 201
    assert discard(staff, 2).status_code == 204
    for quarantine_id in (1, 2):
        assert problem(release(staff, quarantine_id)) == (409, "already-decided")
        assert problem(discard(staff, quarantine_id)) == (409, "already-decided")
    assert [row[1] for row in decisions(database)] == ["released", "discarded"]
    assert len(ledger(database)) == 1


def test_a_discarded_record_stays_out_of_the_ledger_and_is_kept(box: Box, staff: Staff, database: Database) -> None:
    record = box.record(1, meter="nowhere")
    box.post([record])
    answer = discard(staff, 1, "시험용 통")
    assert (answer.status_code, answer.data) == (204, b"")
    assert ledger(database) == []
    assert msgspec.json.decode(quarantine(database)[0].raw) == record
    assert decisions(database) == [(1, "discarded", "시험용 통", None, staff.actor)]


@pytest.mark.parametrize("verb", ["release", "discard"])
@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": None}, {"note": "x" * 2001}])
def test_nothing_is_decided_without_a_note(
    box: Box, staff: Staff, database: Database, verb: str, body: dict[str, Any]
) -> None:
    box.post([box.record(1, net_g=400)])
    assert staff.post(f"/quarantine/1/{verb}", body).status_code == 422
    assert decisions(database) == []


@pytest.mark.parametrize("verb", ["release", "discard"])
def test_an_unknown_quarantine_number_is_not_found(staff: Staff, verb: str) -> None:
    assert problem(staff.post(f"/quarantine/99/{verb}", {"note": "why"})) == (404, "not-found")


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"\xed\xa0\x80", "배출".encode()[:4]], ids=repr)
def test_bytes_that_are_no_text_are_kept_exactly_and_can_be_read_and_decided(
    box: Box, staff: Staff, database: Database, damage: bytes
) -> None:
    raw = msgspec.json.encode(box.record(1, evidence={"note": "MARK"})).replace(b"MARK", damage)
    body = msgspec.json.encode(box.envelope([])).replace(b'"discharges":[]', b'"discharges":[' + raw + b"]")
    assert statuses(box.post_body(body)) == [(1, "quarantined", "malformed")]
    assert bytes(quarantine(database)[0].raw) == raw
    assert "seq" in staff.get("/quarantine").json["items"][0]["raw"]
    assert problem(release(staff, 1)) == (409, "cannot-release")
    assert discard(staff, 1).status_code == 204
    assert bytes(quarantine(database)[0].raw) == raw


def test_a_record_without_a_number_is_kept_and_listed_without_one(box: Box, staff: Staff) -> None:
    record = box.record(1)
    del record["seq"]
    box.post([record])
    (item,) = staff.get("/quarantine").json["items"]
    assert (item["seq"], item["code"]) == (None, "malformed")
    assert problem(release(staff, 1)) == (409, "cannot-release")


def test_an_alive_interval_of_an_unknown_meter_is_kept_and_can_only_be_discarded(
    box: Box, staff: Staff, database: Database
) -> None:
    moment = now()
    alive = {
        "from": format_instant(moment - timedelta(minutes=10)),
        "to": format_instant(moment),
        "clock": "synced",
        "boot_id": box.boot_id,
        "mono_ms": box.mono_ms,
    }
    meter = {"meter": "W0G-M9", "alive": [alive], "gross_g": None, "fill_percent": None, "zero_drift_g": None}
    body = box.envelope([]) | {"clock": "synced", "firmware": "0.1.0", "spool": {"depth": 0, "oldest_age_s": 0}}
    del body["discharges"]
    body["meters"] = [meter | {"lid": "closed", "faults": []}]
    path = f"/api/v1/gateways/{box.code}/status"
    for _ in range(2):
        answer = box.post_body(msgspec.json.encode(body), path)
        assert answer.json["refused"] == [{"meter": "W0G-M9", "code": "unknown_meter"}]
    (kept,) = quarantine(database)
    assert (kept.kind, kept.code, kept.seq) == ("alive", "unknown_meter", None)
    assert msgspec.json.decode(kept.raw)["meter"] == "W0G-M9"
    assert staff.get("/quarantine").json["items"][0]["kind"] == "alive"
    assert problem(release(staff, 1)) == (409, "cannot-release")
    assert decisions(database) == []
    assert discard(staff, 1).status_code == 204
