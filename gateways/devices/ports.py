"""Serial ports that come back: locked, read in gulps, closed on error or unplug, reopened with back-off."""

import contextlib
import errno
import fcntl
import os
import re
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import serial
import structlog

from gateways.frames import FrameStats, Line

log = structlog.get_logger()

ModemLine = Literal["cts", "dsr", "cd", "ri"]

_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 10.0
_CHECK_OPEN_S: Final = 1.0
_CHECK_CLOSED_S: Final = 0.5
_DRAIN_STEP_S: Final = 0.005
_GULP_BYTES: Final = 4096  # the most that a tty hands out at once
_SWAPPING: Final = re.compile(r"/dev/tty(USB|ACM)\d+")
_STEADY_FOLDERS: Final = ("/dev/serial/by-path", "/dev/serial/by-id")
# Unix98 pseudo-terminals (Linux, devices.txt). Their other end outlives us, and with it a mark of exclusive use.
_PTY_MAJORS: Final = range(136, 144)
# The errors that have a name; any other is `io: ` and the system's text.
_NAMES: Final = {
    errno.ENOENT: "missing",
    errno.ENODEV: "unplugged",
    errno.ENXIO: "unplugged",
    errno.EIO: "unplugged",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EBUSY: "in_use",
    errno.EAGAIN: "in_use",
}


def may_swap(path: str) -> bool:
    """Whether `path` may name another device after a replug or a boot, like /dev/ttyUSB0."""
    return _SWAPPING.fullmatch(path) is not None


def steady_name(path: str) -> str | None:
    """Return a name for the same device that stays, if there is one.

    By-path (the USB socket) comes before by-id: cheap adapters carry no serial number and share one by-id name.
    """
    device = os.path.realpath(path)
    for folder in _STEADY_FOLDERS:
        with contextlib.suppress(OSError):
            for link in sorted(Path(folder).iterdir()):
                if os.path.realpath(link) == device:
                    return str(link)
    return None


@dataclass(slots=True)
class PortCounts:
    """Counts since the process started. `since` is when the port opened or closed last (monotonic seconds).

    `last_error` is `missing`, `in_use`, `denied`, `unplugged`, `moved` (the path names another device now), `stuck`
    (the device takes no bytes) or `io: ` and the system's text; it stays when the port is well again.
    """

    opens: int = 0
    errors: int = 0
    bytes_read: int = 0
    last_error: str | None = None
    since: float | None = None


class SerialPort:
    """A port at `path`. Call `poll` regularly (it reopens), then `read`. `mono` gives monotonic seconds.

    Nothing here raises for a device that is missing, unplugged or held by another process: the port is just not open.
    """

    def __init__(self, path: str, mono: Callable[[], float], line: Line = Line()) -> None:  # noqa: B008 - frozen
        self.path = path
        self.mono = mono
        self.line = line
        self.counts = PortCounts()
        self._serial: serial.Serial | None = None
        self._retry_s = _FIRST_RETRY_S
        self._retry_at = 0.0
        self._checked_at = 0.0
        self._failed_node: tuple[int, ...] | None = None
        if may_swap(path):
            log.warning("port_may_swap", path=path, better=steady_name(path))

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
        """Open the port if it is closed and its turn has come; true if it was opened just now.

        What the driver had buffered is thrown away: it is older than the port, and begins in the middle of a frame.
        Some unplugged adapters never give an error, so an open port is held against its path once a second.
        """
        now = self.mono()
        if self._serial is not None:
            self._check_path(now)
            return False
        return self._may_retry(now) and self._open(now)

    def _check_path(self, now: float) -> None:
        if now - self._checked_at < _CHECK_OPEN_S:
            return
        self._checked_at = now
        node = _node(self.path)
        if node is None or node[:2] != _identity(os.fstat(self.fileno())):
            self._fail("unplugged" if node is None else "moved")

    def _may_retry(self, now: float) -> bool:
        if now >= self._retry_at:
            return True
        if now - self._checked_at < _CHECK_CLOSED_S:
            return False
        self._checked_at = now
        node = _node(self.path)
        if node is None or node == self._failed_node:
            return False
        self._retry_s = _FIRST_RETRY_S  # somebody plugged it in: no reason to wait the back-off out
        return True

    def _open(self, now: float) -> bool:
        try:
            self._serial = _open(self.path, self.line)
        except (OSError, ValueError, termios.error) as error:
            self._fail(_name(error))
            return False
        self.counts.opens += 1
        self.counts.since = self._checked_at = now
        self._retry_s = _FIRST_RETRY_S
        log.info("port_opened", path=self.path, device=os.path.realpath(self.path))
        return True

    def read(self) -> bytes:
        """Return what has arrived, without waiting; nothing if the port is or gets closed."""
        if self._serial is None:
            return b""
        try:
            data = os.read(self.fileno(), _GULP_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            self._fail(_name(error))
            return b""
        if not data:
            self._fail("unplugged")  # set to wait for a byte, a tty that gives none has hung up
        self.counts.bytes_read += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Send `data` without waiting; lost if the port is or gets closed.

        The driver's buffer holds thousands of bytes: a device for which a short command finds no room is not there.
        """
        if self._serial is None:
            return
        try:
            if os.write(self.fileno(), data) < len(data):
                self._fail("stuck")
        except BlockingIOError:
            self._fail("stuck")
        except OSError as error:
            self._fail(_name(error))

    def is_asserted(self, line: ModemLine) -> bool | None:
        """Return whether a modem line is on; None if the port is closed or has no such lines (pseudo-terminals)."""
        if self._serial is None:
            return None
        try:
            return bool(getattr(self._serial, line))
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                return None
            self._fail(_name(error))
            return None

    def stats(self, frames: FrameStats | None = None, complaint: str | None = None) -> dict[str, Any]:
        """Return the PORT object of docs/gateway-api.md.

        `frames` are the counts of whoever reads this port; `complaint` is what is wrong with the device on it.
        """
        frames = frames or FrameStats()
        return {
            "open": self.is_open,
            "frames": frames.frames,
            "rejects": dict(frames.rejects),
            "noise_bytes": frames.noise_bytes,
            "errors": self.counts.errors,
            "last_error": complaint if complaint and self.is_open else self.counts.last_error,
        }

    def drain(self, within_s: float) -> None:
        """Wait until the driver has sent what was written, at most `within_s` seconds: closing throws the rest away."""
        until = time.monotonic() + within_s
        with contextlib.suppress(OSError):
            while self._serial is not None and self._serial.out_waiting and time.monotonic() < until:
                time.sleep(_DRAIN_STEP_S)

    def close(self) -> None:
        """Release the device."""
        port, self._serial = self._serial, None
        if port is None:
            return
        with contextlib.suppress(OSError, termios.error):
            if port.out_waiting:
                # Without this, closing waits up to half a minute for a device that takes no more bytes.
                termios.tcflush(port.fileno(), termios.TCOFLUSH)
        with contextlib.suppress(OSError):
            port.close()

    def _fail(self, error: str) -> None:
        self.close()
        if error != self.counts.last_error:
            device = os.path.realpath(self.path)
            log.warning("port_failed", path=self.path, device=device, error=error, retry_s=self._retry_s)
        now = self.mono()
        self.counts.errors += 1
        self.counts.last_error = error
        self.counts.since = self._checked_at = now
        self._failed_node = _node(self.path)
        self._retry_at = now + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)


def _open(path: str, line: Line) -> serial.Serial:
    """Open and lock. pySerial's `exclusive` is a flock on the device, which binds root too; TIOCEXCL does not, but
    keeps out programs that know nothing of locks."""
    port = serial.Serial(
        path,
        line.baudrate,
        bytesize=line.bytesize,
        parity=line.parity,
        stopbits=line.stopbits,
        timeout=0,
        exclusive=True,
    )
    try:
        if os.major(os.fstat(port.fileno()).st_rdev) not in _PTY_MAJORS:
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        _tune(port.fileno(), line)
        port.reset_input_buffer()
    except BaseException:
        port.close()
        raise
    return port


def _tune(descriptor: int, line: Line) -> None:
    """Make an empty read mean a hang-up, and a byte of wrong parity a NUL, which no text frame can hold."""
    settings: list[Any] = termios.tcgetattr(descriptor)
    settings[6][termios.VMIN] = 1
    if line.parity != "N":
        settings[0] |= termios.INPCK
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)


def _node(path: str) -> tuple[int, ...] | None:
    """What tells the device behind `path` from the one that was there before; None if there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (*_identity(found), found.st_ctime_ns)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_rdev, found.st_ino


def _name(error: Exception) -> str:
    code = getattr(error, "errno", None) or (error.args[0] if isinstance(error, termios.error) else None)
    return _NAMES.get(code, f"io: {error}") if isinstance(code, int) else f"io: {error}"
