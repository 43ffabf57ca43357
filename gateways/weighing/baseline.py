"""The wait of a visitor for a proven weight to begin with. Pure; times are monotonic seconds."""

from dataclasses import dataclass

from gateways.weighing.bin import Bin
from gateways.weighing.events import OpenSession, Tell
from gateways.weighing.stability import StableWeight
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.visits import Visit


@dataclass(frozen=True, slots=True)
class Full:
    """Nothing more fits; `weight` is None where the scale is overloaded."""

    weight: StableWeight | None


# The session to begin, a full bin, the reason to turn the visitor away, or what to say while the wait goes on.
Verdict = OpenSession | Full | str | Tell


class Baseline:
    """One visitor's wait, from monotonic second `at`: `proven` when a weight is, `wait` as time passes."""

    def __init__(self, visit: Visit, thresholds: Thresholds, place: Bin, at: float) -> None:
        self.visit = visit
        self._thresholds = thresholds
        self._bin = place
        self._tries = 0
        self._try_again(at)

    def _try_again(self, at: float) -> None:
        self._tries += 1
        self._since = at
        self._bin.window.clear()

    @property
    def _is_deposit(self) -> bool:
        return self.visit.kind == "deposit"

    def proven(self, weight: StableWeight) -> Verdict:
        """Return what a proven weight leads to."""
        return Full(weight) if self._is_deposit and self._bin.is_full(weight) else self._begin(weight)

    def wait(self, at: float) -> Verdict | None:
        """Return what passing time leads to; None while there is still time."""
        if self._bin.is_silent(at) and not self._is_deposit:
            return self._do_without(at)
        if at - self._since <= self._thresholds.baseline_timeout_s / self._thresholds.baseline_tries:
            return None
        if self._tries >= self._thresholds.baseline_tries:
            return self._do_without(at)
        self._try_again(at)
        return Tell("bin_unstable")

    def _do_without(self, at: float) -> Verdict:
        """Whoever empties or repairs the bin needs no proven weight; a deposit does, unless the district says so."""
        self._bin.mark("weighing", wrong=True)
        if self._is_deposit and self._bin.is_overloaded:
            return Full(None)
        good = self._bin.rest.last_good
        if self._is_deposit and (good is None or not self._thresholds.open_on_last_good):
            return "scale_silent" if self._bin.is_silent(at) else "baseline_unstable"
        return self._begin(good, "baseline_missing" if good is None else "baseline_last_good")

    def _begin(self, baseline: StableWeight | None, *flags: str) -> OpenSession:
        visit = self.visit
        return OpenSession(visit.card, baseline, visit.kind, (*visit.flags, *flags))
