"""One simulated bin: scale, lid and card reader, speaking the real frames over three cables."""

from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Final

from gateways.simulate.pace import Pace
from gateways.simulate.pty import Cable

_DIVISION_G: Final = 10
_WOBBLE_G: Final = (30, -20, 10, -10)


def card_frame(number: str) -> bytes:
    """Return an RDM6300 frame of a card number of 10 hex digits."""
    checksum = reduce(xor, bytes.fromhex(number))
    return b"\x02%s%02X\x03" % (number.encode("ascii"), checksum)


def weight_frame(grams: int, *, stable: bool) -> bytes:
    """Return a CAS 22-byte frame of device 01; `grams` is 0 or more and a multiple of 10."""
    kilograms, rest = divmod(grams, 1000)
    header, lamp = (b"ST", 0xC4) if stable else (b"US", 0x84)
    return b"%s,GS,1%c,%05d.%02d kg\r\n" % (header, lamp, kilograms, rest // _DIVISION_G)


@dataclass(frozen=True, slots=True)
class BinLinks:
    """The paths under which a gateway finds the bin's ports."""

    reader: Path
    scale: Path
    lid: Path


class SimulatedBin:
    """The physics: weights show at once but wobble for a while; the lid opens on command and closes by hand.

    `now` is monotonic seconds.
    """

    def __init__(self, meter: str, folder: Path, gross_g: int, pace: Pace) -> None:
        self.meter = meter
        self.gross_g = gross_g
        self.lid_open = False
        self.card_held: str | None = None
        self._pace = pace
        self.links = BinLinks(*(folder / f"{meter}.{part}" for part in ("reader", "scale", "lid")))
        self._reader, self._scale, self._lid = (
            Cable(link) for link in (self.links.reader, self.links.scale, self.links.lid)
        )
        self._commands = b""
        self._opens_at: float | None = None
        self._wobbles_until = 0.0
        self._wobble = 0
        self._next_weight = self._next_card = 0.0

    @property
    def lid_cable(self) -> Cable:
        """Return the cable on which commands arrive."""
        return self._lid

    def show(self, gross_g: int, now: float) -> None:
        """Let the scale show a new weight, unstable at first."""
        self.gross_g = gross_g
        self._wobbles_until = now + self._pace.wobble_s

    def close_lid(self) -> None:
        """A hand closes the lid."""
        self._move_lid(is_open=False)

    def obey(self, now: float) -> None:
        """Carry out the lid commands that have arrived."""
        *commands, rest = (self._commands + self._lid.read()).split(b"\r")
        self._commands = rest[-8:]
        for command in commands:
            if command == b"O" and self._opens_at is None:
                self._opens_at = now + self._pace.lid_opens_s
            elif command == b"S":
                self._tell_lid()

    def step(self, now: float) -> None:
        """Move the lid and send the frames that are due."""
        if self._opens_at is not None and now >= self._opens_at:
            self._opens_at = None
            self._move_lid(is_open=True)
        if now >= self._next_weight:
            self._next_weight = now + self._pace.weight_every_s
            self._send_weight(now)
        if self.card_held is not None and now >= self._next_card:
            self._next_card = now + self._pace.card_every_s
            self._reader.write(card_frame(self.card_held))

    def _send_weight(self, now: float) -> None:
        moving = now < self._wobbles_until
        self._wobble = (self._wobble + 1) % len(_WOBBLE_G)
        shown = max(0, self.gross_g + _WOBBLE_G[self._wobble]) if moving else self.gross_g
        self._scale.write(weight_frame(shown, stable=not moving))

    def _move_lid(self, *, is_open: bool) -> None:
        self.lid_open = is_open
        self._tell_lid()

    def _tell_lid(self) -> None:
        self._lid.write(b"LID OPEN\r\n" if self.lid_open else b"LID CLOSED\r\n")

    def close(self) -> None:
        """Take the cables away."""
        for cable in (self._reader, self._scale, self._lid):
            cable.close()
