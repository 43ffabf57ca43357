"""One PostgreSQL database for many tests, emptied before each: a thousandth of the time that a new one takes.

    from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures

replaces `database_url` of `tests.conftest` in a folder or module whose tests leave the schema as it is. What a fresh
database has (the migration it is at) stays; no row and no sequence tells of the tests before.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scripts.postgres import throwaway_database

TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
SEQUENCES = "SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"


@pytest.fixture(scope="session")
def emptied_postgres(postgres_server: str, postgres_template: str) -> Iterator[Callable[[], str]]:
    """Empties the one database and returns its URL."""
    with throwaway_database(postgres_server, postgres_template) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            tables = connection.exec_driver_sql(TABLES).scalars().all()
            counts = {table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in tables}
            assert connection.exec_driver_sql(SEQUENCES).scalar() == 0, "a sequence would go on from test to test"
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        # As a replica: neither append-only tables nor foreign keys hold this up. Whoever still holds a row does.
        statements = ["SET session_replication_role = replica", "SET lock_timeout = '10s'"]
        statements += [f"DELETE FROM {table}" for table, count in counts.items() if not count]
        statements += [f"UPDATE alembic_version SET version_num = '{revision}'"]

        def empty() -> str:
            with engine.begin() as connection:
                connection.exec_driver_sql("; ".join(statements))
            return url

        yield empty


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database at the newest migration without rows."""
    if dialect == "postgresql":
        url: str = request.getfixturevalue("emptied_postgres")()
        return url
    shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "jongnyang.db")
    return f"sqlite:///{tmp_path / 'jongnyang.db'}"
