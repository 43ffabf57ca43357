"""Whether the gateway really works: its loops say when they have got somewhere, and only then is the watchdog fed.

A loop that waits on purpose (the uplink's back-off while the server is away) says for how long; a call that never
returns says nothing, and is noticed.
"""

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from gateways.health.notify import Notifier

log = structlog.get_logger()

# Seconds within which each loop must get somewhere. A commit may wait for a slow card's fsync; the uplink's limit is
# on top of what one call may take.
LIMITS: Final[Mapping[str, float]] = {"ports": 10.0, "commit": 30.0, "uplink": 60.0}


class Progress:
    """The newest beat of each loop named in `limits` (seconds). `mono` gives monotonic seconds.

    Every loop has its limit to make its first beat. `beat` may be called from any thread.
    """

    def __init__(self, mono: Callable[[], float], limits: Mapping[str, float] = LIMITS) -> None:
        self._mono = mono
        self._limits = dict(limits)
        self._due = {name: mono() + limit for name, limit in limits.items()}

    def beat(self, name: str, *, at: float | None = None, pause_s: float = 0.0) -> None:
        """Say that a loop got somewhere, now or `at` a moment, and now waits on purpose for up to `pause_s` seconds."""
        moment = self._mono() if at is None else at
        self._due[name] = moment + self._limits[name] + pause_s

    def late(self, at: float) -> list[str]:
        """Return the loops that should have got somewhere by the moment `at`."""
        return [name for name, due in self._due.items() if at > due]

    def is_healthy(self, at: float) -> bool:
        """Whether every loop gets somewhere."""
        return not self.late(at)


class Watchdog:
    """Feeds the service manager's watchdog every `interval_s` seconds while all loops make progress.

    `tick` is called by one of the loops themselves: if that one hangs, nothing is fed either.
    """

    def __init__(self, notifier: Notifier, progress: Progress, interval_s: float) -> None:
        self._notifier = notifier
        self._progress = progress
        self._interval_s = interval_s
        self._next_at = float("-inf")
        self._late: list[str] = []

    def tick(self, at: float) -> None:
        """Do what is due at the monotonic second `at`."""
        if at < self._next_at:
            return
        self._next_at = at + self._interval_s
        late = self._progress.late(at)
        if late != self._late:
            self._tell(late)
        if not late:
            self._notifier.watchdog()

    def _tell(self, late: list[str]) -> None:
        if late:
            log.error("loops_hang", late=late, todo="the service manager will restart the gateway")
            self._notifier.status(f"hangs: {', '.join(late)}")
        else:
            log.info("loops_move_again", late=self._late)
            self._notifier.status("moves again")
        self._late = late
