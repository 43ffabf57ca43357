"""The service with one person who may do everything."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from tests.access.people import add_person, database_of, running_app


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with running_app(database_url) as app:
        add_person(database_of(app))
        yield app


@pytest.fixture
def database(app: Flask) -> Database:
    return database_of(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
