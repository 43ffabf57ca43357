"""API tokens: bearer authentication, scopes, expiry and revocation."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask, g
from flask.testing import FlaskClient

from app.access import accounts, rules
from app.access.models import Account, ApiToken
from app.db import Database
from app.texts import Refused
from app.times import now
from tests.access.people import PAGE, add_person, log_in


def add_token(database: Database, login: str = "kim", scopes: tuple[str, ...] = ("metering:read",)) -> str:
    with database.begin() as session:
        account = session.scalars(sa.select(Account).where(Account.login == login)).one()
        return accounts.add_token(session, account, "export", scopes, now(), now() + timedelta(days=30))


def change(database: Database, model: type[Account] | type[ApiToken], **values: object) -> None:
    with database.begin() as session:
        session.execute(sa.update(model).values(**values))


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def test_a_token_opens_what_its_scope_says(client: FlaskClient, database: Database) -> None:
    assert client.get("/", headers=bearer(add_token(database))).status_code == 200


def test_a_token_without_the_scope_is_told_which_one(client: FlaskClient, database: Database) -> None:
    answer = client.get("/live", headers=bearer(add_token(database, scopes=("registry:write",))))
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"
    assert (answer.json["type"], answer.json["scope"]) == ("/problems/not-allowed", "metering:read")


def test_a_token_may_no_more_than_its_account_may_now(client: FlaskClient, database: Database) -> None:
    token = add_token(database)
    change(database, Account, scopes="registry:write")
    assert client.get("/live", headers=bearer(token)).status_code == 403


def test_a_token_cannot_be_given_more_than_its_account_may(database: Database) -> None:
    add_person(database, "lee", scopes=("metering:read",))
    with pytest.raises(Refused, match="metering:correct"):
        add_token(database, "lee", scopes=("metering:read", "metering:correct"))


def test_an_unknown_scope_is_refused(database: Database) -> None:
    with pytest.raises(Refused, match="everything is no scope"):
        add_token(database, scopes=("everything",))


def test_only_one_live_token_of_a_name(database: Database) -> None:
    add_token(database)
    with pytest.raises(Refused, match="has a token export already"):
        add_token(database)
    change(database, ApiToken, revoked_at=now())
    assert add_token(database).startswith("jn_")


def test_only_a_hash_of_the_token_is_stored(database: Database) -> None:
    token = add_token(database)
    with database.begin() as session:
        stored = session.scalars(sa.select(ApiToken)).one()
        assert len(stored.token_hash) == 32
        assert token not in str(vars(stored))


@pytest.mark.parametrize("token", ["", "jn_unknown", "kim", "é"])
def test_an_unknown_token_is_answered_with_401(client: FlaskClient, token: str) -> None:
    answer = client.get("/", headers=bearer(token))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["type"] == "/problems/not-authenticated"


def test_a_revoked_token_is_refused_at_once(client: FlaskClient, database: Database) -> None:
    token = add_token(database)
    change(database, ApiToken, revoked_at=now())
    assert client.get("/", headers=bearer(token)).status_code == 401


def test_a_token_of_a_disabled_account_is_refused_at_once(client: FlaskClient, database: Database) -> None:
    token = add_token(database)
    change(database, Account, disabled_at=now())
    assert client.get("/", headers=bearer(token)).status_code == 401


def test_a_token_expires(client: FlaskClient, database: Database) -> None:
    token = add_token(database)
    with time_machine.travel(now() + timedelta(days=29, hours=23)):
        assert client.get("/", headers=bearer(token)).status_code == 200
    with time_machine.travel(now() + timedelta(days=30, seconds=1)):
        assert client.get("/", headers=bearer(token)).status_code == 401


def test_a_bad_token_is_not_made_good_by_a_session(client: FlaskClient) -> None:
    log_in(client)
    assert client.get("/", headers=bearer("jn_unknown")).status_code == 401


def test_a_token_needs_no_csrf_token_and_a_session_does(app: Flask, database: Database) -> None:
    @app.post("/change")
    @rules.scope("metering:correct")
    def change_something() -> dict[str, str]:
        g.audited = True  # nothing is changed in truth
        return {"by": accounts.current_actor(), "district": str(accounts.current_district_id())}

    client = app.test_client()
    token = add_token(database, scopes=("metering:correct",))
    assert client.post("/change", headers=bearer(token)).json == {"by": "kim/export", "district": "1"}
    log_in(client)
    assert client.post("/change").json["type"] == "/problems/form-expired"
    sent = {"X-CSRFToken": csrf_of(client)}
    assert client.post("/change", headers=sent).json == {"by": "kim", "district": "1"}


def csrf_of(client: FlaskClient) -> str:
    page = client.get("/", headers=PAGE).text
    return page.split('name="csrf_token" value="')[1].split('"')[0]
