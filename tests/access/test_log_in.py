"""Logging in and out with a password and a code: sessions, their end, and what is refused."""

import unicodedata
from datetime import timedelta
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app.access import log_ins, passwords, people
from app.access.models import Account
from app.access.pages import safe_path
from app.access.sessions import IDLE, LENGTH
from app.db import Database
from app.times import now
from tests.access.people import PAGE, PASSWORD, add_person, code_now, csrf_token, log_in, running_app


def change(database: Database, **values: object) -> None:
    with database.begin() as session:
        session.execute(sa.update(Account).where(Account.login == "kim").values(**values))


def stored_hash(database: Database) -> str:
    with database.begin() as session:
        return session.scalars(sa.select(Account.password_hash).where(Account.login == "kim")).one()


def test_the_right_password_opens_the_first_page(client: FlaskClient) -> None:
    assert client.get("/", headers=PAGE).status_code == 302
    answer = log_in(client)
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/", headers=PAGE).status_code == 200


@pytest.mark.parametrize(("login", "password"), [("kim", "wrong password"), ("nobody", PASSWORD), ("kim", "x" * 300)])
def test_a_wrong_password_and_an_unknown_login_are_answered_alike(
    client: FlaskClient, login: str, password: str
) -> None:
    answer = log_in(client, login, password)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert client.get("/", headers=PAGE).status_code == 302


@pytest.mark.parametrize("login", ["nobody", "invited"])
def test_a_login_without_a_password_costs_a_check_too(
    database: Database, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    add_person(database, "invited", password=None)
    checked: list[str] = []
    monkeypatch.setattr(passwords, "hasher", Mock(verify=lambda known, _: checked.append(known)))
    passwords.fits("", PASSWORD)
    assert log_ins.check_password(database, login, PASSWORD, now()) is None
    assert checked == [passwords._no_hash()] * 2


def test_the_login_is_read_without_blanks_and_capitals(client: FlaskClient) -> None:
    assert log_in(client, " Kim ").status_code == 302


def test_a_password_may_be_typed_in_either_form_of_hangul(database: Database) -> None:
    syllables = "음식물쓰레기줄이기하나"
    add_person(database, "lee", password=syllables)
    assert log_ins.check_password(database, "lee", unicodedata.normalize("NFD", syllables), now()) is not None


def test_two_districts_may_use_one_login(database: Database) -> None:
    other, _ = add_person(database, code="W0K", password="another password")
    for login, district in {"kim": other, "W0K/kim": other, "W0G/kim": None}.items():
        found = log_ins.check_password(database, login, "another password", now())
        assert (found and found.district_id) == district


def test_a_session_is_new_after_the_log_in(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    log_in(client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.permanent


def test_a_session_ends_eight_hours_after_the_log_in_even_when_used(client: FlaskClient) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        log_in(client)
        for minutes in (50, 100, 150, 200, 250, 300, 350, 400, 450, 479):
            clock.move_to(start + timedelta(minutes=minutes))
            assert client.get("/", headers=PAGE).status_code == 200
        clock.move_to(start + LENGTH + timedelta(seconds=2))
        assert client.get("/", headers=PAGE).status_code == 302


def test_a_session_that_nobody_uses_ends_after_an_hour_even_if_a_page_goes_on_asking(client: FlaskClient) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        log_in(client)
        clock.move_to(start + IDLE - timedelta(seconds=2))
        assert client.get("/live", headers=PAGE | {"Jongnyang-Poll": "1"}).status_code == 200
        clock.move_to(start + IDLE + timedelta(seconds=2))
        assert client.get("/live", headers=PAGE).status_code == 302


def test_a_session_is_read_by_one_query_and_written_once_a_minute_at_most(
    client: FlaskClient, database: Database
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        log_in(client)
        statements: list[str] = []
        sa.event.listen(database.engine, "before_cursor_execute", lambda *run: statements.append(run[2]))
        for seconds, writes in ((50, 0), (20, 1), (50, 0), (20, 1)):
            clock.shift(timedelta(seconds=seconds))
            statements.clear()
            assert client.post("/logout", headers=PAGE).status_code == 400  # who asks is known; the form's token is not
            about = [statement for statement in statements if "account" in statement]
            assert len(about) == 1 + writes


def test_logging_out_ends_the_session(client: FlaskClient) -> None:
    log_in(client)
    answer = client.post("/logout", data={"csrf_token": csrf_token(client, "/")}, headers=PAGE)
    assert (answer.status_code, answer.location) == (302, "/login")
    assert client.get("/", headers=PAGE).status_code == 302


def test_a_disabled_account_is_out_at_once_and_stays_out(client: FlaskClient, database: Database) -> None:
    log_in(client)
    change(database, disabled_at=now())
    assert client.get("/", headers=PAGE).status_code == 302
    assert log_in(client).status_code == 422


def test_another_password_ends_the_sessions_of_the_old_one(client: FlaskClient, database: Database) -> None:
    log_in(client)
    with database.begin() as session:
        people.set_password(session, 1, "kim", "another password", "cli", now())
    assert client.get("/", headers=PAGE).status_code == 302
    assert log_in(client, password="another password").status_code == 302


def test_a_hash_of_weaker_parameters_is_made_anew_at_the_next_log_in(client: FlaskClient, database: Database) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    change(database, password_hash=weak)
    log_in(client)
    assert stored_hash(database) != weak
    assert not passwords.hasher.check_needs_rehash(stored_hash(database))
    assert client.get("/", headers=PAGE).status_code == 200


def test_a_password_is_kept_as_argon2id(database: Database) -> None:
    assert stored_hash(database).startswith("$argon2id$")
    assert PASSWORD not in stored_hash(database)


def test_the_form_needs_its_csrf_token(client: FlaskClient) -> None:
    answer = client.post("/login", data={"login": "kim", "password": PASSWORD}, headers=PAGE)
    assert answer.status_code == 422
    assert client.get("/", headers=PAGE).status_code == 302


def test_logging_out_needs_its_csrf_token(client: FlaskClient) -> None:
    log_in(client)
    answer = client.post("/logout", headers=PAGE)
    assert answer.status_code == 400
    assert "/problems/form-expired" in answer.text
    assert client.get("/", headers=PAGE).status_code == 200


def test_guessing_is_stopped_and_says_for_how_long(client: FlaskClient) -> None:
    statuses = [log_in(client, password=f"guess number {n}").status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]
    answer = log_in(client)  # not even with the right password
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    token = csrf_token(client, "/login")
    data = {"login": "kim", "password": "guess", "csrf_token": token}
    plain = client.post("/login", data=data, headers={"Accept": "application/json"})
    assert plain.content_type == "application/problem+json"
    assert plain.json["type"] == "/problems/too-many-requests"


def test_a_right_password_forgets_the_wrong_ones(client: FlaskClient) -> None:
    for _ in range(3):
        assert [log_in(client, password=f"guess number {n}").status_code for n in range(4)] == [422] * 4
        assert log_in(client).status_code == 302


def test_one_address_cannot_try_every_login(client: FlaskClient) -> None:
    token = csrf_token(client, "/login")
    data = {"password": "some guess", "csrf_token": token}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_ins, "check_password", lambda *_: None)
        answers = [client.post("/login", data=data | {"login": f"person{n}"}, headers=PAGE) for n in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {422}
    assert answers[60].status_code == 429


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "live",
        "",
        None,
    ],
)
def test_no_other_host_is_gone_to(client: FlaskClient, path: str | None) -> None:
    assert safe_path(path) == "/"
    assert log_in(client).location == "/"


def test_after_the_log_in_one_is_where_one_wanted_to_be(app: Flask) -> None:
    client = app.test_client()
    asked = client.get("/live?part=2", headers=PAGE)
    assert asked.location == "/login?next=/live?part%3D2"
    token = csrf_token(client, asked.location)
    data = {"login": "kim", "password": PASSWORD, "csrf_token": token}
    code_page = client.post(asked.location, data=data, headers=PAGE).location
    assert code_page == "/login/code?next=/live?part%3D2"
    data = {"code": code_now(), "csrf_token": csrf_token(client, code_page)}
    assert client.post(code_page, data=data, headers=PAGE).location == "/live?part=2"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(database_url: str) -> None:
    with running_app(database_url, secure_cookies=True) as app:
        answer = app.test_client().get("/login", base_url="https://localhost")
        assert all(part in answer.headers["Set-Cookie"] for part in ("HttpOnly", "SameSite=Lax", "Secure"))
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
