"""The pages of gateways: what staff see, and that each button does what it says, once, with a name on it."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access.claims import open_claim
from app.access.keys import second_key
from app.times import now
from tests.access.people import PAGE, add_person, csrf_token, log_in, running_app
from tests.fleet.reports import notice
from tests.web.fleet import NUMBER, Fleet


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with running_app(database_url) as app:
        yield app


@pytest.fixture
def fleet(app: Flask) -> Fleet:
    return Fleet(app)


@pytest.fixture
def client(app: Flask, fleet: Fleet) -> FlaskClient:
    client = app.test_client()
    log_in(client)
    return client


def get(client: FlaskClient, path: str, language: str = "en") -> str:
    page = client.get(path, headers=PAGE | {"Accept-Language": language})
    assert page.status_code == 200, page.text
    return page.text


def post(client: FlaskClient, path: str, **form: str) -> str:
    token = csrf_token(client, path)
    answer = client.post(
        path, data=form | {"csrf_token": token}, headers=PAGE | {"Accept-Language": "en"}, follow_redirects=True
    )
    return answer.text


def row_of(page: str, code: str) -> str:
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    return next(row for row in rows if f">{code}<" in row)


def test_the_list_marks_the_gateways_that_need_somebody(client: FlaskClient) -> None:
    page = get(client, "/gateways")
    assert "Normal" in row_of(page, "GW-1")
    assert all(words in row_of(page, "GW-2") for words in ("Communication", "Numbers missing", ">3<"))
    assert "Not claimed yet" in row_of(page, "GW-3")
    assert "2 h" in row_of(page, "GW-1").replace("hours", "h"), "the oldest record has waited for two hours"


def test_a_gateway_shows_its_ports_keys_spools_and_missing_numbers(client: FlaskClient, fleet: Fleet) -> None:
    page = get(client, "/gateways/GW-2")
    assert "2–4" in page, "the missing numbers between 1 and 5"
    assert "W0G/GW-2/1" in page
    assert fleet.ill.epoch in page
    assert "2 damaged" in page
    assert "14 bytes of noise" in page


def test_a_claim_code_is_shown_once_and_works(app: Flask, client: FlaskClient) -> None:
    page = post(client, "/gateways/GW-3", action="claim_code")
    (code,) = re.findall(r'<code class="once">([0-9a-f]+)</code>', page)
    assert code not in get(client, "/gateways/GW-3")
    claim = {"claim_code": code, "hardware_id": "box-3"}
    assert app.test_client().post("/api/v1/gateways/claim", json=claim).json["gateway"] == "GW-3"
    assert "box-3" in get(client, "/gateways/GW-3")


def test_a_revoked_key_opens_nothing_any_more(client: FlaskClient, fleet: Fleet) -> None:
    page = post(client, "/gateways/GW-1", action="revoke_key", key_id="W0G/GW-1/1")
    assert "The key W0G/GW-1/1 is revoked." in page
    refused = fleet.well.post([fleet.well.record(2)])
    assert (refused.status_code, refused.json["type"]) == (401, "/problems/key-revoked")
    assert "<td>kim</td>" in page, "the book of events names who did it"


@pytest.mark.parametrize(
    ("action", "more", "kind"),
    [
        ("rotate_key", {}, "rotate_key"),
        ("sync_cards", {}, "sync_cards"),
        ("roll_back", {}, "roll_back"),
        ("open_lid", {"meter": "W0G-M2"}, "open_lid"),
    ],
)
def test_a_button_gives_the_gateway_its_command(
    client: FlaskClient, fleet: Fleet, action: str, more: dict[str, str], kind: str
) -> None:
    page = post(client, "/gateways/GW-1", action=action, **more)
    assert "the gateway gets it when it reports next" in page
    assert "Waits" in page
    (command,) = fleet.report(fleet.well, ["W0G-M1"])["commands"]
    assert f'"kind":"{kind}"' in command["command"]
    assert all(value in command["command"] for value in more.values())


def test_each_event_says_who_did_it(client: FlaskClient, fleet: Fleet) -> None:
    with fleet.database.begin() as session:
        open_claim(session, fleet.town.district.id, fleet.town.gateway.id, now())
        second_key(session, fleet.town.district.id, fleet.town.gateway.id, "W0G/GW-1/1", now())
    post(client, "/gateways/GW-1", action="claim_code")
    fleet.report(fleet.well, ["W0G-M1"], notices=[notice(fleet.well, 1, "disk_full")])
    page = get(client, "/gateways/GW-1").partition("<h2>What happened</h2>")[2]
    events = re.findall(r"<td>([^<]*)(?:<small>[^<]*</small>)?</td><td>([^<]*)</td></tr>", page)
    assert events[:4] == [
        ("Disk full, service refused", "the gateway"),
        ("Claim code made", "kim"),
        ("New key made", "the service"),
        ("Claim code made", "the service"),
    ]
    assert "서비스</td>" in get(client, "/gateways/GW-1", "ko")


def test_a_button_pressed_twice_gives_one_command(client: FlaskClient, fleet: Fleet) -> None:
    for _ in range(2):
        post(client, "/gateways/GW-1", action="rotate_key")
    assert len(fleet.report(fleet.well, ["W0G-M1"])["commands"]) == 1


def test_a_meter_of_another_gateway_cannot_be_opened(client: FlaskClient) -> None:
    token = csrf_token(client, "/gateways/GW-1")
    form = {"action": "open_lid", "meter": "W0G-M3", "csrf_token": token}
    assert client.post("/gateways/GW-1", data=form).status_code == 422


def test_a_card_held_at_the_bin_is_given_to_its_household(client: FlaskClient, fleet: Fleet) -> None:
    card = fleet.hold_card()
    page = get(client, "/enrolment")
    assert f"…{card['last4']}" in page
    assert NUMBER not in page
    chosen = f"/enrolment?card={card['hash']}&meter=W0G-M1"
    token = csrf_token(client, chosen)
    form = {"csrf_token": token, "card": card["hash"], "meter": "W0G-M1", "building": "101", "unit": "1203"}
    answer = client.post("/enrolment", data=form, headers=PAGE | {"Accept-Language": "en"}, follow_redirects=True)
    assert "The card now belongs to 101-1203." in answer.text
    assert "Belongs to somebody now" in answer.text
    again = client.post("/enrolment", data=form, headers=PAGE | {"Accept-Language": "en"})
    assert again.status_code == 422
    assert "somebody&#39;s already" in again.text


def test_an_unknown_household_is_told_beside_the_form_that_keeps_what_was_typed(
    client: FlaskClient, fleet: Fleet
) -> None:
    card = fleet.hold_card()
    token = csrf_token(client, f"/enrolment?card={card['hash']}&meter=W0G-M1")
    form = {"csrf_token": token, "card": card["hash"], "meter": "W0G-M1", "building": "109", "unit": "77"}
    answer = client.post("/enrolment", data=form, headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "No household of this complex has that building and unit." in answer.text
    assert 'value="109"' in answer.text


def test_who_may_only_read_sees_no_button_and_can_press_none(app: Flask, fleet: Fleet) -> None:
    client = app.test_client()
    log_in(client, "lee")
    page = get(client, "/gateways/GW-1")
    assert 'name="action"' not in page
    form = {"action": "claim_code", "csrf_token": csrf_token(client, "/gateways/GW-1")}
    assert client.post("/gateways/GW-1", data=form).status_code == 403
    assert client.get("/enrolment", headers=PAGE).status_code == 403
    assert "Volumes" not in get(client, "/gateways"), "the menu shows what the reader may open"


def test_another_districts_gateway_does_not_exist(app: Flask, fleet: Fleet) -> None:
    add_person(fleet.database, "park", code="W0K")
    client = app.test_client()
    log_in(client, "park")
    assert client.get("/gateways/GW-1", headers=PAGE).status_code == 404
    form = {"action": "claim_code", "csrf_token": csrf_token(client, "/gateways")}
    assert client.post("/gateways/GW-1", data=form).status_code == 404


@pytest.mark.parametrize("path", ["/gateways", "/gateways/GW-2", "/enrolment"])
def test_the_pages_are_korean_where_the_reader_is(client: FlaskClient, fleet: Fleet, path: str) -> None:
    fleet.hold_card()
    page = get(client, path, "ko")
    assert "게이트웨이" in page
    assert not re.search(r">\s*(Meters|Gateways|Keys|Commands|Choose|Faults)\s*<", page)
