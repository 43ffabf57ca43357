"""From frames of a held card to touches: a card is one touch until it has been away for a while. Pure."""

from gateways.cards import Card
from gateways.thresholds import Thresholds


class Touches:
    """Debounces one reader and remembers at most one resident who came while another's session ran.

    Times are monotonic seconds.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._last: Card | None = None
        self._last_at = 0.0
        self._is_forgotten = False
        self._pending: Card | None = None
        self._pending_at = 0.0
        self._refusal: tuple[str, Card] | None = None

    def is_new(self, at: float, card: Card) -> bool:
        """Take a frame; true if it begins a touch."""
        was_away = card != self._last or at - self._last_at > self._thresholds.card_gone_s
        if was_away:
            self._refusal = None
        is_new = was_away or self._is_forgotten
        self._last, self._last_at, self._is_forgotten = card, at, False
        return is_new

    def forget(self) -> None:
        """Let the next frame begin a touch, even of the same card."""
        self._is_forgotten = True

    def is_first_refusal(self, reason: str, card: Card) -> bool:
        """Whether this refusal is news: a card that is held asks twenty times a second."""
        is_first = self._refusal != (reason, card)
        self._refusal = (reason, card)
        return is_first

    def queue(self, at: float, card: Card, *, may_enter: bool) -> None:
        """Remember a card for after the session; the first one keeps its place until it expires.

        Held on, it stays fresh. `may_enter` is for a touch that begins while it makes sense to wait.
        """
        is_free = self._pending is None or self._is_expired(at)
        if card == self._pending or (may_enter and is_free):
            self._pending, self._pending_at = card, at

    def take_pending(self, at: float) -> Card | None:
        """Return the remembered card unless it has expired, and forget it."""
        card, self._pending = self._pending, None
        return None if self._is_expired(at) else card

    def _is_expired(self, at: float) -> bool:
        return at - self._pending_at > self._thresholds.pending_card_s
