"""The lid's actuator: what a session may ask of it; a relay board with a lid switch, and a simulated lid.

`RelayLid` drives the USB relay boards sold as LCUS-1, -2, -4, -8 (a CH340 and a controller, 9600 8N1): four bytes a
command, `A0 channel state sum`, state 01 on and 00 off, sum the low byte of the three before; no answer. Source: the
sellers' data sheet, "LCUS type serial port relay: A0 01 01 A2 on, A0 01 00 A1 off".

ASSUMPTION, stated here and nowhere else (change it when a board is at hand) - the wiring:
- Channel 1 (`channel`) feeds the lock's coil through COM and NO, so that a box without power keeps the lid shut. It is
  on for `pulse_ms`; the lock must be one that a pulse releases. A spark diode across the coil is the installer's duty.
- `close_channel` pulses a motor that closes the lid, `alarm_channel` feeds a buzzer; 0 where there is none.
- The boards have no input. The lid switch is wired to a modem line of the same serial adapter (`cts`; CH340G pin 9,
  or the CTS pin of the adapter where the relay board has a TTL input): the contact is closed, and the line on, while
  the lid is closed. A broken wire then reads as an open lid, with which nothing is billed.

`SimulatedLid` speaks a line protocol of OUR OWN, made for simulation: no product on the market uses it. It lets lid
and gateway live in different processes, joined by a serial port or a pseudo-terminal:

    gateway → controller   O CR, C CR          open the lid, close it (where there is a motor)
                           A1 CR, A0 CR        sound the alarm, end it
                           S CR                say how the lid stands
    controller → gateway   LID OPEN CR LF | LID CLOSED CR LF    on request and after every change
"""

from typing import Any, Final, Protocol

import structlog

from gateways.config import LidConfig
from gateways.devices.portlog import PortLog
from gateways.devices.ports import ModemLine, SerialPort
from gateways.frames import FrameStats

log = structlog.get_logger()

_OPEN_LINE: Final = b"LID OPEN"
_CLOSED_LINE: Final = b"LID CLOSED"
_LONGEST_LINE: Final = 64


class Lid(Protocol):
    """A lid that can be unlocked and that reports how it stands. Nothing here blocks or raises."""

    def open(self) -> None:
        """Ask for the lid to open. Whether it did is told by `feed`; a closed port loses the wish."""

    def close(self) -> None:
        """Ask for the lid to close, where it has a motor."""

    def alarm(self, on: bool) -> None:
        """Sound the alarm, or end it, where there is one."""

    def ask(self) -> None:
        """Ask for the lid's position, to be told by `feed`."""

    def reset(self) -> None:
        """Bring the controller to rest and forget half a line: the port was reopened."""

    def feed(self, data: bytes) -> list[bool]:
        """Take what the port had; return the positions reported, oldest first, true = open.

        Call it at every tick of an open port too, with b"": a relay's pulse ends, and its switch is looked at, here.
        """

    def stats(self) -> dict[str, Any]:
        """Return the PORT object of docs/gateway-api.md."""


def make_lid(config: LidConfig, port: SerialPort, log: PortLog | None = None) -> Lid:
    """Return the lid of the settings, on its port."""
    if config.driver == "simulated":
        return SimulatedLid(port, log)
    switch = SpokenSwitch() if config.switch == "spoken" else LineSwitch(port, config.switch)
    return RelayLid(port, config, switch, log)


class _Lines:
    """The lines of a controller that says how the lid stands."""

    def __init__(self) -> None:
        self.stats = FrameStats()
        self._buffer = b""

    def reset(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bool]:
        *lines, rest = (self._buffer + data).split(b"\r\n")
        self._buffer = rest[-_LONGEST_LINE:]
        positions = [line == _OPEN_LINE for line in lines if line in (_OPEN_LINE, _CLOSED_LINE)]
        self.stats.frames += len(positions)
        if len(lines) > len(positions):
            self.stats.rejects["unknown_line"] += len(lines) - len(positions)
        return positions


class SimulatedLid:
    """The lid behind the simulation protocol of this module's docstring."""

    def __init__(self, port: SerialPort, log: PortLog | None = None) -> None:
        self._port = port
        self._log = log
        self._lines = _Lines()

    def open(self) -> None:
        """Send the open command."""
        self._port.write(b"O\r")

    def close(self) -> None:
        """Send the close command."""
        self._port.write(b"C\r")

    def alarm(self, on: bool) -> None:
        """Send the alarm's state."""
        self._port.write(b"A1\r" if on else b"A0\r")

    def ask(self) -> None:
        """Send the state request."""
        self._port.write(b"S\r")

    def reset(self) -> None:
        """Forget a half-received line."""
        self._lines.reset()

    def feed(self, data: bytes) -> list[bool]:
        """Return the positions in the lines completed by `data`; other lines are ignored."""
        positions = self._lines.feed(data)
        _record(self._log, self._port, positions)
        return positions

    def stats(self) -> dict[str, Any]:
        """Return the PORT object; its frames are lines."""
        return self._port.stats(self._lines.stats)


class Switch(Protocol):
    """Where a relay's lid switch is read."""

    def look(self, data: bytes) -> bool | None:
        """Return whether the lid is open; None if nothing is known. `data` is what the port had."""


class LineSwitch:
    """The switch on a modem line: on = closed."""

    def __init__(self, port: SerialPort, line: ModemLine) -> None:
        self._port = port
        self._line = line
        self._was_readable = True

    def look(self, _data: bytes) -> bool | None:
        """Read the line."""
        is_on = self._port.is_asserted(self._line)
        if self._port.is_open and (is_on is not None) != self._was_readable:
            self._was_readable = is_on is not None
            if not self._was_readable:
                log.warning("lid_switch_unreadable", path=self._port.path, line=self._line)
        return None if is_on is None else not is_on


class SpokenSwitch:
    """The switch as the port's other end tells it, in the lines of the simulated lid: for tests and simulations."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._is_open: bool | None = None

    def look(self, data: bytes) -> bool | None:
        """Take the lines; the last one holds."""
        positions = self._lines.feed(data)
        if positions:
            self._is_open = positions[-1]
        return self._is_open


class RelayLid:
    """The relay board of this module's docstring. Positions are told once two looks agree: contacts bounce."""

    def __init__(self, port: SerialPort, config: LidConfig, switch: Switch, log: PortLog | None = None) -> None:
        self._port = port
        self._config = config
        self._switch = switch
        self._log = log
        self._pulses: dict[int, float] = {}
        self._alarm_on = False
        self._seen: bool | None = None
        self._told: bool | None = None
        self._is_known = True
        self._stats = FrameStats()

    def open(self) -> None:
        """Power the lock for the pulse."""
        self._pulse(self._config.channel)

    def close(self) -> None:
        """Power the closing motor for the pulse; nothing without one."""
        if self._config.close_channel:
            self._pulse(self._config.close_channel)

    def alarm(self, on: bool) -> None:
        """Switch the buzzer; nothing without one."""
        self._alarm_on = on
        if self._config.alarm_channel:
            self._switch_relay(self._config.alarm_channel, on)

    def ask(self) -> None:
        """Let the next agreeing looks be told, even if the lid has not moved."""
        self._told = None

    def reset(self) -> None:
        """Switch lock and motor off, and the alarm as it should be: nobody knows what the gap did to them."""
        self._pulses.clear()
        self._seen = self._told = None
        for channel in filter(None, (self._config.channel, self._config.close_channel)):
            self._switch_relay(channel, False)
        self.alarm(self._alarm_on)

    def feed(self, data: bytes) -> list[bool]:
        """End the pulses that are due and look at the switch."""
        self._end_pulses()
        now = self._switch.look(data)
        self._is_known = now is not None
        is_settled = now is not None and now is self._seen
        self._seen = now
        if now is None or not is_settled or now is self._told:
            return []
        self._told = now
        self._stats.frames += 1
        _record(self._log, self._port, [now])
        return [now]

    def stats(self) -> dict[str, Any]:
        """Return the PORT object; its frames are positions told. `switch_unreadable`: no modem line can be read."""
        return self._port.stats(self._stats, None if self._is_known else "switch_unreadable")

    def _pulse(self, channel: int) -> None:
        self._switch_relay(channel, True)
        self._pulses[channel] = self._port.mono() + self._config.pulse_ms / 1000

    def _end_pulses(self) -> None:
        for channel, until in list(self._pulses.items()):
            if self._port.mono() >= until:
                del self._pulses[channel]
                self._switch_relay(channel, False)

    def _switch_relay(self, channel: int, on: bool) -> None:
        self._port.write(relay_command(channel, on))


def relay_command(channel: int, on: bool) -> bytes:
    """Return the bytes that switch a relay of an LCUS board."""
    command = bytes((0xA0, channel, int(on)))
    return command + bytes((sum(command) & 0xFF,))


def _record(log: PortLog | None, port: SerialPort, positions: list[bool]) -> None:
    if log is not None:
        for is_open in positions:
            log.lid(port.path, port.mono(), is_open)
