"""The gateway's own ledger: numbered records on disk until the server has each of them.

One SQLite file, WAL, `synchronous=FULL`: what a method wrote is durable when it returns. Each thread opens its own
`Spool` on the same file; nothing is cached between calls. A number is `id - first_id of its epoch + 1`, where ids come
from AUTOINCREMENT, which survives deletion and rolls back with its transaction: never reused, no gap.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from gateways.records import Result

log = structlog.get_logger()

KEEP_ACKED_DAYS: Final = 90
_DURABLE: Final = frozenset({"stored", "duplicate", "quarantined"})
_SCHEMA: Final = """
CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE, first_id INTEGER NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL REFERENCES epochs (epoch),
    seq INTEGER NOT NULL,
    meter TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    gross_after_g INTEGER,
    body BLOB NOT NULL,
    status TEXT,
    code TEXT,
    acked_at INTEGER,
    UNIQUE (epoch, seq)
);
CREATE INDEX records_pending ON records (id) WHERE status IS NULL;
CREATE INDEX records_acked ON records (acked_at) WHERE acked_at IS NOT NULL;
CREATE INDEX records_of_meter ON records (meter, id);
CREATE TABLE sessions (meter TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE alive (id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a record was decided: boot and milliseconds since it."""

    boot_id: str
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Records of one epoch that wait for the server, in order of their numbers."""

    epoch: str
    seqs: list[int]
    bodies: list[bytes]


@dataclass(frozen=True, slots=True)
class AliveRow:
    """A spooled alive interval: its row, its meter and its bytes."""

    id: int
    meter: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits: records, and the oldest one's stamp."""

    records: int
    oldest: Stamp | None


def open_spool(path: Path) -> "Spool":
    """Open the spool at boot: made if missing; if damaged, moved aside (kept) and begun anew with a new epoch.

    Raises sqlite3.OperationalError if the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not _is_sound(path):
        kept = _move_aside(path)
        log.error("spool_corrupt", kept_as=str(kept), todo="send this file to the operator; a new epoch begins")
    spool = Spool(path)
    spool.prepare()
    return spool


def _is_sound(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=10)
    try:
        return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _move_aside(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.corrupt-{secrets.token_hex(4)}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


class Spool:
    """A connection to the spool at `path`; for one thread. `read_only` is for looking beside a running gateway."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
        if read_only:
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def prepare(self) -> None:
        """Make the tables and the first epoch, unless they are there."""
        if not self.is_prepared:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM epochs").fetchone() is None:
                _begin_epoch(db)

    @property
    def is_prepared(self) -> bool:
        """Whether the tables are there."""
        return bool(self._db.execute("PRAGMA user_version").fetchone()[0])

    # --- Numbers

    def epoch(self) -> str:
        """Return the epoch that the next record will belong to: 16 hex digits."""
        return _current_epoch(self._db)[0]

    def next_seq(self) -> int:
        """Return the next record's number in the current epoch."""
        return _next_id(self._db) - _current_epoch(self._db)[1] + 1

    def begin_epoch(self) -> str:
        """Start a new epoch for the records to come; what waits keeps its epoch and numbers. Return its id."""
        with self._transaction() as db:
            return _begin_epoch(db)

    # --- Sessions and records

    def begin_session(self, meter: str, body: bytes) -> None:
        """Keep an open session, so that a power cut cannot lose its baseline. One per meter."""
        with self._transaction() as db:
            db.execute("INSERT INTO sessions (meter, body) VALUES (?, ?)", (meter, body))

    def open_session(self, meter: str) -> bytes | None:
        """Return the meter's session that was begun and never finished."""
        row = self._db.execute("SELECT body FROM sessions WHERE meter = ?", (meter,)).fetchone()
        return None if row is None else bytes(row[0])

    def append(self, meter: str, make: Callable[[int], bytes], stamp: Stamp, gross_after_g: int | None = None) -> int:
        """Number a record, keep its bytes `make(seq)` and close the meter's session, all or nothing; return seq."""
        with self._transaction() as db:
            epoch, first_id = _current_epoch(db)
            row_id = _next_id(db)
            seq = row_id - first_id + 1
            db.execute(
                "INSERT INTO records (id, epoch, seq, meter, boot_id, mono_ms, gross_after_g, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row_id, epoch, seq, meter, stamp.boot_id, stamp.mono_ms, gross_after_g, make(seq)),
            )
            db.execute("DELETE FROM sessions WHERE meter = ?", (meter,))
        return seq

    def last_gross_g(self, meter: str) -> int | None:
        """Return the proven weight in grams that the meter's newest record ended with, if it has one."""
        row = self._db.execute(
            "SELECT gross_after_g FROM records WHERE meter = ? ORDER BY id DESC LIMIT 1", (meter,)
        ).fetchone()
        return None if row is None else row[0]

    # --- Waiting for the server

    def pending(self, limit: int, max_bytes: int) -> Pending | None:
        """Return the oldest unacknowledged records of one epoch: at most `limit`, and `max_bytes` after the first."""
        rows = self._db.execute(
            "SELECT epoch, seq, body FROM records WHERE status IS NULL ORDER BY id LIMIT ?", (limit,)
        ).fetchall()
        if not rows:
            return None
        batch = Pending(rows[0][0], [], [])
        size = 0
        for epoch, seq, body in rows:
            size += len(body)
            if epoch != batch.epoch or (batch.seqs and size > max_bytes):
                break
            batch.seqs.append(seq)
            batch.bodies.append(bytes(body))
        return batch

    def acknowledge(self, epoch: str, results: Sequence[Result], server_time: datetime) -> int:
        """Mark what the server keeps (quarantined included: it has the record) and return how many were new.

        Marked records stay for disputes and go after 90 days of the server's time, the only calendar trusted here.
        """
        now = int(server_time.timestamp())
        rows = [(r.status, r.code, now, epoch, r.seq) for r in results if r.status in _DURABLE]
        with self._transaction() as db:
            before = db.total_changes
            db.executemany(
                "UPDATE records SET status = ?, code = ?, acked_at = ? WHERE epoch = ? AND seq = ? AND status IS NULL",
                rows,
            )
            marked = db.total_changes - before
            db.execute("DELETE FROM records WHERE acked_at < ?", (now - KEEP_ACKED_DAYS * 86_400,))
            _remember(db, "server_time", now)
        return marked

    def depth(self) -> Depth:
        """Return how many records wait, and since when."""
        count = self._db.execute("SELECT count(*) FROM records WHERE status IS NULL").fetchone()[0]
        row = self._db.execute(
            "SELECT boot_id, mono_ms FROM records WHERE status IS NULL ORDER BY id LIMIT 1"
        ).fetchone()
        return Depth(count, None if row is None else Stamp(*row))

    def last_contact(self) -> datetime | None:
        """Return the server's time (UTC) at its last acknowledgement or status reply."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'server_time'").fetchone()
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    # --- Alive intervals

    def add_alive(self, rows: Sequence[tuple[str, bytes]]) -> None:
        """Keep intervals, given as (meter, bytes)."""
        with self._transaction() as db:
            db.executemany("INSERT INTO alive (meter, body) VALUES (?, ?)", rows)

    def alive(self, limit: int) -> list[AliveRow]:
        """Return the oldest intervals that no status has delivered yet."""
        rows = self._db.execute("SELECT id, meter, body FROM alive ORDER BY id LIMIT ?", (limit,))
        return [AliveRow(row_id, meter, bytes(body)) for row_id, meter, body in rows]

    def forget_alive(self, ids: Sequence[int], server_time: datetime) -> None:
        """Drop the intervals that the server has taken."""
        with self._transaction() as db:
            db.executemany("DELETE FROM alive WHERE id = ?", [(row_id,) for row_id in ids])
            _remember(db, "server_time", int(server_time.timestamp()))


def _begin_epoch(db: sqlite3.Connection) -> str:
    epoch = secrets.token_hex(8)
    db.execute("INSERT INTO epochs (epoch, first_id) VALUES (?, ?)", (epoch, _next_id(db)))
    return epoch


def _current_epoch(db: sqlite3.Connection) -> tuple[str, int]:
    epoch, first_id = db.execute("SELECT epoch, first_id FROM epochs ORDER BY id DESC LIMIT 1").fetchone()
    return epoch, first_id


def _next_id(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return 1 if row is None else row[0] + 1


def _remember(db: sqlite3.Connection, key: str, value: int) -> None:
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
