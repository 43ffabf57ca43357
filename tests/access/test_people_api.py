"""The API about people, as a program of an administrator uses it."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access import accounts, own
from app.access.models import Account
from app.access.rules import ROLES
from app.db import Database
from app.times import now
from tests.access.people import add_person, log_in
from tests.builders import Town


@pytest.fixture
def program(app: Flask, database: Database) -> FlaskClient:
    """Of kim, who may do everything."""
    with database.begin() as session:
        account = session.scalars(sa.select(Account)).one()
        token = accounts.add_token(session, account, "desk", accounts.scopes_of(account), now(), None)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_one_hears_who_one_is(program: FlaskClient) -> None:
    assert program.get("/api/v1/me").json == {
        "login": "kim",
        "name": "Kim",
        "role": "administrator",
        "scopes": sorted(ROLES["administrator"].scopes),
        "reach": "district",
        "complexes": None,
        "vendor": None,
    }


def test_a_person_is_invited_read_and_changed(program: FlaskClient, database: Database) -> None:
    wanted = {"login": "lee", "name": "이하나", "role": "viewer", "email": "lee@example.com"}
    invited = program.post("/api/v1/people", json=wanted)
    assert invited.status_code == 201
    assert timedelta(hours=71) < datetime.fromisoformat(invited.json["expires_at"]) - now() < timedelta(hours=73)
    person = program.get("/api/v1/people/lee").json
    assert (person["state"], person["email"], person["second_factor"]) == ("invited", "lee@example.com", False)
    with database.begin() as session:
        own.accept(session, invited.json["path"].rpartition("/")[2], "another password", now())
    changed = program.put("/api/v1/people/lee", json={"name": "이두리", "role": "auditor"}).json
    assert (changed["name"], changed["role"], changed["email"], changed["state"]) == (
        *("이두리", "auditor"),
        *(None, "active"),
    )
    assert [row["login"] for row in program.get("/api/v1/people?limit=1&after=kim").json["items"]] == ["lee"]


def test_what_is_refused_is_said_in_the_readers_language(program: FlaskClient) -> None:
    wanted = {"login": "kim", "name": "Kim", "role": "viewer"}
    for language, told in {"en": "The login kim is taken.", "ko": "이미 쓰이고 있습니다"}.items():
        answer = program.post(f"/api/v1/people?lang={language}", json=wanted)
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/invalid")
        assert told in answer.json["detail"]


@pytest.mark.parametrize("wrong", [{"role": "king"}, {"login": "Lee!"}, {"email": "nobody"}, {"more": 1}, {"name": ""}])
def test_what_cannot_be_read_is_named(program: FlaskClient, wrong: dict[str, object]) -> None:
    answer = program.post("/api/v1/people", json={"login": "lee", "name": "Lee", "role": "viewer"} | wrong)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == list(wrong)


def test_an_account_is_disabled_enabled_and_recovered(program: FlaskClient, database: Database) -> None:
    add_person(database, "lee")
    assert program.post("/api/v1/people/lee/disable").json["state"] == "disabled"
    assert program.post("/api/v1/people/lee/recoveries").status_code == 422
    assert program.post("/api/v1/people/lee/enable").json["state"] == "active"
    assert program.post("/api/v1/people/lee/invitations").status_code == 422
    assert program.post("/api/v1/people/lee/recoveries").status_code == 201
    assert program.get("/api/v1/people/lee").json["state"] == "invited"
    assert program.post("/api/v1/people/kim/recoveries").status_code == 422  # the program is kim's
    assert program.post("/api/v1/people/kim/disable").status_code == 422


def test_sessions_are_listed_and_ended(app: Flask, program: FlaskClient, database: Database) -> None:
    add_person(database, "lee")
    log_in(app.test_client(), "lee")
    (session,) = program.get("/api/v1/people/lee/sessions").json["items"]
    assert session["address"] == "127.0.0.1"
    assert program.delete("/api/v1/people/lee/sessions").json == {"ended": 1}
    assert program.get("/api/v1/people/lee/sessions").json["items"] == []


def test_tokens_are_made_listed_and_revoked(app: Flask, program: FlaskClient, database: Database) -> None:
    add_person(database, "lee", role="viewer")
    path, wanted = "/api/v1/people/lee/tokens", {"name": "export", "scopes": ["metering:read"], "days": 30}
    token = program.post(path, json=wanted).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/me", headers=headers).json["login"] == "lee"
    assert program.post(path, json=wanted).status_code == 422  # one of this name lives
    assert program.post(path, json=wanted | {"name": "more", "scopes": ["access:admin"]}).status_code == 422
    assert program.post(path, json=wanted | {"name": "more", "days": 401}).status_code == 422
    listed = program.get(path)
    assert token not in listed.text
    assert [(row["name"], row["live"]) for row in listed.json["items"]] == [("export", True)]
    assert program.delete(f"{path}/export").status_code == 204
    assert program.delete(f"{path}/export").status_code == 404
    assert app.test_client().get("/api/v1/me", headers=headers).status_code == 401


def test_nobody_of_another_district_is_found(program: FlaskClient, database: Database) -> None:
    add_person(database, "park", "W0K")
    assert [row["login"] for row in program.get("/api/v1/people").json["items"]] == ["kim"]
    token = {"name": "x", "scopes": ["metering:read"], "days": 1}
    calls = [("get", "", None), ("put", "", {"name": "P", "role": "viewer"}), ("post", "/disable", None)]
    calls += [("post", f"/{name}", None) for name in ("enable", "invitations", "recoveries")]
    calls += [("get", "/sessions", None), ("delete", "/sessions", None), ("get", "/tokens", None)]
    calls += [("post", "/tokens", token), ("delete", "/tokens/x", None)]
    for method, path, body in calls:
        answer = getattr(program, method)(f"/api/v1/people/park{path}", json=body)
        assert answer.status_code == 404, (method, path)


def test_a_manager_hears_which_complexes_are_theirs(app: Flask, database: Database) -> None:
    town = Town(database, code="W0K")
    add_person(database, "park", "W0K", role="manager", complex_ids=(town.complex.id,))
    client = app.test_client()
    log_in(client, "park")
    me = client.get("/api/v1/me").json
    assert (me["reach"], me["complexes"]) == ("complex", [{"code": "W0K001", "name": "두보하이츠"}])


def test_a_program_makes_no_token_that_may_more_than_itself(app: Flask, database: Database) -> None:
    with database.begin() as session:
        kim = session.scalars(sa.select(Account)).one()
        token = accounts.add_token(session, kim, "accounts", ["access:admin"], now(), None)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    wanted = {"name": "more", "scopes": ["household:reveal"], "days": 1}
    answer = client.post("/api/v1/people/kim/tokens?lang=en", json=wanted)
    assert (answer.status_code, "You may not household:reveal" in answer.json["detail"]) == (422, True)
    assert client.post("/api/v1/people/kim/tokens", json=wanted | {"scopes": ["access:admin"]}).status_code == 201


def test_nobody_makes_a_token_by_which_another_administrator_would_recover_them(
    program: FlaskClient, database: Database
) -> None:
    add_person(database, "lee")
    wanted = {"name": "as-lee", "scopes": ["access:admin"], "days": 1}
    answer = program.post("/api/v1/people/lee/tokens?lang=en", json=wanted)
    assert (answer.status_code, "Only its owner" in answer.json["detail"]) == (422, True)
    assert program.post("/api/v1/people/lee/tokens", json=wanted | {"scopes": ["fault:write"]}).status_code == 201


def test_a_program_changes_nothing_of_its_owners_account(program: FlaskClient) -> None:
    channel = {"kind": "email", "address": "me@example.com", "quiet_from": "22:00", "quiet_to": "07:00"}
    for path, form in (
        ("/account", {"action": "contact", "name": "Somebody Else"}),
        ("/account", {"action": "end_sessions"}),
        ("/account/channels", channel | {"language": "en", "active": "1", "urgent_breaks_quiet": "1"}),
        ("/account/channels/1", {"action": "remove"}),
    ):
        answer = program.post(path, data=form, headers={"Accept": "text/html", "Accept-Language": "en"})
        assert (answer.status_code, "An API token does not change" in answer.text) == (422, True), (path, form)
    assert program.get("/api/v1/me").json["name"] == "Kim"
    assert program.get("/api/v1/me/channels").json == {"items": []}
