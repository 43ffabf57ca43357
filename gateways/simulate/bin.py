"""One simulated bin: scale, lid and card reader, speaking the real frames over three cables."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateways.simulate.devices import Fitting
from gateways.simulate.faults import PORT_FAULTS, SCALE_FAULTS, Faults, Tell, Trouble
from gateways.simulate.pace import Pace
from gateways.simulate.port import Port, Wire
from gateways.simulate.scales import Shown

DIVISION_G: Final = 10
RESIDUE_G: Final = 100  # stays in an emptied bin: a scale below its zero would weigh nothing any more
_WOBBLE_G: Final = (30, -20, 10, -10)


@dataclass(frozen=True, slots=True)
class BinLinks:
    """The paths under which a gateway finds the bin's ports."""

    reader: Path
    scale: Path
    lid: Path


@dataclass(frozen=True, slots=True)
class BinWires:
    """The bin's three cables."""

    reader: Wire
    scale: Wire
    lid: Wire


class LidMotor:
    """The controller of gateways/devices/lid.py's simulation protocol: opens on command, says how the lid stands."""

    def __init__(self, on_open: Callable[[], None]) -> None:
        self._on_open = on_open
        self._commands = b""

    def restart(self) -> None:
        """Power has come back."""
        self._commands = b""

    def push(self, _is_open: bool) -> bytes:
        """Return nothing: it speaks when asked, and when the lid moves."""
        return b""

    def hear(self, data: bytes, is_open: bool) -> bytes:
        """Obey `O`; return the answers to `S`."""
        *commands, rest = (self._commands + data).split(b"\r")
        self._commands = rest[-8:]
        if b"O" in commands:
            self._on_open()
        return self.position(is_open) * commands.count(b"S")

    @staticmethod
    def position(is_open: bool) -> bytes:
        """Return the line that says how the lid stands."""
        return b"LID OPEN\r\n" if is_open else b"LID CLOSED\r\n"


class SimulatedBin:
    """The physics: weights show at once but wobble for a while; the lid opens on command and closes by hand.

    `now` is monotonic seconds.
    """

    def __init__(
        self,
        meter: str,
        wires: BinWires,
        fitting: Fitting,
        gross_g: int,
        pace: Pace,
        faults: Faults,
        now: float,
        tell: Callable[[str, str, str], None] = lambda _meter, _port, _fault: None,
    ) -> None:
        self.meter = meter
        self.fitting = fitting
        self.gross_g = gross_g
        self.lid_open = False
        self.card_held: str | None = None
        self._pace = pace
        self._opens_at: float | None = None
        self._wobbles_until = now
        self._wobble = 0

        def trouble(port: str) -> Trouble:
            names = SCALE_FAULTS if port == "scale" else PORT_FAULTS
            told: Tell = lambda fault: tell(meter, port, fault)  # noqa: E731
            return Trouble(faults, f"{meter}/{port}", names, pace, now, told)

        self.reader = Port(fitting.reader.make(), wires.reader, trouble("reader"), pace.card_every_s)
        self.scale = Port(fitting.scale.make(), wires.scale, trouble("scale"), pace.weight_every_s)
        self.lid = Port(LidMotor(self._let_open), wires.lid, trouble("lid"), pace.weight_every_s)
        self._commanded = False

    @property
    def ports(self) -> tuple[Port[str | None], Port[Shown], Port[bool]]:
        """Return reader, scale and lid."""
        return self.reader, self.scale, self.lid

    def _let_open(self) -> None:
        self._commanded = True

    def show(self, gross_g: int, now: float) -> None:
        """Let the scale show a new weight, unstable at first."""
        self.gross_g = gross_g
        self._wobbles_until = now + self._pace.wobble_s

    def close_lid(self, now: float) -> None:
        """A hand closes the lid."""
        self._move_lid(False, now)

    def hear(self, now: float) -> None:
        """Let the devices answer what the gateway has sent them."""
        self.reader.hear(self.card_held, now)
        self.scale.hear(self.shown(now), now)
        self.lid.hear(self.lid_open, now)
        if self._commanded:
            self._commanded = False
            self._opens_at = self._opens_at or now + self._pace.lid_opens_s

    def step(self, now: float) -> None:
        """Move the lid and send the frames that are due."""
        if self._opens_at is not None and now >= self._opens_at:
            self._opens_at = None
            self._move_lid(True, now)
        self.scale.step(self.shown(now), now)
        self.reader.step(self.card_held, now)
        self.lid.step(self.lid_open, now)

    def shown(self, now: float) -> Shown:
        """Return what stands on the scale's display."""
        moving = now < self._wobbles_until
        self._wobble = (self._wobble + 1) % len(_WOBBLE_G)
        weight = self.gross_g + self.scale.trouble.drift + (_WOBBLE_G[self._wobble] if moving else 0)
        return Shown(round(weight / DIVISION_G) * DIVISION_G, stable=not moving)

    def _move_lid(self, is_open: bool, now: float) -> None:
        self.lid_open = is_open
        self.lid.say(LidMotor.position(is_open), now)

    @property
    def is_moving(self) -> bool:
        """Whether the lid is about to open."""
        return self._opens_at is not None

    def power(self, is_on: bool) -> None:
        """Cut the power of all three devices, or give it back; a lid that was about to open stays shut."""
        self._opens_at = None
        for port in self.ports:
            port.power(is_on)

    def heal(self, now: float) -> None:
        """End what is wrong, and let nothing more go wrong."""
        for port in self.ports:
            port.heal(now)

    def close(self) -> None:
        """Take the cables away."""
        for port in self.ports:
            port.wire.close()
