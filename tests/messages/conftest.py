"""A district with people to be told, and a world that listens on this machine alone."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from app.access import passwords
from app.db import Database
from tests.access.people import add_person
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.messages.world import Mailbox, Outboxed, Receiver


@pytest.fixture(autouse=True, scope="module")
def quick_start() -> Iterator[None]:
    """Leave out what takes most of a test's time and is proved elsewhere: Argon2's effort."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:  # noqa: F811
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def kim(database: Database, receiver: Receiver) -> Outboxed:
    """Kim of the district office, who is told by a webhook unless a test adds other channels."""
    return Outboxed(database, receiver, *add_person(database))
