"""RDM6300 / RDM630 and ID-12LA / ID-20LA readers: EM4100 cards at 125 kHz, 9600 8N1, the reader only talks.

RDM6300 data sheet: `02 | 10 hex digits | 2 hex digits checksum | 03`, ID-20LA data sheet (ID Innovations, SparkFun
kit-13198): the same with `0D 0A` before the `03`. The checksum is the XOR of the five bytes; digits are upper case.
A card held at the reader yields one `TagRead` per frame, every 50-65 ms.

STX can stand nowhere inside a frame, so whatever is damaged, the next good frame is found.
"""

from functools import reduce
from operator import xor
from typing import Final

from gateways.frames import DeviceProtocol, Line, TagRead
from gateways.frames.base import MORE, StreamParser, Taken

_HEX: Final = frozenset(b"0123456789ABCDEF")
_DIGITS_END: Final = 13  # STX + 10 digits + 2 checksum digits
_TAILS: Final = (b"\x03", b"\r\n\x03")


class Rdm6300Parser(StreamParser):
    """One parser for both readers."""

    STARTS = frozenset(b"\x02")

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut at the first wrong byte, then check the XOR."""
        digits = buffer[at + 1 : at + _DIGITS_END]
        if not _HEX.issuperset(digits):
            return "bad_digit"
        rest = buffer[at + _DIGITS_END : at + _DIGITS_END + 3]
        for tail in _TAILS:
            if rest.startswith(tail):
                return _read(digits, _DIGITS_END + len(tail))
        return MORE if any(tail.startswith(rest) for tail in _TAILS) else "no_end"


def _read(digits: bytes, length: int) -> Taken:
    text = digits.decode("ascii")
    *number, checksum = bytes.fromhex(text)
    if reduce(xor, number) != checksum:
        return "checksum"
    # A data line stuck at low reads as all zeros, whose checksum is right.
    return (length, (TagRead(text[:10]),)) if any(number) else "zero_id"


PROTOCOLS: Final = tuple(
    DeviceProtocol(name=name, kind="reader", make=lambda _options: Rdm6300Parser(), line=Line(9600))
    for name in ("rdm6300", "id20la")
)
