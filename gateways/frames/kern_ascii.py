"""Kern and G&G balances that print lines, 9600 8N1, on their own in continuous output.

Kern: number(12) SP unit(3) CR LF = 18 bytes; G&G: number(9) SP unit(2) CR LF = 14 (captured, OpenTrickler-RP2040-
Controller issue 15). Numbers are right-aligned, a minus may stand apart at the left; units are left-aligned. The unit
is printed only when the weight is stable. There is no checksum and no mark of a tare: the tare key must be locked.

The rest of a longer line may look like a G&G line: a Kern line that lost the `k` of its unit, behind three blanks, or
A&D's behind a comma. There no G&G line is read.

A moving weight therefore has no unit: it has grams only if the settings name one, else it says `motion`.
"""

from typing import Final

from gateways.frames import DeviceProtocol, Line, Options, Reading, WeightSample
from gateways.frames.base import LineParser, Taken, is_number_like
from gateways.frames.weights import grams_of, grams_per, padded_units

_GRAMS_PER_UNIT: Final = padded_units(("<", 2), ("<", 3))
_NUMBER_END: Final = {14: 9, 18: 12}


class KernParser(LineParser):
    """Both makers' lines in one stream."""

    STARTS = frozenset(b" +-")
    LENGTHS = (14, 18)
    LOOKBACK = 3

    def __init__(self, moving_unit: str | None) -> None:
        super().__init__()
        self._per_moving_unit = None if moving_unit is None else grams_per(moving_unit)

    def take(self, buffer: bytes, at: int) -> Taken:
        """Take a line that is not the rest of a longer one."""
        taken = super().take(buffer, at)
        is_short = isinstance(taken, tuple) and taken[0] == self.LENGTHS[0]
        before = buffer[max(0, at - self.LOOKBACK) : at]
        return "shortened" if is_short and (before == b"   " or before[-1:] == b",") else taken

    def fits(self, start: bytes) -> bool:
        """The beginnings of a number."""
        return is_number_like(start[:9])

    def decode(self, frame: bytes) -> Reading | str:
        """Read the fields."""
        end = _NUMBER_END[len(frame)]
        number, unit = frame[:end], frame[end + 1 : -2]
        is_stable = bool(unit.strip(b" "))
        if frame[end : end + 1] != b" ":
            return "separator"
        if is_stable and unit not in _GRAMS_PER_UNIT:
            return "unit"
        per_unit = _GRAMS_PER_UNIT[unit] if is_stable else self._per_moving_unit
        grams = grams_of(number, per_unit or _GRAMS_PER_UNIT[b"g "])
        if grams is None:
            return "data"
        if per_unit is None:
            return WeightSample(None, False, "motion", frame)
        return WeightSample(grams, is_stable, None, frame)


def _make(options: Options) -> KernParser:
    return KernParser(options.unit)


PROTOCOL: Final = DeviceProtocol(
    name="kern_ascii",
    kind="scale",
    make=_make,
    line=Line(9600),
    other_lines=(Line(4800), Line(2400), Line(19200), Line(9600, 7, "E")),
)
