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
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._slave))
        self.link = link

    def fileno(self) -> int:
        """Return the descriptor for `select`."""
        return self._master

    def write(self, data: bytes) -> None:
        """Send to the gateway; lost, whole or in part, if nobody reads."""
        unread = array.array("i", [0])
        fcntl.ioctl(self._slave, termios.FIONREAD, unread)
        if unread[0] < _UNREAD_LIMIT:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, data)

    def read(self) -> bytes:
        """Return what the gateway has sent, without waiting."""
        try:
            return os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Hang up and remove the link."""
        self.link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
