"""RDM6300 / RDM630 and ID-12LA / ID-20LA readers: EM4100 cards at 125 kHz, 9600 8N1, the reader only talks.

RDM6300 data sheet: `02 | 10 hex digits | 2 hex digits checksum | 03`, ID-20LA data sheet (ID Innovations, SparkFun
kit-13198): the same with `0D 0A` before the `03`. The checksum is the XOR of the five bytes; digits are upper case.
"""

from functools import reduce
from operator import xor
from typing import Final

from gateways.frames import FrameStats, TagRead

_STX: Final = 0x02
_HEX: Final = frozenset(b"0123456789ABCDEF")
_DIGITS_END: Final = 13  # STX + 10 digits + 2 checksum digits
_TAILS: Final = (b"\x03", b"\r\n\x03")


class Rdm6300Parser:
    """Incremental parser for both readers. A card held at the reader yields one `TagRead` per frame, every 50-65 ms."""

    def __init__(self) -> None:
        self.stats = FrameStats()
        self._buffer = bytearray()

    def reset(self) -> None:
        """Forget a half-received frame: the port was reopened. The counts stay."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[TagRead]:
        """Return the cards completed by `data`, in order; damaged frames only count in `stats.rejects`."""
        self._buffer += data
        reads: list[TagRead] = []
        while self._find_start() and (length := self._candidate_length()):
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            if (read := self._accept(frame)) is not None:
                reads.append(read)
        return reads

    def _find_start(self) -> bool:
        start = self._buffer.find(_STX)
        skipped = len(self._buffer) if start < 0 else start
        self.stats.noise_bytes += skipped
        del self._buffer[:skipped]
        return start >= 0

    def _candidate_length(self) -> int:
        """Bytes that the frame at the buffer's start takes, up to its first wrong byte; 0 while more must come.

        STX can stand nowhere inside a frame, so cutting before the wrong byte never costs the next good frame.
        """
        for index in range(1, min(len(self._buffer), _DIGITS_END)):
            if self._buffer[index] not in _HEX:
                return index
        tail = bytes(self._buffer[_DIGITS_END : _DIGITS_END + 3])
        for length in range(1, len(tail) + 1):
            if tail[:length] in _TAILS:
                return _DIGITS_END + length
            if not any(good.startswith(tail[:length]) for good in _TAILS):
                return _DIGITS_END + length - 1
        return 0

    def _accept(self, frame: bytes) -> TagRead | None:
        reason = _reason_to_reject(frame)
        if reason is not None:
            self.stats.rejects[reason] += 1
            return None
        self.stats.frames += 1
        return TagRead(frame[1:11].decode("ascii"))


def _reason_to_reject(frame: bytes) -> str | None:
    if len(frame) < _DIGITS_END:
        return "bad_digit"
    if not frame.endswith(b"\x03"):
        return "no_end"
    *number, checksum = bytes.fromhex(frame[1:_DIGITS_END].decode("ascii"))
    if reduce(xor, number) != checksum:
        return "checksum"
    # A data line stuck at low reads as all zeros, whose checksum is right.
    return None if any(number) else "zero_id"
