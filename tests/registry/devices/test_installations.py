"""The programme: a complex applies, and every step is dated, in order and never changed; the years add up."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.problems import Problem
from app.registry.installations import queries
from app.registry.installations import service as programme
from app.registry.installations.files import read_counts
from app.registry.installations.models import NEXT, STATES
from app.registry.installations.service import Count, Step, Wish
from app.texts import Refused
from app.times import now
from tests.metering.staff import Staff
from tests.registry.devices.conftest import Place

REAL = Path(__file__).parents[3].parent / "shared/data/cases/28_district_install_table.tsv"
WISH = {
    "complex": "W0G001",
    "kind": "meter",
    "units": 4,
    "households": 480,
    "applicant": "관리사무소",
    "applied_on": "2026-09-01",
}


def test_an_application_goes_its_way_to_the_end(staff: Staff, booked: Callable[[], list[Any]]) -> None:
    made = staff.post("/installations", WISH)
    assert (made.status_code, made.json["state"], made.json["few"]) == (201, "applied", False)
    path = f"/installations/{made.json['id']}"
    steps: list[dict[str, Any]] = [
        {"state": "selected", "on_day": "2026-09-10"},
        {"state": "installed", "on_day": "2026-10-01", "units": 3, "meters": ["W0G-M1", "W0G-M2"]},
        {"state": "trial", "on_day": "2026-10-02"},
        {"state": "trained", "on_day": "2026-10-05"},
        {"state": "surveyed", "on_day": "2026-11-01", "score": 87, "answers": 212},
        {"state": "closed", "on_day": "2026-11-02", "note": "완료"},
    ]
    for step in steps:
        taken = staff.post(f"{path}/steps", step)
        assert taken.status_code == 201, taken.text
    done = staff.get(path).json
    assert [step["state"] for step in done["steps"]] == ["applied", *(step["state"] for step in steps)]
    assert (done["steps"][2]["units"], done["steps"][2]["meters"]) == (3, ["W0G-M1", "W0G-M2"])
    assert (done["steps"][5]["score"], done["steps"][5]["answers"]) == (87, 212)
    assert done["next"] == []
    assert staff.post(f"{path}/steps", {"state": "withdrawn", "on_day": "2026-11-03", "note": "x"}).status_code == 409
    assert [action for action, *_ in booked()] == [f"installation.{step['state']}" for step in done["steps"]]
    assert staff.get("/installations/table").json["meter"] == [
        {"year": 2026, "until": False, "installed": 3, "cumulative": 3, "target": None, "share": None}
    ]


def test_fewer_than_60_households_are_selected_only_for_a_reason(staff: Staff) -> None:
    made = staff.post("/installations", WISH | {"households": 59}).json
    assert made["few"], "the warning"
    select = {"state": "selected", "on_day": "2026-09-10"}
    refused = staff.post(f"/installations/{made['id']}/steps", select)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/too-few-households")
    selected = staff.post(f"/installations/{made['id']}/steps", select | {"note": "인접 단지와 함께 운영"})
    assert selected.json["steps"][1]["note"] == "인접 단지와 함께 운영"


def test_what_does_not_fit_a_step_is_refused_by_field(staff: Staff) -> None:
    path = f"/installations/{staff.post('/installations', WISH).json['id']}/steps"
    assert staff.post(path, {"state": "installed", "on_day": "2026-09-02", "units": 1}).status_code == 409
    wrong = {
        "on_day": [{"state": "selected", "on_day": "2026-08-31"}, {"state": "selected", "on_day": "2099-01-01"}],
        "note": [{"state": "rejected", "on_day": "2026-09-10"}],
    }
    for field, bodies in wrong.items():
        for body in bodies:
            assert list(staff.post(path, body).json["errors"]) == [field], body
    staff.post(path, {"state": "selected", "on_day": "2026-09-10"})
    install = {"state": "installed", "on_day": "2026-09-11"}
    assert list(staff.post(path, install).json["errors"]) == ["units"]
    assert list(staff.post(path, install | {"units": 1, "meters": ["W0G-M9"]}).json["errors"]) == ["meters"]
    assert list(staff.post("/installations", WISH | {"complex": "W0G009"}).json["errors"]) == ["complex"]


DAYS = st.dates(date(2020, 1, 1), date(2026, 6, 1))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tried=st.lists(st.tuples(st.sampled_from(STATES), DAYS), max_size=15))
def test_whatever_is_tried_the_steps_stay_in_order(database: Database, place: Place, tried: Any) -> None:
    wish = Wish(**WISH | {"applied_on": date(2020, 1, 1)})
    with database.begin() as session:
        id_ = programme.apply(session, place.district_id, wish, "kim", now()).id
    for state, day in tried:
        step = Step(state, day, "이유", units=1, score=1, answers=1)
        try:
            with database.begin() as session:
                programme.take_step(session, place.district_id, id_, step, "kim", now())
        except Problem:
            continue
    with database.session() as session:
        steps = queries.application(session, place.district_id, id_)["steps"]
    days = [step["on_day"] for step in steps]
    assert days == sorted(days)
    assert all(after["state"] in NEXT[before["state"]] for before, after in pairwise(steps))


def test_a_manager_applies_for_their_complexes_and_sees_no_others(
    staff: Staff, place: Place, program: Callable[..., FlaskClient]
) -> None:
    mine = program("manager", complex_ids=(place.town.complex.id,))
    other = program("manager", login="lee", complex_ids=(place.other_id,))
    made = mine.post("/api/v1/installations", json=WISH)
    assert made.status_code == 201, made.text
    path = f"/api/v1/installations/{made.json['id']}"
    assert [row["id"] for row in mine.get("/api/v1/installations").json["items"]] == [made.json["id"]]
    assert mine.post("/api/v1/installations", json=WISH | {"complex": "W0G002"}).status_code == 422
    assert mine.post(f"{path}/steps", json={"state": "selected", "on_day": "2026-09-10"}).status_code == 403
    assert mine.get("/api/v1/installations/table").status_code == 403, "the table is the district's"
    assert other.get("/api/v1/installations").json["items"] == []
    assert other.get(path).status_code == 404
    stranger = program("administrator", code="W0K")
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/steps", json={"state": "selected", "on_day": "2026-09-10"}).status_code == 404


def test_the_districts_own_table_comes_out_as_it_went_in(
    database: Database, place: Place, terminal: Callable[..., str]
) -> None:
    if not REAL.exists():
        pytest.skip(f"{REAL} is missing: the district's own table is not part of the product.")
    assert "8 counts of years, 8 of them new" in terminal("installation", "import", str(REAL), "--dry-run")
    assert "8 counts of years, 8 of them new" in terminal("installation", "import", str(REAL))
    assert "8 counts of years, 0 of them new" in terminal("installation", "import", str(REAL))
    with database.begin() as session:
        programme.set_target(session, place.district_id, "meter", 2027, 70, "kim", now())
        programme.set_target(session, place.district_id, "reducer", 2027, 13, "kim", now())
        found = queries.table(session, place.district_id)
    assert [year.installed for year in found["meter"]] == [283, 127, 204, 110, 0]
    assert [year.cumulative for year in found["meter"]] == [283, 410, 614, 724, 724]
    assert [year.installed for year in found["reducer"]] == [12, 3, 11, 11, 0]
    assert [year.cumulative for year in found["reducer"]] == [12, 15, 26, 37, 37]
    assert [year.until for year in found["meter"]] == [True, False, False, False, False]
    assert [(year.year, year.target, year.share) for year in (found["meter"][-1], found["reducer"][-1])] == [
        (2027, 70, 0),
        (2027, 13, 0),
    ]


def test_installed_steps_add_to_what_an_earlier_system_counted(staff: Staff, place: Place, database: Database) -> None:
    counts = [{"kind": "meter", "year": 2025, "units": 100, "until": True}, {"kind": "meter", "year": 2026, "units": 5}]
    assert staff.post("/installations/counts", {"counts": counts}).json == {"changed": 2}
    assert staff.post("/installations/counts", {"counts": counts}).status_code == 409, "nothing changes"
    assert staff.post("/installations/targets", {"kind": "meter", "year": 2026, "units": 20}).status_code == 204
    path = f"/installations/{staff.post('/installations', WISH).json['id']}/steps"
    staff.post(path, {"state": "selected", "on_day": "2026-09-10"})
    staff.post(path, {"state": "installed", "on_day": "2026-10-01", "units": 4})
    (before, year) = staff.get("/installations/table").json["meter"]
    assert (before["until"], before["cumulative"]) == (True, 100)
    assert (year["installed"], year["cumulative"], year["target"], year["share"]) == (9, 109, 20, 0.45)


def test_the_database_refuses_to_change_a_step(staff: Staff, database: Database) -> None:
    staff.post("/installations", WISH)
    for change in ("UPDATE installation_step SET state = 'closed'", "DELETE FROM installation_application"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.begin() as session:
            session.execute(sa.text(change))


def test_counts_of_either_form_are_read(tmp_path: Path) -> None:
    rows, table = tmp_path / "rows.csv", tmp_path / "table.tsv"
    rows.write_text('kind,year,units,until\nmeter,2017,283,yes\nRFID 종량기,2018,"1,127",\n')
    table.write_text("설치대수\t계\t~2017년\t2018년\nRFID 종량기\t설치\t283\t1,127\n\t누적\t283\t1410\n")
    wanted = [Count("meter", 2017, 283, True), Count("meter", 2018, 1127, False)]
    assert read_counts(rows) == wanted
    assert read_counts(table) == wanted


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("kind,year,units\ncar,2018,1\n", "Line 2: the kind is meter or reducer, not car."),
        ("kind,year,units\nmeter,2018,many\n", "Line 2: not a number: many."),
        ("a\tb\nRFID 종량기\t설치\n", "The first line names no years."),
        ("설치대수\t계\t2018년\t2019년\nRFID 종량기\t설치\t1\t2\n\t누적\t1\t4\n", "(2019: 4, the sum is 3)"),
    ],
)
def test_a_file_of_counts_that_cannot_be_used_tells_where(content: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "counts.tsv"
    file.write_text(content)
    with pytest.raises(Refused) as refused:
        read_counts(file)
    assert told in str(refused.value)
