"""A service with a small town and a gateway, the command line on its database, and a place to restore to."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from scripts.postgres import throwaway_database
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.conftest import app, box, client, database, town  # noqa: F401 - fixtures

Type = Callable[..., Result]


@pytest.fixture
def typed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:  # noqa: F811
    """Runs one command line, in English unless told otherwise, on the database of the test."""
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")

    def run(*words: object, language: str = "en_US.UTF-8") -> Result:
        monkeypatch.setenv("LC_ALL", language)
        return CliRunner().invoke(main, list(map(str, words)))

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the backups go."""
    return tmp_path / "backups"


@pytest.fixture
def new_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a database may be restored to."""
    with contextlib.ExitStack() as stack:
        if dialect == "sqlite":
            yield f"sqlite:///{tmp_path / 'new' / 'restored.db'}"
        else:
            yield stack.enter_context(throwaway_database(request.getfixturevalue("postgres_server")))
