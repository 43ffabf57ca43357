"""CAS and A&D 18-byte stream, 9600 8N1 or 7E1 (CAS CI-600D manual p. 75, CI-150A p. 54; A&D AD-4404 p. 80).

`ST|US|OL , GS|NT|TR , sign number(7) unit(2) CR LF`. T-Scale's QHW and other lookalikes pad the number with blanks and
leave out the plus sign. There is no checksum: every fixed byte of the frame must be right. TR is the tare's own weight.

ASSUMPTION, stated here and nowhere else: on OL the number means nothing but for its sign, minus being an underload,
and its unit may be blank (the AD-4404 blanks its display).
"""

from typing import Final

from gateways.frames import DeviceProtocol, Line, Reading, Reply, WeightSample
from gateways.frames.base import LineParser, begins, is_number_like
from gateways.frames.weights import grams_of, padded_units

_HEADERS: Final = frozenset(status + mode for status in (b"ST,", b"US,", b"OL,") for mode in (b"GS,", b"NT,", b"TR,"))
_GRAMS_PER_UNIT: Final = padded_units((">", 2), ("<", 2))


class CasAnd18Parser(LineParser):
    """Weights of the gross reading; a tared indicator's are marked `net`."""

    STARTS = frozenset(b"SUO")
    LENGTHS = (18,)

    def fits(self, start: bytes) -> bool:
        """A header and a sign."""
        return begins(start, _HEADERS, 6) and start[6:7] in (b"", b"+", b"-", b" ")

    def decode(self, frame: bytes) -> Reading | str:
        """Read the fields."""
        number, unit = frame[6:14], frame[14:16]
        if frame[0:2] == b"OL":
            return _over(frame) if is_number_like(number) and (unit in _GRAMS_PER_UNIT or unit == b"  ") else "data"
        if unit not in _GRAMS_PER_UNIT:
            return "unit"
        grams = grams_of(number, _GRAMS_PER_UNIT[unit])
        if grams is None:
            return "data"
        if frame[3:5] == b"TR":
            return Reply("tare", number.replace(b" ", b"").decode() + " " + unit.decode().strip(), frame)
        return WeightSample(grams, frame[0:2] == b"ST", None, frame, net=frame[3:5] == b"NT")


def _over(frame: bytes) -> WeightSample:
    return WeightSample(None, False, "underload" if frame[6:7] == b"-" else "overload", frame)


PROTOCOL: Final = DeviceProtocol(
    name="cas_and18",
    kind="scale",
    make=lambda _options: CasAnd18Parser(),
    line=Line(9600),
    other_lines=(Line(9600, 7, "E"), Line(9600, 7, "O"), Line(2400, 7, "E"), Line(4800), Line(19200)),
)
