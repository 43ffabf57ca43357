"""What goes on at one bin: residents one after another, and somebody who empties it when it is full."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateways.cards import Card
from gateways.simulate.bin import RESIDUE_G, SimulatedBin
from gateways.simulate.pace import Pace
from gateways.simulate.resident import PLAIN, Habits, Visit
from gateways.simulate.truth import Truth

FULL_G: Final = 60_000

OwnedCard = tuple[str, Card]


@dataclass(frozen=True, slots=True)
class People:
    """Whose cards are used at a bin, and how their owners behave."""

    residents: list[OwnedCard]
    collectors: list[OwnedCard]
    habits: Habits = PLAIN


class Place:
    """Call `live` as time passes (monotonic seconds), `begin_visit` for a resident while `is_free`.

    `has_session` says whether a gateway, alive or dead, has a session of this meter to finish.
    """

    def __init__(
        self,
        bin_: SimulatedBin,
        people: People,
        truth: Truth,
        pace: Pace,
        rng: random.Random,
        has_session: Callable[[], bool],
        full_g: int = FULL_G,
    ) -> None:
        self.bin = bin_
        self.visit: Visit | None = None
        self.given_up = 0
        self._people = people
        self._truth = truth
        self._pace = pace
        self._rng = rng
        self._has_session = has_session
        self.full_g = full_g
        self._next: OwnedCard | None = None
        self._quiet_since = 0.0
        # Until then a lid may still open for somebody who gave up; the next one would throw on that one's account.
        self._blocked_until = 0.0
        self._is_pushed = False

    @property
    def is_busy(self) -> bool:
        """Whether anybody or anything moves here."""
        return self.visit is not None or self.bin.lid_open or self.bin.is_moving

    def is_free(self, now: float) -> bool:
        """Whether a resident may come: nobody is here, and there is room in the bin."""
        return not self.is_busy and now >= self._blocked_until and self.bin.gross_g <= self.full_g

    @property
    def is_awaited(self) -> bool:
        """Whether a resident is here who has not thrown anything yet."""
        return self.visit is not None and not self.visit.has_thrown and not self.visit.collects

    def begin_visit(self, now: float) -> None:
        """A resident comes."""
        self._receive(self._rng.choice(self._people.residents), now)

    def _receive(self, card: OwnedCard, now: float, *, collects: bool = False) -> None:
        self.visit = Visit(self.bin, card, self._pace, self._rng, now, habits=self._people.habits, collects=collects)
        self._is_pushed = not collects and self._rng.random() < self._people.habits.pushes_in

    def live(self, now: float) -> None:
        """Let people do what is due."""
        if self.visit is not None:
            self._quiet_since = now
            self.visit.step(self._truth, now)
            if self.visit.is_done and self._is_pushed and self._next is None:
                self._next = self._rng.choice(self._people.residents)
                self.bin.card_held = self._next[0]
            if self.visit.is_over:
                self._leave(self.visit, now)
        elif self.bin.lid_open:
            self._close_for_nobody(now)
        elif self.bin.gross_g > self.full_g and now >= self._blocked_until:
            self._empty(now)

    def _leave(self, visit: Visit, now: float) -> None:
        self.visit, following, self._next = None, self._next, None
        if visit.gave_up:
            self.given_up += 1
            self._blocked_until = now + self._pace.forgotten_s
        if following is not None:
            self._receive(following, now)

    def _close_for_nobody(self, now: float) -> None:
        """A lid that opened after its resident had left is closed by the next passer-by."""
        if now - self._quiet_since > self._pace.closing_s:
            self.bin.close_lid(now)
            self._quiet_since = now

    def _empty(self, now: float) -> None:
        if now - self._quiet_since <= self._pace.emptying_after_s:
            return
        self._quiet_since = now
        if self._people.collectors:
            self._receive(self._rng.choice(self._people.collectors), now, collects=True)
        # Emptying a bin amid a session that a dead gateway will resume would falsify that discharge.
        elif not self._has_session():
            self.bin.show(self._truth.append("emptied", self.bin.meter, None, RESIDUE_G - self.bin.gross_g), now)
