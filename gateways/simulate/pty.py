"""A pseudo-terminal that stands for a serial cable: the world holds one end, a symlink names the other."""

import array
import contextlib
import fcntl
import os
import pty
import termios
import tty
from pathlib import Path
from typing import Final

# A UART forgets what nobody reads; a pseudo-terminal would keep 64 KiB of it and hand out old weights as new ones.
_UNREAD_LIMIT: Final = 1024
_READ_BYTES: Final = 4096


class Cable:
    """Both ends stay open here, so that a gateway may die and return without the line ever hanging up."""

    def __init__(self, link: Path) -> None:
        self.link = link
        link.parent.mkdir(parents=True, exist_ok=True)
        self._ends: tuple[int, int] | None = None
        self.plug()

    @property
    def is_plugged(self) -> bool:
        """Whether the device is there to be opened."""
        return self._ends is not None

    def plug(self) -> None:
        """Put the cable in: another pseudo-terminal, as the kernel gives, under the same name; nothing if it is in."""
        if self._ends is not None:
            return
        self._ends = pty.openpty()
        tty.setraw(self._ends[1])
        os.set_blocking(self._ends[0], False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._ends[1]))

    def unplug(self) -> None:
        """Pull the cable out: the gateway's end hangs up and its name is gone; nothing if it is out."""
        if self._ends is None:
            return
        self.link.unlink(missing_ok=True)
        ends, self._ends = self._ends, None
        for end in ends:
            os.close(end)

    def fileno(self) -> int:
        """Return the descriptor for `select`; only while plugged."""
        if self._ends is None:
            raise ValueError(f"{self.link} is unplugged")
        return self._ends[0]

    def write(self, data: bytes) -> None:
        """Send to the gateway; lost, whole or in part, if nobody reads."""
        if self._ends is None:
            return
        unread = array.array("i", [0])
        fcntl.ioctl(self._ends[1], termios.FIONREAD, unread)
        if unread[0] < _UNREAD_LIMIT:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], data)

    def read(self) -> bytes:
        """Return what the gateway has sent, without waiting."""
        if self._ends is None:
            return b""
        try:
            return os.read(self._ends[0], _READ_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Hang up for good."""
        self.unplug()
