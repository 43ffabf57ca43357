"""The states of a weighing session, and what groups of them have in common."""

from enum import Enum
from typing import Final

from gateways.weighing.events import Kind


class State(Enum):
    """Where a session stands."""

    IDLE = "idle"
    AUTH = "auth"
    BASELINE = "baseline"
    OPENING = "opening"
    OPEN = "open"
    COLLECTION = "collection"
    SERVICE = "service"
    CLOSING = "closing"
    SETTLING = "settling"
    COMMIT = "commit"
    RECOVER = "recover"


OPENED: Final[dict[Kind, State]] = {"deposit": State.OPEN, "collection": State.COLLECTION, "service": State.SERVICE}
AFTER_CLOSING: Final = frozenset({State.CLOSING, State.SETTLING})
ABOUT_TO_OPEN: Final = frozenset({State.BASELINE, State.OPENING})
# Where an open lid, or a closed one, takes the session on.
MAY_OPEN: Final = frozenset({State.OPENING, State.RECOVER}) | AFTER_CLOSING
MAY_CLOSE: Final = frozenset({*OPENED.values(), State.RECOVER})
