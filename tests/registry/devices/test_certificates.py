"""Every scale that bills is inspected every two years; what is due, overdue or missing is found by itself."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.db import Database
from app.registry.certificates import state_of
from app.registry.certificates.service import Inspection, due_after, record
from app.times import now
from billing.days import service_day
from tests.metering.staff import Staff
from tests.registry.devices.conftest import Place

BODY = "한국계량측정협회"


def inspection(meter: str, number: str, inspected_on: date, **more: Any) -> dict[str, Any]:
    return {"meter": meter, "number": number, "inspected_on": inspected_on.isoformat(), "body": BODY} | more


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_legal_period_is_two_years_from_the_first_of_the_next_month(inspected_on: date) -> None:
    due = due_after(inspected_on)
    first_after = due + timedelta(days=1)
    assert first_after.day == 1
    months = (first_after.year - inspected_on.year) * 12 + first_after.month - inspected_on.month
    assert months == 25, "two years and the rest of the month"


def test_the_newest_certificate_that_stands_says_how_a_scale_is_certified(
    staff: Staff, place: Place, database: Database, booked: Callable[[], list[Any]]
) -> None:
    today = service_day(now())

    def state(day: date = today) -> tuple[str, date | None]:
        with database.session() as session:
            return state_of(session, place.district_id, [1], day)[1]

    assert state() == ("missing", None)
    passed = staff.post("/certificates", inspection("W0G-M1", "A-1", today - timedelta(days=30)))
    due = date.fromisoformat(passed.json["due_on"])
    assert state() == ("valid", due)
    assert state(due - timedelta(days=60)) == ("due", due)
    assert state(due) == ("due", due), "the last day counts"
    assert state(due + timedelta(days=1)) == ("overdue", due)
    assert state(today - timedelta(days=31)) == ("missing", None), "before it was inspected"
    failed = staff.post("/certificates", inspection("W0G-M1", "A-2", today, result="failed"))
    assert state() == ("failed", None)
    withdrawal = f"/certificates/{failed.json['id']}/withdrawal"
    assert staff.post(withdrawal, {"reason": "다른 저울의 것"}).status_code == 204
    assert state() == ("valid", due)
    assert staff.post(withdrawal, {"reason": "또"}).status_code == 409
    papers = staff.get("/meters/W0G-M1").json["certificates"]
    assert [(paper["number"], paper["withdrawn_reason"]) for paper in papers] == [
        ("A-2", "다른 저울의 것"),
        ("A-1", None),
    ]
    actions = ["certificate.recorded", "certificate.recorded", "certificate.withdrawn"]
    assert [action for action, *_ in booked()] == actions


def test_a_certificate_that_cannot_be_is_refused_by_field(staff: Staff) -> None:
    today = service_day(now())
    assert staff.post("/certificates", inspection("W0G-M1", "A-1", today)).status_code == 201
    wrong = {
        "number": inspection("W0G-M1", "A-1", today),
        "inspected_on": inspection("W0G-M1", "A-2", today + timedelta(days=1)),
        "due_on": inspection("W0G-M1", "A-3", today, due_on=today.isoformat()),
    }
    never = inspection("W0G-M1", "A-2", date.max)
    for field, body in (*wrong.items(), ("inspected_on", never)):
        answer = staff.post("/certificates", body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert staff.post("/certificates", inspection("W0G-M9", "A-4", today)).status_code == 404


def test_the_database_refuses_to_change_a_certificate(place: Place, database: Database) -> None:
    with database.begin() as session:
        record(session, place.district_id, "W0G-M1", Inspection("A-1", date(2026, 1, 5), BODY), "kim", now())
    for change in ("UPDATE scale_certificate SET result = 'failed'", "DELETE FROM scale_certificate"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.begin() as session:
            session.execute(sa.text(change))


def test_the_due_list_shows_the_most_pressing_first_and_pages_by_key(staff: Staff) -> None:
    today = service_day(now())
    staff.post("/certificates", inspection("W0G-M1", "A-1", today - timedelta(days=900)))
    whole = staff.get("/certificates").json
    assert [(row["meter"], row["state"]) for row in whole["items"]] == [("W0G-M2", "missing"), ("W0G-M1", "overdue")]
    assert whole["counts"] == {"missing": 1, "failed": 0, "overdue": 1, "due": 0, "valid": 0}
    first = staff.get("/certificates?limit=1").json
    second = staff.get("/certificates", query_string={"limit": 1, "after": first["next_after"]}).json
    assert first["items"] + second["items"] == whole["items"]
    assert [row["meter"] for row in staff.get("/certificates?state=overdue").json["items"]] == ["W0G-M1"]
    assert staff.get("/certificates?complex=W0G002").json["items"] == []
    assert staff.get("/certificates?after=2026-99-99~x").status_code == 422
    staff.post("/meters/W0G-M2/retirement", {"reason": "철거"})
    assert [row["meter"] for row in staff.get("/certificates").json["items"]] == ["W0G-M1"], (
        "what stands nowhere is not due"
    )


def test_certificates_of_other_complexes_and_districts_cannot_be_seen_or_withdrawn(
    staff: Staff, place: Place, program: Callable[..., FlaskClient]
) -> None:
    made = staff.post("/certificates", inspection("W0G-M1", "A-1", date(2026, 1, 5))).json
    assert program("manager", complex_ids=(place.other_id,)).get("/api/v1/certificates").json["items"] == []
    mine = (
        program("contractor", login="lee", complex_ids=(place.town.complex.id, place.other_id))
        .get("/api/v1/certificates")
        .json
    )
    assert [row["meter"] for row in mine["items"]] == ["W0G-M2", "W0G-M1"]
    stranger = program("administrator", code="W0K")
    assert stranger.post(f"/api/v1/certificates/{made['id']}/withdrawal", json={"reason": "x"}).status_code == 404
    assert stranger.post("/api/v1/certificates", json=inspection("W0G-M1", "A-2", date(2026, 1, 5))).status_code == 404


def test_a_file_of_certificates_is_taken_in_row_by_row(
    staff: Staff, terminal: Callable[..., str], tmp_path: Path
) -> None:
    rows = ("W0G-M1,A-1,2026-03-02,KTR,", "W0G-M2,B-1,soon,KTR,", "W0G-M9,C-1,2026-03-02,KTR,")
    file = tmp_path / "certificates.csv"
    file.write_text("\n".join(("meter,number,inspected_on,body,due_on", *rows, "W0G-M2,B-2,2026-03-02,KTR,2027-01-31")))

    def certify(*options: str) -> str:
        return terminal("meter", "certify", "--file", str(file), *options)

    told = certify("--dry-run")
    assert "line 3, W0G-M2: Write the day as 2026-11-20: soon." in told
    assert "line 4, W0G-M9: There is nothing here." in told
    assert "4 rows: 2 recorded, 2 skipped" in told
    assert staff.get("/certificates").json["counts"]["missing"] == 2, "it was a dry run"
    certify()
    found = {row["meter"]: row["due_on"] for row in staff.get("/certificates").json["items"]}
    assert found == {"W0G-M1": "2028-03-31", "W0G-M2": "2027-01-31"}
    assert "4 rows: 0 recorded, 4 skipped" in certify(), "each number counts once"
