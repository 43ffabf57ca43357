"""The way from a card to a visit: touches, the one who waits, and what bars the way. Pure."""

from typing import Final

from gateways.cards import Card
from gateways.weighing.bin import Bin
from gateways.weighing.events import CardSeen, Effect, Note, ReportCard, Tell
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.touches import Touches
from gateways.weighing.visits import ABOUT_THE_CARD, Visit, told, visit_of

# Service is what brings a device back into order: only what could not be written down stops it.
_BARS_SERVICE: Final = frozenset({"disk_full"})


class Entrance:
    """Decides who may come in; times are monotonic seconds."""

    def __init__(self, thresholds: Thresholds, place: Bin) -> None:
        self.touches = Touches(thresholds)
        self.out_of_order: frozenset[str] = frozenset()
        self._thresholds = thresholds
        self._bin = place

    def authorise(self, seen: CardSeen) -> Visit | list[Effect]:
        """Return the card's visit, or how it is turned away. It may ask again while it is held."""
        visit = visit_of(seen, self._thresholds)
        return self._turn_away(visit, seen.card) if isinstance(visit, str) else self.admit(seen.at, visit)

    def admit(self, at: float, visit: Visit) -> Visit | list[Effect]:
        """Return the visit if the devices allow it, or how it is turned away."""
        reason = self._reason_to_refuse(at, visit)
        return visit if reason is None else self._turn_away(reason, visit.card)

    def _reason_to_refuse(self, at: float, visit: Visit) -> str | None:
        if self._bin.lid_open is not False:
            return "lid_unknown" if self._bin.lid_open is None else "lid_not_closed"
        barred = self.out_of_order & _BARS_SERVICE if visit.kind == "service" else self.out_of_order
        if barred:
            return min(barred)
        return "scale_silent" if visit.kind == "deposit" and self._bin.is_silent(at) else None

    def _turn_away(self, reason: str, card: Card | None) -> list[Effect]:
        if card is not None:
            # What is wrong may end while the card is still held; this was no touch then.
            self.touches.ask_again(card)
        return self.refuse(reason, card)

    def refuse(self, reason: str, card: Card | None) -> list[Effect]:
        """Return whom a refusal is told to: the server if it is about the card, the log, and whoever stands there."""
        if card is None:
            return [Note("service_refused", {"reason": reason})]
        if not self.touches.is_first_refusal(reason, card):
            return []
        touch: list[Effect] = [ReportCard(reason, card)] if reason in ABOUT_THE_CARD else []
        return [*touch, Note("card_refused", {"reason": reason, "last4": card.last4}), Tell(told(reason))]
