"""The desk for people and one's own account, as a browser without scripts uses them."""

import re
from html import unescape
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access import log_ins, second_factor, sessions
from app.access.models import Account
from app.access.rules import SCOPES
from app.db import Database
from app.times import now
from app.web import people_words
from tests.access.people import PAGE, PASSWORD, add_person, csrf_token, database_of, log_in
from tests.builders import Town

NEW = "another password"


@pytest.fixture
def dialect() -> str:
    """The use cases are proved on both databases; a page sees no difference."""
    return "sqlite"


@pytest.fixture
def desk(client: FlaskClient) -> FlaskClient:
    """The administrator, logged in."""
    log_in(client)
    return client


def send(client: FlaskClient, path: str, form: str | None = None, **fields: object) -> str:
    """Fill in a form of the page (or of `form`) and follow where it leads; the text of the page."""
    data = fields | {"csrf_token": csrf_token(client, form or path)}
    return unescape(client.post(path, data=data, headers=PAGE, follow_redirects=True).text)


def once(page: str) -> str:
    """What the page shows this once."""
    found = re.search(r'<code class="once">(.+?)</code>', page)
    assert found, page
    return found[1]


def failure(page: str) -> str:
    found = re.search(r'class="failure" role="alert">(.+?)</p>', page)
    return found[1] if found else ""


def test_an_invited_operator_sets_password_and_second_factor_and_is_in(desk: FlaskClient, app: Flask) -> None:
    page = send(desk, "/people", login="Lee", name="이하나", role="operator", email="lee@example.com")
    assert "이하나" in page
    path = once(page).removeprefix("http://localhost")
    assert once(page) not in desk.get("/people/lee", headers=PAGE).text
    lee = app.test_client()
    assert "lee" in lee.get(path, headers=PAGE).text
    assert lee.get(path, headers=PAGE).headers["Cache-Control"] == "no-store"
    assert failure(send(lee, path, password=NEW, again="something else"))
    page = send(lee, path, password=NEW, again=NEW)
    secret = once(page).replace(" ", "")
    send(lee, "/login/second-factor", code=second_factor.code_at(secret, now()))
    assert lee.get("/api/v1/me").json["role"] == "operator"
    assert app.test_client().get(path, headers=PAGE).status_code == 404


def test_a_manager_of_one_complex_is_invited_and_sees_no_more(app: Flask) -> None:
    town = Town(database_of(app), code="W0K")
    add_person(database_of(app), "chief", "W0K")
    chief, park = app.test_client(), app.test_client()
    log_in(chief, "chief")
    assert "단지" in failure(send(chief, "/people", login="park", role="manager"))
    page = send(chief, "/people", login="park", role="manager", complexes=[town.complex.code])
    send(park, once(page).removeprefix("http://localhost"), password=NEW, again=NEW)
    me = park.get("/api/v1/me").json
    assert (me["reach"], [place["code"] for place in me["complexes"]]) == ("complex", [town.complex.code])
    assert park.get("/people", headers=PAGE).status_code == 403


def test_a_refused_invitation_shows_the_form_as_typed(desk: FlaskClient, database: Database) -> None:
    page = send(desk, "/people", login="kim", name="김하나", role="auditor")
    assert "kim" in failure(page)
    assert 'value="김하나"' in page
    assert '<option value="auditor" selected>' in page


def test_a_person_is_changed_disabled_and_enabled(desk: FlaskClient, database: Database) -> None:
    add_person(database, "lee", role="operator")
    page = send(desk, "/people/lee", action="change", name="이두리", role="auditor", phone="010-1")
    assert "이두리" in page
    assert 'role="status"' in page
    send(desk, "/people/lee", action="disable")
    assert log_ins.check_password(database, "lee", PASSWORD, now()) is None
    send(desk, "/people/lee", action="enable")
    assert log_ins.check_password(database, "lee", PASSWORD, now()) is not None


def test_another_administrator_recovers_an_account_and_its_owner_comes_back(
    desk: FlaskClient, app: Flask, database: Database
) -> None:
    add_person(database, "lee")
    lee = app.test_client()
    log_in(lee, "lee")
    page = send(desk, "/people/lee", action="recover")
    assert lee.get("/account", headers=PAGE).status_code == 302
    page = send(lee, once(page).removeprefix("http://localhost"), password=NEW, again=NEW)
    send(lee, "/login/second-factor", code=second_factor.code_at(once(page).replace(" ", ""), now()))
    assert lee.get("/account", headers=PAGE).status_code == 200


def test_one_cannot_recover_oneself_by_any_form(desk: FlaskClient) -> None:
    assert 'value="recover"' not in desk.get("/people/kim", headers=PAGE).text
    assert failure(send(desk, "/people/kim", action="recover"))
    assert desk.get("/account", headers=PAGE).status_code == 200


def test_a_token_is_shown_once_works_and_is_revoked(desk: FlaskClient, app: Flask) -> None:
    page = send(desk, "/people/kim", action="make_token", token="export", days="30", scopes=["metering:read"])
    secret = once(page)
    headers = {"Authorization": f"Bearer {secret}"}
    stranger = app.test_client()
    assert stranger.get("/api/v1/me", headers=headers).json["scopes"] == ["metering:read"]
    page = desk.get("/people/kim", headers=PAGE).text
    assert "export" in page
    assert secret not in page
    send(desk, "/people/kim", action="revoke_token", token="export")
    assert stranger.get("/api/v1/me", headers=headers).status_code == 401
    for days in ("0", "401", "", "x", "٣"):
        page = send(desk, "/people/kim", action="make_token", token="more", days=days, scopes=["metering:read"])
        assert "400" in failure(page)


def test_somebody_of_another_district_is_not_there(desk: FlaskClient, database: Database) -> None:
    add_person(database, "park", "W0K")
    assert "park" not in desk.get("/people", headers=PAGE).text
    assert desk.get("/people/park", headers=PAGE).status_code == 404
    for action in ("change", "disable", "enable", "end_sessions", "recover", "invite_again", "make_token"):
        data = {"action": action, "role": "viewer", "token": "x", "days": "1", "scopes": "metering:read"}
        data["csrf_token"] = csrf_token(desk, "/people")
        assert desk.post("/people/park", data=data, headers=PAGE).status_code == 404, action


def test_only_administrators_open_the_desk(app: Flask, database: Database) -> None:
    add_person(database, "lee", role="operator")
    lee = app.test_client()
    log_in(lee, "lee")
    assert lee.get("/people", headers=PAGE).status_code == 403
    assert lee.get("/people/lee", headers=PAGE).status_code == 403
    assert lee.get("/api/v1/people").status_code == 403
    assert lee.get("/account", headers=PAGE).status_code == 200


def test_one_changes_ones_own_contact_and_nothing_else(desk: FlaskClient, database: Database) -> None:
    page = send(desk, "/account", action="contact", name="김두리", email="k@example.com", phone="010-1", role="viewer")
    assert "김두리" in page
    with database.begin() as session:
        account = session.scalars(sa.select(Account)).one()
    assert (account.name, account.email, account.phone, account.role) == (
        *("김두리", "k@example.com", "010-1"),
        "administrator",
    )


def test_another_password_asks_for_the_old_one_and_ends_the_other_sessions(
    desk: FlaskClient, app: Flask, database: Database
) -> None:
    other = app.test_client()
    log_in(other)
    wrong = {"password": "a wrong one", "new_password": NEW, "again": NEW}
    assert failure(send(desk, "/account", action="password", **wrong))
    with database.begin() as session:
        assert session.scalars(sa.select(Account.failed_log_ins)).one() == 1
    assert failure(send(desk, "/account", action="password", **wrong | {"password": PASSWORD, "again": "differs"}))
    assert failure(send(desk, "/account", action="password", password=PASSWORD, new_password="short", again="short"))
    assert not failure(send(desk, "/account", action="password", **wrong | {"password": PASSWORD}))
    assert desk.get("/account", headers=PAGE).status_code == 200
    assert other.get("/account", headers=PAGE).status_code == 302
    assert log_ins.check_password(database, "kim", NEW, now()) is not None


def test_a_new_second_factor_needs_the_password_and_ends_the_other_sessions(desk: FlaskClient, app: Flask) -> None:
    other = app.test_client()
    log_in(other)
    secret = once(desk.get("/account/second-factor", headers=PAGE).text).replace(" ", "")
    code = second_factor.code_at(secret, now())
    assert failure(send(desk, "/account/second-factor", password="a wrong one", code=code))
    assert not failure(send(desk, "/account/second-factor", password=PASSWORD, code=code))
    assert desk.get("/account", headers=PAGE).status_code == 200
    assert other.get("/account", headers=PAGE).status_code == 302
    third = app.test_client()
    log_in(third)  # with the code of the old one
    assert third.get("/account", headers=PAGE).status_code == 302


def test_ones_other_sessions_are_ended_and_this_one_goes_on(desk: FlaskClient, app: Flask) -> None:
    others = [app.test_client() for _ in range(2)]
    for other in others:
        log_in(other)
    assert desk.get("/account", headers=PAGE).text.count("127.0.0.1") == 3
    send(desk, "/account", action="end_sessions")
    assert [other.get("/account", headers=PAGE).status_code for other in others] == [302, 302]
    assert desk.get("/account", headers=PAGE).status_code == 200


def test_an_administrator_ends_the_sessions_of_somebody(desk: FlaskClient, app: Flask, database: Database) -> None:
    add_person(database, "lee")
    lee = app.test_client()
    log_in(lee, "lee")
    send(desk, "/people/lee", action="end_sessions")
    assert lee.get("/account", headers=PAGE).status_code == 302


@pytest.mark.parametrize("action", ["", "delete", "change"])
def test_an_unknown_action_or_role_is_refused(desk: FlaskClient, action: str) -> None:
    data = {"action": action, "role": "king", "csrf_token": csrf_token(desk, "/people/kim")}
    assert desk.post("/people/kim", data=data, headers=PAGE).status_code == 422


@pytest.mark.parametrize("token", ["x" * 43, "x", "%00" * 43, "가" * 43])
def test_a_link_that_never_was_opens_nothing(client: FlaskClient, token: str) -> None:
    assert client.get(f"/invitation/{token}", headers=PAGE).status_code == 404
    assert client.post(f"/invitation/{token}", headers=PAGE).status_code == 404


def test_the_token_of_a_link_stays_out_of_the_log(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Mock()
    monkeypatch.setattr("app.factory.log", log)
    for mistyped in ("", ".", "/", "%0A"):
        client.get(f"/invitation/{'s' * 43}{mistyped}", headers=PAGE)
    client.get(f"/s/{'s' * 43}", headers=PAGE)
    assert {call.kwargs["path"] for call in log.info.call_args_list} == {"/invitation/…", "/s/…"}


def test_the_pages_wait_before_they_refuse(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("app.access.pages.REFUSED_AFTER", sessions.IDLE)
    monkeypatch.setattr("app.access.pages.time.sleep", waited.append)
    log_in(client, "nobody")
    assert waited[0] == pytest.approx(3600, abs=30)


def test_every_scope_and_role_has_its_words() -> None:
    assert set(people_words.SCOPES) == set(SCOPES)


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126 Safari/537.36 Edg/126",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) SamsungBrowser/25.0 Chrome/121 Safari/537.36", "Samsung Internet, Android"),
        ("curl/8.5.0", "curl"),
        ("", "–"),
        (None, "–"),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str | None, browser: str) -> None:
    assert people_words.browser_of(agent) == browser
