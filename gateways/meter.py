"""One meter: its devices and its session, and the carrying out of what the session decides."""

import sqlite3
from collections import deque
from collections.abc import Callable, Container
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from gateways.alive import AliveTracker
from gateways.cards import Card, hash_card
from gateways.clock import Clock, Instant
from gateways.config import MeterConfig
from gateways.devices.device import Device
from gateways.devices.display import make_display
from gateways.devices.lid import make_lid
from gateways.devices.portlog import PortLog
from gateways.devices.ports import SerialPort
from gateways.frames import TagRead, WeightSample
from gateways.link.records import encode_record
from gateways.link.uplink import MeterReading
from gateways.messages import in_both
from gateways.spool import Spool, Stamp
from gateways.weighing.events import (
    Access,
    Alarm,
    BeginSession,
    CardSeen,
    CloseLid,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    NotBegun,
    Note,
    OpenLid,
    OpenSession,
    OutOfOrder,
    ReportCard,
    ServiceRequested,
    Tell,
    Tick,
    Weighed,
)
from gateways.weighing.session import Session, State
from gateways.weighing.thresholds import Thresholds

log = structlog.get_logger()

_ASK_LID_EVERY_S: Final = 1.0
_LID_SILENT_S: Final = 2.5  # two questions without an answer: how the lid stood is an old story then
_BOOK_AGAIN_S: Final = 1.0
_DRAIN_S: Final = 0.2  # a dozen bytes at 9600 baud take 13 ms


@dataclass(frozen=True, slots=True)
class Booked:
    """A record that has just become durable, for whoever shows it to people."""

    meter: str
    seq: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all meters of a box share. `access` asks the allow-list, `fee` estimates won from grams and a moment."""

    clock: Clock
    spool: Spool
    card_key: bytes
    access: Callable[[Card], Access]
    fee: Callable[[int, Instant], int | None]
    on_booked: Callable[[Booked], None]
    on_refused: Callable[[], None]
    alive_chunk_s: float
    port_log: PortLog | None = None


class Meter:
    """Runs in the box's loop: `poll` on time, `read` when ports have data. Never blocks but for the spool's fsync."""

    def __init__(self, config: MeterConfig, thresholds: Thresholds, equipment: Equipment) -> None:
        self.name = config.meter
        self._shared = equipment
        mono = equipment.clock.mono
        self._reader = Device(config.reader, "reader", mono, equipment.port_log)
        self._scale = Device(config.scale, "scale", mono, equipment.port_log)
        self._lid_port = SerialPort(config.lid.port, mono)
        self._lid = make_lid(config.lid, self._lid_port, equipment.port_log)
        self._lid_asked_at = self._lid_heard_at = 0.0
        self._display = make_display(config.display, mono)
        self._alive = AliveTracker(equipment.clock, equipment.alive_chunk_s)
        self._out_of_order: frozenset[str] = frozenset()
        self._unbooked: Draft | None = None
        self._book_again_at = 0.0
        self._requests: deque[Future[str | None]] = deque()
        self._session = self._resume(config, thresholds)

    def _resume(self, config: MeterConfig, thresholds: Thresholds) -> Session:
        spool, at = self._shared.spool, self._shared.clock.mono()
        body = spool.open_session(self.name)
        resume = None if body is None else msgspec.json.decode(body, type=OpenSession)
        if resume is not None:
            log.warning("session_found", meter=self.name)
        return Session(
            thresholds,
            at=at,
            resume=resume,
            last_gross_g=spool.last_gross_g(self.name),
            capacity_g=config.capacity_g,
            inferred_stability=config.scale.stability == "inferred",
        )

    # --- What others see

    @property
    def is_busy(self) -> bool:
        """Whether somebody's session is under way."""
        return self._session.state is not State.IDLE

    @property
    def ports(self) -> list[SerialPort]:
        """Return the ports, open or not."""
        return [self._scale.port, self._lid_port, self._reader.port]

    def reading(self) -> MeterReading:
        """Return what the status says; callable from another thread."""
        session = self._session
        faults = set(session.faults)
        if not all(port.is_open for port in self.ports) or self._wrong_devices():
            faults.add("comm")
        return MeterReading(
            meter=self.name,
            gross_g=session.gross_g,
            lid_open=session.lid_open,
            faults=sorted(faults),
            fill_percent=session.fill_percent,
            zero_drift_g=session.drift_g,
            ports={"reader": self._reader.stats(), "scale": self._scale.stats(), "lid": self._lid.stats()},
        )

    def request_service(self) -> "Future[str | None]":
        """Ask for the lid to open without a card; callable from another thread.

        At the loop's next turn the answer is there: why it may not, or None.
        """
        asked: Future[str | None] = Future()
        self._requests.append(asked)
        return asked

    # --- The box's loop

    def read(self, ready: Container[SerialPort], at: float) -> None:
        """Take what the ports in `ready` have.

        The scale comes first: weights that it sent before the lid closed must not count as weights after.
        """
        if self._scale.port in ready:
            for sample in self._scale.read(at):
                if isinstance(sample, WeightSample):
                    self._tell(Weighed(at, sample))
        if self._lid_port in ready:
            self._feed_lid(self._lid_port.read(), at)
        if self._reader.port in ready:
            for tag in self._reader.read(at):
                if isinstance(tag, TagRead):
                    card = hash_card(tag.number, self._shared.card_key)
                    self._tell(CardSeen(at, card, self._shared.access(card)))

    def poll(self, at: float, troubles: frozenset[str]) -> list[tuple[str, bytes]]:
        """Reopen ports, ask the lid, tell the session the time; return alive intervals to spool.

        `troubles` are reasons of the whole box why no session may begin (`disk_full`, …).
        """
        self._scale.poll(at)
        self._reader.poll(at)
        self._display.poll(at)
        self._watch_lid(at, was_opened=self._lid_port.poll())
        self._watch_order(at, troubles)
        while self._requests:
            self._serve(self._requests.popleft(), at)
        self._tell(Tick(at))
        if self._unbooked is not None and at >= self._book_again_at:
            self._book(self._unbooked)
        alive = self._reader.is_open and self._scale.is_open and not self._session.is_scale_silent(at)
        return [(self.name, interval) for interval in self._alive.observe(at, alive=alive)]

    def close(self) -> list[tuple[str, bytes]]:
        """Bring the lid's relays to rest, release the ports; return the alive intervals still in memory.

        A stop in the middle of a pulse would leave the lock's coil powered until somebody starts the box again.
        """
        self._lid.alarm(on=False)
        self._lid.reset()
        self._lid_port.drain(_DRAIN_S)
        for device in (self._reader, self._scale, self._lid_port, self._display):
            device.close()
        return [(self.name, interval) for interval in self._alive.flush()]

    def _watch_lid(self, at: float, *, was_opened: bool) -> None:
        if was_opened:
            # Half a line from before the gap and half a line from after it make no line.
            self._lid.reset()
        if was_opened or not self._lid_port.is_open:
            self._lid_asked_at = 0.0
            # Also where the loop was held up so long that it never saw the port closed.
            if self._session.lid_open is not None:
                self._tell(LidLost(at))
        if not self._lid_port.is_open:
            return
        if at - self._lid_heard_at > _LID_SILENT_S and self._session.lid_open is not None:
            self._tell(LidLost(at))
        if at - self._lid_asked_at >= _ASK_LID_EVERY_S:
            self._lid_asked_at = at
            self._lid.ask()
        self._feed_lid(b"", at)  # a relay's pulse ends, and its switch is looked at, whether the port has data or not

    def _feed_lid(self, data: bytes, at: float) -> None:
        for is_open in self._lid.feed(data):
            self._lid_heard_at = at
            self._tell(LidMoved(at, is_open))

    def _watch_order(self, at: float, troubles: frozenset[str]) -> None:
        wrong = self._wrong_devices()
        reasons = troubles | ({"wrong_device"} if wrong else set())
        if reasons == self._out_of_order:
            return
        if "wrong_device" in reasons - self._out_of_order:
            detail = f"{self.name}: {', '.join(wrong)}"
            now, boot_id = self._shared.clock.now(), self._shared.clock.boot_id
            self._is_written(lambda: self._shared.spool.add_notice("wrong_device", detail, now, boot_id))
        self._out_of_order = reasons
        self._tell(OutOfOrder(at, reasons))

    def _wrong_devices(self) -> list[str]:
        return [device.kind for device in (self._reader, self._scale) if device.identity_ok is False]

    def _serve(self, asked: "Future[str | None]", at: float) -> None:
        if not asked.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        effects = self._tell(ServiceRequested(at))
        reasons = [str(effect.details["reason"]) for effect in effects if isinstance(effect, Note)]
        asked.set_result(reasons[0] if reasons else None)

    # --- The session's decisions

    def _tell(self, event: Event) -> list[Effect]:
        effects = self._session.handle(event)
        for effect in effects:
            if not self._carry_out(effect):
                return self._tell(NotBegun(event.at))
        return effects

    def _is_written(self, write: Callable[[], None]) -> bool:
        """Write to the spool; false if the disk is full or broken, which is no reason to leave the other meters."""
        try:
            write()
        except sqlite3.OperationalError as error:
            log.error("not_written", meter=self.name, error=str(error), todo="make room on the disk, or exchange it")
            return False
        return True

    def _carry_out(self, effect: Effect) -> bool:
        """Do it; false if a session could not be written, so that what comes after must not be done."""
        match effect:
            case BeginSession(session):
                body = msgspec.json.encode(session)
                return self._is_written(lambda: self._shared.spool.begin_session(self.name, body))
            case OpenLid():
                self._lid.open()
            case CloseLid():
                self._lid.close()
            case Alarm(on):
                self._lid.alarm(on)
            case Tell(what, values):
                self._say(what, values)
            case ReportCard(reason, card):
                self._note_touch(reason, card)
            case Commit(draft):
                self._unbooked = draft
                self._book(draft)
            case Note(what, details):
                log.warning(what, meter=self.name, **details)
        return True

    def _say(self, what: str, values: dict[str, Any]) -> None:
        won = self._shared.fee(values["grams"], self._shared.clock.now()) if what == "bin_deposit" else None
        if won is None:
            self._display.show(in_both(what, **values))
        else:
            self._display.show(in_both("bin_deposit_fee", **values, won=f"{won:,}"))

    def _note_touch(self, reason: str, card: Card) -> None:
        now, boot_id = self._shared.clock.now(), self._shared.clock.boot_id
        if self._is_written(lambda: self._shared.spool.note_touch(self.name, card, reason, now, boot_id)):
            self._shared.on_refused()

    def _book(self, draft: Draft) -> None:
        clock = self._shared.clock
        moment = clock.at(draft.at)
        try:
            seq = self._shared.spool.append(
                self.name,
                lambda number: encode_record(number, self.name, draft, moment, clock.boot_id),
                Stamp(clock.boot_id, moment.mono_ms),
                draft.gross_after_g,
            )
        except sqlite3.OperationalError as error:
            # Not even the reserve helped. The session stays open, here and on disk, until there is room.
            log.error("record_not_written", meter=self.name, error=str(error), todo="make room on the disk")
            self._book_again_at = clock.mono() + _BOOK_AGAIN_S
            return
        self._unbooked = None
        self._shared.on_booked(Booked(self.name, seq, draft))
        self._tell(Committed(clock.mono()))
