"""When a weight is proven stable: the device says so AND our own window of frames says so."""

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateways.frames import WeightSample
from gateways.weighing.thresholds import Thresholds

_KEPT_FRAMES: Final = 64
EVIDENCE_FRAMES: Final = 8
_EVIDENCE_BYTES: Final = 48  # of each frame; no protocol's frame is longer, and a record stays small whatever comes
_MEDIAN_OF: Final = 3


class StableWeight(msgspec.Struct, frozen=True):
    """A proven weight in grams, with the window that proves it (seconds; newest raw frames as hex).

    `inferred`: the scale sends no mark of stability, so that only the window speaks for the weight.
    """

    grams: int
    min_g: int
    max_g: int
    frames: int
    duration_s: float
    raw: list[str]
    inferred: bool = False

    def evidence(self) -> dict[str, Any]:
        """Return the window as it is kept with a discharge."""
        return {
            "min_g": self.min_g,
            "max_g": self.max_g,
            "frames": self.frames,
            "duration_ms": round(self.duration_s * 1000),
            "raw": self.raw,
        }


def fault_of(sample: WeightSample) -> str | None:
    """Why the frame holds no gross weight, or None. A net weight is none: it differs by a tare that nobody knows."""
    return sample.fault or ("tared" if sample.net else None)


def shown(frames: Iterable[bytes]) -> list[str]:
    """Return raw frames as evidence keeps them: in hex, cut where they are longer than any protocol's."""
    return [raw[:_EVIDENCE_BYTES].hex() for raw in frames]


class StabilityWindow:
    """Gathers frames; any unstable frame, fault, gap or step of more than a division starts it anew.

    What is compared is the median of the last three frames, so that one damaged digit in a protocol without checksum
    neither counts nor costs time. A wrong weight would have to be repeated, alike and stable, for a whole window.
    `inferred` ignores the mark of stability, for scales that have none, and asks for a longer window instead.
    """

    def __init__(self, thresholds: Thresholds, *, inferred: bool = False) -> None:
        self._thresholds = thresholds
        self._inferred = inferred
        self._least_s = thresholds.inferred_stable_s if inferred else thresholds.stable_s
        self._raw: deque[bytes] = deque(maxlen=EVIDENCE_FRAMES)
        self._medians: deque[int] = deque(maxlen=_KEPT_FRAMES)
        self._newest: deque[int] = deque(maxlen=_MEDIAN_OF)
        self.clear()

    def clear(self) -> None:
        """Forget every frame."""
        self._newest.clear()
        self._last_at = 0.0
        self._restart()

    def _restart(self) -> None:
        self._raw.clear()
        self._medians.clear()
        self._frames = 0
        self._first_at = 0.0
        self._min = self._max = 0

    def add(self, at: float, sample: WeightSample) -> None:
        """Take a frame read at `at` monotonic seconds."""
        is_still = sample.stable or self._inferred
        if sample.grams is None or fault_of(sample) is not None or not is_still:
            self.clear()
            return
        if self._newest and at - self._last_at > self._thresholds.max_gap_s:
            self.clear()
        self._newest.append(sample.grams)
        median = statistics.median_low(self._newest)
        if self._frames and max(self._max, median) - min(self._min, median) > self._thresholds.division_g:
            self._restart()
        self._extend(at, median, sample.raw)

    def _extend(self, at: float, median: int, raw: bytes) -> None:
        if not self._frames:
            self._first_at, self._min, self._max = at, median, median
        self._raw.append(raw)
        self._medians.append(median)
        self._frames += 1
        self._last_at = at
        self._min, self._max = min(self._min, median), max(self._max, median)

    @property
    def is_proven(self) -> bool:
        """Whether the window is long enough, in frames and in seconds."""
        long_enough = self._last_at - self._first_at >= self._least_s
        return long_enough and self._frames >= self._thresholds.stable_frames

    def weight(self) -> StableWeight:
        """Return the proven weight: the median, so a value that the scale did show. Only when `is_proven`."""
        return StableWeight(
            grams=statistics.median_low(self._medians),
            min_g=self._min,
            max_g=self._max,
            frames=self._frames,
            duration_s=self._last_at - self._first_at,
            raw=shown(self._raw),
            inferred=self._inferred,
        )
