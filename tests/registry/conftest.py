from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.registry import support


@pytest.fixture
def registry(database_url: str, tmp_path: Path) -> Iterator[support.Registry]:  # noqa: F811
    """An empty registry on either database."""
    database = Database(database_url, pool_size=2)
    yield support.Registry(database, tmp_path)
    database.dispose()


@pytest.fixture
def settled(registry: support.Registry) -> support.Registry:
    """A registry that knows the complexes T0X001 and T0X002."""
    registry.complexes(support.complexes({}, {"aptCode": "T0X002", "aptName_y": "나무"}))
    return registry


@pytest.fixture
def keco() -> Path:
    """The real K-eco file of the first district."""
    if not support.KECO.exists():
        pytest.skip(f"{support.KECO} is missing: the real K-eco file is not part of the product.")
    return support.KECO
