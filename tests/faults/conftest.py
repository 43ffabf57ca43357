"""A fleet on each database, the service over it, and a server that takes messages on this machine."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from app.access import passwords
from app.db import Database
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.messages.conftest import receiver  # noqa: F401 - fixture
from tests.metering.conftest import app, client  # noqa: F401 - fixtures


@pytest.fixture(autouse=True, scope="module")
def quick_passwords() -> Iterator[None]:
    """Leave out Argon2's effort, which is proved elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:  # noqa: F811
    database = Database(database_url)
    yield database
    database.dispose()
