"""Records, open sessions and alive intervals: what is never dropped.

A number is `id - first_id of its epoch + 1`, where a new id is the newest record's + 1, and the newest record is never
deleted: never reused, no gap.
"""

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from gateways.link.records import Result
from gateways.spool.connection import Connection, even_if_full
from gateways.spool.rows import AliveRow, Depth, Pending, Stamp
from gateways.spool.schema import checksum

KEEP_ACKED_DAYS: Final = 90
_DURABLE: Final = frozenset({"stored", "duplicate", "quarantined"})
_PRUNE_ROWS: Final = 1000  # a call, so that none takes long


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
            if self.open_session(meter) is not None:
                raise sqlite3.IntegrityError(f"{meter} has an open session already")
            after_id = _next_id(db) - 1
            crc = checksum(meter, after_id, body)
            db.execute("REPLACE INTO sessions VALUES (?, ?, ?, ?)", (meter, after_id, crc, body))

    def open_session(self, meter: str) -> bytes | None:
        """Return the meter's session that was begun and has no record yet."""
        row = self._db.execute(
            "SELECT body FROM sessions WHERE meter = :meter"
            " AND NOT EXISTS (SELECT 1 FROM records WHERE id > after_id AND records.meter = :meter)",
            {"meter": meter},
        ).fetchone()
        return None if row is None else bytes(row[0])

    @even_if_full
    def append(self, meter: str, make: Callable[[int], bytes], stamp: Stamp, gross_after_g: int | None = None) -> int:
        """Number a record, keep its bytes `make(seq)`; return seq. This is what ends the meter's session.

        `make` may be called twice. Raises SpoolFullError when the reserve is used up too.
        """
        with self._transaction() as db:
            epoch, first_id, row_id = _current_epoch(db)
            seq = row_id - first_id + 1
            body = make(seq)
            identity = (row_id, epoch, seq, meter, stamp.boot_id, stamp.mono_ms, gross_after_g)
            db.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*identity, checksum(*identity, body), body)
            )
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
            "SELECT epoch, seq, body FROM records WHERE id IN"
            " (SELECT id FROM waiting WHERE id NOT IN (SELECT id FROM aside) ORDER BY id LIMIT ?) ORDER BY id",
            (limit,),
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
            _drop_ended_sessions(db)
            _remember_contact(db, now)
            if marked:
                db.execute("REPLACE INTO meta VALUES ('acknowledged_at', ?)", (now,))
        return marked

    def depth(self) -> Depth:
        """Return how many records wait, and since when."""
        count = self._db.execute(
            f"SELECT (SELECT count(*) FROM left_behind) + {_NEXT_ID} - 1 - (SELECT id FROM acked_to)"  # noqa: S608
        ).fetchone()[0]
        row = self._db.execute(
            "SELECT boot_id, mono_ms FROM records WHERE id = (SELECT id FROM waiting ORDER BY id LIMIT 1)"
        ).fetchone()
        return Depth(count, None if row is None else Stamp(*row))

    def last_contact(self) -> datetime | None:
        """Return the server's time (UTC) at its last acknowledgement or status reply."""
        return self._moment("server_time")

    def last_acknowledgement(self) -> datetime | None:
        """Return the server's time (UTC) when it last acknowledged a record that had waited."""
        return self._moment("acknowledged_at")

    def _moment(self, key: str) -> datetime | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    # --- Alive intervals

    @even_if_full
    def add_alive(self, rows: Sequence[tuple[str, bytes]]) -> None:
        """Keep intervals, given as (meter, bytes)."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO alive (meter, body, crc) VALUES (?, ?, ?)", [(*row, checksum(*row)) for row in rows]
            )

    def alive(self, limit: int) -> list[AliveRow]:
        """Return the oldest intervals that no status has delivered yet."""
        rows = self._db.execute("SELECT id, meter, body FROM alive ORDER BY id LIMIT ?", (limit,))
        return [AliveRow(*row) for row in rows]

    def forget_alive(self, ids: Sequence[int], server_time: datetime) -> None:
        """Drop the intervals that the server has taken."""
        with self._transaction() as db:
            db.executemany("DELETE FROM alive WHERE id = ?", [(row_id,) for row_id in ids])
            _remember_contact(db, int(server_time.timestamp()))


_NEXT_ID: Final = "(SELECT ifnull(max(id), 0) + 1 FROM records)"


def _next_id(db: sqlite3.Connection) -> int:
    return int(db.execute(f"SELECT {_NEXT_ID}").fetchone()[0])


def _current_epoch(db: sqlite3.Connection) -> tuple[str, int, int]:
    """Return the epoch, its first id and the next record's id."""
    row: tuple[str, int, int] = db.execute(
        f"SELECT epoch, first_id, {_NEXT_ID} FROM epochs ORDER BY id DESC LIMIT 1"  # noqa: S608 - a constant
    ).fetchone()
    return row


def _mark(db: sqlite3.Connection, epoch: str, results: Sequence[Result], now: int) -> int:
    ids = _ids_of(db, epoch)
    durable = {ids.start + result.seq - 1: result for result in results if result.status in _DURABLE}
    known = sorted(row_id for row_id in durable if row_id in ids)
    new = _leave_waiting(db, known)
    rows = [(row_id, durable[row_id].status, durable[row_id].code, now) for row_id in new]
    db.executemany("INSERT INTO acks VALUES (?, ?, ?, ?, ?)", [(*row, checksum(*row)) for row in rows])
    db.execute("DELETE FROM aside WHERE EXISTS (SELECT 1 FROM acks WHERE acks.id = aside.id)")
    return len(rows)


def _leave_waiting(db: sqlite3.Connection, ids: list[int]) -> list[int]:
    """Take ascending ids out of those that wait; return the ones that waited. Those passed over are left behind."""
    acked_to = db.execute("SELECT id FROM acked_to").fetchone()[0]
    behind = [i for i in ids if i <= acked_to and _is_caught_up(db, i)]
    above = [i for i in ids if i > acked_to]
    if above:
        passed = sorted(set(range(acked_to + 1, above[-1])).difference(above))
        db.executemany("INSERT INTO left_behind VALUES (?)", [(i,) for i in passed])
        db.execute("UPDATE acked_to SET id = ?", (above[-1],))
    return behind + above


def _is_caught_up(db: sqlite3.Connection, row_id: int) -> bool:
    return db.execute("DELETE FROM left_behind WHERE id = ?", (row_id,)).rowcount == 1


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
    newest_id = _next_id(db) - 1
    ids = [(row_id,) for row_id, acked_at in oldest if acked_at < before and row_id != newest_id]
    db.executemany("DELETE FROM records WHERE id = ?", ids)
    db.executemany("DELETE FROM acks WHERE id = ?", ids)


def _drop_ended_sessions(db: sqlite3.Connection) -> None:
    # Until the server has the record, its session is kept as well: if the record's page breaks, the weight does not.
    db.execute(
        "DELETE FROM sessions WHERE EXISTS"
        " (SELECT 1 FROM records JOIN acks USING (id) WHERE id > after_id AND records.meter = sessions.meter)"
    )


def _remember_contact(db: sqlite3.Connection, now: int) -> None:
    db.execute("REPLACE INTO meta VALUES ('server_time', ?)", (now,))
