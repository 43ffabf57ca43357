"""The way to the server: what is due, when, and what to do when it fails.

Runs in its own thread with its own connection to the spool, so that neither a slow network nor a dead one is noticed
at the bins. Records go first; a status that the server cannot read never holds them up.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gateways import allow_list
from gateways.api import BrokenServerError, MisunderstoodError, RefusedError, Server, ServerError, TooLargeError
from gateways.clock import Clock, rfc3339
from gateways.delivery import MAX_RECORDS, Delivery
from gateways.records import StatusAnswer
from gateways.remote import Handlers, Remote
from gateways.report import MeterReading, Told, make_report, spool_status
from gateways.spool import Spool
from gateways.updates import Releases

__all__ = ["MAX_RECORDS", "MeterReading", "Uplink", "UplinkSettings", "spool_status"]

log = structlog.get_logger()

_NEVER: Final = float("-inf")
_SOON_S: Final = 1.0  # the least time between two statuses that somebody asked for
# After a refused card a manager may enrol it: the bin then hears of it while the resident still stands there.
_WATCHED_EVERY_S: Final = 5.0
_WATCHED_FOR_S: Final = 120.0
# The server answered, and what it says is about this request: the link itself is well.
_ABOUT_THE_REQUEST: Final = (MisunderstoodError, TooLargeError, BrokenServerError)


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """The config file's table `[uplink]`; seconds. `ca_file`: certificates to trust instead of the public ones."""

    timeout_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_last_s: float = 300.0
    status_every_s: float = 60.0
    alive_chunk_s: float = 300.0
    ca_file: Path | None = None


def _no_lid(meter: str) -> str | None:
    raise KeyError(meter)


class Uplink:
    """Delivers what the spool holds.

    Called from the uplink's thread, and not to block: `readings`, `open_lid` (a meter's name; returns why it may not
    now, or None; raises KeyError for none of this box) and `restart` (the box is to stop: another release is to start).
    """

    def __init__(
        self,
        server: Server,
        spool: Spool,
        clock: Clock,
        readings: Callable[[], list[MeterReading]],
        settings: UplinkSettings,
        *,
        open_lid: Callable[[str], str | None] = _no_lid,
        restart: Callable[[], None] = lambda: None,
        releases: Releases | None = None,
    ) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._readings = readings
        self._settings = settings
        self._restart = restart
        self._releases = releases
        self._handlers = Handlers(server, spool, clock, releases, open_lid)
        self._remote = Remote(server, spool, clock, self._handlers.by_kind())
        self._delivery = Delivery(server, spool, clock, self._remote)
        self._wake = threading.Event()
        self._stopping = False
        self._failures = 0
        self._known_key_id = self._key_id()
        self._told_state = ""
        self._cursor_checked = False
        self._confirmed = False
        self._status_at = _NEVER
        self._status_wanted = False
        self._watched_until = _NEVER
        self._step_at: float | None = None

    # --- For other threads

    def wake(self) -> None:
        """Say that there is something to send. Callable from any thread."""
        self._wake.set()

    def report_soon(self) -> None:
        """Say that a status is wanted at once (a card was refused, a fault began). Callable from any thread."""
        self._status_wanted = True
        self._watched_until = self._clock.mono() + _WATCHED_FOR_S
        self._wake.set()

    def stop(self) -> None:
        """Let `run` return as soon as the call under way is over. Callable from any thread."""
        self._stopping = True
        self._wake.set()

    @property
    def progress_at(self) -> float:
        """Monotonic second of the last progress, for the watchdog: now while it rests, else its last call's begin."""
        began = self._step_at
        return self._clock.mono() if began is None else max(began, self._server.progress_at)

    # --- The loop

    def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping:
            self._step_at = self._clock.mono()
            wait_s = self._step_or_back_off()
            self._step_at = None
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
        self._tell_state("ok", "")
        return 0.0 if more else max(0.0, self._status_due_at() - self._clock.mono())

    def _deliver(self) -> bool:
        if not self._clock.has_learnt:
            self._server.learn_time()
        if not self._cursor_checked:
            self._delivery.check_cursor()
            self._cursor_checked = True
        self._was_answered()
        more = self._delivery.step(probing=bool(self._failures))
        if self._clock.mono() >= self._status_due_at():
            more = self._report() or more
        if self._remote.work():
            self._status_wanted = True
        self._watch_key()
        if self._handlers.wants_restart:
            self._handlers.wants_restart = False
            log.warning("restart_for_release")
            self._restart()
        return more

    def _back_off(self, error: ServerError) -> float:
        self._failures += 1
        last_s = self._settings.backoff_last_s
        if isinstance(error, RefusedError):
            # Nothing helps but a person, so the probe is rare; a key that is let in again is noticed by it.
            log.error("server_refuses_key", problem=str(error), todo="claim this gateway again; nothing is lost")
            self._tell_state("refused", str(error))
            return random.uniform(last_s / 2, last_s)  # noqa: S311 - spreading load, not a secret
        bound = min(last_s, self._settings.backoff_first_s * 2 ** min(self._failures - 1, 32))
        # Full jitter: after an outage a whole district calls, and must not call at once (AWS, 2015).
        wait_s = max(random.uniform(0, bound), error.retry_after_s)  # noqa: S311
        log.warning("server_failed", problem=str(error), failures=self._failures, wait_s=round(wait_s, 1))
        self._tell_state("waiting", str(error))
        return wait_s

    def _tell_state(self, state: str, problem: str) -> None:
        """Keep how the link is, for `jongnyang-gateway status`: only when that changes, to spare the disk."""
        if state != self._told_state:
            values = {"state": state, "problem": problem, "since": rfc3339(self._clock.now().wall)}
            self._spool.put_status("uplink", msgspec.json.encode(values))
            self._told_state = state

    # --- Status

    def _status_due_at(self) -> float:
        every_s = self._settings.status_every_s
        if self._status_wanted:
            every_s = min(every_s, _SOON_S)
        elif self._status_at < self._watched_until:
            every_s = min(every_s, _WATCHED_EVERY_S)
        return self._status_at + every_s

    def _report(self) -> bool:
        """Tell what waits to be told; return whether more does."""
        self._status_wanted = False
        told = Told.waiting(self._spool)
        try:
            try:
                answer = self._tell(told)
            except _ABOUT_THE_REQUEST as error:
                log.error("status_refused", problem=str(error), todo="the server's software and this gateway's differ")
                told = told.only_alive  # the rest waits: a notice that an older server does not know must not mute us
                answer = self._tell(told)
        except _ABOUT_THE_REQUEST:
            self._status_at = self._clock.mono()
            return False
        except ServerError:
            self._status_wanted = True
            raise
        told.forget(self._spool)
        self._spool.forget_alive([row.id for row in told.alive], answer.server_time)
        self._take(answer)
        if told.is_full:
            return True
        self._status_at = self._clock.mono()
        return False

    def _tell(self, told: Told) -> StatusAnswer:
        return self._server.post_status(make_report(self._spool, self._clock, self._readings(), told))

    def _take(self, answer: StatusAnswer) -> None:
        for refused in answer.refused:
            log.error("meter_refused", meter=refused.meter, code=refused.code, todo="check the config file's meters")
        self._remote.receive(answer.commands)
        if answer.tariff is not None:
            steps = sorted((step.from_, step.won_per_kg) for step in answer.tariff)
            if steps != self._spool.tariff():
                self._spool.keep_tariff(steps)
        if allow_list.wants_sync(self._spool, self._clock, answer.cards_version):
            self._sync_cards()

    def _sync_cards(self) -> None:
        try:
            log.info("cards_synced", cards=allow_list.sync(self._server, self._spool))
        except _ABOUT_THE_REQUEST as error:
            log.error("cards_not_synced", problem=str(error))

    # --- What an answer to a signed request proves

    def _was_answered(self) -> None:
        """Once per process: this software reaches the server."""
        if self._confirmed:
            return
        self._confirmed = True
        if self._releases is not None:
            self._settle_release(self._releases)

    def _settle_release(self, releases: Releases) -> None:
        try:
            installed = releases.read()
            if installed.returned is not None:
                detail = f"{installed.returned}: {installed.reason}"
                self._notice("update_rolled_back", detail)
                releases.forget_returned()
            if installed.trial is not None:
                self._notice("update_installed", installed.current or "")
                releases.confirm()
        except OSError as error:
            self._confirmed = False
            log.error("release_not_confirmed", problem=str(error), todo="make room or repair the disk")

    def _watch_key(self) -> None:
        key_id = self._key_id()
        if key_id != self._known_key_id:
            self._notice("key_rotated", f"{self._known_key_id} -> {key_id}")
            self._known_key_id = key_id

    def _key_id(self) -> str:
        return self._server.keys.current.key_id if self._server.keys else ""

    def _notice(self, kind: str, detail: str) -> None:
        self._spool.add_notice(kind, detail, self._clock.now(), self._clock.boot_id)
        self._status_wanted = True
