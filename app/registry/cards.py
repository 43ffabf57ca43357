"""A card's pseudonym: the same keyed hash that the gateways compute (docs/gateway-api.md, "Claim")."""

import hashlib
import hmac
import re

CARD_NUMBER = re.compile(r"[0-9A-F]{8,24}")


def card_hash(card_key: bytes, number: str) -> bytes:
    """16 bytes: HMAC-SHA256 of the card number in upper-case hex, cut in half. Raises ValueError for no card number."""
    number = number.strip().upper()
    if not CARD_NUMBER.fullmatch(number):
        raise ValueError("A card number has 8 to 24 hexadecimal digits.")
    return hmac.digest(card_key, number.encode(), hashlib.sha256)[:16]


def last4(number: str) -> str:
    """The last four digits, by which people recognise a card."""
    return number.strip().upper()[-4:]
