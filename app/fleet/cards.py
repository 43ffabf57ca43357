"""Which cards open the bins of a gateway, so that they open without network (docs/gateway-api.md, "Cards").

On the list are the cards of households at the complexes where the gateway has meters now, the common-area cards of
those, and the collectors' and service cards of the district or of those complexes; blocked ones stand on it as blocked,
also after their household has gone. A list is a sorted string of 17 bytes a card: the hash, and a letter for its role,
a capital where blocked. Its version is a hash of that string, so that equal lists have equal versions wherever and
whenever they are made.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.db import fetch, upsert
from app.fleet.models import GatewayCardList
from app.registry import queries as registry

KEPT_LISTS = 5
VALID_FOR_S = 30 * 86_400
RECOMPUTED_S = 600.0  # a tenancy or an assignment may begin or end without any change of the registry
HASH_BYTES = 16
# To a bin a common-area card is a household's: it opens, and what is put in is weighed.
LETTERS = {"common": b"h", "household": b"h", "collector": b"c", "service": b"s"}
ROLES = {letter[0]: role for role, letter in LETTERS.items()}


# CROSS JOIN is an inner join here; SQLite keeps to its order, and so begins with the few households of the complexes
# instead of all cards of the district.
_PLACES = (
    "SELECT complex_id FROM meter_assignment WHERE district_id = ? AND gateway_id = ? "
    "AND valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)"
)
_OF_HOUSEHOLDS = (
    "SELECT c.card_hash, c.role, c.blocked_at IS NOT NULL FROM household h "
    "CROSS JOIN tenancy t CROSS JOIN card_assignment a CROSS JOIN card c "
    "WHERE h.district_id = ? AND h.complex_id IN ({places}) "
    "AND t.district_id = h.district_id AND t.household_id = h.id "
    "AND a.district_id = t.district_id AND a.tenancy_id = t.id "
    "AND c.district_id = a.district_id AND c.id = a.card_id AND c.role = 'household' "
    "AND (c.blocked_at IS NOT NULL OR (a.valid_from <= ? AND (a.valid_to IS NULL OR a.valid_to > ?) "
    "AND t.valid_from <= ? AND (t.valid_to IS NULL OR t.valid_to > ?)))"
)
_OF_STAFF = (
    "SELECT card_hash, role, blocked_at IS NOT NULL FROM card WHERE district_id = ? "
    "AND role IN ('collector', 'service', 'common') AND (complex_id IS NULL OR complex_id IN ({places}))"
)


def card_list(connection: sa.Connection, district_id: int, gateway_id: int, now: datetime) -> bytes:
    """The list as of now."""
    of_households, of_staff = (sql.format(places=_PLACES) for sql in (_OF_HOUSEHOLDS, _OF_STAFF))
    places = (district_id, district_id, gateway_id, now, now)
    rows = fetch(connection, of_households, *places, now, now, now, now) + fetch(connection, of_staff, *places)
    entries = {
        bytes(card_hash) + (LETTERS[role].upper() if blocked else LETTERS[role]) for card_hash, role, blocked in rows
    }
    return b"".join(sorted(entries))


def version_of(content: bytes) -> str:
    """The name of a list."""
    return hashlib.sha256(content).hexdigest()[:16]


def answer(connection: sa.Connection, district_id: int, gateway_id: int, since: str | None, now: datetime) -> Any:
    """What a gateway is told that knows the list `since`: the changes, or the whole where that list is not kept."""
    for statement in registry.holding_still(connection, [district_id]):
        fetch(connection, statement[0], *statement[1])
    content = card_list(connection, district_id, gateway_id, now)
    known = _given(connection, district_id, gateway_id, since) if since else None
    _keep(connection, district_id, gateway_id, content, now)
    listed, before = _entries(content), _entries(known or b"")
    return {
        "version": version_of(content),
        "complete": known is None,
        "valid_for_s": VALID_FOR_S,
        "set": [_shown(card, letter) for card, letter in listed.items() if before.get(card) != letter],
        "removed": [card.hex() for card in before if card not in listed],
    }


class CardVersions:
    """Versions of gateways' lists, remembered until the registry changes, and for ten minutes at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[int, float, str]] = {}

    def version(self, connection: sa.Connection, district_id: int, gateway_id: int, now: datetime) -> str:
        """The version of the gateway's list."""
        versions = dict(fetch(connection, registry.VERSIONS[0]))
        found = self._known.get((district_id, gateway_id))
        if found is None or found[0] != versions[district_id] or found[1] <= self._clock():
            made = version_of(card_list(connection, district_id, gateway_id, now))
            found = (versions[district_id], self._clock() + RECOMPUTED_S, made)
            self._known[district_id, gateway_id] = found
        return found[2]


def _mine(district_id: int, gateway_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(GatewayCardList.district_id == district_id, GatewayCardList.gateway_id == gateway_id)


def _given(connection: sa.Connection, district_id: int, gateway_id: int, version: str) -> bytes | None:
    statement = sa.select(GatewayCardList.content).where(
        _mine(district_id, gateway_id), GatewayCardList.version == version
    )
    content = connection.execute(statement).scalar()
    return bytes(content) if content is not None else None


def _keep(connection: sa.Connection, district_id: int, gateway_id: int, content: bytes, now: datetime) -> None:
    """Remember the list that is given now, and forget all but the newest."""
    key = {"district_id": district_id, "gateway_id": gateway_id, "version": version_of(content)}
    statement = upsert(connection, GatewayCardList).values(key | {"given_at": now, "content": content})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_={"given_at": now}))
    newest = (
        sa.select(GatewayCardList.version)
        .where(_mine(district_id, gateway_id))
        .order_by(GatewayCardList.given_at.desc(), GatewayCardList.version)
        .limit(KEPT_LISTS)
    )
    old = connection.execute(newest).scalars().all()
    connection.execute(
        sa.delete(GatewayCardList).where(_mine(district_id, gateway_id), GatewayCardList.version.not_in(old))
    )


def _entries(content: bytes) -> dict[bytes, int]:
    """By card hash, the letter of what it may."""
    step = HASH_BYTES + 1
    return {content[at : at + HASH_BYTES]: content[at + HASH_BYTES] for at in range(0, len(content), step)}


def _shown(card: bytes, letter: int) -> dict[str, str]:
    state = "blocked" if chr(letter).isupper() else "allowed"
    return {"hash": card.hex(), "state": state, "role": ROLES[ord(chr(letter).lower())]}
