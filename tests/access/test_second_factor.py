"""The second step: codes that work once and for a while, the set-up that comes before everything, and the lock."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.access import log_ins, second_factor
from app.access.log_ins import LOCK_AFTER, LOCKED_FOR, STEP_WITHIN, Step
from app.access.models import Account, AuditEntry
from app.access.sealing import seal, unseal
from app.access.sessions import Origin
from app.db import Database
from app.times import now
from tests.access.people import (
    PAGE,
    PASSWORD,
    SECRET_KEY,
    TOTP_SECRET,
    add_person,
    code_now,
    csrf_token,
    database_of,
    log_in,
)

FIRST, CODE, SET_UP = "/login", "/login/code", "/login/second-factor"


def send(client: FlaskClient, path: str, **fields: str) -> str | None:
    """Fill in a form; where it leads, or None where it is shown again."""
    answer = client.post(path, data=fields | {"csrf_token": csrf_token(client, path)}, headers=PAGE)
    assert answer.status_code in (302, 422)
    return answer.location if answer.status_code == 302 else None


def first_step(client: FlaskClient, login: str = "kim") -> str | None:
    return send(client, FIRST, login=login, password=PASSWORD)


def is_in(client: FlaskClient) -> bool:
    return client.get("/account", headers=PAGE).status_code == 200


def actions(database: Database) -> list[str]:
    with database.begin() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_the_password_alone_opens_nothing_to_staff(client: FlaskClient) -> None:
    assert first_step(client) == CODE
    assert not is_in(client)
    assert client.get("/api/v1/me").status_code == 401
    assert send(client, CODE, code=code_now()) == "/"
    assert is_in(client)


def test_a_code_works_once(client: FlaskClient, app: Flask) -> None:
    code = code_now()
    first_step(client)
    assert send(client, CODE, code=code) == "/"
    thief = app.test_client()
    first_step(thief)
    assert send(thief, CODE, code=code) is None
    assert not is_in(thief)


def test_an_older_code_does_not_work_after_a_newer_one(client: FlaskClient, app: Flask) -> None:
    with time_machine.travel(now(), tick=False):
        first_step(client)
        assert send(client, CODE, code=second_factor.code_at(TOTP_SECRET, now() + timedelta(seconds=30))) == "/"
        other = app.test_client()
        first_step(other)
        assert send(other, CODE, code=code_now()) is None


@pytest.mark.parametrize(("seconds", "opens"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_may_be_one_step_early_or_late(client: FlaskClient, seconds: int, opens: bool) -> None:
    with time_machine.travel(now(), tick=False):
        first_step(client)
        code = second_factor.code_at(TOTP_SECRET, now() + timedelta(seconds=seconds))
        assert (send(client, CODE, code=f" {code[:3]} {code[3:]} ") == "/") == opens


def test_the_second_step_waits_ten_minutes_and_no_longer(client: FlaskClient) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        first_step(client)
        clock.move_to(start + STEP_WITHIN + timedelta(seconds=1))
        assert client.get(CODE, headers=PAGE).location == FIRST
        assert client.post(CODE, data={"code": code_now()}, headers=PAGE).location == FIRST


def test_the_second_step_ends_when_the_password_changes(client: FlaskClient, database: Database) -> None:
    first_step(client)
    with database.begin() as session:
        session.execute(sa.update(Account).values(password_hash="another"))
    assert send(client, CODE, code=code_now()) is None


@pytest.mark.parametrize("path", [CODE, SET_UP])
def test_there_is_no_second_step_without_the_first(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=PAGE).location == FIRST
    assert client.post(path, headers=PAGE).location == FIRST


def test_whose_role_needs_none_logs_in_by_password_until_they_set_one_up(app: Flask) -> None:
    add_person(database_of(app), "lee", role="contractor")
    client = app.test_client()
    assert first_step(client, "lee") == "/"
    path = "/account/second-factor"
    secret = shown_secret(client, path)
    assert send(client, path, password="wrong password", code=second_factor.code_at(secret, now())) is None
    assert send(client, path, password=PASSWORD, code="000000") is None
    assert send(client, path, password=PASSWORD, code=second_factor.code_at(secret, now())) == "/account"
    assert first_step(app.test_client(), "lee") == CODE


def shown_secret(client: FlaskClient, path: str) -> str:
    page = client.get(path, headers=PAGE)
    assert page.headers["Cache-Control"] == "no-store"
    assert "<svg" in page.text
    secret = page.text.split('<code class="once">')[1].split("</code>")[0].replace(" ", "")
    assert f"secret={secret}" in page.text
    return str(secret)


def test_staff_without_a_second_factor_set_it_up_before_anything_else(app: Flask, database: Database) -> None:
    with database.begin() as session:
        session.execute(sa.update(Account).values(totp_secret=None, totp_confirmed_at=None))
    client = app.test_client()
    assert first_step(client) == SET_UP
    assert not is_in(client)
    assert client.get(CODE, headers=PAGE).status_code == 200  # a code of what was never set up
    assert send(client, CODE, code=code_now()) is None
    secret = shown_secret(client, SET_UP)
    assert secret == shown_secret(client, SET_UP)  # reloading the page does not make another
    assert send(client, SET_UP, code="000000") is None
    code = second_factor.code_at(secret, now())
    assert send(client, SET_UP, code=code) == "/"
    assert is_in(client)
    again = app.test_client()
    assert first_step(again) == CODE
    assert send(again, CODE, code=code) is None  # the code that confirmed it was used
    assert "account.second_factor_set" in actions(database)


def test_a_session_of_staff_ends_with_their_second_factor(client: FlaskClient, database: Database) -> None:
    log_in(client)
    with database.begin() as session:
        session.execute(sa.update(Account).values(totp_confirmed_at=None))
    assert not is_in(client)


def test_the_secret_is_stored_sealed_and_fits_under_no_other_key(database: Database) -> None:
    with database.begin() as session:
        account = session.scalars(sa.select(Account)).one()
        assert TOTP_SECRET.encode() not in account.totp_secret
        assert not second_factor.use_code(account, "another secret", code_now(), now())
        assert second_factor.use_code(account, SECRET_KEY, code_now(), now())


@given(st.binary(max_size=100), st.text(max_size=20), st.text(max_size=20))
def test_what_is_sealed_is_read_by_the_same_key_and_purpose_alone(content: bytes, key: str, purpose: str) -> None:
    sealed = seal(key, purpose, content, now())
    assert unseal(key, purpose, sealed) == content
    assert unseal(key + "x", purpose, sealed) is None
    assert unseal(key, purpose + "x", sealed) is None


def test_ten_failures_lock_the_account_and_time_unlocks_it(database: Database) -> None:
    start = now()
    for count in range(LOCK_AFTER):
        assert actions(database) == []
        assert log_ins.check_password(database, "kim", f"guess {count}", start) is None
    assert actions(database) == ["account.locked"]
    assert log_ins.check_password(database, "kim", PASSWORD, start + LOCKED_FOR - timedelta(seconds=1)) is None
    assert log_ins.check_password(database, "kim", PASSWORD, start + LOCKED_FOR) is not None


def test_wrong_codes_count_towards_the_lock_and_the_right_password_does_not_forget_them(
    database: Database,
) -> None:
    for _ in range(LOCK_AFTER):
        assert enter(database, "000000") is None
    assert log_ins.check_password(database, "kim", PASSWORD, now()) is None


def test_entering_forgets_the_failures(database: Database) -> None:
    for _ in range(LOCK_AFTER - 1):
        log_ins.check_password(database, "kim", "guess", now())
    assert enter(database, code_now()) is not None
    with database.begin() as session:
        assert session.scalars(sa.select(Account.failed_log_ins)).one() == 0


def enter(database: Database, code: str) -> str | None:
    account = log_ins.check_password(database, "kim", PASSWORD, now())
    assert account is not None
    step = Step(SECRET_KEY, Origin("192.0.2.1", "a browser"), now())
    with database.begin() as session:
        return log_ins.enter(session, log_ins.pending_of(account), step, code)


def test_of_two_who_send_one_code_at_once_one_is_let_in(database: Database) -> None:
    account = log_ins.check_password(database, "kim", PASSWORD, now())
    assert account is not None
    pending, code, entered = log_ins.pending_of(account), code_now(), []
    together = Barrier(2)

    def send_code() -> None:
        together.wait()
        with database.begin() as session:
            step = Step(SECRET_KEY, Origin(None, None), now())
            entered.append(log_ins.enter(session, pending, step, code))

    threads = [Thread(target=send_code) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(session_id is None for session_id in entered) == [False, True]


def test_log_ins_and_log_outs_are_audited(client: FlaskClient, database: Database) -> None:
    log_in(client)
    client.post("/logout", data={"csrf_token": csrf_token(client, "/account")}, headers=PAGE)
    assert actions(database) == ["account.logged_in", "account.logged_out"]


def test_a_locked_account_answers_like_a_wrong_password(client: FlaskClient, database: Database) -> None:
    with database.begin() as session:
        session.execute(sa.update(Account).values(locked_until=now() + LOCKED_FOR))
    locked, unknown = (log_in(client, login) for login in ("kim", "nobody"))
    assert locked.status_code == unknown.status_code == 422
    assert told(locked.text) == told(unknown.text)


def told(page: str) -> str:
    return page.split('role="alert">')[1].split("</p>")[0]
