"""A process's memory of the registry, so that ingest looks up a card in a dictionary instead of the database.

It is true for one registry version. Every ingest transaction holds the registry still, compares the version and forgets
what is older, so a stale answer cannot be booked.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from app.db import fetch
from app.metering.records import Incoming
from app.registry import queries
from app.registry.queries import Holding, Place

MAX_CARDS = 500_000  # about 150 MB; a district of 62,016 households has some 125,000 cards


class Directory:
    """Cards and meters of one district."""

    def __init__(self) -> None:
        self._version = -1
        self.cards: dict[str, list[Holding] | None] = {}  # None: asked for and unknown
        self._places: dict[str, list[Place]] = {}

    def refresh(self, connection: sa.Connection, district_id: int, version: int, incoming: Iterable[Incoming]) -> None:
        """Make sure that the cards of these records and all meters are known as of `version`."""
        if version != self._version or len(self.cards) > MAX_CARDS:
            self.cards.clear()
            self._places = queries.meter_places(connection, district_id)
            self._version = version
        known = self.cards
        wanted = {
            item.record.card.hash
            for item in incoming
            if item.record is not None and item.record.card is not None and item.record.card.hash not in known
        }
        if wanted:
            hashes = {bytes.fromhex(card): card for card in wanted}
            found = queries.card_holdings(connection, district_id, list(hashes))
            known.update({card: found.get(card_hash) for card_hash, card in hashes.items()})

    def holder(self, card: str, instant: datetime) -> Holding | None:
        """The tenancy that held the card (hex hash) at the instant."""
        for holding in self.cards.get(card) or ():
            if holding.start <= instant and (holding.end is None or instant < holding.end):
                return holding
        return None

    def place(self, meter: str, instant: datetime) -> Place | None:
        """Where the meter stood at the instant."""
        for place in self._places.get(meter, ()):
            if place.start <= instant and (place.end is None or instant < place.end):
                return place
        return None

    def is_unknown(self, card: str) -> bool:
        """Whether the registry does not know the card at all."""
        return self.cards.get(card) is None


def current_directory(connection: sa.Connection, district_id: int, incoming: Iterable[Incoming] = ()) -> Directory:
    """The registry as it is in this transaction, for a single use."""
    directory = Directory()
    version = next(version for district, version in fetch(connection, queries.VERSIONS[0]) if district == district_id)
    directory.refresh(connection, district_id, version, incoming)
    return directory
