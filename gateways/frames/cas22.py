"""CAS 22-byte stream of the CI, NT and EXI indicators, 9600 8N1 (CI-600D manual p. 75, CI-150A p. 54, NT-200 p. 48).

`ST|US|OL , GS|NT , id lamp , data(8) SP unit(2) CR LF`. The id is a raw byte that may be CR, so frames are taken by
length, never by line. Lamp byte: bit 7 always 1, 6 stable, 4 hold, 2 gross, 1 tare, 0 zero. There is no checksum: what
guards a weight is that every fixed byte of the frame must be right.

ASSUMPTION, stated here and nowhere else (no manual says it; change it when a device is at hand): a sign is the first
of the 8 data bytes, digits follow after blanks or zeros, and on OL the data field means nothing.
"""

from decimal import Decimal
from typing import Final

from gateways.frames import FrameStats, WeightSample

FRAME_LENGTH: Final = 22
_HEADERS: Final = frozenset(status + mode for status in (b"ST,", b"US,", b"OL,") for mode in (b"GS,", b"NT,"))
_GRAMS_PER_UNIT: Final = {b"kg": Decimal(1_000), b" t": Decimal(1_000_000), b"t ": Decimal(1_000_000)}
_LAMP_ALWAYS, _LAMP_STABLE, _LAMP_HOLD, _LAMP_TARE = 0x80, 0x40, 0x10, 0x02
_DIGITS: Final = frozenset(b"0123456789")


class Cas22Parser:
    """Incremental parser; weights are exact integer grams of the gross reading."""

    def __init__(self) -> None:
        self.stats = FrameStats()
        self._buffer = bytearray()

    def reset(self) -> None:
        """Forget a half-received frame: the port was reopened. The counts stay."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[WeightSample]:
        """Return the samples completed by `data`, in order; damaged frames only count in `stats`."""
        self._buffer += data
        samples: list[WeightSample] = []
        while self._find_header() and len(self._buffer) >= FRAME_LENGTH:
            sample = self._read(bytes(self._buffer[:FRAME_LENGTH]))
            # After a damaged frame only one byte goes: the next good frame may have begun inside it.
            del self._buffer[: 1 if sample is None else FRAME_LENGTH]
            if sample is not None:
                samples.append(sample)
        return samples

    def _find_header(self) -> bool:
        start = 0
        while start < len(self._buffer) and not _may_be_header(bytes(self._buffer[start : start + 6])):
            start += 1
        self.stats.noise_bytes += start
        del self._buffer[:start]
        return bool(self._buffer)

    def _read(self, frame: bytes) -> WeightSample | None:
        decoded = _decode(frame)
        if isinstance(decoded, str):
            self.stats.rejects[decoded] += 1
            self.stats.noise_bytes += 1
            return None
        self.stats.frames += 1
        return decoded


def _may_be_header(start: bytes) -> bool:
    return start in _HEADERS if len(start) == 6 else any(header.startswith(start) for header in _HEADERS)


def _decode(frame: bytes) -> WeightSample | str:
    """A sample, or the reason why these 22 bytes are none."""
    status, lamp, data, unit = frame[0:2], frame[7], frame[9:17], frame[18:20]
    if frame[8:9] != b"," or frame[17:18] != b" " or frame[20:22] != b"\r\n":
        return "separator"
    if unit not in _GRAMS_PER_UNIT:
        return "unit"
    if not lamp & _LAMP_ALWAYS:
        return WeightSample(None, False, "port must be 8N1", frame)
    if status == b"OL":
        return WeightSample(None, False, "overload", frame) if _is_idle_data(data) else "data"
    grams = _grams(data, unit)
    if grams is None:
        return "data"
    return _weighed(frame, grams)


def _weighed(frame: bytes, grams: int) -> WeightSample:
    status, mode, lamp = frame[0:2], frame[3:5], frame[7]
    # A tared indicator shows net weight: two such readings differ by the tare as soon as anybody presses the key.
    fault = "tared" if mode == b"NT" or lamp & _LAMP_TARE else None
    # "Hold" freezes the display, so its value is an old one.
    stable = status == b"ST" and bool(lamp & _LAMP_STABLE) and not lamp & _LAMP_HOLD and fault is None
    return WeightSample(grams, stable, fault, frame)


def _is_idle_data(data: bytes) -> bool:
    return all(byte in b" +-.0123456789" for byte in data)


def _grams(data: bytes, unit: bytes) -> int | None:
    """Whole grams of the data field, or None if it is no number or no whole number of grams."""
    number = (data[1:] if data[:1] in (b"-", b"+") else data).lstrip(b" ")
    whole, _, fraction = number.partition(b".")
    if not whole or not _DIGITS.issuperset(whole + fraction) or number.endswith(b"."):
        return None
    grams = Decimal(number.decode("ascii")) * _GRAMS_PER_UNIT[unit]
    if grams != grams.to_integral_value():
        return None
    return -int(grams) if data[:1] == b"-" else int(grams)
