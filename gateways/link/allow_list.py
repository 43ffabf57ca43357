"""Which cards may, by the list last synced from the server: on disk, so that the lid opens without network.

Before the first sync every card is `unknown`, and so is a household's once the list is too old to be relied on. Whether
a lid opens for an unknown card is the session's policy (`unknown_cards`, open unless set otherwise), so that no
resident stands before a closed lid on the first day, or in the second month without network.
"""

from datetime import timedelta
from typing import Final

from gateways.cards import Card, CardRule
from gateways.clock import Clock
from gateways.link.api import MisunderstoodError, Server
from gateways.link.records import CardsAnswer, CardsStatus
from gateways.spool import Spool
from gateways.weighing.events import Access

_RENEW_AFTER: Final = timedelta(days=1)


class AllowList:
    """Asks the spool at each card, so that a sync in another thread counts at once. For the spool's own thread."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock

    def access(self, card: Card) -> Access:
        """Return whose card it is, or why it may not.

        However old the list is, blocked stays blocked, and who empties or mends the bin is nobody's household.
        """
        rule = self._spool.card(card.hash)
        if rule is None:
            return "unknown"
        if rule.state == "blocked":
            return "blocked"
        if rule.role == "household" and is_expired(self._spool, self._clock):
            return "unknown"
        return rule.role


def is_expired(spool: Spool, clock: Clock) -> bool:
    """Whether the list can be proved too old.

    A clock that was never set proves nothing: the list goes on, and the status says that the clock is unset.
    """
    term, now = spool.cards_term(), clock.now()
    return term.version is not None and now.quality != "unset" and term.is_expired(now.wall)


def cards_status(spool: Spool, clock: Clock) -> CardsStatus:
    """Return what the status says of the list."""
    status = spool.cards_status()
    return CardsStatus(status.version, status.count, is_expired(spool, clock))


def wants_sync(spool: Spool, clock: Clock, version: str | None) -> bool:
    """Whether to ask for the cards: the server has another version, or the list's validity needs renewing."""
    term = spool.cards_term()
    if version is None:
        return False  # an older server, or one without lists
    if version != term.version or term.received_at is None:
        return True
    age = clock.now().wall - term.received_at
    return age > min(_RENEW_AFTER, timedelta(seconds=term.valid_for_s) / 2)


def sync(server: Server, spool: Spool, *, whole: bool = False) -> int:
    """Fetch what changed, or the whole list; return how many cards it has now. Raises ServerError."""
    since = None if whole else spool.cards_term().version
    answer = server.cards(since)
    if answer.complete:
        spool.replace_cards(answer.version, _rules(answer), answer.valid_for_s, answer.server_time)
    elif since is None:
        raise MisunderstoodError("the server sent changes of a list of cards that this gateway does not have")
    else:
        spool.change_cards(answer.version, _rules(answer), answer.removed, answer.valid_for_s, answer.server_time)
    return spool.cards_status().count


def _rules(answer: CardsAnswer) -> dict[str, CardRule]:
    return {entry.hash: CardRule(entry.state, entry.role) for entry in answer.set}
