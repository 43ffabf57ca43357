"""Who may open the lid, and for what. Pure."""

from dataclasses import dataclass
from typing import Final

from gateways.cards import Card
from gateways.weighing.events import Access, CardSeen, Kind
from gateways.weighing.thresholds import Thresholds

# What the bin says to whom it refuses; any other reason is `bin_refused_out_of_order`.
REFUSALS: Final = frozenset(
    {
        "card_unknown",
        "card_blocked",
        "lid_not_closed",
        "lid_unknown",
        "scale_silent",
        "baseline_unstable",
        "disk_full",
        "wrong_device",
    }
)
# The two that are about the card itself: the server hears of them at once, so that a manager can enrol the card.
ABOUT_THE_CARD: Final = frozenset({"card_unknown", "card_blocked"})

_KINDS: Final[dict[Access, Kind]] = {
    "household": "deposit",
    "unknown": "deposit",
    "collector": "collection",
    "service": "service",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who may open the lid, before the session is on disk. `card` is None for a command of the server."""

    kind: Kind
    card: Card | None
    flags: tuple[str, ...] = ()

    @property
    def is_stranger(self) -> bool:
        """Whether the card is on no list, and may open by policy."""
        return "unverified" in self.flags


SERVICE_BY_COMMAND: Final = Visit("service", None, ("service",))


def visit_of(seen: CardSeen, thresholds: Thresholds) -> Visit | str:
    """Return what the card may do, or why it may not: `card_blocked`, `card_unknown`."""
    if seen.access == "blocked":
        return "card_blocked"
    if seen.access == "unknown" and thresholds.unknown_cards == "refuse":
        return "card_unknown"
    flags = {"unknown": ("unverified",), "service": ("service",)}.get(seen.access, ())
    return Visit(_KINDS[seen.access], seen.card, flags)


def told(reason: str) -> str:
    """Return the key of the text that tells a refusal."""
    return f"bin_refused_{reason if reason in REFUSALS else 'out_of_order'}"
