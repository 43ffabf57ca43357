"""Numbers of a spool: the highest seen and the missing ranges below it, per (gateway, epoch). Kafka's idea, per box.

The row is locked for the length of the transaction, so two deliveries of one record can never both find it new.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from app.db import fetch, from_driver, run_many

MAX_RANGES = 1000

_SELECT = (
    "SELECT epoch, epoch_no, high_seq, missing, missing_merged, last_occurred_at FROM gateway_epoch "
    "WHERE district_id = ? AND gateway_id = ?"
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
        self.high_seq: int = row.high_seq if row else 0
        self.missing: list[list[int]] = json.loads(row.missing) if row else []
        self.merged = bool(row.missing_merged) if row else False
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


def lock(connection: sa.Connection, keys: Sequence[tuple[int, int, str]]) -> dict[tuple[int, int, str], Cursor]:
    """Lock the gateways' cursors, in one order for all transactions, and read them; an unseen epoch gets its number."""
    gateways = sorted({key[:2] for key in keys})
    lock_gateways(connection, gateways)
    stored: dict[tuple[int, int, str], Stored] = {}
    highest = dict.fromkeys(gateways, 0)
    for gateway in gateways:
        for row in fetch(connection, _SELECT, *gateway):
            stored[*gateway, row[0]] = Stored(*row[1:])
            highest[gateway] = max(highest[gateway], row[1])
    cursors: dict[tuple[int, int, str], Cursor] = {}
    for key in keys:
        if key not in cursors:
            found = stored.get(key)
            highest[key[:2]] += found is None
            cursors[key] = Cursor(key, found, found.epoch_no if found else highest[key[:2]])
    return cursors


def lock_gateways(connection: sa.Connection, gateways: Sequence[tuple[int, int]]) -> None:
    # Advisory, because the first batch of an epoch has no row to lock yet. SQLite has one writer anyway.
    if connection.dialect.name != "sqlite":
        keys = [district_id << 32 | gateway_id for district_id, gateway_id in gateways]
        fetch(connection, "SELECT pg_advisory_xact_lock(gateway) FROM unnest(%b::int8[]) AS gateway", keys)


def save(connection: sa.Connection, cursors: Sequence[Cursor], now: datetime) -> None:
    """Write the cursors back; `now` is the moment of contact."""
    run_many(connection, _UPSERT, [cursor.values(now) for cursor in cursors])
