"""One engine for many tests, each with a database without rows: what SQL was compiled once is not compiled again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Database]]:
    """Databases by URL."""
    kept: dict[str, Database] = {}
    yield kept
    for database in kept.values():
        database.dispose()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections")


@pytest.fixture
def database_url(dialect: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database at the newest migration without rows, the same for all tests of a dialect."""
    if dialect == "postgresql":
        url: str = request.getfixturevalue("emptied_postgres")()
        return url
    for old in folder.glob("jongnyang.db*"):
        old.unlink()
    shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "jongnyang.db")
    return f"sqlite:///{folder / 'jongnyang.db'}"


@pytest.fixture
def database(database_url: str, kept: dict[str, Database]) -> Iterator[Database]:
    database = kept.setdefault(database_url, Database(database_url))
    yield database
    database.dispose()  # closes connections; the engine opens others when it is asked again
