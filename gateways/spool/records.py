"""Records, open sessions and alive intervals: what is never dropped.

A number is `id - first_id of its epoch + 1`, where ids come from AUTOINCREMENT, which survives deletion and rolls back
with its transaction: never reused, no gap.
"""

import secrets
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from gateways.records import Result
from gateways.spool.connection import Connection, even_if_full
from gateways.spool.rows import AliveRow, Depth, Pending, Stamp

KEEP_ACKED_DAYS: Final = 90
_DURABLE: Final = frozenset({"stored", "duplicate", "quarantined"})
_PRUNE_ROWS: Final = 1000  # a call: twice what a batch can acknowledge
_SLACK_PAGES: Final = 2560  # 10 MB stay in the file for reuse
_SHRINK_PAGES: Final = 256


class Records(Connection):
    """The methods around a discharge."""

    def prepare(self) -> None:
        """Make the tables and the first epoch, unless they are there."""
        if not self.is_prepared:
            self.make_tables()
        if self._db.execute("SELECT 1 FROM epochs").fetchone() is None:
            self.begin_epoch()

    # --- Numbers

    def epoch(self) -> str:
        """Return the epoch that the next record will belong to: 16 hex digits."""
        return _current_epoch(self._db)[0]

    def next_seq(self) -> int:
        """Return the next record's number in the current epoch."""
        _, first_id, next_id = _current_epoch(self._db)
        return next_id - first_id + 1

    def begin_epoch(self) -> str:
        """Start a new epoch for the records to come; what waits keeps its epoch and numbers. Return its id."""
        epoch = secrets.token_hex(8)
        with self._transaction() as db:
            db.execute(f"INSERT INTO epochs (epoch, first_id) SELECT ?, {_NEXT_ID}", (epoch,))
        return epoch

    # --- Sessions and records

    def begin_session(self, meter: str, body: bytes) -> None:
        """Keep an open session, so that a power cut cannot lose its baseline.

        Raises sqlite3.IntegrityError if the meter has one already, SpoolFullError: the lid must then stay closed.
        """
        with self._transaction() as db:
            begun = db.execute(
                f"INSERT INTO meters (meter, session, after_id) VALUES (?, ?, {_NEXT_ID} - 1) ON CONFLICT (meter)"  # noqa: S608
                " DO UPDATE SET session = excluded.session, after_id = excluded.after_id WHERE session IS NULL",
                (meter, body),
            )
            if not begun.rowcount:
                raise sqlite3.IntegrityError(f"{meter} has an open session already")

    def open_session(self, meter: str) -> bytes | None:
        """Return the meter's session that was begun and never finished."""
        row = self._db.execute("SELECT session FROM meters WHERE meter = ?", (meter,)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    @even_if_full
    def append(self, meter: str, make: Callable[[int], bytes], stamp: Stamp, gross_after_g: int | None = None) -> int:
        """Number a record, keep its bytes `make(seq)` and close the meter's session, all or nothing; return seq.

        `make` may be called twice. Raises SpoolFullError when the reserve is used up too.
        """
        with self._transaction() as db:
            epoch, first_id, row_id = _current_epoch(db)
            seq = row_id - first_id + 1
            body = make(seq)
            crc = checksum(row_id, epoch, seq, meter, stamp, body)
            db.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row_id, epoch, seq, meter, stamp.boot_id, stamp.mono_ms, crc, body),
            )
            db.execute("INSERT INTO waiting VALUES (?)", (row_id,))
            db.execute("REPLACE INTO meters (meter, last_gross_g) VALUES (?, ?)", (meter, gross_after_g))
        return seq

    def last_gross_g(self, meter: str) -> int | None:
        """Return the proven weight in grams that the meter's newest record ended with, if it has one."""
        row = self._db.execute("SELECT last_gross_g FROM meters WHERE meter = ?", (meter,)).fetchone()
        return None if row is None else row[0]

    # --- Waiting for the server

    def pending(self, limit: int, max_bytes: int) -> Pending | None:
        """Return the oldest unacknowledged records of one epoch: at most `limit`, and `max_bytes` after the first."""
        rows = self._db.execute(
            "SELECT epoch, seq, body FROM waiting JOIN records USING (id) ORDER BY waiting.id LIMIT ?", (limit,)
        ).fetchall()
        batch: Pending | None = None
        size = 0
        for epoch, seq, body in rows:
            size += len(body)
            batch = batch or Pending(epoch, [], [])
            if epoch != batch.epoch or (batch.seqs and size > max_bytes):
                break
            batch.seqs.append(seq)
            batch.bodies.append(body)
        return batch

    @even_if_full
    def acknowledge(self, epoch: str, results: Sequence[Result], server_time: datetime) -> int:
        """Mark what the server keeps (quarantined included: it has the record) and return how many were new.

        Marked records stay for disputes and go after 90 days of the server's time, the only calendar trusted here.
        """
        now = int(server_time.timestamp())
        with self._transaction() as db:
            marked = _mark(db, epoch, results, now)
            _prune(db, now - KEEP_ACKED_DAYS * 86_400)
            _remember_contact(db, now)
        self._shrink()
        return marked

    def _shrink(self) -> None:
        """Give a few free pages back to the disk, if there are many: what a long outage filled."""
        if self._db.execute("PRAGMA freelist_count").fetchone()[0] > _SLACK_PAGES:
            self._db.execute(f"PRAGMA incremental_vacuum({_SHRINK_PAGES})").fetchall()

    def depth(self) -> Depth:
        """Return how many records wait, and since when."""
        count = self._db.execute("SELECT count(*) FROM waiting").fetchone()[0]
        row = self._db.execute(
            "SELECT boot_id, mono_ms FROM waiting JOIN records USING (id) ORDER BY waiting.id LIMIT 1"
        ).fetchone()
        return Depth(count, None if row is None else Stamp(*row))

    def last_contact(self) -> datetime | None:
        """Return the server's time (UTC) at its last acknowledgement or status reply."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'server_time'").fetchone()
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    # --- Alive intervals

    @even_if_full
    def add_alive(self, rows: Sequence[tuple[str, bytes]]) -> None:
        """Keep intervals, given as (meter, bytes)."""
        with self._transaction() as db:
            db.executemany("INSERT INTO alive (meter, body) VALUES (?, ?)", rows)

    def alive(self, limit: int) -> list[AliveRow]:
        """Return the oldest intervals that no status has delivered yet."""
        return [AliveRow(*row) for row in self._db.execute("SELECT * FROM alive ORDER BY id LIMIT ?", (limit,))]

    def forget_alive(self, ids: Sequence[int], server_time: datetime) -> None:
        """Drop the intervals that the server has taken."""
        with self._transaction() as db:
            db.executemany("DELETE FROM alive WHERE id = ?", [(row_id,) for row_id in ids])
            _remember_contact(db, int(server_time.timestamp()))


def checksum(row_id: int, epoch: str, seq: int, meter: str, stamp: Stamp, body: bytes) -> int:
    """Return the CRC-32 over a row's identity and bytes."""
    identity = f"{row_id}\n{epoch}\n{seq}\n{meter}\n{stamp.boot_id}\n{stamp.mono_ms}\n"
    return zlib.crc32(body, zlib.crc32(identity.encode()))


_NEXT_ID: Final = "(SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'records')"


def _current_epoch(db: sqlite3.Connection) -> tuple[str, int, int]:
    """Return the epoch, its first id and the next record's id."""
    row: tuple[str, int, int] = db.execute(
        f"SELECT epoch, first_id, {_NEXT_ID} FROM epochs ORDER BY id DESC LIMIT 1"  # noqa: S608 - a constant
    ).fetchone()
    return row


def _mark(db: sqlite3.Connection, epoch: str, results: Sequence[Result], now: int) -> int:
    ids = _ids_of(db, epoch)
    durable = [(ids.start + result.seq - 1, result) for result in results if result.status in _DURABLE]
    new = [
        (row_id, result.status, result.code, now)
        for row_id, result in durable
        if row_id in ids and db.execute("DELETE FROM waiting WHERE id = ?", (row_id,)).rowcount
    ]
    db.executemany("INSERT INTO acks VALUES (?, ?, ?, ?)", new)
    return len(new)


def _ids_of(db: sqlite3.Connection, epoch: str) -> range:
    row = db.execute(
        f"SELECT first_id, ifnull((SELECT min(first_id) FROM epochs WHERE id > mine.id), {_NEXT_ID})"  # noqa: S608
        " FROM epochs AS mine WHERE epoch = ?",
        (epoch,),
    ).fetchone()
    return range(0) if row is None else range(*row)


def _prune(db: sqlite3.Connection, before: int) -> None:
    # The oldest acknowledgements have the lowest ids, so that no index over their times is needed.
    oldest = db.execute("SELECT id, acked_at FROM acks ORDER BY id LIMIT ?", (_PRUNE_ROWS,))
    ids = [(row_id,) for row_id, acked_at in oldest if acked_at < before]
    db.executemany("DELETE FROM records WHERE id = ?", ids)
    db.executemany("DELETE FROM acks WHERE id = ?", ids)


def _remember_contact(db: sqlite3.Connection, now: int) -> None:
    db.execute("REPLACE INTO meta VALUES ('server_time', ?)", (now,))
