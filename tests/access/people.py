"""Two districts with people in them, and a browser without a screen for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.access import accounts
from app.context import Service
from app.db import Database
from app.factory import create_app
from app.registry.service import add_district
from app.settings import Settings
from app.times import now

PASSWORD = "correct horse battery"
PAGE = {"Accept": "text/html"}


@contextmanager
def running_app(database_url: str, **settings: Any) -> Iterator[Flask]:
    """The service on this database; its connections are closed at the end."""
    app = create_app(Settings(database_url=database_url, secret_key="only for tests", **settings))
    try:
        yield app
    finally:
        app.extensions["jongnyang"].close()


def database_of(app: Flask) -> Database:
    service: Service = app.extensions["jongnyang"]
    return service.database


def add_person(
    database: Database,
    login: str = "kim",
    code: str = "W0G",
    scopes: tuple[str, ...] | None = None,
    password: str = PASSWORD,
    role: str = "administrator",
    complex_ids: tuple[int, ...] = (),
    vendor_id: int | None = None,
) -> tuple[int, int]:
    """A person of the district with this code, which is made if need be; the ids of district and account."""
    from app.registry.service import district_by_code

    with database.begin() as session:
        district = district_by_code(session, code) or add_district(session, code, f"District {code}")
        person = accounts.Person(login, login.title(), role, password, scopes, complex_ids, vendor_id)
        account = accounts.add_account(session, district.id, person, now())
        return district.id, account.id


def log_in(client: FlaskClient, login: str = "kim", password: str = PASSWORD, **arguments: Any) -> Any:
    """Fill in the log-in form as a browser does."""
    token = csrf_token(client, "/login")
    data = {"login": login, "password": password, "csrf_token": token}
    return client.post("/login", data=data, headers=PAGE, **arguments)


def csrf_token(client: FlaskClient, path: str) -> str:
    """The CSRF token of the first form on a page."""
    page = client.get(path, headers=PAGE).text
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
