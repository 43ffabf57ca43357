"""Serial ports that come back: locked, read in gulps, closed on error and reopened with back-off."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import serial
import structlog

log = structlog.get_logger()

_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 10.0
_WRITE_TIMEOUT_S: Final = 0.2  # a controller that takes longer for two bytes is not there


@dataclass(slots=True)
class PortStats:
    """Counts since the process started, and the last error's text."""

    opens: int = 0
    errors: int = 0
    bytes_read: int = 0
    last_error: str | None = None


class SerialPort:
    """A port at `path`, 8N1. Call `poll` regularly (it reopens), then `read`. `mono` gives monotonic seconds.

    Nothing here raises for a device that is missing, unplugged or held by another process: the port is just not open.
    """

    def __init__(self, path: str, mono: Callable[[], float], *, baudrate: int = 9600) -> None:
        self.path = path
        self.stats = PortStats()
        self._mono = mono
        self._baudrate = baudrate
        self._serial: serial.Serial | None = None
        self._retry_s = _FIRST_RETRY_S
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the device is there and ours."""
        return self._serial is not None

    def fileno(self) -> int:
        """Return the descriptor for `select`; only while open."""
        if self._serial is None:
            raise ValueError(f"{self.path} is closed")
        return int(self._serial.fileno())

    def poll(self) -> bool:
        """Open the port if it is closed and its back-off has passed; true if it was opened just now.

        What the driver had buffered is thrown away: it is older than the port, and begins in the middle of a frame.
        """
        if self._serial is not None or self._mono() < self._retry_at:
            return False
        try:
            self._serial = serial.Serial(
                self.path, self._baudrate, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
            self._serial.reset_input_buffer()
        except (serial.SerialException, OSError) as error:
            self._fail(error)
            return False
        self.stats.opens += 1
        self._retry_s = _FIRST_RETRY_S
        log.info("port_opened", path=self.path)
        return True

    def read(self) -> bytes:
        """Return what has arrived, without waiting; nothing if the port is or gets closed."""
        if self._serial is None:
            return b""
        try:
            data = bytes(self._serial.read(max(1, self._serial.in_waiting)))
        except (serial.SerialException, OSError) as error:
            self._fail(error)
            return b""
        self.stats.bytes_read += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Send `data`; lost if the port is or gets closed."""
        if self._serial is None:
            return
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            self._fail(error)

    def close(self) -> None:
        """Release the device."""
        port, self._serial = self._serial, None
        if port is not None:
            with contextlib.suppress(serial.SerialException, OSError):
                port.close()

    def _fail(self, error: Exception) -> None:
        self.close()
        text = str(error)
        if text != self.stats.last_error:
            log.warning("port_failed", path=self.path, error=text, retry_s=self._retry_s)
        self.stats.errors += 1
        self.stats.last_error = text
        self._retry_at = self._mono() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
