"""Time on a box without a battery: monotonic milliseconds count, wall time is only what we believe.

Timers, keys and order use CLOCK_BOOTTIME and the boot id. Wall time goes to people and to the server, always with
its quality, because a box may wake up in 1970, or in a past that looks plausible (fake-hwclock: the last shutdown).
Only who heard the time in this boot knows it: this process from the server (`synced`, later `holdover`), or the
system from an NTP server (`holdover`). All else is `unset`.
"""

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

Quality = Literal["synced", "holdover", "unset"]

_BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
_SYNCHRONIZED_FILE: Final = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES: Final = 512  # struct timex has 208 or fewer; its first field, `modes`, is 0 to change nothing
_TIME_ERROR: Final = 5
# Nobody ran this software before; a clock that says otherwise was never set.
BUILD_FLOOR: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_RELEARN_S: Final = 1.0  # a smaller difference is the way to the server and back, not the clock's
_SYSTEM_OFF_BY: Final = timedelta(days=1)
# For simulation only: another boot's id, and a file whose number of seconds the wall clock is wrong by.
BOOT_ID_VARIABLE: Final = "JONGNYANG_GATEWAY_BOOT_ID"
WALL_OFFSET_VARIABLE: Final = "JONGNYANG_GATEWAY_WALL_OFFSET_FILE"
_SYNCED_FOR_S: Final = 24 * 3600.0  # a crystal of 20 ppm is then 1.7 s off


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: wall time in UTC with its quality, and milliseconds since the boot."""

    wall: datetime
    quality: Quality
    mono_ms: int


@dataclass(frozen=True, slots=True)
class _Learnt:
    offset: timedelta  # server's time minus monotonic time, as if that began in 1970
    at: float


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return os.environ.get(BOOT_ID_VARIABLE) or _BOOT_ID_FILE.read_text(encoding="ascii").strip()


def monotonic() -> float:
    """Return seconds since the boot, sleep included; never goes back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def system_time() -> datetime:
    """Return the system's wall time in UTC, which may be absurd."""
    now = datetime.now(UTC)
    offset_file = os.environ.get(WALL_OFFSET_VARIABLE)
    return now if offset_file is None else now + timedelta(seconds=float(Path(offset_file).read_text(encoding="ascii")))


def system_is_synchronised() -> bool:
    """Return whether an NTP client has set the system's wall time in this boot; never raises.

    The kernel knows (adjtimex(2): any state but TIME_ERROR). Where its word is kept from us, as by ProtectClock= of our
    unit, systemd-timesyncd's does (systemd-timesyncd.service(8), FILES).
    """
    if WALL_OFFSET_VARIABLE in os.environ:
        return False
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (AttributeError, OSError):
        state = -1
    return 0 <= state < _TIME_ERROR or _SYNCHRONIZED_FILE.exists()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The box's clock. `floor` is the latest time the box can prove has passed (its last contact with the server).

    `synchronised` tells whether `wall` was set in this boot; a `wall` that is not the system's counts as set.
    One thread may learn while others read: what was learnt is replaced as a whole.
    """

    def __init__(
        self,
        *,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], datetime] = system_time,
        synchronised: Callable[[], bool] | None = None,
        boot: str | None = None,
        floor: datetime = BUILD_FLOOR,
    ) -> None:
        self.mono = mono
        self.boot_id = boot or boot_id()
        self._wall = wall
        self._synchronised = synchronised or (system_is_synchronised if wall is system_time else lambda: True)
        self._floor = max(floor, BUILD_FLOOR)
        self._learnt: _Learnt | None = None

    def learn(self, server_time: datetime, *, asked: float, answered: float) -> None:
        """Take the server's time (UTC), which was read between the monotonic seconds `asked` and `answered`.

        A time at which this software did not exist is no server's: a captive portal's, or one as unset as this box.
        """
        if not BUILD_FLOOR <= server_time < _LATEST:
            return
        offset = server_time - _EPOCH - timedelta(seconds=(asked + answered) / 2)
        known = self._learnt
        doubt = timedelta(seconds=_RELEARN_S + (answered - asked) / 2)
        if known is not None and abs(offset - known.offset) < doubt:
            offset = known.offset
        self._learnt = _Learnt(offset, answered)

    @property
    def has_learnt(self) -> bool:
        """Whether the server's time is known since this process started."""
        return self._learnt is not None

    @property
    def system_is_plausible(self) -> bool:
        """Whether the system's own wall clock, which TLS goes by, can be right."""
        wall, learnt = self._wall(), self._learnt
        if learnt is None:
            return self._floor <= wall < _LATEST
        return abs(_EPOCH + timedelta(seconds=self.mono()) + learnt.offset - wall) < _SYSTEM_OFF_BY

    def now(self) -> Instant:
        """Return this moment."""
        return self.at(self.mono())

    def at(self, mono: float) -> Instant:
        """Return the moment at `mono` seconds of this boot, dated with what is known now."""
        learnt = self._learnt
        if learnt is None:
            return self._unlearnt(mono)
        fresh = self.mono() - learnt.at < _SYNCED_FOR_S
        wall = _EPOCH + timedelta(seconds=mono) + learnt.offset
        return Instant(wall, "synced" if fresh else "holdover", _milliseconds(mono))

    def _unlearnt(self, mono: float) -> Instant:
        wall = self._wall() - timedelta(seconds=self.mono() - mono)
        believed = self._floor <= wall < _LATEST and self._synchronised()
        return Instant(wall, "holdover" if believed else "unset", _milliseconds(mono))


def _milliseconds(mono: float) -> int:
    return int(mono * 1000)


def rfc3339(moment: datetime) -> str:
    """Format a UTC instant as the wire wants it: milliseconds and a `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
