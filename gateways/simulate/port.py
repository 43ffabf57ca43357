"""One device of a bin at the end of its cable, with whatever goes wrong between them."""

from typing import Generic, Protocol, TypeVar

from gateways.simulate.devices import Device
from gateways.simulate.faults import Trouble

World = TypeVar("World")


class Wire(Protocol):
    """A cable: a pseudo-terminal (`Cable`), or a pipe inside this process."""

    @property
    def is_plugged(self) -> bool:
        """Whether the gateway can open it."""

    def plug(self) -> None:
        """Put it in; nothing if it is in."""

    def unplug(self) -> None:
        """Pull it out; nothing if it is out."""

    def write(self, data: bytes) -> None:
        """Send to the gateway."""

    def read(self) -> bytes:
        """Return what the gateway has sent."""

    def close(self) -> None:
        """Take it away."""


class Port(Generic[World]):
    """Drives a device: `hear` when the gateway has sent something, `step` as time passes (monotonic seconds)."""

    def __init__(self, device: Device[World], wire: Wire, trouble: Trouble, period_s: float) -> None:
        self.wire = wire
        self.trouble = trouble
        self._device = device
        self._period_s = period_s
        self._next_at = 0.0
        self._has_power = True

    @property
    def speaks(self) -> bool:
        """Whether anything the device says reaches the cable's end."""
        return self._has_power and self.wire.is_plugged and not self.trouble.is_silent

    def power(self, is_on: bool) -> None:
        """Cut the device's power, or give it back."""
        if is_on and not self._has_power:
            self.wire.read()  # nobody was there to hear it
            self._device.restart()
        self._has_power = is_on

    def hear(self, world: World, now: float) -> None:
        """Let the device answer what the gateway has sent."""
        heard = self.wire.read()
        if heard and self._has_power:
            self.say(self._device.hear(heard, world), now)

    def step(self, world: World, now: float) -> None:
        """Let faults begin and end, and the device send what is due."""
        self.trouble.step(now)
        if self.trouble.is_unplugged:
            self.wire.unplug()
        elif not self.wire.is_plugged:
            self._device.restart()
            self.wire.plug()
        if now >= self._next_at:
            self._next_at = now + self._period_s
            self.say(self._device.push(world), now)

    def say(self, data: bytes, now: float) -> None:
        """Send, spoilt as the port's trouble wants it."""
        if data and self.speaks:
            self.wire.write(self.trouble.spoil(data, now))

    def heal(self, now: float) -> None:
        """End every trouble."""
        self.trouble.heal()
        self.trouble.step(now)
