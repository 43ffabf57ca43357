"""How fast the simulated world runs. Everything that people and machines take is divided by `speed`."""

from dataclasses import dataclass, replace
from typing import Any, Final

from gateways.link.uplink import UplinkSettings
from gateways.weighing.thresholds import Thresholds

# More frames a second than this cost a whole core for twenty meters and prove nothing more.
FASTEST_FRAME_S: Final = 0.02

# A weight that moves must be seen moving, in a few frames.
_SEEN_S: Final = 0.1

# Thresholds that wait for a process to be scheduled, not for a scale: never shorter than this, in real seconds.
_FLOORS: Final = {
    "card_gone_s": 0.3,
    "pending_card_s": 2.0,
    "max_gap_s": 0.25,
    "scale_silent_s": 1.0,
    "baseline_timeout_s": 5.0,
    "settle_timeout_s": 10.0,
    "inferred_stable_s": 0.5,
    "scale_back_s": 10.0,
    "attended_alarm_s": 20.0,
    "lid_timeout_s": 3.0,
    "recover_timeout_s": 20.0,
    "late_close_s": 10.0,
    "open_alarm_s": 5.0,
}
_SCALED: Final = ("stable_s", "settle_delay_s", *_FLOORS)


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations of the simulated world in real seconds, for a speed of 1 or more."""

    speed: float = 1.0
    fastest_frame_s: float = FASTEST_FRAME_S
    # A gateway asks for the lid's position once a real second: one whose report was lost is seen open only after that.
    least_open_s: float = 0.0

    def _s(self, seconds: float) -> float:
        return seconds / self.speed

    @property
    def weight_every_s(self) -> float:
        """Return the scale's frame period: 10 Hz."""
        return max(self._s(0.1), self.fastest_frame_s)

    @property
    def card_every_s(self) -> float:
        """Return the reader's frame period."""
        return max(self._s(0.065), self.fastest_frame_s)

    @property
    def wobble_s(self) -> float:
        """Return for how long a changed weight moves."""
        return max(self._s(0.8), _SEEN_S)

    @property
    def lid_opens_s(self) -> float:
        """Return what the motor takes."""
        return self._s(0.5)

    @property
    def patience_s(self) -> float:
        """Return for how long a resident tries before giving up; a gateway may be starting again meanwhile."""
        return max(self._s(30.0), 8.0)

    @property
    def tap_s(self) -> tuple[float, float]:
        """Return how long a resident holds the card, and how long it is away before the next try."""
        thresholds = self.thresholds()
        return max(self._s(6.0), 1.5), 1.5 * thresholds.card_gone_s

    @property
    def forgotten_s(self) -> float:
        """Return after how long no gateway opens a lid any more for a resident who has left."""
        thresholds = self.thresholds()
        return thresholds.pending_card_s + thresholds.baseline_timeout_s + thresholds.settle_timeout_s

    @property
    def throwing_s(self) -> tuple[float, float]:
        """Return the shortest and the longest time between open lid and drop."""
        return self._s(1.0), self._s(4.0)

    @property
    def closing_s(self) -> float:
        """Return the time between drop and closed lid."""
        return max(self._s(1.5), self.least_open_s)

    @property
    def forgotten_lid_s(self) -> float:
        """Return for how long a lid stays open that its resident has left so."""
        return 1.2 * self.thresholds().late_close_s

    @property
    def emptying_after_s(self) -> float:
        """Return how long a full bin stands in peace before it is emptied."""
        return max(self._s(20.0), 2.0)

    @property
    def silence_s(self) -> tuple[float, float]:
        """Return the shortest and the longest time for which a faulty device says nothing."""
        return max(self._s(0.3), 0.1), max(self._s(40.0), 4.0)

    @property
    def unplugged_s(self) -> tuple[float, float]:
        """Return the shortest and the longest time for which a cable hangs loose."""
        return max(self._s(1.0), 0.2), max(self._s(120.0), 4.0)

    @property
    def power_off_s(self) -> tuple[float, float]:
        """Return the shortest and the longest power cut."""
        return max(self._s(2.0), 0.2), max(self._s(600.0), 3.0)

    @property
    def drift_per_s(self) -> float:
        """Return the grams a second by which a scale's zero may wander: within a session less than its step."""
        return min(0.05 * self.speed, 0.5)

    def thresholds(self) -> Thresholds:
        """Return the session's thresholds at this speed."""
        usual = Thresholds()
        scaled: dict[str, Any] = {name: self._threshold(getattr(usual, name), name) for name in _SCALED}
        return replace(usual, **scaled)

    def _threshold(self, usual_s: float, name: str) -> float:
        return max(self._s(usual_s), min(usual_s, _FLOORS.get(name, 0.0)))

    def uplink(self) -> UplinkSettings:
        """Return the uplink's settings at this speed: shorter waits, so that an outage ends soon."""
        usual = UplinkSettings()
        return UplinkSettings(
            timeout_s=max(self._s(usual.timeout_s), 5.0),
            backoff_first_s=max(self._s(usual.backoff_first_s), 0.05),
            backoff_last_s=max(self._s(usual.backoff_last_s), 2.0) if self.speed > 1 else usual.backoff_last_s,
            status_every_s=max(self._s(usual.status_every_s), 2.0),
            alive_chunk_s=max(self._s(usual.alive_chunk_s), 2.0),
        )
