"""One gateway: N meters in one loop, one spool, one uplink in its own thread.

One thread reads every port, so a session's events have one order and need no lock. The loop wakes when a port has data,
then pauses so that a fast scale does not cost a wake-up per frame: shortly while somebody is at a bin, longer at rest.
"""

import fcntl
import select
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from gateways.clock import BUILD_FLOOR, Clock, Instant
from gateways.config import GatewayConfig
from gateways.devices.portlog import PortLog
from gateways.devices.ports import SerialPort
from gateways.health.health import Health
from gateways.health.notify import Notifier
from gateways.link.allow_list import AllowList
from gateways.link.api import Server
from gateways.link.fees import fee_estimate, korean_day
from gateways.link.keys import load_keys
from gateways.link.updates import launched
from gateways.link.uplink import Uplink
from gateways.meter import Booked, Equipment, Meter
from gateways.spool import Spool, open_spool

log = structlog.get_logger()

_BUSY_TICK_S: Final = 0.05
_BUSY_PAUSE_S: Final = 0.01
_IDLE_S: Final = 0.1  # both at rest: a proven weight allows gaps of 0.25 s, and a card is held for longer
_ROOM_EVERY_S: Final = 5.0
_LOOP_TURNS_S: Final = 5.0
_JOIN_S: Final = 5.0
_LOCK_S: Final = 1.0
_LOCK_AGAIN_S: Final = 0.05


class SpoolInUseError(Exception):
    """Another process serves this spool."""


class Box:
    """A gateway ready to run; `notifier` tells the service manager how it does.

    Raises KeyFileError for its key, SpoolInUseError or sqlite3.OperationalError for its spool.
    """

    def __init__(
        self,
        config: GatewayConfig,
        on_booked: Callable[[Booked], None] = lambda _booked: None,
        notifier: Notifier | None = None,
    ) -> None:
        keys = load_keys(config.key_file)
        self._lock = _lock(config.spool)
        self._spool = open_spool(config.spool, config.spool_limits)
        self._clock = clock = Clock(floor=self._spool.last_contact() or BUILD_FLOOR)
        self._on_booked = on_booked
        card_key = keys.current.card_key_bytes
        log_folder = config.port_log
        self._port_log = None if log_folder is None else PortLog(log_folder, card_key, clock.boot_id)
        self._meters = self._make_meters(config, card_key)
        uplink = config.uplink
        self._server = Server(config.server, clock, keys, timeout_s=uplink.timeout_s, ca_file=uplink.ca_file)
        self._uplink_spool = Spool(config.spool, limits=config.spool_limits)
        self._uplink = Uplink(
            self._server,
            self._uplink_spool,
            clock,
            lambda: [meter.reading() for meter in self._meters],
            uplink,
            open_lid=self._open_lid,
            restart=self.stop,
            releases=launched(config.update.public_key),
            is_proven=lambda: self._health.proof.is_given(),
        )
        self._health = Health(config, clock, keys, self._spool, self._uplink, notifier or Notifier(None))
        self._stop = threading.Event()
        self._alive: list[tuple[str, bytes]] = []  # not on disk yet
        self._room_at = float("-inf")
        self._troubles: frozenset[str] = frozenset()
        log.info("gateway_starts", gateway=keys.current.gateway, meters=len(self._meters), epoch=self._spool.epoch())

    def _make_meters(self, config: GatewayConfig, card_key: bytes) -> list[Meter]:
        equipment = Equipment(
            clock=self._clock,
            spool=self._spool,
            card_key=card_key,
            access=AllowList(self._spool, self._clock).access,
            fee=self._fee,
            on_booked=self._booked,
            on_refused=lambda: self._uplink.report_soon(),
            alive_chunk_s=config.uplink.alive_chunk_s,
            port_log=self._port_log,
        )
        return [Meter(meter, config.thresholds, equipment) for meter in config.meters]

    def _fee(self, grams: int, moment: Instant) -> int | None:
        return fee_estimate(grams, self._spool.tariff(), korean_day(moment))

    def _booked(self, booked: Booked) -> None:
        self._uplink.wake()
        self._on_booked(booked)

    def _open_lid(self, meter: str) -> str | None:
        """Called by the uplink's thread, which waits for this loop's next turn."""
        asked = {each.name: each for each in self._meters}[meter].request_service()
        try:
            return asked.result(_LOOP_TURNS_S)
        except TimeoutError:
            # Whoever was told that the lid stays shut must not see it open later.
            return "the gateway is busy" if asked.cancel() else asked.result()

    def stop(self) -> None:
        """Ask `run` to return; callable from a signal handler and from other threads."""
        self._stop.set()

    def run(self, grace_s: float = 0.0) -> None:
        """Serve until stopped; then wait up to `grace_s` seconds for sessions under way. Boot resumes the others."""
        thread = threading.Thread(target=self._uplink.run, name="uplink", daemon=True)
        thread.start()
        self._health.watch(thread)
        try:
            self._loop(grace_s)
        finally:
            self._close(thread)

    def _loop(self, grace_s: float) -> None:
        next_tick = 0.0
        stop_at: float | None = None
        is_ready = False
        while stop_at is None or (self._clock.mono() < stop_at and self._is_busy):
            at = self._clock.mono()
            if at >= next_tick:
                next_tick = at + (_BUSY_TICK_S if self._is_busy else _IDLE_S)
                self._tick(at)
                if not is_ready:
                    is_ready = True
                    self._health.ready()
            self._read(max(0.0, next_tick - self._clock.mono()))
            if stop_at is None and self._stop.is_set():
                stop_at = self._clock.mono() + grace_s

    @property
    def _is_busy(self) -> bool:
        return any(meter.is_busy for meter in self._meters)

    def _tick(self, at: float) -> None:
        if at - self._room_at >= _ROOM_EVERY_S:
            self._room_at = at
            self._watch_room()
        self._alive += [row for meter in self._meters for row in meter.poll(at, self._troubles)]
        self._keep_alive()
        self._health.tick(at, self._meters)

    def _watch_room(self) -> None:
        try:
            refusing = self._spool.watch_room(self._clock.now(), self._clock.boot_id).refusing
        except sqlite3.OperationalError as error:
            log.error("room_not_watched", error=str(error))
            refusing = True
        self._troubles = frozenset({"disk_full"}) if refusing else frozenset()

    def _keep_alive(self) -> None:
        if not self._alive:
            return
        try:
            self._spool.add_alive(self._alive)
        except sqlite3.OperationalError as error:
            log.error("alive_not_written", error=str(error), rows=len(self._alive))  # tried again at the next tick
        else:
            self._alive = []

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
            time.sleep(_BUSY_PAUSE_S if self._is_busy else _IDLE_S)

    def _close(self, thread: threading.Thread) -> None:
        self._health.stopping()
        self._alive += [row for meter in self._meters for row in meter.close()]
        self._keep_alive()
        self._uplink.stop()
        thread.join(_JOIN_S)
        if not thread.is_alive():
            self._uplink_spool.close()
        self._server.close()
        self._spool.close()
        if self._port_log is not None:
            self._port_log.close()
        self._lock.close()
        log.info("gateway_stopped")


def _lock(spool: Path) -> BinaryIO:
    """Take the file beside the spool that says who serves it; the kernel frees it however the process ends."""
    spool.parent.mkdir(parents=True, exist_ok=True)
    file = spool.with_name(f"{spool.name}.lock").open("ab")
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                file.close()
                raise SpoolInUseError(spool) from error
            time.sleep(_LOCK_AGAIN_S)  # `status` holds it for a moment, to see whether it is free
        else:
            return file
