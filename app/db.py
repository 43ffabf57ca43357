"""The database, either of two: PostgreSQL in production, SQLite embedded. One set of migrations builds both."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite, which has no such type."""

    impl = sa.TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; instants are stored in UTC.")
        return to_microseconds(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return from_microseconds(value)
        return value.astimezone(UTC)  # type: ignore[no-any-return]


def to_microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC."""
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The inverse of `to_microseconds`."""
    return EPOCH + value * MICROSECOND


Big = Annotated[
    int, mapped_column(sa.BigInteger())
]  # what may pass 2,147,483,647: numbers that only grow, sums of grams


def from_driver(value: datetime | int | None) -> datetime | None:
    """An instant in UTC from what the driver hands over: microseconds on SQLite, else a time in the server's zone.

    Instants of one zone compare four times as fast as those of two.
    """
    if isinstance(value, int):
        return from_microseconds(value)
    return value.astimezone(UTC) if value else None


# How SQLite stores what the driver is handed directly; the same as the types above do.
sqlite3.register_adapter(datetime, to_microseconds)
sqlite3.register_adapter(date, date.isoformat)


class Base(DeclarativeBase):
    """Every table. Constraint names are fixed so that migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, int: sa.Integer(), str: sa.Text(), bytes: sa.LargeBinary()}  # noqa: RUF012 - SQLAlchemy's own protocol


def one_of(column: str, values: tuple[str, ...]) -> str:
    """What a check constraint says of a column that takes these texts alone."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Database:
    """An engine and its sessions. `begin()` commits at the end or rolls everything back."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.engine = make_engine(url, pool_size)
        self.session = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.session.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that only reads, in one transaction."""
        with self.engine.connect().execution_options(read_only=True) as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        self.engine.dispose()


def make_engine(url: str, pool_size: int = 10, ping: bool = True) -> sa.Engine:
    """An engine whose SQLite connections are durable (WAL, `synchronous=FULL`) and check foreign keys.

    `ping` asks PostgreSQL before each use whether the connection still lives: a round trip that ingest, which retries
    by itself, does without.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_size=pool_size, pool_pre_ping=ping)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are opened by _begin_immediate, not by the driver
    # recursive_triggers: without it INSERT OR REPLACE would take a ledger row away and fire no trigger.
    pragmas = "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON", "busy_timeout=30000"
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that turns to writing fails at once with "database is locked" instead of waiting.
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


Executor = sa.Connection | Session
Statement = tuple[str, tuple[Any, ...]]  # SQL with parameters marked `?`, and the parameters

# What a database says when it is not there, or when trying again may help; by the driver or through SQLAlchemy.
UNAVAILABLE = (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError, sqlite3.OperationalError)


def is_sqlite(executor: Executor) -> bool:
    """Which of the two databases this is."""
    bind = executor.get_bind() if isinstance(executor, Session) else executor
    return bind.dialect.name == "sqlite"


def upsert(executor: Executor, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of the database at hand."""
    return (sqlite if is_sqlite(executor) else postgresql).insert(table)


def fetch(connection: sa.Connection, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement by the driver itself and fetch its rows: ten times cheaper than building it with SQLAlchemy.

    For the few statements of every ingest transaction. Parameters are marked `?`; instants go in and out as the driver
    has them, on SQLite as microseconds.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        found: list[tuple[Any, ...]] = driver.execute(sql, parameters).fetchall()
        return found
    answered: list[tuple[Any, ...]] = driver.execute(_postgres_marks(sql), parameters).fetchall()
    return answered


class Round:
    """Several statements that are sent together and waited for once; run in the order in which they were added."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._statements: list[Statement] = []
        self._rows: list[list[tuple[Any, ...]]] = []

    def add(self, statements: Iterable[Statement]) -> Callable[[], list[tuple[Any, ...]]]:
        """Add statements; after `run`, what comes back gives all their rows."""
        start = len(self._statements)
        self._statements += statements
        end = len(self._statements)
        return lambda: [row for rows in self._rows[start:end] for row in rows]

    def run(self) -> None:
        """Run everything that was added. Each statement must return rows, if only none."""
        driver: Any = self._connection.connection.driver_connection
        if is_sqlite(self._connection):
            self._rows = [driver.execute(sql, parameters).fetchall() for sql, parameters in self._statements]
            return
        with driver.pipeline():
            cursors = [driver.execute(_postgres_marks(sql), parameters) for sql, parameters in self._statements]
        self._rows = [cursor.fetchall() for cursor in cursors]


def run(connection: sa.Connection, sql: str, *parameters: Any) -> None:
    """Run one statement by the driver itself, without asking for an answer."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.execute(sql, parameters).close()
    else:
        driver.execute(_postgres_marks(sql), parameters)


def run_many(connection: sa.Connection, sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run one statement for many rows by the driver itself; parameters are marked `?`."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.executemany(sql, rows).close()
        return
    with driver.cursor() as cursor:
        cursor.executemany(_postgres_marks(sql), rows)


@cache
def _postgres_marks(sql: str) -> str:
    return sql.replace("?", "%s")


@contextmanager
def pipelined(connection: sa.Connection) -> Iterator[None]:
    """Send the statements of the block without waiting for each answer; an error comes up at its end, at the latest."""
    driver: Any = connection.connection.driver_connection
    with nullcontext() if connection.dialect.name == "sqlite" else driver.pipeline():
        yield


def array_literal(values: Iterable[Any]) -> str:
    """Numbers, days or instants as PostgreSQL's array literal; the driver's own dump of a list takes tenfold."""
    return "{" + ",".join(map(str, values)) + "}"


def alembic_config(url: str | None = None) -> Config:
    """Alembic's settings; the scripts are found beside the installed package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    if url:
        config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`, creating an SQLite file and its folder when missing."""
    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision` ("base" removes everything)."""
    command.downgrade(alembic_config(url), revision)


def head_revision() -> str:
    """The newest migration that this code knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def current_revision(connection: sa.Connection) -> str:
    """The migration that the database is at, or an empty string."""
    return MigrationContext.configure(connection).get_current_revision() or ""
