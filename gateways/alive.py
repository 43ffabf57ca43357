"""Alive intervals of one meter: unbroken stretches in which reader and scale answered. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateways.clock import Clock, rfc3339
from gateways.link.records import AliveInterval

_HOUR: Final = timedelta(hours=1)


class AliveTracker:
    """Told regularly whether the meter answers; hands over each stretch when it ends or is `chunk_s` seconds long.

    Chunks bound what a power cut can lose: an interval that is not on disk yet.
    """

    def __init__(self, clock: Clock, chunk_s: float) -> None:
        self._clock = clock
        self._chunk_s = chunk_s
        self._from: float | None = None
        self._to = 0.0

    def observe(self, at: float, *, alive: bool) -> list[bytes]:
        """Take the state at monotonic second `at`; return the intervals to spool, as JSON."""
        if not alive:
            return self.flush()
        if self._from is None:
            self._from = at
        self._to = at
        if at - self._from < self._chunk_s:
            return []
        intervals = self.flush()
        self._from = at  # without a gap
        return intervals

    def flush(self) -> list[bytes]:
        """End the current stretch and return it, cut at the full hours of UTC."""
        begun, self._from = self._from, None
        if begun is None or self._to <= begun:
            return []
        return [msgspec.json.encode(interval) for interval in self._intervals(begun)]

    def _intervals(self, begun: float) -> Iterator[AliveInterval]:
        end = self._clock.at(self._to)
        start = end.wall - timedelta(seconds=self._to - begun)
        for left, right in _hours(start, end.wall):
            before_end_ms = int((end.wall - right).total_seconds() * 1000)
            yield AliveInterval(
                rfc3339(left), rfc3339(right), end.quality, self._clock.boot_id, end.mono_ms - before_end_ms
            )


def _hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    # The wire has milliseconds: cut before comparing, or a shorter interval would be written as an empty one.
    start, end = _to_milliseconds(start), _to_milliseconds(end)
    while start < end:
        next_hour = start.replace(minute=0, second=0, microsecond=0) + _HOUR
        yield start, min(next_hour, end)
        start = next_hour


def _to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
