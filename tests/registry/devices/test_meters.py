"""Meters are installed, moved, taken away and installed anew; what was weighed at a place stays there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.problems import Problem
from app.registry.devices import service as devices
from app.registry.devices.service import To
from app.registry.models import Meter, MeterAssignment
from app.times import format_instant, now
from tests.metering.staff import Staff
from tests.registry.devices.conftest import Place

HOUR = timedelta(hours=1)
THERE = {"complex": "W0G002", "gateway": "GW-9"}


def places(staff: Staff, code: str) -> list[tuple[str, bool, str | None]]:
    """Where the meter stands and stood, the newest first: complex, whether it still does, why it left."""
    rows = staff.get(f"/meters/{code}").json["places"]
    return [(row["complex"], row["valid_to"] is None, row["end_reason"]) for row in rows]


def test_a_meter_is_installed_moved_taken_away_and_installed_anew(
    staff: Staff, place: Place, booked: Callable[[], list[Any]]
) -> None:
    ago = format_instant(now() - HOUR)
    made = staff.post(
        "/meters", {"code": "W0G-M9", "name": "지하 1층", "complex": "W0G001", "gateway": "GW-1", "at": ago}
    )
    assert made.status_code == 201, made.text
    assert (made.json["complex"], made.json["certificate"]) == ("W0G001", "missing")
    assert staff.post("/meters/W0G-M9/moves", THERE | {"reason": "재배치"}).json["complex"] == "W0G002"
    assert staff.post("/meters/W0G-M9/retirement", {"reason": "파손"}).status_code == 204
    assert staff.get("/meters/W0G-M9").json["complex"] is None
    assert staff.post("/meters", {"code": "W0G-M9", "complex": "W0G001", "gateway": "GW-1"}).status_code == 201
    assert places(staff, "W0G-M9") == [("W0G001", True, None), ("W0G002", False, "파손"), ("W0G001", False, "재배치")]
    assert [(action, reason) for action, _, _, reason in booked()] == [
        ("meter.installed", None),
        ("meter.moved_away", "재배치"),
        ("meter.moved", "재배치"),
        ("meter.retired", "파손"),
        ("meter.installed", None),
    ]
    assert {(subject, actor) for _, subject, actor, _ in booked()} == {("W0G-M9", "kim/desk")}


def test_a_move_cannot_be_dated_before_what_the_meter_weighed(staff: Staff, place: Place) -> None:
    heard = place.heard(ago=2 * HOUR)
    early = staff.post("/meters/W0G-M1/moves", THERE | {"at": format_instant(now() - 3 * HOUR)})
    assert early.status_code == 409
    assert early.json["type"] == "/problems/meter-heard-since"
    free_from = datetime.fromisoformat(early.json["not_before"])
    assert abs(free_from - heard) < timedelta(seconds=1)
    assert staff.get("/meters/W0G-M1").json["free_from"] == early.json["not_before"].replace("Z", "+00:00")
    moved = staff.post("/meters/W0G-M1/moves", THERE | {"at": free_from.isoformat()})
    assert moved.json["complex"] == "W0G002", moved.text


def test_what_came_before_a_move_stays_at_the_old_place(staff: Staff, place: Place, database: Database) -> None:
    place.heard(ago=2 * HOUR)
    staff.post("/meters/W0G-M1/moves", THERE | {"at": format_instant(now() - HOUR)})
    with database.begin() as session:
        booked_at = session.execute(sa.text("SELECT complex_id FROM discharge")).scalar_one()
    assert booked_at == place.town.complex.id
    (late,) = place.box.post([place.box.record(2, ago=HOUR / 2)]).json["results"]
    assert late["status"] == "quarantined", "GW-9 runs it since"


def test_a_meter_cannot_leave_while_it_was_alive(staff: Staff, place: Place) -> None:
    end = place.alive(ago=2 * HOUR, until_ago=1.5 * HOUR)
    at = (end - timedelta(minutes=1)).isoformat()
    early = staff.post("/meters/W0G-M1/retirement", {"reason": "철거", "at": at})
    assert early.json["type"] == "/problems/meter-heard-since"
    assert abs(datetime.fromisoformat(early.json["not_before"]) - end) < timedelta(seconds=1)
    assert staff.post("/meters/W0G-M1/retirement", {"reason": "철거"}).status_code == 204


def test_a_move_to_nowhere_is_refused(staff: Staff) -> None:
    wrong = {
        "complex": [THERE | {"complex": "W0G999"}, {"complex": "W0G001", "gateway": "GW-1"}],
        "gateway": [THERE | {"gateway": "GW-0"}],
        "at": [THERE | {"at": at} for at in (format_instant(now() + 24 * HOUR), "0001-01-01T00:00:00+09:00")],
    }
    for field, bodies in wrong.items():
        for body in bodies:
            answer = staff.post("/meters/W0G-M1/moves", body)
            assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_meter_stands_at_one_place_at_a_time(staff: Staff) -> None:
    again = staff.post("/meters", {"code": "W0G-M1", **THERE})
    assert (again.status_code, again.json["type"]) == (409, "/problems/meter-elsewhere")
    staff.post("/meters/W0G-M1/retirement", {"reason": "철거"})
    back = format_instant(now() - HOUR)
    assert staff.post("/meters", {"code": "W0G-M1", "at": back, **THERE}).json["type"] == "/problems/meter-elsewhere"
    assert staff.post("/meters/W0G-M1/moves", THERE).json["type"] == "/problems/meter-nowhere"


STEPS = st.lists(
    st.tuples(st.sampled_from(["install", "move", "retire"]), st.integers(0, 1), st.integers(0, 50)), max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_tried_a_meter_is_never_at_two_places(database: Database, place: Place, steps: Any) -> None:
    moment = now()
    code = f"X{moment.timestamp():.6f}".replace(".", "-")
    for what, where, hours in steps:
        at = moment - timedelta(hours=hours)
        to = To(("W0G001", "W0G002")[where], ("GW-1", "GW-9")[where], at)
        try:
            with database.begin() as session:
                args: Any = (session, place.district_id, code)
                if what == "install":
                    devices.install(*args, to, "kim", moment)
                elif what == "move":
                    devices.move(*args, to, "", "kim", moment, None)
                else:
                    devices.retire(*args, at, "x", "kim", moment, None)
        except Problem:
            continue
    with database.begin() as session:
        meter = session.scalar(sa.select(Meter).where(Meter.code == code))
        times = sa.select(MeterAssignment.valid_from, MeterAssignment.valid_to)
        mine = times.where(MeterAssignment.meter_id == (meter.id if meter else 0))
        rows = session.execute(mine.order_by(MeterAssignment.valid_from)).all()
    assert all(before[1] is not None and before[1] <= after[0] for before, after in pairwise(rows))


def test_meters_are_found_and_paged_by_code(staff: Staff) -> None:
    first = staff.get("/meters?limit=1").json
    assert [row["code"] for row in first["items"]] == ["W0G-M1"]
    second = staff.get(f"/meters?limit=1&after={first['next_after']}").json
    assert [row["code"] for row in second["items"]] == ["W0G-M2"]
    staff.post("/meters/W0G-M2/retirement", {"reason": "철거"})
    asked = {"state=retired": ["W0G-M2"], "search=-m1": ["W0G-M1"], "complex=W0G002": [], "gateway=GW-1": ["W0G-M1"]}
    for query, codes in asked.items():
        assert [row["code"] for row in staff.get(f"/meters?{query}").json["items"]] == codes, query


def test_a_manager_sees_the_meters_that_stand_at_their_complexes_now(
    program: Callable[..., FlaskClient], place: Place, staff: Staff
) -> None:
    manager = program("manager", complex_ids=(place.other_id,))
    assert manager.get("/api/v1/meters").json["items"] == []
    assert manager.get("/api/v1/meters/W0G-M1").status_code == 404
    staff.post("/meters/W0G-M1/moves", THERE)
    assert [row["code"] for row in manager.get("/api/v1/meters").json["items"]] == ["W0G-M1"]
    (stands,) = manager.get("/api/v1/meters/W0G-M1").json["places"]
    assert stands["complex"] == "W0G002", "where it stood before is not theirs"
    assert manager.post("/api/v1/meters/W0G-M1/moves", json=THERE).status_code == 403


def test_another_district_knows_no_meter_of_this_one(program: Callable[..., FlaskClient]) -> None:
    stranger = program("administrator", code="W0K")
    assert stranger.get("/api/v1/meters").json["items"] == []
    for path, body in {"moves": THERE, "retirement": {"reason": "x"}}.items():
        answer = stranger.post(f"/api/v1/meters/W0G-M1/{path}", json=body)
        assert answer.status_code in (404, 422), answer.text
    assert stranger.get("/api/v1/meters/W0G-M1").status_code == 404


def test_a_reducer_is_registered_and_retired_once(staff: Staff, booked: Callable[[], list[Any]]) -> None:
    new = {"code": "R-1", "complex": "W0G001", "installed_on": "2024-03-02"}
    assert staff.post("/reducers", new).json["installed_on"] == "2024-03-02"
    assert staff.post("/reducers", new).json["type"] == "/problems/code-taken"
    early = {"retired_on": "2024-03-01", "reason": "노후"}
    assert staff.post("/reducers/R-1/retirement", early).json["errors"].keys() == {"retired_on"}
    assert staff.post("/reducers/R-1/retirement", early | {"retired_on": "2026-03-02"}).status_code == 204
    assert staff.post("/reducers/R-1/retirement", early).status_code == 409
    assert [action for action, *_ in booked()] == ["reducer.installed", "reducer.retired"]


def test_meters_are_worked_on_at_the_terminal(staff: Staff, terminal: Callable[..., str], place: Place) -> None:
    there = ("--complex", "W0G002", "--gateway", "GW-9")
    assert "W0G-M9 now stands at W0G002" in terminal("meter", "install", "W0G-M9", *there)
    place.heard(ago=HOUR)
    refused = terminal("meter", "move", "W0G-M1", *there, "--at", "2021-01-01", exit_code=2)
    assert "not_before: " in refused
    terminal("meter", "move", "W0G-M1", *there, "--reason", "재배치")
    assert "재배치" in terminal("meter", "show", "W0G-M1")
    terminal("meter", "retire", "W0G-M1", "--reason", "파손")
    assert "W0G-M1  stands nowhere" in terminal("meter", "list", "--state", "retired")
    terminal("reducer", "install", "R-1", "--complex", "W0G001", "--on", "2024-03-02")
    terminal("reducer", "retire", "R-1", "--on", "2026-03-02", "--reason", "노후")
    assert "2024-03-02 – 2026-03-02" in terminal("reducer", "list")
