"""What the server lets the box know: the cards that may, and the tariff that the display estimates from."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from gateways.cards import CardRule
from gateways.spool.connection import Connection
from gateways.spool.rows import CardsStatus, CardsTerm

_TERM: Final = ("cards_version", "cards_received_at", "cards_valid_for_s")


class Lists(Connection):
    """The methods around allow-list and tariff. A list is replaced or changed as a whole, or not at all."""

    def replace_cards(
        self, version: str, cards: Mapping[str, CardRule], valid_for_s: int, server_time: datetime
    ) -> None:
        """Take a complete list, by card hash. `valid_for_s` counts from `server_time` (UTC)."""
        with self._transaction() as db:
            db.execute("DELETE FROM cards")
            _set_cards(db, cards)
            _set_version(db, version, valid_for_s, server_time)

    def change_cards(
        self,
        version: str,
        cards: Mapping[str, CardRule],
        removed: Iterable[str],
        valid_for_s: int,
        server_time: datetime,
    ) -> None:
        """Take the changes since the version that is kept; without any they say that the list still holds."""
        with self._transaction() as db:
            db.executemany("DELETE FROM cards WHERE hash = ?", [(one,) for one in removed])
            _set_cards(db, cards)
            _set_version(db, version, valid_for_s, server_time)

    def card(self, card_hash: str) -> CardRule | None:
        """Return what the list says of a card; None if it is not on it."""
        row = self._db.execute("SELECT state, role FROM cards WHERE hash = ?", (card_hash,)).fetchone()
        return None if row is None else CardRule(*row)

    def cards_term(self) -> CardsTerm:
        """Return which list is kept and until when it holds: asked at the bins, so nothing is counted."""
        known = dict(self._db.execute("SELECT key, value FROM meta WHERE key IN (?, ?, ?)", _TERM))
        if "cards_received_at" not in known:
            return CardsTerm()
        received_at = datetime.fromtimestamp(known["cards_received_at"], UTC)
        return CardsTerm(known.get("cards_version"), received_at, known.get("cards_valid_for_s", 0))

    def cards_status(self) -> CardsStatus:
        """Return the same, and how many cards there are."""
        term = self.cards_term()
        count = self._db.execute("SELECT count(*) FROM cards").fetchone()[0] if term.received_at is not None else 0
        return CardsStatus(term.version, term.received_at, term.valid_for_s, count)

    def keep_tariff(self, steps: Iterable[tuple[date, Decimal]]) -> None:
        """Take the steps in force and to come: (first day in Korea, won per kg)."""
        with self._transaction() as db:
            db.execute("DELETE FROM tariff")
            db.executemany("INSERT INTO tariff VALUES (?, ?)", [(day.isoformat(), str(won)) for day, won in steps])

    def tariff(self) -> list[tuple[date, Decimal]]:
        """Return the steps, oldest first; empty where no fees are shown."""
        rows = self._db.execute("SELECT from_day, won_per_kg FROM tariff ORDER BY from_day")
        return [(date.fromisoformat(day), Decimal(won)) for day, won in rows]


def _set_cards(db: sqlite3.Connection, cards: Mapping[str, CardRule]) -> None:
    db.executemany("REPLACE INTO cards VALUES (?, ?, ?)", [(one, rule.state, rule.role) for one, rule in cards.items()])


def _set_version(db: sqlite3.Connection, version: str, valid_for_s: int, server_time: datetime) -> None:
    values = (version, int(server_time.timestamp()), valid_for_s)
    db.executemany("REPLACE INTO meta VALUES (?, ?)", list(zip(_TERM, values, strict=True)))
