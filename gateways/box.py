"""One gateway: N meters in one loop, one spool, one uplink in its own thread.

One thread reads every port, so a session's events have one order and need no lock. The loop wakes when a port has data,
pauses so that a fast scale does not cost a wake-up per frame, and ticks at least ten times a second.
"""

import fcntl
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from gateways.api import Server
from gateways.clock import BUILD_FLOOR, Clock
from gateways.config import GatewayConfig
from gateways.keys import GatewayKey, load_key
from gateways.meter import Booked, Equipment, Meter
from gateways.ports import SerialPort
from gateways.spool import Spool, open_spool
from gateways.uplink import Uplink

log = structlog.get_logger()

_TICK_S: Final = 0.05
_PAUSE_S: Final = 0.01
_JOIN_S: Final = 5.0
_COUNTS_EVERY_S: Final = 3600.0


class SpoolInUseError(Exception):
    """Another process serves this spool."""


class Box:
    """A gateway ready to run.

    Raises KeyFileError for its key, SpoolInUseError or sqlite3.OperationalError for its spool.
    """

    def __init__(self, config: GatewayConfig, on_booked: Callable[[Booked], None] = lambda _booked: None) -> None:
        key = load_key(config.key_file)
        self._lock = _lock(config.spool)
        self._spool = open_spool(config.spool)
        self._clock = Clock(floor=self._spool.last_contact() or BUILD_FLOOR)
        self._on_booked = on_booked
        self._meters = self._make_meters(config, key)
        self._server = Server(config.server, self._clock, key, timeout_s=config.uplink.timeout_s)
        self._uplink_spool = Spool(config.spool)
        self._uplink = Uplink(
            self._server,
            self._uplink_spool,
            self._clock,
            lambda: [meter.reading() for meter in self._meters],
            config.uplink,
        )
        self._stop = threading.Event()
        self._counted_at = self._clock.mono()
        log.info("gateway_starts", gateway=key.gateway, meters=len(self._meters), epoch=self._spool.epoch())

    def _make_meters(self, config: GatewayConfig, key: GatewayKey) -> list[Meter]:
        equipment = Equipment(self._clock, self._spool, key.card_key_bytes, self._booked, config.uplink.alive_chunk_s)
        return [Meter(meter, config.thresholds, equipment) for meter in config.meters]

    def _booked(self, booked: Booked) -> None:
        self._uplink.wake()
        self._on_booked(booked)

    def stop(self) -> None:
        """Ask `run` to return; callable from a signal handler."""
        self._stop.set()

    def run(self, grace_s: float = 0.0) -> None:
        """Serve until stopped; then wait up to `grace_s` seconds for sessions under way. Boot resumes the others."""
        thread = threading.Thread(target=self._uplink.run, name="uplink", daemon=True)
        thread.start()
        try:
            self._loop(grace_s)
        finally:
            self._close(thread)

    def _loop(self, grace_s: float) -> None:
        next_tick = 0.0
        stop_at: float | None = None
        while stop_at is None or (self._clock.mono() < stop_at and any(m.is_busy for m in self._meters)):
            at = self._clock.mono()
            if at >= next_tick:
                next_tick = at + _TICK_S
                self._tick(at)
            self._read(max(0.0, next_tick - at))
            if stop_at is None and self._stop.is_set():
                stop_at = self._clock.mono() + grace_s

    def _tick(self, at: float) -> None:
        rows = [row for meter in self._meters for row in meter.poll(at)]
        if rows:
            self._spool.add_alive(rows)
        if at - self._counted_at >= _COUNTS_EVERY_S:
            self._log_counts(at)

    def _log_counts(self, at: float) -> None:
        self._counted_at = at
        for meter in self._meters:
            log.info("meter_counts", **meter.counts())

    def _read(self, timeout_s: float) -> None:
        ports = [port for meter in self._meters for port in meter.ports if port.is_open]
        if not ports:
            time.sleep(timeout_s)
            return
        ready: set[SerialPort] = set(select.select(ports, [], [], timeout_s)[0])
        if ready:
            at = self._clock.mono()
            for meter in self._meters:
                meter.read(ready, at)
            time.sleep(_PAUSE_S)

    def _close(self, thread: threading.Thread) -> None:
        self._log_counts(self._clock.mono())
        rows = [row for meter in self._meters for row in meter.close()]
        if rows:
            self._spool.add_alive(rows)
        self._uplink.stop()
        thread.join(_JOIN_S)
        if not thread.is_alive():
            self._uplink_spool.close()
        self._server.close()
        self._spool.close()
        self._lock.close()
        log.info("gateway_stopped")


def _lock(spool: Path) -> BinaryIO:
    """Take the file beside the spool that says who serves it; the kernel frees it however the process ends."""
    spool.parent.mkdir(parents=True, exist_ok=True)
    file = spool.with_name(f"{spool.name}.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise SpoolInUseError(f"{spool}: another jongnyang-gateway serves it; stop that one first") from error
    return file
