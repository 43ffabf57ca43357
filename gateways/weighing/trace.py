"""How a weight came to rest, in at most 64 points: part of a discharge's evidence. Pure."""

from typing import Final

_MOST_POINTS: Final = 64


class Trace:
    """Every frame's weight since monotonic second `since`; as it grows long, only every second, fourth, … frame."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._points: list[list[int | None]] = []
        self._every = 1
        self._frames = 0

    def add(self, at: float, grams: int | None) -> None:
        """Take a frame; None for one without a usable weight."""
        if self._frames % self._every == 0:
            self._points.append([round((at - self._since) * 1000), grams])
        self._frames += 1
        if len(self._points) == _MOST_POINTS:
            del self._points[1::2]
            self._every *= 2

    def points(self) -> list[list[int | None]]:
        """Return [[milliseconds, grams or None], …]."""
        return [*self._points]
