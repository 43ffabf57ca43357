"""What programs of the office see of the fleet, and that nobody sees or moves another district's."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from app.fleet import queries
from app.times import now
from tests.builders import Box, Town
from tests.fleet.reports import notice, send, told
from tests.metering.reading import problem, rows_of
from tests.metering.staff import Staff

PORT = {"open": True, "frames": 9, "rejects": {"checksum": 2}, "noise_bytes": 4, "errors": 0, "last_error": None}


def meter_report(code: str, *faults: str) -> dict[str, Any]:
    looks = {"gross_g": 41230, "fill_percent": 41, "zero_drift_g": 0, "lid": "closed", "faults": list(faults)}
    return {"meter": code, "alive": []} | looks | {"ports": {"reader": PORT, "scale": PORT}}


def test_a_gateway_is_listed_with_what_it_reported_and_what_is_missing(box: Box, town: Town, staff: Staff) -> None:
    box.post([box.record(1), box.record(5), box.record(9)])
    told(
        box,
        meters=[meter_report("W0G-M1", "comm", "weighing"), meter_report("W0G-M2")],
        disk={"spool_bytes": 1, "free_bytes": 1, "refusing": True},
        cards={"version": "17", "count": 1, "expired": False},
    )
    staff.post("/fleet/gateways/GW-1/commands", {"kind": "sync_cards"})
    (row,) = staff.get("/fleet/gateways").json["items"]
    shown = ("code", "meters", "complexes", "software", "spool_depth", "spool_oldest_age_s", "clock", "silent_since")
    assert {name: row[name] for name in shown} == {
        "code": "GW-1",
        "meters": ["W0G-M1", "W0G-M2"],
        "complexes": [{"code": "W0G001", "name": "두보하이츠"}],
        "software": "0.1.0",
        "spool_depth": 3,
        "spool_oldest_age_s": 12,
        "clock": "synced",
        "silent_since": None,
    }
    assert (row["missing_ranges"], row["missing_count"], row["epoch_count"]) == (2, 6, 1)
    assert (row["faults"], row["refusing"], row["cards_version"]) == ({"W0G-M1": ["comm", "weighing"]}, True, "17")
    assert [(key["key_id"], key["retires_at"]) for key in row["keys"]] == [("W0G/GW-1/1", None)]
    assert row["open_commands"] == 1


def test_one_gateway_is_shown_with_ports_epochs_claims_commands_and_events(box: Box, staff: Staff) -> None:
    box.post([box.record(3)])
    told(box, meters=[meter_report("W0G-M1")], notices=[notice(box, 1, "wrong_device", "scale")])
    code = staff.post("/fleet/gateways/GW-1/claim-codes", {}).json["claim_code"]
    detail = staff.get("/fleet/gateways/GW-1").json
    assert detail["report"]["meters"][0]["ports"]["reader"]["rejects"] == {"checksum": 2}
    assert [(each["epoch_no"], each["high_seq"], each["missing"]) for each in detail["epochs"]] == [(1, 3, [[1, 2]])]
    assert len(detail["claims"]) == 1
    assert code not in str(detail)
    assert [(each["kind"], each["actor"]) for each in detail["events"]] == [
        ("claim_code_made", "kim/desk"),
        ("wrong_device", None),
        ("epoch_seen", None),
        ("key_confirmed", None),
    ]


def test_a_claim_code_of_the_desk_makes_a_key_and_ends_the_one_before(
    box: Box, client: FlaskClient, staff: Staff
) -> None:
    assert send(box).status_code == 200
    code = staff.post("/fleet/gateways/GW-1/claim-codes", {}).json["claim_code"]
    answer = client.post("/api/v1/gateways/claim", json={"claim_code": code, "hardware_id": "box-77"})
    assert answer.status_code == 201
    assert problem(send(box)) == (401, "key-revoked")
    events = staff.get("/fleet/gateways/GW-1/events?limit=2").json
    assert [each["kind"] for each in events["items"]] == ["claimed", "key_revoked"]
    before = staff.get(f"/fleet/gateways/GW-1/events?before={events['next_before']}").json["items"]
    assert [each["kind"] for each in before] == ["claim_code_made", "epoch_seen", "key_confirmed"]


def test_a_silent_gateway_is_told_from_one_that_never_came(box: Box, town: Town, staff: Staff) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    told(box)
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1)):
        first, second = staff.get("/fleet/gateways").json["items"]
        assert first["silent_since"] == first["last_contact_at"]
        assert (second["silent_since"], second["last_contact_at"]) == (None, None)
        summary = staff.get("/fleet/summary").json
    assert (summary["gateways"], summary["reporting"], summary["silent"], summary["never_seen"]) == (2, 0, 1, 1)


def test_the_summary_counts_what_the_list_shows(
    box: Box, town: Town, client: FlaskClient, staff: Staff, database: Database
) -> None:
    boxes = [box]
    for number in range(2, 8):
        town.add_gateway(f"GW-{number}", [f"W0G-M{number + 1}"])
        boxes.append(Box(client, code=f"GW-{number}"))
    Town(database, code="W0H")
    with time_machine.travel(now() - timedelta(minutes=20)):
        told(boxes[0], meters=[meter_report("W0G-M1", "comm"), meter_report("W0G-M2", "card")])
        boxes[1].post([boxes[1].record(2, meter="W0G-M3")])
    told(boxes[1], meters=[meter_report("W0G-M3", "lock")])
    boxes[1].epoch = "0123456789abcdef"
    boxes[1].post([boxes[1].record(1, meter="W0G-M3")])  # nothing is missing in the newer spool
    told(boxes[2], meters=[meter_report("W0G-M4")])
    boxes[3].post([boxes[3].record(7, meter="W0G-M5")])
    staff.post("/fleet/gateways/GW-5/revocations", {})
    staff.post("/fleet/gateways/GW-6/commands", {"kind": "sync_cards"})
    staff.post("/fleet/gateways/GW-6/commands", {"kind": "rotate_key"})
    rows = staff.get("/fleet/gateways").json["items"]
    summary = staff.get("/fleet/summary").json
    assert summary == {
        "gateways": len(rows),
        "reporting": sum(row["last_contact_at"] is not None and row["silent_since"] is None for row in rows),
        "silent": sum(row["silent_since"] is not None for row in rows),
        "never_seen": sum(row["last_contact_at"] is None for row in rows),
        "without_key": sum(not row["keys"] for row in rows),
        "with_faults": sum(bool(row["faults"]) for row in rows),
        "with_missing": sum(row["missing_count"] > 0 for row in rows),
        "waiting_commands": sum(row["open_commands"] for row in rows),
    }
    assert min(summary.values()) > 0, "each count has something to count"


def test_the_list_is_paged_by_code(town: Town, staff: Staff) -> None:
    for number in range(2, 6):
        town.add_gateway(f"GW-{number}", [f"W0G-M{number + 1}"])
    seen, after = [], ""
    while after is not None:
        page = staff.get(f"/fleet/gateways?limit=2&after={after}").json
        seen += [row["code"] for row in page["items"]]
        after = page["next_after"]
    assert seen == [f"GW-{number}" for number in range(1, 6)]


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(town: Town, database: Database) -> None:
    def queries_for(limit: int) -> int:
        ran: list[str] = []
        heard = sa.event.listen(database.engine, "before_cursor_execute", lambda *said: ran.append(said[2]))
        assert heard is None
        with database.session() as session:
            queries.gateway_page(session, 1, now(), limit=limit)
        return len(ran)

    for number in range(2, 12):
        town.add_gateway(f"GW-{number:02d}", [f"W0G-M{number + 1}"])
    assert queries_for(1) == queries_for(20) <= 8


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_another_districts_gateway_is_not_there(town: Town, app: Flask, database: Database) -> None:
    Town(database, code="W0H").add_gateway("GW-H", ["W0H-M9"])
    staff = Staff(app)
    assert [row["code"] for row in staff.get("/fleet/gateways").json["items"]] == ["GW-1"]
    answers = [staff.get("/fleet/gateways/GW-H"), staff.get("/fleet/gateways/GW-H/events")]
    answers += [staff.post(f"/fleet/gateways/GW-H/{path}", {}) for path in ("claim-codes", "revocations")]
    answers.append(staff.post("/fleet/gateways/GW-H/commands", {"kind": "rotate_key"}))
    assert {problem(answer) for answer in answers} == {(404, "not-found")}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_who_may_only_look_may_not_tell(town: Town, app: Flask) -> None:
    viewer = Staff(app, login="lee", scopes=("fleet:read",))
    assert viewer.get("/fleet/gateways").status_code == 200
    assert problem(viewer.post("/fleet/gateways/GW-1/commands", {"kind": "rotate_key"})) == (403, "not-allowed")
    assert problem(viewer.get("/touches")) == (403, "not-allowed")


def test_display_rates_are_set_and_listed(town: Town, staff: Staff, database: Database) -> None:
    for won in ("120", "130.50"):
        answer = staff.post("/fleet/display-rates", {"first_day": "2026-12-01", "won_per_kg": won})
        assert answer.status_code == 204, answer.text
    assert staff.get("/fleet/display-rates").json == {"items": [{"first_day": "2026-12-01", "won_per_kg": "130.5"}]}
    assert rows_of(database, "SELECT set_by FROM display_rate") == [("kim/desk",)]
    for wrong in ("-1", "1e9", "0.00001", "NaN", "much"):
        answer = staff.post("/fleet/display-rates", {"first_day": "2026-12-01", "won_per_kg": wrong})
        assert problem(answer) == (422, "invalid")
