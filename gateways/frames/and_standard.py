"""A&D standard format, 2400 7E1 (A&D EK-L manual p. 30, GC p. 51, GH-252 p. 44). Set the scale to its stream mode.

`ST|US|OL|QT , sign number(8) unit(3) CR LF` = 17 bytes; newer scales send a number of 9 and a unit of 4 characters,
19 bytes. QT counts pieces. There is no checksum and no mark of a tare: the scale's tare key must be locked.

On OL the twelve characters of number and unit are nines or an exponent (`-9999999E+19`) and mean nothing but for their
sign.
"""

from typing import Final

from gateways.frames import DeviceProtocol, Line, Reading, Reply, WeightSample
from gateways.frames.base import LineParser, begins, is_number_like
from gateways.frames.weights import grams_of, padded_units

_HEADERS: Final = frozenset((b"ST,", b"US,", b"OL,", b"QT,"))
_GRAMS_PER_UNIT: Final = padded_units((">", 3), (">", 4))
_NUMBER_END: Final = {17: 12, 19: 13}


class AndStandardParser(LineParser):
    """Both lengths in one stream."""

    STARTS = frozenset(b"SUOQ")
    LENGTHS = (17, 19)

    def fits(self, start: bytes) -> bool:
        """A header and a sign."""
        return begins(start, _HEADERS, 3) and start[3:4] in (b"", b"+", b"-")

    def decode(self, frame: bytes) -> Reading | str:
        """Read the fields."""
        status, end = frame[0:2], _NUMBER_END[len(frame)]
        number, unit = frame[3:end], frame[end:-2]
        if status == b"OL":
            return _over(frame)
        if not _is_unbroken(number):
            return "data"
        if status == b"QT":
            return Reply("count", number.decode(), frame) if unit.strip() == b"PC" else "unit"
        if unit not in _GRAMS_PER_UNIT:
            return "unit"
        return WeightSample(grams_of(number, _GRAMS_PER_UNIT[unit]), status == b"ST", None, frame)


def _over(frame: bytes) -> WeightSample | str:
    if not is_number_like(frame[3:-2].rstrip(b" gkltb")):
        return "data"
    return WeightSample(None, False, "underload" if frame[3:4] == b"-" else "overload", frame)


def _is_unbroken(number: bytes) -> bool:
    """Whether digits with at most one point follow the sign, without blanks."""
    whole, point, fraction = number[1:].partition(b".")
    return whole.isdigit() and (not point or fraction.isdigit())


PROTOCOL: Final = DeviceProtocol(
    name="and_standard",
    kind="scale",
    make=lambda _options: AndStandardParser(),
    line=Line(2400, 7, "E"),
    other_lines=(Line(9600, 7, "E"), Line(2400), Line(9600), Line(4800, 7, "E"), Line(19200)),
)
