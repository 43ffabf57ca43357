"""Simulated scales, written from the indicators' manuals and sharing no code with the parsers they test.

Each is a `Device` of this package whose world is a `Shown`. Weights go out in kilograms with three decimals, so that
any whole gram can be said; which grams a scale really shows is the bin's affair.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SERIAL_NUMBER: Final = "0123456789"  # what MT-SICS scales answer to I4


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on a scale's display: gross grams, whether they have come to rest, whether they are too many."""

    grams: int
    stable: bool
    overload: bool = False


def _kilograms(grams: int, whole_digits: int = 1) -> str:
    """The magnitude in kilograms: at least so many digits, a point, three decimals."""
    return f"{abs(grams) // 1000:0{whole_digits}d}.{abs(grams) % 1000:03d}"


def _sign(grams: int, plus: str = "+") -> str:
    return "-" if grams < 0 else plus


def cas_22(shown: Shown) -> bytes:
    """Return `ST|US|OL , GS , id lamp , data(8) SP kg CR LF` of device 01 (CI-600D p. 75); a sign comes first."""
    lamp = 0xC4 if shown.stable else 0x84
    if shown.overload:
        return b"OL,GS,1%c,         kg\r\n" % 0x84
    data = _sign(shown.grams, "") + _kilograms(shown.grams, 3 if shown.grams < 0 else 4)
    return b"%s,GS,1%c,%s kg\r\n" % (b"ST" if shown.stable else b"US", lamp, data.encode())


def cas_and18(shown: Shown) -> bytes:
    """Return `ST,GS,` sign, 7 characters, `kg` CR LF: 18 bytes."""
    if shown.overload:
        return b"OL,GS,        kg\r\n"
    status = "ST" if shown.stable else "US"
    return f"{status},GS,{_sign(shown.grams)}{_kilograms(shown.grams, 3)}kg\r\n".encode()


def and_standard(shown: Shown) -> bytes:
    """Return `ST,` sign, 8 characters, unit of 3 characters, CR LF: 17 bytes (A&D GC and GX manuals)."""
    if shown.overload:
        return b"OL,+999999.9  g\r\n"
    status = "ST" if shown.stable else "US"
    return f"{status},{_sign(shown.grams)}{_kilograms(shown.grams, 4)} kg\r\n".encode()


def toledo_continuous(shown: Shown) -> bytes:
    """Return `STX SWA SWB SWC weight(6) tare(6) CR` with increments of 1 and three decimals (Wildcat app. 2)."""
    status_a = 0x20 | 0b01 << 3 | 0b101
    flags = (shown.grams < 0) << 1 | shown.overload << 2 | (not shown.stable) << 3
    status_b = 0x20 | 0x10 | flags
    digits = " " * 6 if shown.overload else f"{abs(shown.grams):6d}"
    return b"\x02%c%c\x20%s     0\r" % (status_a, status_b, digits.encode())


def toledo_continuous_check(shown: Shown) -> bytes:
    """Return the same with the check byte that makes the low seven bits add up to 0."""
    frame = toledo_continuous(shown)
    return b"%s%c" % (frame, -sum(byte & 0x7F for byte in frame) & 0x7F)


def toledo_8217(shown: Shown) -> bytes:
    """Return the answer to `W`: `STX weight CR`, or `STX ? status CR` where there is none (Courier 7000 EN-39)."""
    if shown.overload:
        return b"\x02?b\r"
    if not shown.stable:
        return b"\x02?a\r"
    if shown.grams < 0:
        return b"\x02?d\r"
    return f"\x02{_kilograms(shown.grams, 2)}\r".encode()


def mt_sics(shown: Shown) -> bytes:
    """Return `S S|D`, the weight in 10 characters, and the unit; `S +` when there is too much (Mettler Toledo)."""
    if shown.overload:
        return b"S +\r\n"
    text = _sign(shown.grams, "") + _kilograms(shown.grams)
    return f"S {'S' if shown.stable else 'D'} {text:>10} kg\r\n".encode()


def ohaus_defender(shown: Shown) -> bytes:
    """Return weight in 8 characters with a sign that stands apart, unit, `?` while it moves, `G` (Defender 3000).

    What it prints when overloaded is not known: nothing here.
    """
    if shown.overload:
        return b""
    text = f"{_sign(shown.grams, ' ')}{_kilograms(shown.grams):>7}"
    return f"{text} kg   {' ' if shown.stable else '?'}G\r\n".encode()


def ohaus_scoutpro(shown: Shown) -> bytes:
    """Return weight in 12 characters, unit `g`, `?` while it moves (Scout Pro manual); nothing when overloaded."""
    if shown.overload:
        return b""
    text = f"{shown.grams}.0"
    return f"{text:>12} g    {' ' if shown.stable else '?'}\r\n".encode()


def kern_ascii(shown: Shown) -> bytes:
    """Return weight in 12 characters and its unit, which is missing while it moves; nothing when overloaded."""
    if shown.overload:
        return b""
    text = _sign(shown.grams, "") + _kilograms(shown.grams)
    return f"{text:>12} {'kg ' if shown.stable else '   '}\r\n".encode()


Encode = Callable[[Shown], bytes]


class StreamingScale:
    """A scale that sends a frame in every period and hears nothing."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode

    def restart(self) -> None:
        """Power has come back; nothing to forget."""

    def push(self, shown: Shown) -> bytes:
        """Return the frame of this period."""
        return self._encode(shown)

    def hear(self, _data: bytes, _shown: Shown) -> bytes:
        """Return nothing."""
        return b""


class Toledo8217:
    """Answers each `W`; to `E` it echoes until `F`, as drivers use it to find the scale. Silent otherwise."""

    def __init__(self) -> None:
        self._echoing = False

    def restart(self) -> None:
        """Power has come back: no echo."""
        self._echoing = False

    def push(self, _shown: Shown) -> bytes:
        """Return nothing."""
        return b""

    def hear(self, data: bytes, shown: Shown) -> bytes:
        """Return the answers, byte by byte."""
        return b"".join(self._answer(bytes([byte]), shown) for byte in data)

    def _answer(self, byte: bytes, shown: Shown) -> bytes:
        if byte in (b"E", b"F"):
            self._echoing = byte == b"E"
            return b"\x02E\r" if self._echoing else b"\x02F\r"
        if self._echoing:
            return byte
        return toledo_8217(shown) if byte == b"W" else b""


class MtSics:
    """Answers `S`, `SI`, `SIR`, `I4` and `@`; `ES` to the rest. Streams after `SIR`, until `@` or a restart."""

    def __init__(self) -> None:
        self._streaming = False
        self._buffer = b""

    def restart(self) -> None:
        """Power has come back: the stream has to be asked for again."""
        self._streaming = False
        self._buffer = b""

    def push(self, shown: Shown) -> bytes:
        """Return the stream's next frame."""
        return mt_sics(shown) if self._streaming else b""

    def hear(self, data: bytes, shown: Shown) -> bytes:
        """Return the answers to the lines completed by `data`."""
        *lines, rest = (self._buffer + data).split(b"\n")
        self._buffer = rest[-32:]
        return b"".join(self._answer(line.strip(), shown) for line in lines)

    def _answer(self, command: bytes, shown: Shown) -> bytes:
        match command:
            case b"S":
                return mt_sics(shown) if shown.stable or shown.overload else b"S I\r\n"
            case b"SI":
                return mt_sics(shown)
            case b"SIR":
                self._streaming = True
                return mt_sics(shown)
            case b"I4":
                return f'I4 A "{SERIAL_NUMBER}"\r\n'.encode()
            case b"@":
                self._streaming = False
                return f'I4 A "{SERIAL_NUMBER}"\r\n'.encode()
            case _:
                return b"ES\r\n"


Scale = StreamingScale | Toledo8217 | MtSics
MakeScale = Callable[[], Scale]
