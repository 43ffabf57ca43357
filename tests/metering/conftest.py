"""The service with a small town and a gateway that signs."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.context import Service
from app.db import Database
from app.settings import Settings
from tests.apps import running
from tests.builders import Box, Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:  # noqa: F811
    with running(Settings(database_url=database_url, secret_key="only for tests", log_level="WARNING")) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def database(app: Flask) -> Database:
    service: Service = app.extensions["jongnyang"]
    return service.database


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


@pytest.fixture
def box(client: FlaskClient, town: Town) -> Box:
    return Box(client)
