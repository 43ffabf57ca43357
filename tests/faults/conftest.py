"""A fleet on each database, the service over it, and a server that takes messages on this machine."""

from collections.abc import Iterator

import pytest

from app.db import Database
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.fleet.conftest import quick_start  # noqa: F401 - fixture
from tests.messages.conftest import receiver  # noqa: F401 - fixture
from tests.metering.conftest import app, client  # noqa: F401 - fixtures


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:  # noqa: F811
    database = Database(database_url)
    yield database
    database.dispose()
