"""One connection to the spool's file: how it writes, and what it does when the disk is full."""

import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import structlog

from gateways.limits import SpoolLimits
from gateways.spool.reserve import Reserve
from gateways.spool.schema import PAGE_BYTES, TABLES, VERSION

log = structlog.get_logger()

_BUSY_S: Final = 30.0
_LOG_PAGES: Final = 1000  # a checkpoint then moves 4 MB: short enough to be waited for at the bin
_LOG_BYTES: Final = 16_000_000  # a log that grew beyond this, behind a long read, is cut again
_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class SpoolFullError(sqlite3.OperationalError):
    """There is no room left on the disk: nothing was written."""


class Connection:
    """For one thread; what a method wrote is durable when it returns. Nothing is cached between calls.

    `read_only` is for looking beside a running gateway. Raises sqlite3.OperationalError if the file cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False, limits: SpoolLimits | None = None) -> None:
        self.path = path
        self._limits = limits or SpoolLimits()
        self._reserve = Reserve.beside(path, self._limits.reserve_bytes)
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        self._all_or_nothing = _Transaction(self._db, path)
        if not read_only:
            self._configure()

    def _configure(self) -> None:
        for setting in (
            f"page_size = {PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {_LOG_PAGES}",
            f"journal_size_limit = {_LOG_BYTES}",
        ):
            self._db.execute(f"PRAGMA {setting}").fetchall()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @property
    def is_prepared(self) -> bool:
        """Whether the tables are there, as this version of the software makes them."""
        return bool(self._db.execute("PRAGMA user_version").fetchone()[0] == VERSION)

    def make_tables(self) -> None:
        """Make the tables, all or none."""
        self._db.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")

    def _transaction(self) -> "_Transaction":
        """All or nothing, and durable at the end. Raises SpoolFullError."""
        return self._all_or_nothing


class _Transaction:
    """A context that can be entered again and again; a generator would cost a tenth of an append."""

    __slots__ = ("_db", "_path")

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._undo(error)
            raise
        return self._db

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                self._db.execute("COMMIT")
                return
        except sqlite3.OperationalError as failed:
            self._undo(failed)
            raise
        self._undo(error)

    def _undo(self, error: BaseException) -> None:
        if self._db.in_transaction:  # SQLite itself has rolled back if the disk was full
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _FULL:
            raise SpoolFullError(f"{self._path}: {error}") from error


Kept = TypeVar("Kept", bound=Connection)


def even_if_full(
    write: Callable[Concatenate[Kept, Parameters], Answer],
) -> Callable[Concatenate[Kept, Parameters], Answer]:
    """Let a write that must not fail use the reserve: freed at a full disk, and the write tried once more."""

    @functools.wraps(write)
    def with_reserve(spool: Kept, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        try:
            return write(spool, *args, **kwargs)
        except SpoolFullError:
            if not spool._reserve.free():
                raise
            log.error("spool_reserve_freed", todo="make room on the disk")
            return write(spool, *args, **kwargs)

    return with_reserve
