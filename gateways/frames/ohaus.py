"""Ohaus lines, 9600 8N1, printed on their own in continuous output (auto-print).

Defender 3000: sign and number(8) SP unit(5) `?`|SP `G`|`N`|`T` CR LF = 18 bytes (captured; its manual, p. EN-35, prints
the fields wider). Scout Pro: number(12) SP unit(5) `?`|SP CR LF = 21 bytes (RS232 interface manual, p. EN-3). Numbers
are right-aligned, a minus may stand apart at the left; units are left-aligned; `?` marks a weight that moves. There is
no checksum. T prints the tare's own weight. The Scout Pro has no mark of a tare: its tare key must be locked.

ASSUMPTION, stated here and nowhere else: what they print on an overload is text that no frame fits, so that the last
weight goes stale. `ES` is what an Ohaus in MT-SICS mode answers to what it did not understand, for ever after noise.
"""

from collections.abc import Callable
from typing import Final

from gateways.frames import DeviceProtocol, Line, Options, Reading, Reply, WeightSample
from gateways.frames.base import LineParser, Taken, is_number_like, take_literal
from gateways.frames.weights import grams_of, padded_units

_GRAMS_PER_UNIT: Final = padded_units(("<", 5))
_SYNTAX_ERROR: Final = b"ES\r\n"


class OhausParser(LineParser):
    """`NUMBER` is the number's width, `LEGENDS` what may stand after the stability mark."""

    STARTS = frozenset(b" -E")
    NUMBER: int
    LEGENDS: frozenset[bytes]

    def take(self, buffer: bytes, at: int) -> Taken:
        """Take a line, or an error."""
        if buffer[at] == _SYNTAX_ERROR[0]:
            return take_literal(buffer, at, _SYNTAX_ERROR, Reply("error", "ES", _SYNTAX_ERROR))
        return super().take(buffer, at)

    def fits(self, start: bytes) -> bool:
        """The beginnings of a number."""
        return is_number_like(start[: self.NUMBER])

    def decode(self, frame: bytes) -> Reading | str:
        """Read the fields."""
        number, unit = frame[: self.NUMBER], frame[self.NUMBER + 1 : self.NUMBER + 6]
        mark, legend = frame[self.NUMBER + 6 : self.NUMBER + 7], frame[self.NUMBER + 7 : -2]
        if frame[self.NUMBER : self.NUMBER + 1] != b" " or mark not in (b" ", b"?") or legend not in self.LEGENDS:
            return "separator"
        if unit not in _GRAMS_PER_UNIT:
            return "unit"
        grams = grams_of(number, _GRAMS_PER_UNIT[unit])
        if grams is None:
            return "data"
        if legend == b"T":
            return Reply("tare", f"{number.replace(b' ', b'').decode()} {unit.decode().strip()}", frame)
        return WeightSample(grams, mark == b" ", None, frame, net=legend == b"N")


class DefenderParser(OhausParser):
    """Defender 3000."""

    LENGTHS = (18,)
    NUMBER = 8
    LEGENDS = frozenset((b"G", b"N", b"T"))


class ScoutProParser(OhausParser):
    """Scout Pro."""

    LENGTHS = (21,)
    NUMBER = 12
    LEGENDS = frozenset((b"",))


def _protocol(name: str, make: Callable[[], OhausParser]) -> DeviceProtocol:
    def parser(_options: Options) -> OhausParser:
        return make()

    return DeviceProtocol(
        name=name,
        kind="scale",
        make=parser,
        line=Line(9600),
        other_lines=(Line(2400, 7, "N", 2), Line(9600, 7, "E"), Line(4800), Line(19200)),
    )


PROTOCOLS: Final = (_protocol("ohaus_defender", DefenderParser), _protocol("ohaus_scoutpro", ScoutProParser))
