"""Two districts with people in them, and a browser without a screen for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access import accounts, second_factor
from app.access.models import Account
from app.access.rules import ROLES
from app.context import Service
from app.db import Database
from app.registry.service import add_district
from app.settings import Settings
from app.times import now
from tests.apps import running

PASSWORD = "correct horse battery"
PAGE = {"Accept": "text/html"}
SECRET_KEY = "only for tests"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # the second factor of everybody here who needs one


@contextmanager
def running_app(database_url: str, **settings: Any) -> Iterator[Flask]:
    """The service on this database; its connections are closed at the end."""
    with running(Settings(database_url=database_url, secret_key=SECRET_KEY, **settings)) as app:
        yield app


def database_of(app: Flask) -> Database:
    service: Service = app.extensions["jongnyang"]
    return service.database


def add_person(
    database: Database,
    login: str = "kim",
    code: str = "W0G",
    scopes: tuple[str, ...] | None = None,
    password: str | None = PASSWORD,
    role: str = "administrator",
    complex_ids: tuple[int, ...] = (),
    vendor_id: int | None = None,
) -> tuple[int, int]:
    """A person of the district with this code, which is made if need be; the ids of district and account.

    Whose role needs a second factor has one, with TOTP_SECRET.
    """
    from app.registry.service import district_by_code

    with database.begin() as session:
        district = district_by_code(session, code) or add_district(session, code, f"District {code}")
        person = accounts.Person(login, login.title(), role, password, scopes, complex_ids, vendor_id)
        account = accounts.add_account(session, district.id, person, now())
        if ROLES[role].second_factor:
            assert second_factor.confirm(account, SECRET_KEY, TOTP_SECRET, code_now(), now())
            account.totp_last_step = None  # so that the present code still works once
        return district.id, account.id


def log_in(client: FlaskClient, login: str = "kim", password: str = PASSWORD, **arguments: Any) -> Any:
    """Fill in the log-in forms as a browser does: login and password, then the code where one is asked for."""
    answer = _fill_in(client, "/login", {"login": login, "password": password}, **arguments)
    if (answer.location or "").startswith("/login/code"):
        forget_codes(database_of(client.application))
        answer = _fill_in(client, answer.location, {"code": code_now()}, **arguments)
    return answer


def code_now() -> str:
    """The code that the app on everybody's phone shows."""
    return second_factor.code_at(TOTP_SECRET, now())


def forget_codes(database: Database) -> None:
    """Let a code work once more, for tests that log in twice within 30 seconds."""
    with database.begin() as session:
        session.execute(sa.update(Account).values(totp_last_step=None))


def _fill_in(client: FlaskClient, path: str, data: dict[str, str], **arguments: Any) -> Any:
    return client.post(path, data=data | {"csrf_token": csrf_token(client, path)}, headers=PAGE, **arguments)


def csrf_token(client: FlaskClient, path: str) -> str:
    """The CSRF token of the first form on a page."""
    page = client.get(path, headers=PAGE).text
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
