"""The desk in the browser and through the API: object to a line, look at the evidence, decide."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.access.people import PAGE, add_person, csrf_token, database_of, log_in
from tests.metering.staff import Staff
from tests.statements.town import BilledTown, Home

# The same statements run on both databases in the tests of the domain.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
NUMBER = "202610-W0G001-0001"
FORM = f"/billing/statements/{NUMBER}/dispute"


@pytest.fixture
def home(app: Flask) -> Home:
    town = BilledTown(database_of(app))
    home, neighbour = town.home("101", "1203"), town.home("101", "1204")
    town.discharge(neighbour, "2026-10-05 11:40", 350)
    town.discharge(home, "2026-10-05 12:00", 10_000, flags=json.dumps(["lid_slow"]))
    town.discharge(neighbour, "2026-10-05 12:30", 8800)
    town.final("2026-10")
    return home


@pytest.fixture
def clerk(app: Flask, home: Home) -> FlaskClient:
    add_person(database_of(app), "lee", role="operator")
    client = app.test_client()
    log_in(client, "lee")
    return client


def send(client: FlaskClient, path: str, page: str = "", **form: str) -> Any:
    return client.post(path, data=form | {"csrf_token": csrf_token(client, page or path)}, headers=PAGE)


def open_one(client: FlaskClient, **form: str) -> str:
    answer = send(client, FORM, f"{FORM}?line=1", line="1", words="집을 비웠습니다", **form)
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def test_an_objection_is_taken_down_looked_at_and_decided(clerk: FlaskClient) -> None:
    form = clerk.get(f"{FORM}?line=1", headers=PAGE).text
    assert "1,300" in form
    path = open_one(clerk, held_won="1,000")
    page = clerk.get(path, headers=PAGE).text
    for told in ("집을 비웠습니다", "12,000 g → 22,000 g", "lid_slow", "350 g", "8,800 g", "1,000"):
        assert told in page
    assert "1204" not in page  # whose the neighbours' readings are
    assert path.rsplit("/", 1)[1] in clerk.get("/billing/disputes", headers=PAGE).text
    refused = send(clerk, path, action="decide", decide_state="partly", decide_credit_won="1000", decide_words="확인")
    assert refused.status_code == 422
    assert 'value="1000"' in refused.text
    assert "확인</textarea>" in refused.text
    done = send(clerk, path, action="decide", decide_state="partly", decide_credit_won="600", decide_words="확인")
    assert done.status_code == 302
    page = clerk.get(path, headers=PAGE).text
    assert "600" in page
    assert 'value="decide"' not in page
    assert send(clerk, path, action="reopen", reopen_words="새 자료").status_code == 302
    assert send(clerk, path, action="note", note_words="전화함").status_code == 302
    assert send(clerk, path, action="withdraw", withdraw_words="취하").status_code == 302
    assert "전화함" in clerk.get(path, headers=PAGE).text


def test_a_form_that_cannot_be_used_keeps_what_was_typed(clerk: FlaskClient) -> None:
    for held in ("1301", "많이"):
        answer = send(clerk, FORM, f"{FORM}?line=1", line="1", words="너무 많습니다", held_won=held)
        assert answer.status_code == 422
        assert f'value="{held}"' in answer.text
        assert "너무 많습니다</textarea>" in answer.text
    assert clerk.get(f"{FORM}?line=7", headers=PAGE).status_code == 404
    path = open_one(clerk)
    again = send(clerk, FORM, f"{FORM}?line=1", line="1", words="또")
    assert again.status_code == 422
    assert f"#{path.rsplit('/', 1)[1]}" in again.text


def test_a_manager_objects_and_withdraws_but_does_not_decide(app: Flask, home: Home) -> None:
    database = database_of(app)
    add_person(database, "near", role="manager", complex_ids=(1,))
    add_person(database, "far", role="manager", complex_ids=(2,))
    near, far = app.test_client(), app.test_client()
    log_in(near, "near")
    log_in(far, "far")
    path = open_one(near)
    assert 'value="decide"' not in near.get(path, headers=PAGE).text
    assert send(near, path, action="decide", decide_state="accepted", decide_words="예").status_code == 403
    assert far.get(path, headers=PAGE).status_code == 404
    assert far.get(f"{FORM}?line=1", headers=PAGE).status_code == 404
    assert path not in far.get("/billing/disputes?which=all", headers=PAGE).text
    assert send(near, path, action="withdraw", withdraw_words="취하").status_code == 302


def test_programs_do_the_same(app: Flask, home: Home) -> None:
    staff: Any = Staff(app)
    wanted = {"statement": NUMBER, "line": 1, "words": "집을 비웠습니다", "held_won": 900}
    id_ = staff.post("/billing/disputes", wanted).json["id"]
    path = f"/billing/disputes/{id_}"
    listed = staff.get("/billing/disputes").json["items"]
    assert [(each["id"], each["held_won"], each["state"], each["line_won"]) for each in listed] == [
        (id_, 900, "open", 1300)
    ]
    assert staff.get("/billing/disputes/counts").json == {"open": 1, "overdue": 0, "held_won": 900}
    evidence = staff.get(f"{path}/evidence").json
    (weighing,) = evidence["weighings"]
    assert (weighing["gross_before_g"], weighing["gross_after_g"], weighing["billed_g"]) == (12_000, 22_000, 10_000)
    assert (weighing["before"]["weighed_g"], weighing["after"]["weighed_g"]) == (350, 8800)
    assert (weighing["certificate"], weighing["flags"]) == ("missing", ["lid_slow"])
    assert evidence["past"] == [{"month": "2026-10-01", "grams": 10_000, "count": 1}]
    assert evidence["line"]["words"][0].keys() == {"ko", "en"}
    decision = {"state": "partly", "words": "두 번은 저울 고장", "credit_won": 901}
    assert staff.post(f"{path}/decision", decision).status_code == 422
    assert staff.post(f"{path}/decision", decision | {"credit_won": 400}).status_code == 204
    assert staff.post(f"{path}/decision", decision | {"credit_won": 400}).status_code == 409
    assert staff.post(f"{path}/reopening", {"words": "다시"}).status_code == 204
    assert staff.post(f"{path}/notes", {"words": "메모"}).status_code == 204
    assert staff.post(f"{path}/withdrawal", {"words": "취하"}).status_code == 204
    shown = staff.get(path).json
    assert (shown["state"], shown["credit_won"], shown["days_left"]) == ("withdrawn", 400, None)
    assert [event["kind"] for event in shown["events"]] == ["opened", "decided", "reopened", "noted", "withdrawn"]
