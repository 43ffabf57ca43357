"""The way to the server: at least once, in order of numbers, forgetting only what was acknowledged by number.

Runs in its own thread with its own connection to the spool, so that neither a slow network nor a dead one is noticed
at the bins.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from gateways import __version__
from gateways.api import RefusedError, Server, ServerError, TooLargeError
from gateways.clock import Clock, rfc3339
from gateways.records import (
    SCHEMA,
    DischargeAnswer,
    DischargeBatch,
    MeterStatus,
    SpoolStatus,
    StatusAnswer,
    StatusReport,
)
from gateways.spool import AliveRow, Pending, Spool

log = structlog.get_logger()

MAX_RECORDS: Final = 500
_MAX_BYTES: Final = 3 * 512 * 1024  # of the 2 MiB that the server takes
_ALIVE_PER_RECORD: Final = 4  # an interval is about a quarter of a record
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """The config file's table `[uplink]`; seconds."""

    timeout_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_last_s: float = 300.0
    status_every_s: float = 60.0
    alive_chunk_s: float = 300.0


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What a status says of a meter besides its alive intervals."""

    meter: str
    gross_g: int | None
    lid_open: bool | None
    faults: list[str]


class Uplink:
    """Delivers what the spool holds. `readings` is called from the uplink's thread and must not block."""

    def __init__(
        self,
        server: Server,
        spool: Spool,
        clock: Clock,
        readings: Callable[[], list[MeterReading]],
        settings: UplinkSettings,
    ) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._readings = readings
        self._settings = settings
        self._wake = threading.Event()
        self._stopping = False
        self._failures = 0
        self._max_records = MAX_RECORDS
        self._cursor_checked = False
        self._status_at = _NEVER

    def wake(self) -> None:
        """Say that there is something to send. Callable from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Let `run` return as soon as the call under way is over. Callable from any thread."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping:
            wait_s = self._step_or_back_off()
            # A new record is no reason to call a server that just failed: back-off is slept through.
            if self._failures:
                self._sleep(wait_s)
            else:
                self._wake.wait(wait_s)
            self._wake.clear()

    def _step_or_back_off(self) -> float:
        try:
            return self.step()
        except Exception:
            # Whatever it is, the bins must go on; the records are on disk and the log says what broke.
            log.exception("uplink_broken", todo="report this to the maker")
            self._failures += 1
            return self._settings.backoff_last_s

    def _sleep(self, seconds: float) -> None:
        until = self._clock.mono() + seconds
        while not self._stopping and (left := until - self._clock.mono()) > 0:
            self._wake.wait(left)
            self._wake.clear()

    def step(self) -> float:
        """Do what is due, at most one call of each kind; return the seconds to wait before the next step."""
        try:
            more = self._deliver()
        except ServerError as error:
            return self._back_off(error)
        if self._failures:
            log.info("server_back", after_failures=self._failures)
        self._failures = 0
        return 0.0 if more else max(0.0, self._status_at + self._settings.status_every_s - self._clock.mono())

    def _deliver(self) -> bool:
        if not self._clock.has_learnt:
            self._server.learn_time()
        if not self._cursor_checked:
            self._post(Pending(self._spool.epoch(), [], []))
            self._cursor_checked = True
        more = self._drain()
        if self._clock.mono() - self._status_at >= self._settings.status_every_s:
            more = self._report_status() or more
        return more

    def _back_off(self, error: ServerError) -> float:
        self._failures += 1
        if isinstance(error, TooLargeError):
            self._max_records = max(1, self._max_records // 2)
        bound = min(self._settings.backoff_last_s, self._settings.backoff_first_s * 2 ** min(self._failures - 1, 32))
        # Full jitter: after an outage a whole district calls, and must not call at once (AWS, 2015).
        wait_s = max(random.uniform(0, bound), error.retry_after_s)  # noqa: S311 - spreading load, not a secret
        if isinstance(error, RefusedError):
            log.error("server_refuses_key", problem=str(error), todo="claim this gateway again; nothing is lost")
        else:
            log.warning("server_failed", problem=str(error), failures=self._failures, wait_s=round(wait_s, 1))
        return wait_s

    # --- Records

    def _drain(self) -> bool:
        # One record probes a server that failed; the backlog follows when that has passed.
        limit = 1 if self._failures else self._max_records
        batch = self._spool.pending(limit, _MAX_BYTES)
        if batch is None:
            return False
        answer = self._post(batch)
        mine = set(batch.seqs)
        marked = self._spool.acknowledge(batch.epoch, [r for r in answer.results if r.seq in mine], answer.server_time)
        if not marked:
            raise ServerError("the answer acknowledges none of the records sent")
        return True

    def _post(self, batch: Pending) -> DischargeAnswer:
        now = self._clock.now()
        answer = self._server.post_discharges(
            DischargeBatch(
                SCHEMA,
                batch.epoch,
                self._clock.boot_id,
                rfc3339(now.wall),
                now.mono_ms,
                [msgspec.Raw(body) for body in batch.bodies],
            )
        )
        self._watch_numbers(batch, answer)
        return answer

    def _watch_numbers(self, batch: Pending, answer: DischargeAnswer) -> None:
        """Leave an epoch whose numbers somebody else has used: this box runs on a restored image of itself."""
        for result in answer.results:
            if result.status == "quarantined":
                log.error("record_quarantined", epoch=batch.epoch, seq=result.seq, code=result.code)
        if batch.epoch != self._spool.epoch():
            return
        conflict = any(result.code == "number_conflict" for result in answer.results)
        if conflict or answer.high_seq >= self._spool.next_seq():
            epoch = self._spool.begin_epoch()
            log.error("new_epoch", left=batch.epoch, epoch=epoch, high_seq=answer.high_seq, conflict=conflict)

    # --- Status

    def _report_status(self) -> bool:
        limit = _ALIVE_PER_RECORD * self._max_records
        rows = self._spool.alive(limit)
        answer = self._server.post_status(self._status(rows))
        self._spool.forget_alive([row.id for row in rows], answer.server_time)
        self._warn_refused(answer)
        if len(rows) == limit:
            return True
        self._status_at = self._clock.mono()
        return False

    def _status(self, rows: list[AliveRow]) -> StatusReport:
        now = self._clock.now()
        return StatusReport(
            schema=SCHEMA,
            epoch=self._spool.epoch(),
            boot_id=self._clock.boot_id,
            sent_at=rfc3339(now.wall),
            mono_ms=now.mono_ms,
            clock=now.quality,
            firmware=__version__,
            spool=spool_status(self._spool, self._clock),
            meters=[_meter_status(reading, rows) for reading in self._readings()],
        )

    def _warn_refused(self, answer: StatusAnswer) -> None:
        for refused in answer.refused:
            log.error("meter_refused", meter=refused.meter, code=refused.code, todo="check the config file's meters")


def spool_status(spool: Spool, clock: Clock) -> SpoolStatus:
    """Return depth and age; a record of an earlier boot is at least as old as this boot."""
    depth = spool.depth()
    if depth.oldest is None:
        return SpoolStatus(0, 0)
    now_ms = clock.now().mono_ms
    since_ms = depth.oldest.mono_ms if depth.oldest.boot_id == clock.boot_id else 0
    return SpoolStatus(depth.records, (now_ms - since_ms) // 1000)


def _meter_status(reading: MeterReading, rows: list[AliveRow]) -> MeterStatus:
    return MeterStatus(
        meter=reading.meter,
        alive=[msgspec.Raw(row.body) for row in rows if row.meter == reading.meter],
        gross_g=reading.gross_g,
        fill_percent=None,
        zero_drift_g=None,
        lid="unknown" if reading.lid_open is None else "open" if reading.lid_open else "closed",
        faults=reading.faults,
    )
