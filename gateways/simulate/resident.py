"""What a resident does at a bin: hold the card until the lid opens, throw, close the lid; or give up and go.

The truth is written only when something falls through an open lid, whatever the gateway believes at that moment.
"""

import math
import random
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateways.cards import Card
from gateways.simulate.bin import RESIDUE_G, SimulatedBin
from gateways.simulate.pace import Pace
from gateways.simulate.truth import Truth

# A metered household throws away 410-425 g a day (K-eco, 2018-2020), here in one go; the spread is a guess.
_MEAN_G: Final = 410
_SIGMA: Final = 0.6
_DIVISION_G: Final = 10
# Lighter bags lie within the session's dead band and would rightly be booked as nothing.
_LEAST_G: Final = 30
_MOST_G: Final = 5000


def bag_weight(rng: random.Random) -> int:
    """Return the grams of one bag: lognormal around the mean household's, a multiple of the scale's division."""
    grams = rng.lognormvariate(math.log(_MEAN_G) - _SIGMA**2 / 2, _SIGMA)
    rounded = round(grams / _DIVISION_G) * _DIVISION_G
    return min(max(rounded, _LEAST_G), _MOST_G)


@dataclass(frozen=True, slots=True)
class Habits:
    """How many of the residents do not do as they should, as shares.

    They open and throw nothing in; go away and leave the lid open; hold their card while another one is still there.
    """

    throws_nothing: float = 0.0
    leaves_open: float = 0.0
    pushes_in: float = 0.0


PLAIN: Final = Habits()


class _Doing(Enum):
    HOLDING = "holding"
    THROWING = "throwing"
    CLOSING = "closing"
    GONE = "gone"


class Visit:
    """One resident, or a collector, at one bin; call `step` with monotonic seconds until `is_over`."""

    def __init__(
        self,
        place: SimulatedBin,
        owned: tuple[str, Card],
        pace: Pace,
        rng: random.Random,
        now: float,
        *,
        habits: Habits,
        collects: bool = False,
    ) -> None:
        number, card = owned
        self.bin = place
        self.has_thrown = self.gave_up = False
        self._card = card
        self._pace = pace
        self._rng = rng
        self._doing = _Doing.HOLDING
        self._until = now + pace.patience_s
        self._number = number
        self._next_tap = now
        self.collects = collects
        self._throws = collects or rng.random() >= habits.throws_nothing
        self._closing_s = pace.forgotten_lid_s if rng.random() < habits.leaves_open else pace.closing_s

    @property
    def is_over(self) -> bool:
        """Whether the resident has left."""
        return self._doing is _Doing.GONE

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be thrown in, but the lid is still open."""
        return self._doing is _Doing.CLOSING

    def step(self, truth: Truth, now: float) -> None:
        """Do what is due."""
        if self._doing is _Doing.HOLDING:
            self._hold(now)
        elif now >= self._until:
            if self._doing is _Doing.THROWING:
                self._throw(truth, now)
            else:
                self._close(now)

    def _hold(self, now: float) -> None:
        if self.bin.lid_open:
            self._put_card_away(_Doing.THROWING, now + self._rng.uniform(*self._pace.throwing_s))
        elif now >= self._until:
            self.gave_up = True
            self._put_card_away(_Doing.GONE, now)
        elif now >= self._next_tap:
            self._tap(now)

    def _tap(self, now: float) -> None:
        """Hold the card; take it away for a moment and hold it again, as people do when nothing happens."""
        held_s, away_s = self._pace.tap_s
        is_held = self.bin.card_held is not None
        self.bin.card_held = None if is_held else self._number
        self._next_tap = now + (away_s if is_held else held_s)

    def _put_card_away(self, doing: _Doing, until: float) -> None:
        self.bin.card_held = None
        self._doing, self._until = doing, until

    def _throw(self, truth: Truth, now: float) -> None:
        self._doing, self._until = _Doing.CLOSING, now + self._closing_s
        if not self._throws:
            return
        if self.collects:
            gross = truth.append("emptied", self.bin.meter, self._card, RESIDUE_G - self.bin.gross_g)
        else:
            gross = truth.append("drop", self.bin.meter, self._card, bag_weight(self._rng))
        self.bin.show(gross, now)
        self.has_thrown = True

    def _close(self, now: float) -> None:
        self.bin.close_lid(now)
        self._doing = _Doing.GONE
