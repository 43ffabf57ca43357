from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database
from tests.metering.reported import support


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[support.Desk]:
    """A clerk's desk in a district that has nothing yet, on either database."""
    database = Database(database_url, pool_size=2)
    yield support.Desk(database, tmp_path)
    database.dispose()
