"""Bytes as a bad cable, a wrong setting or a half-read buffer would give them: real frames, changed, cut and mixed."""

import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Final

from gateways.frames import Options


def _hex(*frames: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(frame) for frame in frames)


_EM4100: Final = (
    b"\x020D00319CD070\x03",
    b"\x021F00644BB686\x03",
    b"\x020C000621A58E\r\n\x03",
    b"\x02000000000000\x03",
)

FRAMES: Final[dict[str, tuple[bytes, ...]]] = {
    "rdm6300": _EM4100,
    "id20la": _EM4100,
    "pn532_hsu": _hex(
        "0000FF00FF00",
        "0000FFFF0000",
        "0000FF01FF7F8100",
        "0000FF0CF4D54B0101000408045CBBE5D5FD00",
        "0000FF03FDD54B00E000",
        "0000FF04FCD44A0100E100",
        "0000FF06FAD50332010607E800",
        "0000FF0FF1D54B01010044000704A1B2C3D4E5F0D000",
        "0000FF1DE3D54B02010004080411223344020344200711223344556677057577800264 00",
    ),
    "uhf_m100": _hex(
        "BB0222 0011 C4 3000 E200001D7315016521408FC6 B83E C2 7E",
        "AA02220011C9340030751FEB705C5904E3D50D703A76EFDD",
        "BB01FF000115167E",
        "BB0103000B004D3130302056312E3030227E",
        "BB00220000227E",
    ),
    "cas_22": (
        b"ST,GS,1\xc4,000013.5 kg\r\n",
        b"US,GS,\r\x84,000013.7 kg\r\n",
        b"ST,NT,1\xc6,-  13.25 kg\r\n",
        b"OL,GS,1\x84,         kg\r\n",
        b"ST,GS,1\x44,    1.25  t\r\n",
    ),
    "cas_and18": (
        b"ST,GS,+0013.50kg\r\n",
        b"US,NT,-0000.35kg\r\n",
        b"ST,GS,   245.6 g\r\n",
        b"OL,GS,        kg\r\n",
        b"ST,TR,+0001.00kg\r\n",
    ),
    "and_standard": (
        b"ST,+00029.84  g\r\n",
        b"US,-0001.234 kg\r\n",
        b"ST,+0004775.7   g\r\n",
        b"OL,+999999.9  g\r\n",
        b"OL,-9999999E+19\r\n",
        b"QT,+00012345 PC\r\n",
    ),
    "toledo_continuous": (
        b"\x02,0   4123     0\r\x1b",
        b"\x02,2     35     0\r;",
        b"\x02-8  41230     0\r",
        b"\x021     200      \r",
        b"\x02,4            0\ra",
        b"\x02,1   4123   100\ry",
    ),
    "toledo_8217": (b"\x0201.250\r", b"\x02100.250N\r", b"\x02?a\r", b"\x02?p\r", b"\x02E\rhello"),
    "mt_sics": (
        b"S S     105.00 g\r\n",
        b"S D      -0.35 kg\r\n",
        b"S S     561.348 kg\r\n",
        b"S I\r\n",
        b"S +\r\n",
        b'I4 A "0123456789"\r\n',
        b"T S      41.23 kg\r\n",
        b"ES\r\n",
    ),
    "ohaus_defender": (b"   0.355 kg   ?G\r\n", b"-  1.640 kg    N\r\n", b"   1.000 lb    T\r\n", b"ES\r\n"),
    "ohaus_scoutpro": (b"        0.00 g     \r\n", b"       12.73 g    ?\r\n", b"ES\r\n"),
    "kern_ascii": (
        b"       0.665 g  \r\n",
        b"     -29.186    \r\n",
        b"    0.665 g \r\n",
        b"-  29.182 g \r\n",
        b"    1.250 kg\r\n",
    ),
}

# Settings that change what a parser reads; one of them is drawn for each input.
OPTIONS: Final[dict[str, tuple[Options, ...]]] = {
    "toledo_continuous": (Options(), Options(checksum=True), Options(checksum=False)),
    "toledo_8217": tuple(Options(unit=unit) for unit in ("kg", "g", "lb")),
    "uhf_m100": tuple(Options(framing=framing) for framing in (None, "BB", "AA")),
    "kern_ascii": (Options(), Options(unit="kg")),
}

_EVERY_FRAME: Final = tuple(frame for frames in FRAMES.values() for frame in frames)
_FIELD_BYTES: Final = b"0123456789012345678901234567890123456789 +-.EABCDEFgktlbSTUOLGNQ,?\r\n\x02\x03"


def _fix_em4100(frame: bytearray) -> None:
    folded = 0
    for at in range(1, 11, 2):
        folded ^= int(frame[at : at + 2], 16)
    frame[11:13] = b"%02X" % folded


def _fix_pn532(frame: bytearray) -> None:
    frame[4] = -frame[3] & 0xFF
    frame[-2] = -sum(frame[5:-2]) & 0xFF


def _fix_uhf(frame: bytearray) -> None:
    frame[-2] = sum(frame[1:-2]) & 0xFF


def _fix_toledo(frame: bytearray) -> None:
    if len(frame) == 18:
        frame[17] = -sum(byte & 0x7F for byte in frame[:17]) & 0x7F


# Repairing the outer checksum after a change leads the parser to the checks behind it.
_FIXES: Final[dict[str, Callable[[bytearray], None]]] = {
    "rdm6300": _fix_em4100,
    "id20la": _fix_em4100,
    "pn532_hsu": _fix_pn532,
    "uhf_m100": _fix_uhf,
    "toledo_continuous": _fix_toledo,
}


class Generator:
    """Endless inputs for one protocol from a seed, each with its settings and the sizes in which it arrives."""

    def __init__(self, protocol: str, seed: int) -> None:
        self._rng = random.Random(f"{protocol}/{seed}")  # noqa: S311 - to repeat a run, not to keep a secret
        self._frames = FRAMES[protocol]
        self._fix = _FIXES.get(protocol)
        self._options = OPTIONS.get(protocol, (Options(),))

    def draw(self) -> tuple[Options, list[bytes]]:
        """Return settings and an input in chunks."""
        rng = self._rng
        data = b"".join(self._piece() for _ in range(rng.randint(1, 4)))
        chunks: list[bytes] = []
        while data:
            size = rng.choice((1, 3, 8, 21, 200))
            chunks.append(data[:size])
            data = data[size:]
        return rng.choice(self._options), chunks

    def _piece(self) -> bytes:
        rng = self._rng
        match rng.randrange(10):
            case 0:
                return rng.randbytes(rng.randint(0, 30))
            case 1:
                return bytes(rng.choices(_FIELD_BYTES, k=rng.randint(0, 24)))
            case 2:
                return rng.choice(_EVERY_FRAME)
            case 3 | 4:
                return rng.choice(self._frames)
            case 5 | 6:
                return self._refilled()
            case _:
                return self._damaged(self._refilled() if rng.random() < 0.5 else rng.choice(self._frames))

    def _refilled(self) -> bytes:
        """A frame with other values in its fields, its checksum put right."""
        rng = self._rng
        frame = bytearray(rng.choice(self._frames))
        for at, byte in enumerate(frame):
            if 0x30 <= byte <= 0x39 and rng.random() < 0.7:
                frame[at] = rng.choice(b"0123456789")
        for _ in range(rng.choice((0, 0, 1, 2))):
            frame[rng.randrange(len(frame))] = rng.choice(_FIELD_BYTES) if rng.random() < 0.5 else rng.randrange(256)
        return self._put_right(frame)

    def _put_right(self, frame: bytearray) -> bytes:
        if self._fix is not None:
            # It may be damaged beyond what a checksum is computed from.
            with contextlib.suppress(ValueError, IndexError):
                self._fix(frame)
        return bytes(frame)

    def _damaged(self, frame: bytes) -> bytes:
        for _ in range(self._rng.randint(1, 3)):
            frame = self._damage(frame) if frame else frame
        return frame

    def _damage(self, frame: bytes) -> bytes:
        rng = self._rng
        at = rng.randrange(len(frame))
        end = at + rng.randint(1, 4)
        match rng.randrange(7):
            case 0:  # a bit flips
                return frame[:at] + bytes((frame[at] ^ 1 << rng.randrange(8),)) + frame[at + 1 :]
            case 1:  # bytes are lost
                return frame[:at] + frame[end:]
            case 2:  # bytes come in between
                return frame[:at] + rng.randbytes(end - at) + frame[at:]
            case 3:  # bytes come twice
                return frame[:end] + frame[at:]
            case 4:  # only the beginning or the end is there
                return rng.choice((frame[:at], frame[at:]))
            case 5:  # another frame begins inside
                return frame[:at] + rng.choice(self._frames)
            case _:  # and this one goes on afterwards
                return frame[:at] + rng.choice(self._frames) + frame[at:]


def show(chunks: Sequence[bytes]) -> str:
    """Return an input as `decode --hex` takes it."""
    return b"".join(chunks).hex(" ").upper()
