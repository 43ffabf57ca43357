"""A district whose audit log has entries, on either database."""

from collections.abc import Iterator

import pytest

from app.db import Database
from tests.audit.log import Log
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:  # noqa: F811
    database = Database(database_url, pool_size=4)
    yield Log(database)
    database.dispose()
