"""Estimates in the browser and through the API."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.access.people import PAGE, add_person, csrf_token, database_of, log_in
from tests.metering.staff import Staff
from tests.statements.estimates.test_estimates import every_day
from tests.statements.town import BilledTown

# The same statements run on both databases in the tests of the domain.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
DESK = "/billing/estimates?month=2026-10"
DAYS = {"add_complex": "W0G001", "add_first_day": "2026-10-05", "add_last_day": "2026-10-06", "add_reason": "정전"}


@pytest.fixture
def town(app: Flask) -> BilledTown:
    town = BilledTown(database_of(app))
    every_day(town, town.home("101", "1203"), "2026-09-01", 34, 500)
    return town


def send(client: FlaskClient, path: str, **form: str) -> Any:
    return client.post(path, data=form | {"csrf_token": csrf_token(client, path)}, headers=PAGE)


def test_suggested_days_are_entered_looked_at_and_settled(app: Flask, town: BilledTown) -> None:
    add_person(town.database, "lee", role="operator")
    client = app.test_client()
    log_in(client, "lee")
    page = client.get(DESK, headers=PAGE).text
    assert "first_day=2026-10-05" in page
    prefilled = client.get(f"{DESK}&complex=W0G001&first_day=2026-10-05&last_day=2026-10-06", headers=PAGE).text
    assert 'value="2026-10-05"' in prefilled
    wrong = send(client, "/billing/estimates", **DAYS | {"add_last_day": "2026-10-04"})
    assert wrong.status_code == 422
    assert 'value="2026-10-04"' in wrong.text
    assert "정전</textarea>" in wrong.text
    made = send(client, "/billing/estimates", **DAYS)
    assert made.status_code == 302
    again = send(client, "/billing/estimates", **DAYS)
    assert again.status_code == 422
    assert "#1 2026-10-05" in again.text
    shown = client.get(made.location, headers=PAGE).text
    assert "14,000 g" in shown
    assert "1,000 g" in shown
    assert send(client, made.location, settle_reason="").status_code == 422
    assert send(client, made.location, settle_reason="기록 도착").status_code == 302
    assert "기록 도착" in client.get(made.location, headers=PAGE).text


def test_a_manager_sees_the_estimates_of_their_complex_and_enters_none(app: Flask, town: BilledTown) -> None:
    for login, complex_id in (("near", 1), ("far", 2)):
        add_person(town.database, login, role="manager", complex_ids=(complex_id,))
    staff: Any = Staff(app)
    body = {"complex": "W0G001", "first_day": "2026-10-05", "last_day": "2026-10-06", "reason": "정전"}
    path = f"/billing/estimates/{staff.post('/billing/estimates', body).json['id']}"
    near, far = app.test_client(), app.test_client()
    log_in(near, "near")
    log_in(far, "far")
    assert "1,000 g" in near.get(path, headers=PAGE).text
    assert 'name="settle_reason"' not in near.get(path, headers=PAGE).text
    assert far.get(path, headers=PAGE).status_code == 404
    assert near.post("/billing/estimates", data=DAYS, headers=PAGE).status_code in (400, 403)
    assert "W0G001" in near.get(DESK, headers=PAGE).text
    assert "W0G001" not in far.get(DESK, headers=PAGE).text


def test_programs_do_the_same(app: Flask, town: BilledTown) -> None:
    staff: Any = Staff(app)
    (found,) = staff.get("/billing/estimates/suggestions?month=2026-10-01").json["items"]
    assert (found["first_day"], found["last_day"]) == ("2026-10-05", "2026-10-31")
    assert found["meters"] == [{"meter": "M-W0G001", "hours": 0, "of_hours": 27 * 24}]
    body = {"complex": "W0G001", "first_day": "2026-10-05", "last_day": "2026-10-06", "reason": "정전"}
    id_ = staff.post("/billing/estimates", body).json["id"]
    overlapping = staff.post("/billing/estimates", body)
    assert (overlapping.status_code, overlapping.json["estimate"]) == (409, id_)
    path = f"/billing/estimates/{id_}"
    shown = staff.get(path).json
    assert (shown["basis_first_day"], shown["basis_last_day"]) == ("2026-09-07", "2026-10-04")
    assert (shown["expected_g"], shown["weighed_g"], shown["estimated_g"]) == (1000, 0, 1000)
    (share,) = staff.get(f"{path}/shares").json["items"]
    assert (share["basis_g"], share["basis_days"], share["estimated_g"]) == (14_000, 28, 1000)
    assert staff.post(f"{path}/settlement", {"reason": "도착"}).status_code == 204
    assert staff.post(f"{path}/settlement", {"reason": "도착"}).status_code == 409
    assert staff.get("/billing/estimates").json["items"] == []
    assert [each["id"] for each in staff.get("/billing/estimates?which=settled").json["items"]] == [id_]
