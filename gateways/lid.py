"""The lid's actuator: what a session may ask of it, and a simulated one.

`SimulatedLid` speaks a line protocol of OUR OWN, made for simulation: no product on the market uses it. It lets lid
and gateway live in different processes, joined by a serial port or a pseudo-terminal:

    gateway → controller   O CR        open the lid
                           S CR        say how the lid stands
    controller → gateway   LID OPEN CR LF | LID CLOSED CR LF    on request and after every change

Residents close the lid by hand. A relay driver for real locks implements the same `Lid`.
"""

from typing import Final, Protocol

from gateways.ports import SerialPort

_OPEN_LINE: Final = b"LID OPEN"
_CLOSED_LINE: Final = b"LID CLOSED"
_LONGEST_LINE: Final = 64


class Lid(Protocol):
    """A lid that can be unlocked and that reports how it stands."""

    def open(self) -> None:
        """Ask for the lid to open. Never blocks; whether it did open is told by `feed`."""

    def ask(self) -> None:
        """Ask for the lid's position, to be told by `feed`."""

    def reset(self) -> None:
        """Forget a half-received line: the port was reopened."""

    def feed(self, data: bytes) -> list[bool]:
        """Take bytes of the controller; return the positions reported in them, oldest first, true = open."""


class SimulatedLid:
    """The lid behind the simulation protocol of this module's docstring."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port
        self._buffer = b""

    def open(self) -> None:
        """Send the open command; a closed port loses it, and the session's time-out notices."""
        self._port.write(b"O\r")

    def ask(self) -> None:
        """Send the state request."""
        self._port.write(b"S\r")

    def reset(self) -> None:
        """Forget a half-received line."""
        self._buffer = b""

    def feed(self, data: bytes) -> list[bool]:
        """Return the positions in the lines completed by `data`; other lines are ignored."""
        *lines, rest = (self._buffer + data).split(b"\r\n")
        self._buffer = rest[-_LONGEST_LINE:]
        return [line == _OPEN_LINE for line in lines if line in (_OPEN_LINE, _CLOSED_LINE)]
