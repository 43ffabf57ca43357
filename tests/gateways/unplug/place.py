"""A bin, its devices on real pseudo-terminals whose cables can be pulled, and whoever stands before it."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateways.simulate import readers, scales
from gateways.simulate.devices import Device
from gateways.simulate.pty import Cable
from gateways.simulate.scales import Shown, StreamingScale

START_G: Final = 12_000
PORTS: Final = ("reader", "scale", "lid")
_FRAME_S: Final = 0.1
_WOBBLE_S: Final = 0.3
_OPENS_S: Final = 0.2  # from the command to the lid switch
_THROWS_S: Final = 0.6  # from the open lid to the splash
_HOLDS_S: Final = 1.0


@dataclass
class Guest:
    """Somebody with a card, who throws `grams` in (takes them out) once the lid is open, and tries until it is."""

    card: str
    grams: int
    since: float
    has_thrown: bool = False


@dataclass
class Place:
    """Call `step` with ascending seconds. The lid falls shut `stays_open_s` after it opened, whoever stands there."""

    folder: Path
    reader: Device[str | None] = field(default_factory=readers.rdm6300)
    scale: Device[Shown] = field(default_factory=lambda: StreamingScale(scales.cas_22))
    stays_open_s: float = 2.5
    tries_every_s: float = 6.0
    grams: int = START_G
    is_open: bool = False
    lid_speaks: bool = True
    guest: Guest | None = None

    def __post_init__(self) -> None:
        self.cables = {name: Cable(self.folder / name) for name in PORTS}
        self.display = Cable(self.folder / "display")
        self.now = 0.0
        self._said: set[str] = set()
        self._display_heard = b""
        self._wobbles_until = self._opened_at = self._frame_at = float("-inf")
        self._opens_at: float | None = None
        self.lid_heard = self._lid_rest = b""
        self._wobble = deque((30, -20, 10))

    def close(self) -> None:
        for cable in (*self.cables.values(), self.display):
            cable.close()

    # --- What people do

    def visit(self, card: str, grams: int) -> None:
        assert self.guest is None
        self.guest = Guest(card, grams, self.now)

    def move_lid(self, *, is_open: bool) -> None:
        if is_open:
            self._opened_at = self.now
        self.is_open = is_open
        self._tell_lid()

    def unplug(self, port: str) -> None:
        self.cables[port].unplug()

    def replug(self, port: str) -> None:
        """The device had no power meanwhile."""
        {"reader": self.reader.restart, "scale": self.scale.restart, "lid": self._restart_lid}[port]()
        self.cables[port].plug()

    @property
    def texts(self) -> list[str]:
        """What the display was told to show, blanks left out."""
        return [line[2:].decode() for line in self._display_heard.split(b"\r") if line.startswith(b"D ")]

    # --- Physics

    def step(self, now: float) -> set[str]:
        """Let things happen until `now`; return the ports that were said something."""
        self.now, self._said = now, set()
        self._move()
        card = self._held()
        self._say("reader", self.reader.hear(self.cables["reader"].read(), card))
        self._say("scale", self.scale.hear(self.cables["scale"].read(), self._weight()))
        self._hear_lid(self.cables["lid"].read())
        self._display_heard += self.display.read()
        if now >= self._frame_at:
            self._frame_at = now + _FRAME_S - 1e-6
            self._wobble.rotate(1)
            self._say("reader", self.reader.push(card))
            self._say("scale", self.scale.push(self._weight()))
        return self._said

    def _say(self, port: str, data: bytes) -> None:
        if data and self.cables[port].is_plugged:
            self.cables[port].write(data)
            self._said.add(port)

    def _weight(self) -> Shown:
        is_moving = self.now < self._wobbles_until
        return Shown(self.grams + (self._wobble[0] if is_moving else 0), stable=not is_moving)

    def _held(self) -> str | None:
        guest = self.guest
        if guest is None or self.is_open or guest.has_thrown:
            return None
        return guest.card if (self.now - guest.since) % self.tries_every_s < _HOLDS_S else None

    def _move(self) -> None:
        if self._opens_at is not None and self.now >= self._opens_at:
            self._opens_at = None
            self.move_lid(is_open=True)
        if not self.is_open:
            if self.guest is not None and self.guest.has_thrown:
                self.guest = None
            return
        if self.guest is not None and not self.guest.has_thrown and self.now - self._opened_at >= _THROWS_S:
            self.guest.has_thrown = True
            self.grams += self.guest.grams
            self._wobbles_until = self.now + _WOBBLE_S
        if self.now - self._opened_at >= self.stays_open_s:
            self.move_lid(is_open=False)

    # --- The lid's controller (gateways/devices/lid.py, SimulatedLid)

    def _restart_lid(self) -> None:
        self._lid_rest = b""

    def _tell_lid(self) -> None:
        if self.lid_speaks:
            self._say("lid", b"LID OPEN\r\n" if self.is_open else b"LID CLOSED\r\n")

    def _hear_lid(self, data: bytes) -> None:
        self.lid_heard += data
        *commands, self._lid_rest = (self._lid_rest + data).split(b"\r")
        for command in commands:
            if command == b"O" and not self.is_open and self._opens_at is None:
                self._opens_at = self.now + _OPENS_S
            elif command == b"S":
                self._tell_lid()
