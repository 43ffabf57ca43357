"""The service with one person who may do everything."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app.access import pages, passwords
from app.db import Database
from tests.access.people import add_person, database_of, running_app
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures


@pytest.fixture(autouse=True, scope="session")
def quick() -> Iterator[None]:
    """Leave out what takes most of a test's time: Argon2's effort, and the wait before a refusal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(pages, "REFUSED_AFTER", timedelta(0))
        yield


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:  # noqa: F811
    with running_app(database_url) as app:
        add_person(database_of(app))
        yield app


@pytest.fixture
def database(app: Flask) -> Database:
    return database_of(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
