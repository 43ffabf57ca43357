"""Card numbers in a file that people must still be able to talk about."""

import re

CARD_LIKE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,}([0-9A-Fa-f]{4})(?![0-9A-Za-z])")
LONGEST = 40


def mask(value: str) -> str:
    """A value of any column as it may be shown: whatever could be a card number keeps its last four characters.

    A number may stand in the wrong column, where the columns of a file have slipped.
    """
    shown = CARD_LIKE.sub(r"…\1", value.replace("\n", " "))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def mask_card(number: str) -> str:
    """What was meant to be a card number: at most its last four characters, whatever else it is."""
    return "…" + number[-4:] if len(number) >= 8 else "…"
