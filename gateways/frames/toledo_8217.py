"""Toledo 8217 / 8213, 9600 7E1: the scale answers each `W` (Ohaus Courier 7000 EN-39, Rice Lake BenchPro p. 26).

`STX weight [N] CR`, or `STX ? status CR` while there is no weight: bit 0 motion, 1 over capacity, 2 under zero, 3
outside the zero capture range, 4 centre of zero, 5-6 always 1, 7 parity. N marks a net weight. Only stable weights are
sent. The unit is not: the settings must name it. Nothing but the line's parity guards a frame, read at 7 bits.

`Ehello` makes it answer `STX E CR` and echo until `F`; as the answer is always the same it proves the protocol, not
which scale it is.

ASSUMPTION, stated here and nowhere else: a weight has 6 or 7 characters, one of them a point, blanks only in front; so
a lost point makes no weight a thousand times too large.
"""

from decimal import Decimal
from typing import Final

from gateways.frames import DeviceProtocol, Dialogue, Line, Options, Reading, Reply, WeightSample
from gateways.frames.base import MORE, StreamParser, Taken, take_literal
from gateways.frames.weights import grams_of, grams_per

_ECHO: Final = b"\x02E\rhello"
_LENGTHS: Final = (6, 7)
_LONGEST: Final = _LENGTHS[-1] + 1  # with N
_FAULTS: Final = ((0x02, "overload"), (0x04, "underload"), (0x01, "motion"))


class Toledo8217Parser(StreamParser):
    """`per_unit`: grams in the unit that the scale shows."""

    STARTS = frozenset(b"\x02")

    def __init__(self, per_unit: Decimal) -> None:
        super().__init__()
        self._per_unit = per_unit

    def take(self, buffer: bytes, at: int) -> Taken:
        """Take a weight, a status or an echo."""
        kind = buffer[at + 1 : at + 2]
        if kind == b"E":
            return take_literal(buffer, at, _ECHO, Reply("identity", "hello", _ECHO))
        if kind == b"?":
            return _take_status(buffer[at : at + 4])
        return self._take_weight(buffer[at : at + 2 + _LONGEST])

    def _take_weight(self, start: bytes) -> Taken:
        field, end, _ = start[1:].partition(b"\r")
        if field.strip(b" .0123456789N"):
            return "data"
        if not end:
            return MORE if len(field) <= _LONGEST else "no_end"
        number = field.removesuffix(b"N")
        grams = grams_of(number, self._per_unit) if len(number) in _LENGTHS and b"." in number else None
        if grams is None:
            return "data"
        frame = start[: len(field) + 2]
        return len(frame), (WeightSample(grams, True, None, frame, net=number != field),)


def _take_status(frame: bytes) -> Taken:
    if len(frame) > 2 and frame[2] & 0xE0 != 0x60:
        return "status"
    if len(frame) < 4:
        return MORE
    return (4, (_status(frame),)) if frame[3:] == b"\r" else "no_end"


def _status(frame: bytes) -> Reading:
    for bit, fault in _FAULTS:
        if frame[2] & bit:
            return WeightSample(None, False, fault, frame)
    return Reply("status", "centre_of_zero" if frame[2] & 0x10 else f"{frame[2]:02X}", frame)


def _make(options: Options) -> Toledo8217Parser:
    if options.unit is None:
        raise ValueError("the scale sends no unit: unit must say which one it shows")
    return Toledo8217Parser(grams_per(options.unit))


PROTOCOL: Final = DeviceProtocol(
    name="toledo_8217",
    kind="scale",
    make=_make,
    line=Line(9600, 7, "E"),
    dialogue=Dialogue(poll=b"W", identify=b"EhelloF"),
    needs_unit=True,
    other_lines=(Line(9600, 7, "O"), Line(9600), Line(4800, 7, "E"), Line(2400, 7, "E")),
)
