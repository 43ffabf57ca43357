"""Tells systemd how the service does: the datagrams of sd_notify(3), which need no library."""

import os
import socket
from typing import Self


class Notifier:
    """Sends to the socket at `address` (`@` begins an abstract one); nothing without an address: nobody listens.

    A message that cannot be sent is dropped, as sd_notify's own callers do: the manager notices silence by itself.
    """

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)  # a manager that does not read must not stop the bins

    @classmethod
    def from_environment(cls) -> Self:
        """Return the notifier for NOTIFY_SOCKET, which children do not inherit from here on."""
        return cls(os.environ.pop("NOTIFY_SOCKET", None))

    def ready(self) -> None:
        """Say that the service is up."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that the service goes down in order."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Say that the service makes progress."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Give the line that `systemctl status` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()

    def _send(self, message: str) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return


def watchdog_s() -> float | None:
    """Return the manager's limit in seconds between two WATCHDOG=1 of this process; None if it watches not."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdigit() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1_000_000
