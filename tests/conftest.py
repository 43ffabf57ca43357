"""What every test may ask for: a fresh database of either kind, the private PostgreSQL, Chromium.

    def test_something(database_url): ...        runs twice, on SQLite and on PostgreSQL, migrated to head
    def test_something(empty_database_url): ...  the same before any migration

Use one of them alone with `@pytest.mark.parametrize("dialect", ["postgresql"])`.
"""

import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import make_url

from scripts.postgres import PostgresError, describe, private_postgres, throwaway_database

# How long an example takes says what else the machine does.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

CHROMIUM = Path("/usr/bin/chromium")
BROWSER_PACKAGES = "chromium fonts-nanum"

_held = pytest.StashKey[contextlib.ExitStack]()
_server = pytest.StashKey[dict[str, str]]()


@pytest.fixture(autouse=True)
def every_change_is_audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test lets people change by page or API must stand in the audit log, or its mark says `unaudited`."""
    before = _unaudited()
    yield
    if request.node.get_closest_marker("unaudited") is None:
        assert _unaudited() == before, "A route changed something and booked nothing (see app/access/audit.py)."


def _unaudited() -> dict[str, float]:
    """How often each endpoint of this process changed something and booked nothing."""
    metrics = sys.modules.get("app.metrics")  # tests of the gateway never load the service
    if metrics is None:
        return {}
    (family,) = metrics.UNAUDITED.collect()
    return {each.labels["endpoint"]: each.value for each in family.samples if each.name.endswith("_total")}


def pytest_report_header() -> str:
    return f"PostgreSQL of this run: {describe()}"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_held] = contextlib.ExitStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_held].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the one server of this run to a worker of pytest-xdist that is about to start."""
    node.workerinput["postgres"] = _start_once(node.config)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """The URL of this run's PostgreSQL, one for all workers; `throwaway_database(url)` makes a database in it.

    A PostgreSQL that cannot be started fails the test: a skipped half of the tests would look like a pass.
    """
    workerinput = getattr(request.config, "workerinput", None)
    answer: dict[str, str] = workerinput["postgres"] if workerinput else _start_once(request.config)
    if "error" in answer:
        pytest.fail(f"The tests need PostgreSQL. {answer['error']}", pytrace=False)
    return answer["url"]


def _start_once(config: pytest.Config) -> dict[str, str]:
    if _server not in config.stash:
        try:
            config.stash[_server] = {"url": config.stash[_held].enter_context(private_postgres())}
        except PostgresError as error:
            config.stash[_server] = {"error": str(error)}
    return config.stash[_server]


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh database at the newest migration, copied from one that was migrated once."""
    if dialect == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "jongnyang.db")
        yield f"sqlite:///{tmp_path / 'jongnyang.db'}"
        return
    template = request.getfixturevalue("postgres_template")
    with throwaway_database(request.getfixturevalue("postgres_server"), template) as url:
        yield url


@pytest.fixture
def empty_database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh database without a single table."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with throwaway_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, in one piece: nothing of it is left in a write-ahead log."""
    from app.db import upgrade

    path = tmp_path_factory.mktemp("template") / "migrated.db"
    upgrade(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database to which nobody is connected."""
    from app.db import upgrade

    with throwaway_database(postgres_server) as url:
        upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium's path. Start it with `--no-sandbox` as root, and without network of its own (`--disable-sync` …)."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing. Type: sudo apt-get install --yes {BROWSER_PACKAGES}")
    return str(CHROMIUM)
