"""Numbers of a spool: the highest seen and the missing ranges below it, per (gateway, epoch). Kafka's idea, per box.

The row is locked for the length of the transaction, so two deliveries of one record can never both find it new.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.events import Event, book_events
from app.db import Round, Statement, array_literal, from_driver, is_sqlite, run_many
from app.registry.queries import holding_still

MAX_RANGES = 1000

_SELECT = (
    "SELECT district_id, gateway_id, epoch, epoch_no, high_seq, missing, missing_merged, last_occurred_at "
    "FROM gateway_epoch WHERE district_id = ? AND gateway_id = ?"
)
_UPSERT = (
    "INSERT INTO gateway_epoch (district_id, gateway_id, epoch_no, epoch, high_seq, missing, missing_merged, "
    "last_occurred_at, first_contact_at, last_contact_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (district_id, gateway_id, epoch_no) DO UPDATE SET high_seq = excluded.high_seq, "
    "missing = excluded.missing, missing_merged = excluded.missing_merged, "
    "last_occurred_at = excluded.last_occurred_at, last_contact_at = excluded.last_contact_at"
)


class Stored(NamedTuple):
    """A row of `gateway_epoch`, as the driver has it."""

    epoch_no: int
    high_seq: int
    missing: str
    missing_merged: bool
    last_occurred_at: datetime | int | None


class Cursor:
    """The state of one (gateway, epoch) during a transaction."""

    def __init__(self, key: tuple[int, int, str], row: Stored | None, epoch_no: int) -> None:
        self.district_id, self.gateway_id, self.epoch = key
        self.epoch_no = epoch_no
        self.is_new = row is None
        self.high_seq: int = row.high_seq if row else 0
        self.missing: list[list[int]] = json.loads(row.missing) if row else []
        self.merged = bool(row.missing_merged) if row else False
        self.decided: dict[int, Any] = {}  # numbers of this transaction, with what ingest answered
        self.last_occurred_at = from_driver(row.last_occurred_at) if row else None

    @property
    def acked_through(self) -> int:
        """The highest n with every number up to n durable."""
        return self.missing[0][0] - 1 if self.missing else self.high_seq

    def advance(self, seq: int) -> None:
        """Take in a number above all others; what it skips is missing."""
        if seq > self.high_seq + 1:
            self.missing.append([self.high_seq + 1, seq - 1])
            if len(self.missing) > MAX_RANGES:
                self._merge_closest()
        self.high_seq = seq

    def fill(self, seq: int) -> bool:
        """Take a number out of the missing ranges; False when it is in none."""
        position = bisect_right(self.missing, seq, key=lambda gap: gap[0]) - 1
        if position < 0 or self.missing[position][1] < seq:
            return False
        first, last = self.missing[position]
        self.missing[position : position + 1] = [gap for gap in ([first, seq - 1], [seq + 1, last]) if gap[0] <= gap[1]]
        return True

    def _merge_closest(self) -> None:
        # The merged range holds numbers that did arrive: harmless, since a number is looked up before it fills a gap.
        gaps = self.missing
        position = min(range(len(gaps) - 1), key=lambda index: gaps[index + 1][0] - gaps[index][1])
        gaps[position : position + 2] = [[gaps[position][0], gaps[position + 1][1]]]
        self.merged = True

    def values(self, now: datetime) -> tuple[object, ...]:
        """The row to store."""
        return (
            self.district_id,
            self.gateway_id,
            self.epoch_no,
            self.epoch,
            self.high_seq,
            json.dumps(self.missing),
            self.merged,
            self.last_occurred_at,
            now,
            now,
        )


Key = tuple[int, int, str]  # district, gateway, epoch


def locking(connection: sa.Connection, gateways: Iterable[tuple[int, int]]) -> list[Statement]:
    """Statements that lock the gateways' numbers until the transaction ends, in one order for all.

    Advisory locks, because the first batch of an epoch has no row to lock yet. SQLite has one writer anyway.
    """
    if is_sqlite(connection):
        return []
    keys = [district_id << 32 | gateway_id for district_id, gateway_id in sorted(set(gateways))]
    return [("SELECT pg_advisory_xact_lock(gateway) FROM unnest(?::int8[]) AS gateway", (array_literal(keys),))]


def hold_gateway(connection: sa.Connection, district_id: int, gateway_id: int) -> None:
    """Keep the district's registry and the gateway's numbers from changing until the transaction ends."""
    held = Round(connection)
    held.add(holding_still(connection, [district_id]))
    held.add(locking(connection, [(district_id, gateway_id)]))
    held.run()


def reading(gateways: Iterable[tuple[int, int]]) -> list[Statement]:
    """Statements that read all epochs of the gateways, for `open_cursors`; only after `locking`."""
    return [(_SELECT, gateway) for gateway in sorted(set(gateways))]


def open_cursors(keys: Sequence[Key], rows: Iterable[Sequence[Any]]) -> dict[Key, Cursor]:
    """A cursor for each key from the rows read; an epoch not seen before gets its gateway's next number."""
    stored = {(row[0], row[1], row[2]): Stored(*row[3:]) for row in rows}
    highest: dict[tuple[int, int], int] = {}
    for (district_id, gateway_id, _), found in stored.items():
        gateway = (district_id, gateway_id)
        highest[gateway] = max(highest.get(gateway, 0), found.epoch_no)
    cursors: dict[Key, Cursor] = {}
    for key in keys:
        if key not in cursors:
            row = stored.get(key)
            if row is None:
                highest[key[:2]] = highest.get(key[:2], 0) + 1
            cursors[key] = Cursor(key, row, row.epoch_no if row else highest[key[:2]])
    return cursors


def book_new(connection: sa.Connection, opened: Sequence[Cursor], now: datetime) -> None:
    """Book that an epoch was seen for the first time, where it was: a new spool, or one on a restored image."""
    for cursor in sorted((cursor for cursor in opened if cursor.is_new), key=lambda cursor: cursor.district_id):
        event = Event(cursor.gateway_id, "epoch_seen", now, f"{cursor.epoch_no}: {cursor.epoch}")
        book_events(connection, cursor.district_id, [event], now)


def save(connection: sa.Connection, cursors: Sequence[Cursor], now: datetime) -> None:
    """Write the cursors back; `now` is the moment of contact."""
    run_many(connection, _UPSERT, [cursor.values(now) for cursor in cursors])
