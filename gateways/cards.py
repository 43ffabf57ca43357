"""Card numbers are personal data: they become a hash here, before anything is stored, sent or logged."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, Literal

_HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Card:
    """What the gateway keeps of a card: 32 hex digits of its keyed hash, and its number's last four digits."""

    hash: str
    last4: str


@dataclass(frozen=True, slots=True)
class CardRule:
    """What the allow-list says of a card: whether it may, and as whose."""

    state: Literal["allowed", "blocked"]
    role: Literal["household", "collector", "service"]


def hash_card(number: str, card_key: bytes) -> Card:
    """Return the card for a number in upper-case hex, hashed with the district's key (docs/gateway-api.md, Claim)."""
    digest = hmac.digest(card_key, number.encode("ascii"), hashlib.sha256)
    return Card(digest[:_HASH_BYTES].hex(), number[-4:])
