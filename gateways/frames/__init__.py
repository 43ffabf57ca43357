"""Pure parsers from serial bytes to readings; one file per protocol.

A parser is fed whatever the port had to give and returns the readings that are complete by then. It never raises on
input, holds back at most one frame's bytes, and its readings do not depend on how the bytes were cut into chunks.
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TagRead:
    """A card number as the reader sent it: 10 upper-case hex digits (EM4100, all 40 bits). Personal data: hash it."""

    number: str


@dataclass(frozen=True, slots=True)
class WeightSample:
    """One scale frame. `grams` is None whenever the frame holds no usable weight; `fault` then says why.

    `stable` is true only if every stability mark of the frame says so. `raw` are the frame's bytes as evidence.
    """

    grams: int | None
    stable: bool
    fault: str | None
    raw: bytes


@dataclass(slots=True)
class FrameStats:
    """Counts since the parser was made: whole valid frames, rejected frames by reason, bytes outside any frame."""

    frames: int = 0
    noise_bytes: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
