"""Pages of devices, the programme and vendors: what a person clicks works, and shows them only what is theirs."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.registry.certificates.service import Inspection, record
from app.registry.vendors import service as vendors
from app.times import now
from billing.days import SEOUL
from tests.access.people import PAGE, add_person, csrf_token, database_of, log_in, running_app
from tests.builders import Box, Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures

EN = PAGE | {"Accept-Language": "en"}


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:  # noqa: F811
    with running_app(database_url, log_level="WARNING") as app:
        yield app


@pytest.fixture
def town(app: Flask) -> Town:
    town = Town(database_of(app))
    town.add_gateway("GW-2", ["W0G-M3"])
    return town


@pytest.fixture
def client(app: Flask, town: Town) -> FlaskClient:
    add_person(database_of(app))
    client = app.test_client()
    log_in(client)
    return client


def get(client: FlaskClient, path: str) -> str:
    page = client.get(path, headers=EN)
    assert page.status_code == 200, page.text
    return page.text


def post(client: FlaskClient, path: str, status: int = 200, **form: str) -> str:
    data = form | {"csrf_token": csrf_token(client, path)}
    answer = client.post(path, data=data, headers=EN, follow_redirects=True)
    assert answer.status_code == status, answer.text
    return answer.text


def test_a_meter_is_installed_moved_certified_and_taken_away(client: FlaskClient) -> None:
    there = {"complex": "W0G001", "gateway": "GW-2"}
    page = post(client, "/meters", **{f"install_{name}": value for name, value in there.items()}, install_code="W0G-M9")
    assert "The meter W0G-M9 is installed." in page
    assert "No certificate" in page
    path = "/meters/W0G-M9"
    paper = {"number": "A-1", "inspected_on": "2026-03-02", "body": "KTR", "result": "passed"}
    page = post(client, path, action="certify", **{f"certify_{name}": value for name, value in paper.items()})
    assert "due by Mar 31, 2028" in page
    page = post(client, path, action="withdraw", withdraw_certificate="1", withdraw_reason="wrong scale")
    assert "Withdrawn by kim: wrong scale" in page
    page = post(client, path, action="move", move_complex="W0G001", move_gateway="GW-1", move_reason="nearer")
    assert "The meter W0G-M9 is moved." in page
    assert "nearer" in page
    assert "moved meter W0G-M9" in page, "its history is told in sentences"
    page = post(client, path, action="retire", retire_reason="broken")
    assert "It keeps its history." in page
    assert "Taken away" in get(client, "/meters?search=M9")


def test_a_move_before_what_was_weighed_is_told_with_the_minute_from_which_on_it_may_be(
    client: FlaskClient, app: Flask, town: Town
) -> None:
    box = Box(app.test_client())
    box.post([box.record(1, ago=timedelta(hours=2))])
    early = (now() - timedelta(hours=3)).astimezone(SEOUL).strftime("%Y-%m-%dT%H:%M")
    form = {"move_complex": "W0G001", "move_gateway": "GW-2", "move_at": early}
    page = post(client, "/meters/W0G-M1", 422, action="move", **form)
    free = (now() - timedelta(hours=2)).astimezone(SEOUL) + timedelta(minutes=1)
    assert re.search(rf"It is free from .*{free:%H:%M} on\.", page)
    assert f'value="{early}"' in page, "the form stands as it was typed"


def test_forms_tell_what_is_wrong_beside_the_field(client: FlaskClient) -> None:
    page = post(client, "/meters", 422, install_code="?", install_complex="W0G001", install_gateway="GW-1")
    assert "Write up to 40 letters, digits and hyphens." in page
    page = post(client, "/meters/W0G-M1", 422, action="certify", certify_number="A", certify_inspected_on="soon")
    assert "Write a day as 2026-10-31." in page
    page = post(client, "/installations", 422, apply_complex="W0G001", apply_kind="meter", apply_units="some")
    assert "Write a whole number." in page


def test_scales_that_are_due_are_listed_and_downloaded(client: FlaskClient, app: Flask, town: Town) -> None:
    with database_of(app).begin() as session:
        record(session, town.district.id, "W0G-M1", Inspection("A-1", date(2020, 1, 5), "=KTR"), "kim", now())
    page = get(client, "/certificates?state=overdue")
    assert ">W0G-M1<" in page
    assert ">W0G-M2<" not in page
    lines = client.get("/certificates.csv?state=overdue").text.splitlines()
    assert lines[1:] == ["W0G-M1,,W0G001,두보하이츠,overdue,2022-01-31,A-1,2020-01-05,passed,'=KTR"], (
        "no cell is a formula"
    )


def test_a_reducer_is_registered_and_retired(client: FlaskClient) -> None:
    new = {"install_code": "R-1", "install_complex": "W0G001", "install_installed_on": "2024-03-02"}
    assert "Saved: reducer R-1." in post(client, "/reducers", action="install", **new)
    page = post(
        client, "/reducers", action="retire", retire_code="R-1", retire_retired_on="2026-01-02", retire_reason="old"
    )
    assert "Jan 2, 2026" in page


def test_an_application_is_entered_warned_of_and_taken_on(client: FlaskClient) -> None:
    wish = {"complex": "W0G001", "kind": "reducer", "units": "1", "households": "45", "applicant": "관리사무소"}
    wish |= {"applied_on": "2026-09-01"}
    page = post(client, "/installations", **{f"apply_{name}": value for name, value in wish.items()})
    assert "fewer than 60 households" in page
    path = "/installations/1"
    page = post(client, path, 422, step_state="selected", step_on_day="2026-09-10")
    assert "say why it is selected all the same" in page
    post(client, path, step_state="selected", step_on_day="2026-09-10", step_note="neighbours share it")
    page = post(client, path, step_state="installed", step_on_day="2026-10-01", step_units="1")
    assert "1 units" in page
    target = {"target_kind": "reducer", "target_year": "2026", "target_units": "4"}
    token = csrf_token(client, "/installations")
    answer = client.post(
        "/installations/targets", data=target | {"csrf_token": token}, headers=EN, follow_redirects=True
    )
    row = re.search(r'<th scope="row">2026</th>.*?</tr>', answer.text, re.DOTALL)
    assert row is not None
    assert re.findall(r">([^<>]+)</td>", row[0])[4:] == ["1", "1", "4", "25%"]


def test_a_manager_sees_their_complex_alone_and_may_apply(app: Flask, town: Town) -> None:
    add_person(database_of(app), "lee", role="manager", complex_ids=(town.complex.id,))
    client = app.test_client()
    log_in(client, "lee")
    assert "Install a meter" not in get(client, "/meters")
    page = get(client, "/meters/W0G-M1")
    assert 'name="action"' not in page, "a manager moves nothing"
    page = get(client, "/installations")
    assert "Installed by year" not in page, "the table is the district's"
    assert "Applications" in get(client, f"/installations?before={10**30}"), "an absurd number is none"
    assert "Apply for a complex" in page


def test_a_vendor_keeps_its_own_profile(client: FlaskClient, app: Flask, town: Town) -> None:
    page = post(client, "/vendors", add_code="MF-1", add_kind="manufacturer", add_name="한빛봉투", add_memo="비밀")
    assert "The vendor MF-1 is added." in page
    with database_of(app).begin() as session:
        shop = vendors.add(session, town.district.id, "SP-1", "sales_point", {"name": "가게"}, "kim", now()).id
    add_person(database_of(app), "shop", role="vendor", vendor_id=shop)
    theirs = app.test_client()
    log_in(theirs, "shop")
    page = post(theirs, "/vendors/SP-1", action="change", change_phone="02-123-4567", change_email="shop@example.com")
    assert "Saved." in page
    assert "change_name" not in page, "the name is the district's to change"
    assert theirs.get("/vendors/MF-1", headers=EN).status_code == 404
    assert theirs.get("/vendors", headers=EN).status_code == 403
    page = post(client, "/vendors/SP-1", action="end", end_ended_on="2026-12-31", end_reason="closed down")
    assert "ended Dec 31, 2026" in page


def test_the_page_of_a_meter_leads_to_its_faults(client: FlaskClient) -> None:
    form = {"meter": "W0G-M1", "fault_class": "lock", "words": "The lid does not close."}
    token = csrf_token(client, "/faults/new")
    answer = client.post("/faults/new", data=form | {"csrf_token": token}, headers=EN)
    assert answer.status_code == 302, answer.text
    assert 'href="/faults/1"' in get(client, "/meters/W0G-M1")
