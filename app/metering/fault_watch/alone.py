"""One watch at a time for a database: the lock ends with the process that holds it, however that ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from app.db import Database
from app.texts import Refused, Text

LOCK = 4_203_709  # an advisory lock of PostgreSQL that nothing else here uses
RUNNING = Text(
    "고장 감시가 이 데이터베이스에서 이미 돌고 있습니다. 그것을 멈추거나 한 번만 점검하세요: jongnyang fault check",
    "A watch runs on this database already. Stop that one first, or check once with: jongnyang fault check",
)


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Hold the lock of the watch; raises Refused while another process holds it."""
    with _file_lock(database) if database.is_sqlite else _advisory_lock(database):
        yield


@contextmanager
def _file_lock(database: Database) -> Iterator[None]:
    path = Path(f"{database.engine.url.database}.watch.lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(RUNNING) from error
        yield


@contextmanager
def _advisory_lock(database: Database) -> Iterator[None]:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
            raise Refused(RUNNING)
        try:
            yield
        finally:
            connection.scalar(sa.select(sa.func.pg_advisory_unlock(LOCK)))
