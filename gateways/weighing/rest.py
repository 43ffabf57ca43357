"""The weight between sessions: what changed without a card, and how far it drifts. Pure.

Nothing here ever tares: drift is measured and reported, and every deposit has its own baseline.
"""

from dataclasses import dataclass
from typing import Final

from gateways.weighing.events import Draft, Outcome
from gateways.weighing.stability import StableWeight
from gateways.weighing.thresholds import Thresholds

# Nothing can have been thrown in; if these hold no weight, what was known before them still holds.
_LID_STAYED_CLOSED: Final[frozenset[Outcome]] = frozenset({"aborted", "refused_full"})


@dataclass(frozen=True, slots=True)
class Step:
    """A change that no session explains: the weight before it, and what is known of how it came about."""

    before_g: int
    flags: list[str]


class Rest:
    """Follows the proven weights of a bin that nobody uses; times are monotonic seconds.

    `last_gross_g` is the last weight that the meter's records tell of. `last_good` is the last weight proven at rest
    with the lid closed ever since. `drift_g` is how far the weight has moved since the last record, less evaporation.
    """

    def __init__(self, thresholds: Thresholds, last_gross_g: int | None) -> None:
        self.last_good: StableWeight | None = None
        self.drift_g: int | None = None
        self.is_drifting = False
        self._thresholds = thresholds
        self._known_g = last_gross_g
        self._reference: tuple[float, int] | None = None
        self._was_off = True
        self._lid_was_open = False

    def disturb(self) -> None:
        """The lid is open, or nobody knows: somebody may throw something in."""
        self.last_good = None
        self._lid_was_open = True

    def see(self, at: float, weight: StableWeight) -> Step | None:
        """Take a proven weight with the lid closed; return the step from the one before, if it is one."""
        before_g, self._known_g = self._known_g, weight.grams
        was_off, self._was_off = self._was_off, False
        lid_was_open, self._lid_was_open = self._lid_was_open, False
        self.last_good = weight
        if before_g is None or not self._is_step(weight.grams - before_g, was_off, lid_was_open):
            self._measure_drift(at, weight.grams)
            return None
        flags = [name for name, holds in (("while_off", was_off), ("lid_open", lid_was_open)) if holds]
        return Step(before_g, flags)

    def _is_step(self, change_g: int, was_off: bool, lid_was_open: bool) -> bool:
        # Through an open lid anything may come; while the box was off a bin loses weight by itself but gains none.
        if lid_was_open or (was_off and change_g > 0):
            return abs(change_g) > self._thresholds.dead_band_g
        return abs(change_g) >= self._thresholds.step_g

    def follow(self, draft: Draft) -> None:
        """Go on from what a record says the bin weighs now."""
        if draft.gross_after_g is None and draft.outcome in _LID_STAYED_CLOSED:
            return
        self._known_g = draft.gross_after_g
        self._reference = None if draft.gross_after_g is None else (draft.at, draft.gross_after_g)
        self.drift_g, self.is_drifting = None, False
        self.last_good = None
        self._was_off = self._lid_was_open = False

    def _measure_drift(self, at: float, grams: int) -> None:
        if self._reference is None:
            self._reference = (at, grams)
        since, reference_g = self._reference
        hours = (at - since) / 3600
        change = grams - reference_g
        self.drift_g = change if change > 0 else min(0, change + round(hours * self._thresholds.evaporation_g_per_h))
        # Under an hour, the scale's own last digit would make any rate.
        rate = abs(self.drift_g) / max(1.0, hours)
        self.is_drifting = abs(self.drift_g) > self._thresholds.drift_limit_g or (
            rate > self._thresholds.drift_limit_g_per_h
        )
