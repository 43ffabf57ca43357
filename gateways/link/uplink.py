"""The way to the server: what is due, when, and what to do when it fails.

Runs in its own thread with its own connection to the spool, so that neither a slow network nor a dead one is noticed
at the bins. Records go first; a status that the server cannot read never holds them up.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gateways.clock import Clock, rfc3339
from gateways.limits import require_at_least, require_in_order, require_positive
from gateways.link import allow_list
from gateways.link.api import BrokenServerError, MisunderstoodError, RefusedError, Server, ServerError, TooLargeError
from gateways.link.backoff import BackOff
from gateways.link.delivery import MAX_RECORDS, Delivery
from gateways.link.records import StatusAnswer
from gateways.link.remote import Handlers, Remote
from gateways.link.report import MeterReading, Told, make_report, spool_status
from gateways.link.trial import LOOK_S, Settling
from gateways.link.updates import Releases
from gateways.spool import Spool

__all__ = ["MAX_RECORDS", "MeterReading", "Uplink", "UplinkSettings", "spool_status"]

log = structlog.get_logger()

_NEVER: Final = float("-inf")
_SOON_S: Final = 1.0  # the least time between two statuses that somebody asked for
# After a refused card a manager may enrol it: the bin then hears of it while the resident still stands there.
_WATCHED_EVERY_S: Final = 5.0
_WATCHED_FOR_S: Final = 120.0
_TELL_THE_MAKER: Final = "report this to the maker"
# The server answered, and what it says is about this request: the link itself is well.
_ABOUT_THE_REQUEST: Final = (MisunderstoodError, TooLargeError, BrokenServerError)


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """The config file's table `[uplink]`; seconds. `ca_file`: certificates to trust instead of the public ones.

    Raises ValueError, in words, for a value with which nothing would arrive.
    """

    timeout_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_last_s: float = 300.0
    status_every_s: float = 60.0
    alive_chunk_s: float = 300.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        require_positive(self, "timeout_s", "backoff_first_s", "alive_chunk_s")
        require_at_least(1, self, "status_every_s")
        require_in_order(self, "backoff_first_s", "backoff_last_s")


def _no_lid(meter: str) -> str | None:
    raise KeyError(meter)


class Uplink:
    """Delivers what the spool holds.

    Called from the uplink's thread, and not to block: `readings`, `open_lid` (a meter's name; returns why it may not
    now, or None; raises KeyError for none of this box), `restart` (the box is to stop: another release is to start) and
    `is_proven` (whether the box serves its bins well: with an answer of the server that ends a release's trial).
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
        is_proven: Callable[[], bool] = lambda: True,
    ) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._readings = readings
        self._settings = settings
        self._restart = restart
        self._trial = Settling(releases, is_proven, self._notice, clock.mono)
        self._handlers = Handlers(server, spool, clock, releases, open_lid)
        self._remote = Remote(server, spool, clock, self._handlers.by_kind())
        self._delivery = Delivery(server, spool, clock, self._remote)
        self._wake = threading.Event()
        self._stopping = False
        self._records, self._statuses, self._cards, self._time = (
            BackOff(clock.mono, settings.backoff_first_s, settings.backoff_last_s) for _ in range(4)
        )
        self._known_key_id = self._key_id()
        self._told_state = ""
        self._cursor_checked = False
        self._cards_wanted = False
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
            # A new record is no reason to call a server that just failed: that wait is slept through.
            self._rest(wait_s, wakeable=not self._records.failures)

    def _step_or_back_off(self) -> float:
        try:
            return self.step()
        except Exception:
            # Whatever it is, the bins must go on; the records are on disk and the log says what broke.
            log.exception("uplink_broken", todo=_TELL_THE_MAKER)
            return self._records.broke()

    def _rest(self, seconds: float, *, wakeable: bool) -> None:
        until = self._clock.mono() + seconds
        while not self._stopping and (left := until - self._clock.mono()) > 0:
            is_woken = self._wake.wait(left if self._trial.is_over else min(left, LOOK_S))
            self._wake.clear()
            self._look_at_trial()
            if is_woken and wakeable:
                return

    def step(self) -> float:
        """Do what is due, at most one call of each kind; return the seconds to wait before the next step.

        Only the discharges' own failures hold discharges up; every other route is left alone by itself when it fails.
        """
        self._learn_time()
        try:
            more = self._deliver()
        except ServerError as error:
            wait_s = self._log_failure("discharges", self._records, error)
            self._tell_state()
            return wait_s
        if failures := self._records.worked():
            log.info("server_back", after_failures=failures)
        self._look_at_trial()
        more = self._report_if_due() or more
        self._sync_cards()
        if self._remote.work():
            self._status_wanted = True
        self._watch_key()
        self._restart_if_wanted()
        self._tell_state()
        return 0.0 if more else max(0.0, self._next_at() - self._clock.mono())

    def _learn_time(self) -> None:
        """Ask for the time before anything is signed. Where that fails, the server's other answers tell it as well."""
        if self._clock.has_learnt or not self._time.is_over:
            return
        try:
            self._server.learn_time()
        except ServerError as error:
            self._log_failure("time", self._time, error)

    def _deliver(self) -> bool:
        if not self._cursor_checked:
            self._delivery.check_cursor()
            self._cursor_checked = True
        return self._delivery.step(probing=bool(self._records.failures))

    def _restart_if_wanted(self) -> None:
        if self._handlers.wants_restart:
            self._handlers.wants_restart = False
            log.warning("restart_for_release")
            self._restart()

    def _log_failure(self, route: str, back_off: BackOff, error: ServerError) -> float:
        wait_s = back_off.failed(error)
        if isinstance(error, RefusedError):
            log.error("server_refuses_key", problem=str(error), todo="claim this gateway again; nothing is lost")
        else:
            values = {"failures": back_off.failures, "wait_s": round(wait_s, 1)}
            log.warning("server_failed", route=route, problem=str(error), **values)
        return wait_s

    def _tell_state(self) -> None:
        """Keep how the link is, for `jongnyang-gateway status`: only when that changes, to spare the disk."""
        problem = self._records.problem or self._statuses.problem
        state = "ok" if problem is None else "refused" if isinstance(problem, RefusedError) else "waiting"
        if state != self._told_state:
            values = {"state": state, "problem": str(problem or ""), "since": rfc3339(self._clock.now().wall)}
            self._spool.put_status("uplink", msgspec.json.encode(values))
            self._told_state = state

    # --- Status

    def _next_at(self) -> float:
        return min(self._status_due_at(), self._cards.not_before if self._cards_wanted else math.inf)

    def _status_due_at(self) -> float:
        every_s = self._settings.status_every_s
        if self._status_wanted:
            every_s = min(every_s, _SOON_S)
        elif self._status_at < self._watched_until:
            every_s = min(every_s, _WATCHED_EVERY_S)
        return max(self._status_at + every_s, self._statuses.not_before)

    def _report_if_due(self) -> bool:
        """Tell what waits to be told; return whether more does at once."""
        if self._clock.mono() < self._status_due_at():
            return False
        self._status_wanted = False
        try:
            is_full = self._report()
        except _ABOUT_THE_REQUEST:
            is_full = False  # the next one may be shorter
        except ServerError as error:
            self._log_failure("status", self._statuses, error)
            self._status_wanted = True
            return False
        except Exception:
            log.exception("status_broken", todo=_TELL_THE_MAKER)
            self._statuses.broke()
            return False
        self._statuses.worked()
        self._status_at = _NEVER if is_full else self._clock.mono()
        return is_full

    def _report(self) -> bool:
        told = Told.waiting(self._spool)
        try:
            answer = self._tell(told)
        except _ABOUT_THE_REQUEST as error:
            log.error("status_refused", problem=str(error), todo="the server's software and this gateway's differ")
            told = told.only_alive  # the rest waits: a notice that an older server does not know must not mute us
            answer = self._tell(told)
        told.forget(self._spool)
        self._spool.forget_alive([row.id for row in told.alive], answer.server_time)
        self._take(answer)
        return told.is_full

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
        self._cards_wanted = allow_list.wants_sync(self._spool, self._clock, answer.cards_version)

    def _sync_cards(self) -> None:
        """Fetch the cards once a status has said that there are others."""
        if not self._cards_wanted or not self._cards.is_over:
            return
        try:
            log.info("cards_synced", cards=allow_list.sync(self._server, self._spool))
        except _ABOUT_THE_REQUEST as error:
            log.error("cards_not_synced", problem=str(error))
        except ServerError as error:
            self._log_failure("cards", self._cards, error)
            return
        self._cards.worked()
        self._cards_wanted = False

    # --- What is told once

    def _look_at_trial(self) -> None:
        if self._cursor_checked:  # the server has answered to this process
            self._trial.look()

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
        self._wake.set()
