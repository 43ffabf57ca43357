"""What all parsers share: finding frames in a stream that is cut, merged and dirty.

A protocol says in `take` what begins at one place of the buffer; everything else is here. After a damaged frame the
search goes on one byte later, because the next good frame may have begun inside the damaged one.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Final

from gateways.frames import FrameStats, Reading

# What `take` answers: a whole frame (its length and what it says), the reason why this is a damaged frame, "" for
# bytes that are no frame at all, or None while more bytes must come.
Taken = tuple[int, Sequence[Reading]] | str | None
NO_FRAME: Final = ""
MORE: Final = None


class StreamParser(ABC):
    """Incremental parser of one protocol.

    `STARTS` are the bytes with which a frame can begin; `take` sees up to `LOOKBACK` bytes before it.
    """

    STARTS: frozenset[int]
    LOOKBACK = 0

    def __init__(self) -> None:
        self.stats = FrameStats()
        self.reset()

    def reset(self) -> None:
        """Forget a half-received frame: the port was reopened. The counts stay."""
        self._buffer = b""
        self._seen = 0  # bytes at the buffer's start that are only looked back at

    def feed(self, data: bytes) -> list[Reading]:
        """Return the readings completed by `data`, in order; damaged frames only count in `stats`."""
        buffer = self._buffer + data
        readings: list[Reading] = []
        at = self._search(buffer, self._seen, readings)
        self._seen = min(at, self.LOOKBACK)
        self._buffer = buffer[at - self._seen :]
        return readings

    @abstractmethod
    def take(self, buffer: bytes, at: int) -> Taken:
        """Say what begins at `at`, which is one of `STARTS`.

        Once it is no longer MORE, the answer must not change with what follows: readings then do not depend on chunks.
        """

    def _search(self, buffer: bytes, at: int, readings: list[Reading]) -> int:
        """Take frame after frame from `at` on; return where the first unfinished one begins."""
        starts, stats = self.STARTS, self.stats
        while at < len(buffer):
            taken = self.take(buffer, at) if buffer[at] in starts else NO_FRAME
            if taken is MORE:
                break
            if isinstance(taken, str):
                if taken:
                    stats.rejects[taken] += 1
                stats.noise_bytes += 1
                at += 1
            else:
                stats.frames += 1
                at += taken[0]
                readings += taken[1]
        return at


class LineParser(StreamParser):
    """Frames of a few fixed lengths that end in CR LF and hold neither before.

    A frame is cut out by its length, not by lines: one that a lost byte has shortened fits no more.
    """

    LENGTHS: tuple[int, ...]  # ascending, with CR LF

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut the shortest frame that ends where it should, and read it."""
        for length in self.LENGTHS:
            end = at + length
            start = buffer[at:end]
            # Also asked of half a frame: waiting for its end would hold back a shorter one behind it.
            if b"\r" in start[: length - 2] or b"\n" in start[: length - 1] or not self.fits(start):
                return NO_FRAME
            if len(start) < length:
                return MORE
            if start.endswith(b"\r\n"):
                decoded = self.decode(start)
                return decoded if isinstance(decoded, str) else (length, (decoded,))
        return NO_FRAME

    @abstractmethod
    def fits(self, start: bytes) -> bool:
        """Whether a frame can begin with these bytes, of which there may be from one to the whole frame."""

    @abstractmethod
    def decode(self, frame: bytes) -> Reading | str:
        """Return what a frame that `fits` says, or the reason why it is damaged."""


def begins(start: bytes, heads: Collection[bytes], width: int) -> bool:
    """Whether `start`, which may be shorter than they are, begins with one of the `heads` of `width` bytes each."""
    head = start[:width]
    return head in heads if len(head) == width else any(good.startswith(head) for good in heads)


def take_literal(buffer: bytes, at: int, text: bytes, reading: Reading) -> Taken:
    """Take a frame that has no variable part."""
    start = buffer[at : at + len(text)]
    if start == text:
        return len(text), (reading,)
    return MORE if text.startswith(start) else NO_FRAME


def is_number_like(field: bytes) -> bool:
    """Whether a field that means nothing here (the digits of an overloaded scale) at least looks like a number."""
    return not field.strip(b" +-.0123456789E")
