"""What is known of one bin right now: its weight, its lid, its faults. Pure; times are monotonic seconds."""

from typing import Final

from gateways.frames import WeightSample
from gateways.weighing.capacity import Capacity
from gateways.weighing.events import Effect, Kind
from gateways.weighing.lidwatch import LidWatch
from gateways.weighing.rest import Rest, Step
from gateways.weighing.stability import StabilityWindow, StableWeight, fault_of
from gateways.weighing.thresholds import Thresholds

# A scale that is moving or busy is not broken.
_HARMLESS: Final = frozenset({"motion", "not_ready"})


class Bin:
    """Gathers what the devices say; `gross_g` and `lid_open` are None while nobody knows."""

    def __init__(
        self, thresholds: Thresholds, *, last_gross_g: int | None, capacity_g: int, inferred_stability: bool
    ) -> None:
        self.gross_g: int | None = None
        self.lid_open: bool | None = None
        self.faults: set[str] = set()
        self.rest = Rest(thresholds, last_gross_g)
        self.window = StabilityWindow(thresholds, inferred=inferred_stability)
        self.heard_at = float("-inf")
        self._watched_from: float | None = None
        self._lid_watch = LidWatch(thresholds)
        self._capacity = Capacity(capacity_g, thresholds)
        self._silent_s = thresholds.scale_silent_s
        self._max_gap_s = thresholds.max_gap_s
        self._scale_fault: str | None = None

    def mark(self, fault: str, *, wrong: bool) -> None:
        """Begin or end a fault."""
        if wrong:
            self.faults.add(fault)
        else:
            self.faults.discard(fault)

    # --- Scale

    def weighed(self, at: float, sample: WeightSample) -> None:
        """Take a frame. One without a gross weight leaves none: the one before is never kept."""
        self.heard_at, self._scale_fault = at, fault_of(sample)
        self.gross_g = sample.grams if self._scale_fault is None else None
        self.mark("comm", wrong=False)
        if self._scale_fault is not None and self._scale_fault not in _HARMLESS:
            self.mark("weighing", wrong=True)
        self.window.add(at, sample)

    def is_silent(self, at: float) -> bool:
        """Whether no frame has come for so long that the last weight is stale."""
        return at - self.heard_at > self._silent_s

    def tick(self, at: float, kind: Kind | None) -> list[Effect]:
        """Forget a stale weight; return what an open lid calls for, `kind` being that of the session under way."""
        if self._watched_from is None:
            self._watched_from = at
        if self.is_silent(at):
            self.gross_g = None
            # A box that has only just started would report every scale that it has not heard yet.
            if at - max(self.heard_at, self._watched_from) > self._silent_s:
                self.mark("comm", wrong=True)
        effects = self._lid_watch.tick(at, kind)
        if self._lid_watch.is_alarmed:
            self.mark("lock", wrong=True)
        return effects

    @property
    def is_overloaded(self) -> bool:
        """Whether the scale's last frame said that there is too much on it."""
        return self._scale_fault == "overload"

    def proven(self, at: float) -> StableWeight | None:
        """Return the weight if it is proven until now and nobody can reach into the bin."""
        is_current = at - self.heard_at <= self._max_gap_s
        return self.window.weight() if is_current and self.lid_open is False and self.window.is_proven else None

    def look_at_rest(self, at: float, weight: StableWeight) -> Step | None:
        """Take a proven weight that no session weighs; return the step that no session explains."""
        step = self.rest.see(at, weight)
        self.mark("weighing", wrong=self.rest.is_drifting)
        self.mark("volume", wrong=self._capacity.is_full(weight.grams))
        return step

    def is_full(self, weight: StableWeight) -> bool:
        """Whether the next deposit might not fit any more."""
        return self._capacity.is_full(weight.grams)

    @property
    def fill_percent(self) -> int | None:
        """Return 0 to 100; None while the weight is not known."""
        return None if self.gross_g is None else self._capacity.fill_percent(self.gross_g)

    # --- Lid

    def lid_moved(self, at: float, is_open: bool) -> list[Effect]:
        """Take what the lid's controller says; repeating it changes nothing. Return the end of an alarm."""
        was_closed, self.lid_open = self.lid_open is False, is_open
        if is_open:
            self.rest.disturb()
            self._lid_watch.opened(at)
            return []
        if not was_closed:
            # Whatever was weighed while nobody knew of the lid proves nothing.
            self.window.clear()
        return self._end_alarm(self._lid_watch.closed())

    def lid_lost(self) -> None:
        """Nobody knows how the lid stands."""
        self.lid_open = None
        self.rest.disturb()

    def extend_open(self, at: float) -> list[Effect]:
        """Begin the open lid's time anew; return the end of an alarm."""
        return self._end_alarm(self._lid_watch.extend(at))

    def _end_alarm(self, effects: list[Effect]) -> list[Effect]:
        if effects:
            self.mark("lock", wrong=False)
        return effects


class BinView:
    """What a session lets others see of its bin."""

    def __init__(self, place: Bin) -> None:
        self._bin = place

    @property
    def gross_g(self) -> int | None:
        """Return the gross weight that the scale shows now, if it shows one."""
        return self._bin.gross_g

    @property
    def lid_open(self) -> bool | None:
        """Return how the lid stands; None if nobody knows."""
        return self._bin.lid_open

    @property
    def faults(self) -> set[str]:
        """Return what is wrong now: `comm`, `weighing`, `lock`, `volume`."""
        return self._bin.faults

    @property
    def drift_g(self) -> int | None:
        """Return how far the weight at rest has moved since the last record, less evaporation; None if not known."""
        return self._bin.rest.drift_g

    @property
    def fill_percent(self) -> int | None:
        """Return how full the bin is, 0 to 100; None while its weight is not known."""
        return self._bin.fill_percent

    def is_scale_silent(self, at: float) -> bool:
        """Whether no frame has come for so long that the last weight is stale."""
        return self._bin.is_silent(at)
