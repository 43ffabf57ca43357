"""Numbers of a spool: the highest seen and the missing ranges below it, per (gateway, epoch). Kafka's idea, per box.

The row is locked for the length of the transaction, so two deliveries of one record can never both find it new.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.metering.models import GatewayEpoch

MAX_RANGES = 1000
TABLE = cast(sa.Table, GatewayEpoch.__table__)


class Cursor:
    """The state of one (gateway, epoch) during a transaction."""

    def __init__(self, key: tuple[int, int, str], row: sa.Row[tuple[object, ...]] | None, epoch_no: int) -> None:
        self.district_id, self.gateway_id, self.epoch = key
        self.epoch_no = epoch_no
        self.is_new = row is None
        self.high_seq: int = row.high_seq if row else 0
        self.missing: list[list[int]] = json.loads(row.missing) if row else []
        self.merged: bool = row.missing_merged if row else False
        self.last_occurred_at: datetime | None = row.last_occurred_at if row else None

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
        # The merged range holds numbers that did arrive: harmless, since a number in a gap is looked up before it is new.
        gaps = self.missing
        position = min(range(len(gaps) - 1), key=lambda index: gaps[index + 1][0] - gaps[index][1])
        gaps[position : position + 2] = [[gaps[position][0], gaps[position + 1][1]]]
        self.merged = True

    def values(self, now: datetime) -> dict[str, object]:
        """The row to store."""
        return {
            "district_id": self.district_id,
            "gateway_id": self.gateway_id,
            "epoch_no": self.epoch_no,
            "epoch": self.epoch,
            "high_seq": self.high_seq,
            "missing": json.dumps(self.missing),
            "missing_merged": self.merged,
            "last_occurred_at": self.last_occurred_at,
            "first_contact_at": now,
            "last_contact_at": now,
        }


def lock(connection: sa.Connection, keys: Sequence[tuple[int, int, str]]) -> dict[tuple[int, int, str], Cursor]:
    """Lock the gateways' cursors, in one order for all transactions, and read them; an unseen epoch gets its number."""
    gateways = sorted({key[:2] for key in keys})
    _lock_gateways(connection, gateways)
    rows = connection.execute(
        sa.select(TABLE).where(sa.tuple_(TABLE.c.district_id, TABLE.c.gateway_id).in_(gateways))
    ).all()
    stored = {(row.district_id, row.gateway_id, row.epoch): row for row in rows}
    highest = dict.fromkeys(gateways, 0)
    for row in rows:
        gateway = (row.district_id, row.gateway_id)
        highest[gateway] = max(highest[gateway], row.epoch_no)
    cursors: dict[tuple[int, int, str], Cursor] = {}
    for key in keys:
        if key in cursors:
            continue
        found = stored.get(key)
        if found is None:
            highest[key[:2]] += 1
        cursors[key] = Cursor(key, found, found.epoch_no if found else highest[key[:2]])
    return cursors


def _lock_gateways(connection: sa.Connection, gateways: Sequence[tuple[int, int]]) -> None:
    # Advisory, because the first batch of an epoch has no row to lock yet. SQLite has one writer anyway.
    if connection.dialect.name != "sqlite":
        locks = ", ".join(f"pg_advisory_xact_lock({_lock_key(*gateway)})" for gateway in gateways)
        connection.exec_driver_sql(f"SELECT {locks}")


def _lock_key(district_id: int, gateway_id: int) -> int:
    return district_id << 32 | gateway_id


def save(connection: sa.Connection, cursors: Sequence[Cursor], now: datetime) -> None:
    """Write the cursors back; `now` is the moment of contact."""
    new = [cursor.values(now) for cursor in cursors if cursor.is_new]
    if new:
        connection.execute(sa.insert(TABLE), new)
    known = [cursor.values(now) for cursor in cursors if not cursor.is_new]
    if known:
        connection.execute(_update(), [{f"b_{name}": value for name, value in row.items()} for row in known])


def _update() -> sa.Update:
    same = [TABLE.c[name] == sa.bindparam(f"b_{name}") for name in ("district_id", "gateway_id", "epoch_no")]
    changed = ("high_seq", "missing", "missing_merged", "last_occurred_at", "last_contact_at")
    return sa.update(TABLE).where(*same).values({name: sa.bindparam(f"b_{name}") for name in changed})
