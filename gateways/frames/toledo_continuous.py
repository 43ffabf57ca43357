"""Toledo continuous output, 4800-9600 7E1 or 8N1 (Wildcat technical manual app. 2, Rice Lake 680 p. 64, FB3000 p. 55).

`STX SWA SWB SWC shown(6) tare(6) CR [CHK]`. The digits carry no sign, point or unit:

    SWA  bits 0-2 the power of ten of the last digit, from 2 down to -3; 3-4 increment 1, 2 or 5; 5 always 1
    SWB  bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kg (else lb), 5 always 1, 6 powered up and not yet zeroed
    SWC  20h; bit 3 print requested, 6 tare by keyboard. Other bits mean units and digits not proven here: refused

CHK is optional: with it the low seven bits of all 18 bytes add up to 0. It may have the value of STX or CR, so whether
it is sent is a setting (`checksum`), never guessed on a live port. Without the setting it is expected: from a scale
that sends none, almost nothing is read then, and nothing wrong.

ASSUMPTION, stated here and nowhere else: out of range is an underload if the sign is set, else an overload.
"""

from decimal import Decimal
from typing import Final

from gateways.frames import DeviceProtocol, Line, Options, WeightSample
from gateways.frames.base import MORE, StreamParser, Taken
from gateways.frames.weights import GRAMS, grams_of

_STX: Final = 0x02
_CR_AT: Final = 16
_NET, _NEGATIVE, _OUT_OF_RANGE, _MOTION, _KG, _ALWAYS, _POWER_UP = (1 << bit for bit in range(7))
_STATUS: Final = (
    frozenset(0x20 | increment << 3 | power for increment in (1, 2, 3) for power in range(6)),
    frozenset(byte for byte in range(0x80) if byte & _ALWAYS),
    frozenset((0x20, 0x28, 0x60, 0x68)),
)
_PER_DIGIT: Final = {
    (power, is_kg): Decimal(10) ** (2 - power) * GRAMS["kg" if is_kg else "lb"]
    for power in range(6)
    for is_kg in (False, True)
}


class ToledoContinuousParser(StreamParser):
    """`has_check`: whether the 18th byte is a check byte."""

    STARTS = frozenset((_STX,))

    def __init__(self, *, has_check: bool) -> None:
        super().__init__()
        self._length = 18 if has_check else 17

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut 17 or 18 bytes after an STX with three possible status bytes."""
        frame = buffer[at : at + self._length]
        if not _is_status(frame[1:4]):
            return "status"
        if len(frame) < self._length:
            return MORE
        reason = _reason_to_reject(frame)
        return reason if reason is not None else (self._length, (_weigh(frame),))


def _is_status(status: bytes) -> bool:
    for byte, good in zip(status, _STATUS, strict=False):  # noqa: SIM110 - all() takes 1.8 times as long
        if byte not in good:
            return False
    return True


def _reason_to_reject(frame: bytes) -> str | None:
    if frame[_CR_AT] != 0x0D:
        return "no_end"
    shown, tare = frame[4:10].lstrip(b" "), frame[10:16].lstrip(b" ")
    # An indicator that is out of range may blank its digits.
    if not (shown.isdigit() or (not shown and frame[2] & _OUT_OF_RANGE)) or not (tare.isdigit() or not tare):
        return "data"
    # What is before the check byte has been found to be of 7 bits.
    if len(frame) == 18 and (frame[17] & 0x80 or sum(frame) & 0x7F):
        return "checksum"
    return None


def _weigh(frame: bytes) -> WeightSample:
    status = frame[2]
    if status & _POWER_UP:
        return WeightSample(None, False, "power_up", frame)
    if status & _OUT_OF_RANGE:
        return WeightSample(None, False, "underload" if status & _NEGATIVE else "overload", frame)
    grams = grams_of(frame[4:10], _PER_DIGIT[frame[1] & 0x07, bool(status & _KG)]) or 0
    net = bool(status & _NET) or bool(frame[10:16].strip(b" 0"))
    return WeightSample(-grams if status & _NEGATIVE else grams, not status & _MOTION, None, frame, net)


def sends_check_byte(data: bytes) -> bool:
    """Whether something else than the next STX follows a frame in recorded bytes.

    For recordings only: a check byte of 02 looks like an STX, and a stream of such frames like one without.
    """
    return any(
        data[at] == _STX and data[at + 17] != _STX and _reason_to_reject(data[at : at + 17]) is None
        for at in range(len(data) - 17)
    )


def _make(options: Options) -> ToledoContinuousParser:
    return ToledoContinuousParser(has_check=options.checksum is not False)


PROTOCOL: Final = DeviceProtocol(
    name="toledo_continuous",
    kind="scale",
    make=_make,
    line=Line(9600, 7, "E"),
    other_lines=(Line(9600), Line(4800, 7, "E"), Line(4800), Line(2400, 7, "E"), Line(19200, 7, "E")),
    infer=lambda data: Options(checksum=sends_check_byte(data)),
)
