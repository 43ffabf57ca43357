"""What goes wrong, by order and from a seed: how often each fault comes, and what it does to a cable.

Faults of a port: `cut` (a frame loses its end), `merged` (a frame's beginning runs into the next one's end), `flipped`
(one bit), `repeated`, `noise` (bytes of no frame), `silent`, `unplugged`, and for scales `drifting`. Faults of a
gateway: `killed`, `power_cut`, `clock_reset`. Rates are events a minute of simulated time, for each port or gateway.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateways.simulate.pace import Pace

FRAME_FAULTS: Final = ("cut", "merged", "flipped", "repeated", "noise")
PORT_FAULTS: Final = (*FRAME_FAULTS, "silent", "unplugged")
SCALE_FAULTS: Final = (*PORT_FAULTS, "drifting")
GATEWAY_FAULTS: Final = ("killed", "power_cut", "clock_reset")
FAULTS: Final = (*SCALE_FAULTS, *GATEWAY_FAULTS)

DRIFT_MOST: Final = 40  # grams either way
DRIFT_SPAN_G: Final = 2 * DRIFT_MOST
_MERGE_WITHIN_S: Final = 0.5
_NEVER: Final = float("inf")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Faults:
    """A plan: events a minute by fault, and the seed they are drawn from."""

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def rng(self, key: str) -> random.Random:
        """Return the chance of one port or gateway, always the same for its name."""
        return random.Random(f"{self.seed}/{key}")  # noqa: S311 - faults, not secrets


def parse_rates(text: str) -> dict[str, float]:
    """Read `name=rate,name=rate`; `all=rate` stands for every fault. Raises ValueError, in words."""
    rates: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, rate = part.partition("=")
        if name != "all" and name not in FAULTS:
            raise ValueError(f"unknown fault {name!r}; known are all, {', '.join(FAULTS)}")
        try:
            events = float(rate)
        except ValueError:
            events = -1.0
        if not 0 <= events < _NEVER:
            raise ValueError(f"{name}={rate}: the rate must be a number of events a minute, 0 or more")
        rates |= dict.fromkeys(FAULTS if name == "all" else (name,), events)
    return rates


class Arrivals:
    """When faults come: each kind at its own exponential intervals, independent of how often it is asked."""

    def __init__(self, faults: Faults, names: Iterable[str], rng: random.Random, speed: float, now: float) -> None:
        self._rng = rng
        self._mean_s = {name: 60 / (faults.rates[name] * speed) for name in names if faults.rates.get(name)}
        self._next = {name: now + self._draw(name) for name in self._mean_s}

    def _draw(self, name: str) -> float:
        return self._rng.expovariate(1 / self._mean_s[name])

    def due(self, now: float) -> list[str]:
        """Return the faults that come by now; of one kind at most one."""
        due = [name for name, at in self._next.items() if now >= at]
        for name in due:
            self._next[name] = now + self._draw(name)
        return due

    @property
    def next_at(self) -> float:
        """Return when the next one comes."""
        return min(self._next.values(), default=_NEVER)

    def end(self) -> None:
        """Let no more come."""
        self._next.clear()


class Trouble:
    """What is wrong with one port. Call `step`, obey `is_unplugged` and `is_silent`, send what `spoil` returns.

    `tell` hears of each fault as it takes effect. `now` is monotonic seconds.
    """

    def __init__(self, faults: Faults, key: str, names: Iterable[str], pace: Pace, now: float, tell: Tell) -> None:
        self._rng = faults.rng(key)
        self._pace = pace
        self._tell = tell
        self._arrivals = Arrivals(faults, names, self._rng, pace.speed, now)
        self._armed: list[str] = []
        self._silent_until = self._unplugged_until = self._stepped_at = now
        self._head, self._head_at = b"", now
        self._drift = self._drift_to = 0.0

    def step(self, now: float) -> None:
        """Let the faults begin and end that are due."""
        for name in self._arrivals.due(now):
            self._begin(name, now)
        if self._drift != self._drift_to:
            most = (now - self._stepped_at) * self._pace.drift_per_s
            self._drift += min(max(self._drift_to - self._drift, -most), most)
        self._stepped_at = now

    def _begin(self, name: str, now: float) -> None:
        if name in FRAME_FAULTS:
            if name not in self._armed:
                self._armed.append(name)
            return
        self._tell(name)
        if name == "silent":
            self._silent_until = now + self._rng.uniform(*self._pace.silence_s)
        elif name == "unplugged":
            self._unplugged_until = now + self._rng.uniform(*self._pace.unplugged_s)
        else:
            self._drift_to = self._rng.uniform(-DRIFT_MOST, DRIFT_MOST)

    @property
    def is_unplugged(self) -> bool:
        """Whether the cable hangs loose."""
        return self._stepped_at < self._unplugged_until

    @property
    def is_silent(self) -> bool:
        """Whether the device says nothing."""
        return self._stepped_at < self._silent_until

    @property
    def drift(self) -> float:
        """Return the grams by which the scale's zero is off."""
        return self._drift

    @property
    def next_at(self) -> float:
        """Return when the next fault comes."""
        return self._arrivals.next_at

    def spoil(self, frame: bytes, now: float) -> bytes:
        """Return what reaches the other end of what the device sends now."""
        if now - self._head_at > _MERGE_WITHIN_S:
            self._head = b""
        head, self._head = self._head, b""
        if head:
            frame = head + frame[self._rng.randrange(1, max(len(frame), 2)) :]
        armed, self._armed = self._armed, []
        for name in armed:
            self._tell(name)
            frame = self._damage(name, frame, now)
        return frame

    def _damage(self, name: str, frame: bytes, now: float) -> bytes:
        place = self._rng.randrange(len(frame) + 1)
        match name:
            case "cut":
                return frame[:place]
            case "merged":
                self._head, self._head_at = frame[:place], now
                return b""
            case "flipped":
                return _flip(frame, self._rng.randrange(len(frame) * 8)) if frame else b""
            case "repeated":
                return frame * self._rng.randint(2, 4)
            case _:
                return frame[:place] + self._rng.randbytes(self._rng.randint(1, 24)) + frame[place:]

    def heal(self) -> None:
        """End what is wrong, and let nothing more go wrong; a scale's zero wanders back."""
        self._arrivals.end()
        self._armed.clear()
        self._head = b""
        self._silent_until = self._unplugged_until = self._stepped_at
        self._drift_to = 0.0


def _flip(frame: bytes, bit: int) -> bytes:
    spoilt = bytearray(frame)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)
