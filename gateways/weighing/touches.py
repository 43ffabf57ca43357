"""From frames of a held card to touches: a card is one touch until it has been away for a while. Pure."""

from dataclasses import dataclass

from gateways.cards import Card
from gateways.weighing.events import CardSeen
from gateways.weighing.thresholds import Thresholds


@dataclass(slots=True)
class _Touch:
    seen_at: float
    refusal: str | None = None
    asks_again: bool = False


class Touches:
    """Debounces one reader and remembers at most one resident who came while another's session ran.

    Two cards held together are read in turn: each is debounced by itself. Times are monotonic seconds.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._touches: dict[Card, _Touch] = {}
        self._pending: CardSeen | None = None

    def is_new(self, at: float, card: Card) -> bool:
        """Take a frame; true if it begins a touch."""
        gone_s = self._thresholds.card_gone_s
        self._touches = {card: touch for card, touch in self._touches.items() if at - touch.seen_at <= gone_s}
        touch = self._touches.get(card)
        if touch is None:
            self._touches[card] = _Touch(at)
            return True
        is_new, touch.seen_at, touch.asks_again = touch.asks_again, at, False
        return is_new

    def ask_again(self, card: Card) -> None:
        """Let the card's next frame begin a touch although it was not away."""
        if card in self._touches:
            self._touches[card].asks_again = True

    def is_first_refusal(self, reason: str, card: Card) -> bool:
        """Whether this refusal is news: a card that is held asks twenty times a second."""
        touch = self._touches.get(card)
        if touch is None:
            return True
        is_first, touch.refusal = touch.refusal != reason, reason
        return is_first

    def queue(self, seen: CardSeen, *, may_enter: bool) -> None:
        """Remember a card for after the session; the first one keeps its place until it expires.

        Held on, it stays fresh. `may_enter` is for a touch that begins while it makes sense to wait.
        """
        is_held_on = self._pending is not None and self._pending.card == seen.card
        if is_held_on or (may_enter and self._waiting(seen.at) is None):
            self._pending = seen

    def take_pending(self, at: float) -> CardSeen | None:
        """Return the remembered card unless it has expired, and forget it."""
        seen, self._pending = self._waiting(at), None
        return seen

    def _waiting(self, at: float) -> CardSeen | None:
        if self._pending is None or at - self._pending.at > self._thresholds.pending_card_s:
            return None
        return self._pending
