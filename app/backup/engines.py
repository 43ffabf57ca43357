"""The two databases behind one face: one moment of a database out of it, and a backup into an empty one."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import sqlalchemy as sa

from app.backup import postgres_dumps, sqlite_copies
from app.backup.archive import Tell
from app.backup.manifest import Manifest
from app.db import Database


class Moment(NamedTuple):
    """A snapshot: a connection to count with, and what to pack of it."""

    connection: sa.Connection
    part: str
    dump: Callable[[], AbstractContextManager[IO[bytes]]]
    server: str
    tool: int


def is_sqlite(url: sa.URL) -> bool:
    """Whether the database is a file."""
    return url.get_backend_name() == "sqlite"


@contextmanager
def moment(url: sa.URL, unfinished: Path, pg_bin: str) -> Iterator[Moment]:
    """One moment of the database, held as long as the block lasts; SQLite's in the file `unfinished`."""
    with _of_sqlite(url, unfinished) if is_sqlite(url) else _of_postgres(url, pg_bin) as held:
        yield held


@contextmanager
def _of_sqlite(url: sa.URL, unfinished: Path) -> Iterator[Moment]:
    with (
        sqlite_copies.copied(url, unfinished) as copy,
        opened(sqlite_copies.url_of(copy)) as database,
        database.reading() as connection,
    ):
        version = f"SQLite {sqlite3.sqlite_version}"
        yield Moment(connection, sqlite_copies.PART, lambda: copy.open("rb"), version, 0)


@contextmanager
def _of_postgres(url: sa.URL, pg_bin: str) -> Iterator[Moment]:
    with opened(url) as database, postgres_dumps.snapshot(database.engine) as (connection, name):
        tools = postgres_dumps.find_tools(postgres_dumps.server_major(connection), pg_bin)
        version = f"PostgreSQL {connection.scalar(sa.text('SHOW server_version'))}"
        dump = partial(postgres_dumps.dumping, tools, url, name)
        yield Moment(connection, postgres_dumps.PART, dump, version, tools.major)


def require_empty(url: sa.URL) -> None:
    """Raise Refused where there are data already."""
    (sqlite_copies if is_sqlite(url) else postgres_dumps).require_empty(url)


@contextmanager
def restored(path: Path, manifest: Manifest, url: sa.URL, pg_bin: str, tell: Tell) -> Iterator[Database]:
    """The backup in the empty database of `url`. An SQLite file gets its name at the end of the block."""
    (part,) = manifest.parts
    if is_sqlite(url):
        place = Path(str(url.database))
        with (
            sqlite_copies.restored(path, part, place, tell) as unfinished,
            opened(sqlite_copies.url_of(unfinished)) as database,
        ):
            yield database
        return
    tools = postgres_dumps.require_tools(url, manifest, pg_bin)
    postgres_dumps.restore(tools, url, path, part, tell)
    with opened(url) as database:
        yield database


@contextmanager
def opened(url: sa.URL) -> Iterator[Database]:
    """The database with its connections closed at the end."""
    database = Database(url.render_as_string(hide_password=False), pool_size=1)
    try:
        yield database
    finally:
        database.dispose()
