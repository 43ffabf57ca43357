"""Notices, refused cards, and other states of which only the newest counts."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateways.cards import Card
from gateways.clock import Instant, rfc3339
from gateways.spool.connection import Connection, even_if_full
from gateways.spool.rows import NoticeRow, TouchRow

KEEP_TOUCHES: Final = 500
KEEP_NOTICES: Final = 1000


class Notes(Connection):
    """The methods around what a status tells; a table that nobody fetches stays bounded."""

    @even_if_full
    def add_notice(self, kind: str, detail: str, moment: Instant, boot_id: str) -> None:
        """Keep what an operator must hear once, until the server has it; of more than 1,000 the newest."""
        with self._transaction() as db:
            insert_notice(db, kind, detail, moment, boot_id)

    def notices(self, limit: int) -> list[NoticeRow]:
        """Return the oldest notices that wait."""
        rows = self._db.execute(
            "SELECT id, kind, detail, at, clock, boot_id, mono_ms FROM notices ORDER BY id LIMIT ?", (limit,)
        )
        return [NoticeRow(*row) for row in rows]

    def forget_notices(self, ids: Sequence[int]) -> None:
        """Drop the notices that the server has taken."""
        self._forget("DELETE FROM notices WHERE id = ?", ids)

    def note_touch(self, meter: str, card: Card, reason: str, moment: Instant, boot_id: str) -> None:
        """Keep a refused card: the newest refusal a meter and card, and no more than the newest 500."""
        with self._transaction() as db:
            db.execute(
                "REPLACE INTO touches (meter, hash, last4, reason, at, clock, boot_id, mono_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (meter, card.hash, card.last4, reason, *_when(moment, boot_id)),
            )
            db.execute(
                "DELETE FROM touches WHERE id <= (SELECT id FROM touches ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEEP_TOUCHES,),
            )

    def touches(self, limit: int) -> list[TouchRow]:
        """Return the newest refusals first: somebody may be holding that card at the bin now."""
        rows = self._db.execute(
            "SELECT id, meter, hash, last4, reason, at, clock, boot_id, mono_ms FROM touches ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [TouchRow(row[0], row[1], Card(row[2], row[3]), *row[4:]) for row in rows]

    def forget_touches(self, ids: Sequence[int]) -> None:
        """Drop the refusals that the server has taken; one that was repeated meanwhile has a new id and stays."""
        self._forget("DELETE FROM touches WHERE id = ?", ids)

    def put_status(self, kind: str, body: bytes) -> None:
        """Keep the newest state of a kind."""
        with self._transaction() as db:
            db.execute("REPLACE INTO statuses VALUES (?, ?)", (kind, body))

    def statuses(self) -> dict[str, bytes]:
        """Return the newest state of each kind."""
        return dict(self._db.execute("SELECT kind, body FROM statuses"))

    def _forget(self, statement: str, ids: Sequence[int]) -> None:
        if ids:
            with self._transaction() as db:
                db.executemany(statement, [(row_id,) for row_id in ids])


def insert_notice(db: sqlite3.Connection, kind: str, detail: str, moment: Instant, boot_id: str) -> None:
    """Add a notice to the transaction under way."""
    db.execute(
        "INSERT INTO notices (kind, detail, at, clock, boot_id, mono_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, detail, *_when(moment, boot_id)),
    )
    db.execute("DELETE FROM notices WHERE id <= (SELECT max(id) FROM notices) - ?", (KEEP_NOTICES,))


def _when(moment: Instant, boot_id: str) -> tuple[str, str, str, int]:
    return rfc3339(moment.wall), moment.quality, boot_id, moment.mono_ms
