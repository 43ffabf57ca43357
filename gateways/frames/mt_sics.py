"""MT-SICS level 0 of Mettler Toledo and others, 9600 8N1; the host asks `SI` (weight now) and `I4` (serial number).

Answers are lines of at most 64 characters, CR LF:

    S S|D weight(10, right-aligned) SP unit     stable, or dynamic
    S I | S + | S - | S L                       no value now, overload, underload, not possible
    I4 A "serial"                               also sent unasked when the scale was switched on or reset
    Z, ZI, T, TI, TA ...                        zeroed, tared; ES, ET, EL: not understood, line error, not possible

There is no checksum (an Ohaus in this mode repeats ES for ever after noise), and after a taring nothing in a weight
says so: the tare key must be locked. Simulators and high resolutions send numbers of 11 or 12 characters, so up to 12
are read; a shorter number has lost something.
"""

from typing import Final

from gateways.frames import DeviceProtocol, Dialogue, Line, Reading, Reply, WeightSample
from gateways.frames.base import MORE, NO_FRAME, StreamParser, Taken
from gateways.frames.weights import GRAMS, grams_of

_LONGEST: Final = 64
_NUMBER_WIDTHS: Final = range(10, 13)
_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_GRAMS_PER_UNIT: Final = {unit.encode(): grams for unit, grams in GRAMS.items()}
_REFUSALS: Final = {b"S I": "not_ready", b"S +": "overload", b"S -": "underload", b"S L": "error"}
_ZEROED: Final = frozenset((b"Z A", b"ZI D", b"ZI S"))
_TARES: Final = frozenset((b"T", b"TI", b"TA", b"TAC"))
_TEXTS: Final = frozenset((b"I2", b"I3", b"I4", b"I5"))
_ERRORS: Final = frozenset(
    (b"ES", b"ET", b"EL", *(b"%s %c" % (name, why) for name in (b"Z", b"ZI", b"T", b"TI") for why in b"IL+-"))
)


class MtSicsParser(StreamParser):
    """Weights, refusals and replies."""

    STARTS = frozenset(b"SEIZT")

    def take(self, buffer: bytes, at: int) -> Taken:
        """Take a line that says something known."""
        line, end, _ = buffer[at : at + _LONGEST + 2].partition(b"\r\n")
        text = line if end else line.removesuffix(b"\r")
        if text.translate(None, _PRINTABLE) or len(text) > _LONGEST:
            return NO_FRAME
        if not end:
            return MORE
        frame = line + end
        said = _weight(line, frame) if line[:4] in (b"S S ", b"S D ") else _reply(line, frame)
        return said if isinstance(said, str) else (len(frame), (said,))


def _weight(line: bytes, frame: bytes) -> WeightSample | str:
    unit = line.rpartition(b" ")[2]
    if unit not in _GRAMS_PER_UNIT:
        return "unit"
    grams = _grams(line[4:])
    return "data" if grams is None else WeightSample(grams, line[2:3] == b"S", None, frame)


def _grams(value: bytes) -> int | None:
    """Grams of `number unit`, or None."""
    number, _, unit = value.rpartition(b" ")
    is_whole = len(number) in _NUMBER_WIDTHS and unit in _GRAMS_PER_UNIT
    return grams_of(number, _GRAMS_PER_UNIT[unit]) if is_whole else None


def _reply(line: bytes, frame: bytes) -> Reading | str:
    """A known reply; nothing else, or noise before a weight could make one line with it."""
    if line in _REFUSALS:
        return WeightSample(None, False, _REFUSALS[line], frame)
    if line in _ERRORS:
        return Reply("error", line.decode(), frame)
    if line in _ZEROED:
        return Reply("zeroed", None, frame)
    command, _, rest = line.partition(b" ")
    if command in _TARES and (not rest[1:] or _grams(rest[2:]) is not None) and rest[:1] in (b"A", b"S", b"D"):
        return Reply("tare", rest[2:].decode().strip() or None, frame)
    if command in _TEXTS and rest[:3] == b'A "' and rest[-1:] == b'"' and rest.count(b'"') == 2:
        return Reply("identity" if command == b"I4" else "done", rest[3:-1].decode().strip(), frame)
    return NO_FRAME


PROTOCOL: Final = DeviceProtocol(
    name="mt_sics",
    kind="scale",
    make=lambda _options: MtSicsParser(),
    line=Line(9600),
    dialogue=Dialogue(poll=b"SI\r\n", identify=b"I4\r\n"),
    other_lines=(Line(9600, 7, "E"), Line(4800), Line(2400, 7, "E"), Line(19200), Line(38400)),
)
