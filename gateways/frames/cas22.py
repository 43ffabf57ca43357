"""CAS 22-byte stream of the CI, NT and EXI indicators, 9600 8N1 (CI-600D manual p. 75, CI-150A p. 54, NT-200 p. 48).

`ST|US|OL , GS|NT , id lamp , data(8) SP unit(2) CR LF`. The id is a raw byte that may be CR, so frames are taken by
length, never by line. Lamp byte: bit 7 always 1, 6 stable, 4 hold, 2 gross, 1 tare, 0 zero. There is no checksum: what
guards a weight is that every fixed byte of the frame must be right.

ASSUMPTION, stated here and nowhere else (no manual says it; change it when a device is at hand): a sign is the first
of the 8 data bytes or stands before the digits, and on OL the data field means nothing.
"""

from typing import Final

from gateways.frames import DeviceProtocol, Line, WeightSample
from gateways.frames.base import MORE, NO_FRAME, StreamParser, Taken, begins, is_number_like
from gateways.frames.weights import GRAMS, grams_of

FRAME_LENGTH: Final = 22
_HEADERS: Final = frozenset(status + mode for status in (b"ST,", b"US,", b"OL,") for mode in (b"GS,", b"NT,"))
_GRAMS_PER_UNIT: Final = {b"kg": GRAMS["kg"], b" t": GRAMS["t"], b"t ": GRAMS["t"]}
_LAMP_ALWAYS, _LAMP_STABLE, _LAMP_HOLD, _LAMP_TARE = 0x80, 0x40, 0x10, 0x02


class Cas22Parser(StreamParser):
    """Weights of the gross reading; a tared indicator's are marked `net`."""

    STARTS = frozenset(b"SUO")

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut 22 bytes after a header."""
        frame = buffer[at : at + FRAME_LENGTH]
        if not begins(frame, _HEADERS, 6):
            return NO_FRAME
        if len(frame) < FRAME_LENGTH:
            return MORE
        decoded = _decode(frame)
        return decoded if isinstance(decoded, str) else (FRAME_LENGTH, (decoded,))


def _decode(frame: bytes) -> WeightSample | str:
    """A sample, or the reason why these 22 bytes are none."""
    if frame[8:9] != b"," or frame[17:18] != b" " or frame[20:22] != b"\r\n":
        return "separator"
    per_unit = _GRAMS_PER_UNIT.get(frame[18:20])
    if per_unit is None:
        return "unit"
    is_overload = frame[0:2] == b"OL"
    grams = None if is_overload else grams_of(frame[9:17], per_unit)
    if grams is None and not (is_overload and is_number_like(frame[9:17])):
        return "data"
    if not frame[7] & _LAMP_ALWAYS:
        return WeightSample(None, False, "port must be 8N1", frame)
    if grams is None:
        return WeightSample(None, False, "overload", frame)
    return _weighed(frame, grams)


def _weighed(frame: bytes, grams: int) -> WeightSample:
    lamp = frame[7]
    # "Hold" freezes the display, so its value is an old one.
    stable = frame[0:2] == b"ST" and bool(lamp & _LAMP_STABLE) and not lamp & _LAMP_HOLD
    return WeightSample(grams, stable, None, frame, net=frame[3:5] == b"NT" or bool(lamp & _LAMP_TARE))


PROTOCOL: Final = DeviceProtocol(
    name="cas_22",
    kind="scale",
    make=lambda _options: Cas22Parser(),
    line=Line(9600),
    other_lines=(Line(4800), Line(2400), Line(19200), Line(9600, 7, "E")),
)
