"""When a weight is proven stable: the device says so AND our own window of frames says so."""

import statistics
from collections import deque
from typing import Any

import msgspec

from gateways.frames import WeightSample
from gateways.thresholds import Thresholds

_KEPT_FRAMES = 64
_EVIDENCE_FRAMES = 8


class StableWeight(msgspec.Struct, frozen=True):
    """A proven weight in grams, with the window that proves it (seconds; newest raw frames as hex)."""

    grams: int
    min_g: int
    max_g: int
    frames: int
    duration_s: float
    raw: list[str]

    def evidence(self) -> dict[str, Any]:
        """Return the window as it is kept with a discharge."""
        return {
            "min_g": self.min_g,
            "max_g": self.max_g,
            "frames": self.frames,
            "duration_ms": round(self.duration_s * 1000),
            "raw": self.raw,
        }


class StabilityWindow:
    """Gathers frames; any unstable frame, fault, gap or step of more than a division starts it anew.

    A damaged digit in a protocol without checksum therefore costs time, never a wrong weight: it would have to be
    repeated, alike and marked stable, through the whole window.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._samples: deque[WeightSample] = deque(maxlen=_KEPT_FRAMES)
        self.clear()

    def clear(self) -> None:
        """Forget every frame."""
        self._samples.clear()
        self._frames = 0
        self._first_at = self._last_at = 0.0
        self._min = self._max = 0

    def add(self, at: float, sample: WeightSample) -> None:
        """Take a frame read at `at` monotonic seconds."""
        if sample.grams is None or not sample.stable:
            self.clear()
            return
        if self._frames and not self._continues(at, sample.grams):
            self.clear()
        self._extend(at, sample, sample.grams)

    def _continues(self, at: float, grams: int) -> bool:
        span = max(self._max, grams) - min(self._min, grams)
        return span <= self._thresholds.division_g and at - self._last_at <= self._thresholds.max_gap_s

    def _extend(self, at: float, sample: WeightSample, grams: int) -> None:
        if not self._frames:
            self._first_at, self._min, self._max = at, grams, grams
        self._samples.append(sample)
        self._frames += 1
        self._last_at = at
        self._min, self._max = min(self._min, grams), max(self._max, grams)

    @property
    def is_proven(self) -> bool:
        """Whether the window is long enough, in frames and in seconds."""
        long_enough = self._last_at - self._first_at >= self._thresholds.stable_s
        return long_enough and self._frames >= self._thresholds.stable_frames

    def weight(self) -> StableWeight:
        """Return the proven weight: the median, so a value that the scale did show. Only when `is_proven`."""
        return StableWeight(
            grams=statistics.median_low(s.grams for s in self._samples if s.grams is not None),
            min_g=self._min,
            max_g=self._max,
            frames=self._frames,
            duration_s=self._last_at - self._first_at,
            raw=[s.raw.hex() for s in list(self._samples)[-_EVIDENCE_FRAMES:]],
        )
