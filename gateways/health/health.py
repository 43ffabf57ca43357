"""How the running gateway tells the world that it works: the watchdog, the live status file, the hourly counts."""

import os
import sqlite3
import threading
from collections.abc import Sequence
from typing import Final

import structlog

from gateways import __version__
from gateways.clock import Clock, rfc3339
from gateways.config import GatewayConfig
from gateways.health.live import LiveStatus, live_meter, live_path, write_live
from gateways.health.notify import Notifier, watchdog_s
from gateways.health.progress import LIMITS, Progress, Watchdog
from gateways.link.keys import KeyRing
from gateways.link.report import MeterReading
from gateways.link.trial import Proof, settled_s
from gateways.link.uplink import Uplink
from gateways.meter import Meter
from gateways.spool import Spool

log = structlog.get_logger()

_LIVE_EVERY_S: Final = 5.0
_COMMIT_EVERY_S: Final = 20.0  # an SD card has a life: a small write a minute or two would do, three are no harm
_COUNTS_EVERY_S: Final = 3600.0


class Health:
    """Ticked by the box's loop. What it proves: the loop turns, the spool commits, the uplink's calls end."""

    def __init__(
        self,
        config: GatewayConfig,
        clock: Clock,
        keys: KeyRing,
        spool: Spool,
        uplink: Uplink,
        notifier: Notifier,
    ) -> None:
        self._path = live_path(config.spool)
        self._clock = clock
        self._keys = keys
        self._spool = spool
        self._uplink = uplink
        self._notifier = notifier
        self._uplink_limit_s = LIMITS["uplink"] + config.uplink.timeout_s
        self._progress = Progress(clock.mono)
        self._watchdog = Watchdog(notifier, self._progress, (watchdog_s() or 30.0) / 3)
        self.proof = Proof(settled_s(config.update.trial_s))
        self._thread: threading.Thread | None = None
        self._live_at = self._commit_at = float("-inf")
        self._counts_at = clock.mono()

    def watch(self, thread: threading.Thread) -> None:
        """Take the uplink's thread to watch."""
        self._thread = thread

    def ready(self) -> None:
        """Say that ports were tried and the spool is open."""
        self._notifier.ready()

    def stopping(self) -> None:
        """Say that the box goes down in order."""
        self._notifier.stopping()
        self._path.unlink(missing_ok=True)

    def tick(self, at: float, meters: Sequence[Meter]) -> None:
        """Do what is due at the monotonic second `at`."""
        self._progress.beat("ports")
        if at - self._commit_at >= _COMMIT_EVERY_S:
            self._commit_at = at
            self._commit()
        if self._thread is not None and self._thread.is_alive() and self._uplink_moves(at):
            self._progress.beat("uplink")
        self._watchdog.tick(at)
        self.proof.tick(at, well=self._progress.is_healthy(at))
        if at - self._live_at >= _LIVE_EVERY_S:
            self._live_at = at
            self._write(at, [meter.reading() for meter in meters])
        if at - self._counts_at >= _COUNTS_EVERY_S:
            self._counts_at = at
            for reading in (meter.reading() for meter in meters):
                log.info("meter_counts", meter=reading.meter, ports=reading.ports)

    def _commit(self) -> None:
        try:
            self._spool.put_status("heartbeat", rfc3339(self._clock.now().wall).encode())
        except sqlite3.OperationalError as error:
            # A full disk is no hang: it is said so, service is refused, and starting again would not help.
            log.error("heartbeat_not_written", error=str(error))
        self._progress.beat("commit")

    def _uplink_moves(self, at: float) -> bool:
        return at - self._uplink.progress_at < self._uplink_limit_s

    def _write(self, at: float, readings: Sequence[MeterReading]) -> None:
        now = self._clock.now()
        status = LiveStatus(
            version=__version__,
            pid=os.getpid(),
            gateway=self._keys.current.gateway,
            key_id=self._keys.current.key_id,
            boot_id=self._clock.boot_id,
            mono_ms=now.mono_ms,
            every_s=_LIVE_EVERY_S,
            now=rfc3339(now.wall),
            clock=now.quality,
            late=self._progress.late(at),
            meters=[live_meter(reading) for reading in readings],
        )
        try:
            write_live(self._path, status)
        except OSError as error:
            log.warning("live_status_not_written", error=str(error))
