"""The service with one person logged in, and bins to fill."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from tests.access.people import add_person, database_of, log_in, running_app
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.web.bins import Bins


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
    client = app.test_client()
    log_in(client)
    return client


@pytest.fixture
def bins(database: Database) -> Bins:
    return Bins(database)
