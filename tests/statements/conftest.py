"""A district that is billed, on each database, with or without the service over it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from app.settings import Settings
from tests.apps import running
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.statements.town import BilledTown


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:  # noqa: F811
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def town(database: Database) -> BilledTown:
    return BilledTown(database)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:  # noqa: F811
    with running(Settings(database_url=database_url, secret_key="only for tests", log_level="WARNING")) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
