"""Cables inside this process, for meters in virtual time."""

from typing import Final

_REOPEN_S: Final = 0.5
_UNREAD_LIMIT: Final = 1024


class Pipe:
    """A cable inside this process: the `Wire` of a device, and the gateway's end (`send`, `take`)."""

    def __init__(self) -> None:
        self.is_plugged = True
        self.plugged_times = 1
        self._to_gateway, self._to_device = bytearray(), bytearray()

    def plug(self) -> None:
        """Put it in, empty."""
        if not self.is_plugged:
            self.is_plugged = True
            self.plugged_times += 1

    def unplug(self) -> None:
        """Pull it out; what is on the way is lost."""
        self.is_plugged = False
        self._to_gateway.clear()
        self._to_device.clear()

    def write(self, data: bytes) -> None:
        """Send to the gateway; lost if nobody reads."""
        if self.is_plugged and len(self._to_gateway) < _UNREAD_LIMIT:
            self._to_gateway += data

    def read(self) -> bytes:
        """Return what the gateway has sent."""
        data = bytes(self._to_device)
        self._to_device.clear()
        return data

    def send(self, data: bytes) -> None:
        """Send to the device."""
        if self.is_plugged:
            self._to_device += data

    def take(self) -> bytes:
        """Return what the device has sent."""
        data = bytes(self._to_gateway)
        self._to_gateway.clear()
        return data

    def close(self) -> None:
        """Take it away."""
        self.unplug()


class Opened:
    """The gateway's end of a pipe: open or not, and `poll` says when it was opened anew."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self._plugged_times = 0
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the gateway has the port open."""
        return self.pipe.is_plugged and self._plugged_times == self.pipe.plugged_times

    def poll(self, at: float) -> bool:
        """Open the port if it can be; true if it was opened just now. What was in it is thrown away."""
        if self.is_open:
            self._retry_at = at + _REOPEN_S
            return False
        if not self.pipe.is_plugged or at < self._retry_at:
            return False
        self._plugged_times = self.pipe.plugged_times
        self.pipe.take()
        return True

    def write(self, data: bytes) -> None:
        """Send to the device; lost while the port is closed."""
        if self.is_open:
            self.pipe.send(data)

    def read(self) -> bytes:
        """Return what has arrived."""
        return self.pipe.take() if self.is_open else b""
