"""One meter: its three ports, their parsers and its session, and the carrying out of what the session decides."""

from collections.abc import Callable, Container
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
import structlog

from gateways.alive import AliveTracker
from gateways.cards import hash_card
from gateways.clock import Clock
from gateways.config import MeterConfig
from gateways.events import (
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    Note,
    OpenLid,
    OpenSession,
    Tick,
    Weighed,
)
from gateways.frames.cas22 import Cas22Parser
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.lid import Lid, SimulatedLid
from gateways.ports import SerialPort
from gateways.records import encode_record
from gateways.session import Session, State
from gateways.spool import Spool, Stamp
from gateways.thresholds import Thresholds
from gateways.uplink import MeterReading

log = structlog.get_logger()

_ASK_LID_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Booked:
    """A record that has just become durable, for whoever shows it to people."""

    meter: str
    seq: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all meters of a box share."""

    clock: Clock
    spool: Spool
    card_key: bytes
    on_booked: Callable[[Booked], None]
    alive_chunk_s: float


class Meter:
    """Runs in the box's loop: `poll` on time, `read` when ports have data. Never blocks but for the spool's fsync."""

    def __init__(self, config: MeterConfig, thresholds: Thresholds, equipment: Equipment) -> None:
        self.name = config.meter
        self._shared = equipment
        mono = equipment.clock.mono
        self._reader, self._scale, self._lid_port = (
            SerialPort(path, mono) for path in (config.reader, config.scale, config.lid)
        )
        self._lid: Lid = SimulatedLid(self._lid_port)
        self._lid_asked_at = 0.0
        self._tags = Rdm6300Parser()
        self._weights = Cas22Parser()
        self._alive = AliveTracker(equipment.clock, equipment.alive_chunk_s)
        self._session = self._resume(thresholds)

    def _resume(self, thresholds: Thresholds) -> Session:
        spool, at = self._shared.spool, self._shared.clock.mono()
        body = spool.open_session(self.name)
        resume = None if body is None else msgspec.json.decode(body, type=OpenSession)
        if resume is not None:
            log.warning("session_found", meter=self.name, last4=resume.card.last4)
        return Session(thresholds, at=at, resume=resume, last_gross_g=spool.last_gross_g(self.name))

    @property
    def is_busy(self) -> bool:
        """Whether somebody's session is under way."""
        return self._session.state is not State.IDLE

    @property
    def ports(self) -> list[SerialPort]:
        """Return the ports, open or not."""
        return [self._scale, self._lid_port, self._reader]

    def counts(self) -> dict[str, Any]:
        """Return what came over the ports since the start, for the log: a bad cable shows in its rejects and noise."""
        ports = {"scale": self._scale, "lid": self._lid_port, "reader": self._reader}
        return {
            "meter": self.name,
            "ports": {name: asdict(port.stats) for name, port in ports.items()},
            "frames": {"scale": asdict(self._weights.stats), "reader": asdict(self._tags.stats)},
        }

    def close(self) -> list[tuple[str, bytes]]:
        """Release the ports; return the alive intervals still in memory, to be spooled."""
        for port in self.ports:
            port.close()
        return [(self.name, interval) for interval in self._alive.flush()]

    def reading(self) -> MeterReading:
        """Return what the status says; callable from another thread."""
        session = self._session
        faults = set(session.faults)
        if not all(port.is_open for port in self.ports):
            faults.add("comm")
        return MeterReading(self.name, session.gross_g, session.lid_open, sorted(faults))

    def read(self, ready: Container[SerialPort], at: float) -> None:
        """Take what the ports in `ready` have.

        The scale comes first: weights that it sent before the lid closed must not count as weights after.
        """
        if self._scale in ready:
            for sample in self._weights.feed(self._scale.read()):
                self._tell(Weighed(at, sample))
        if self._lid_port in ready:
            for is_open in self._lid.feed(self._lid_port.read()):
                self._tell(LidMoved(at, is_open))
        if self._reader in ready:
            for tag in self._tags.feed(self._reader.read()):
                self._tell(CardSeen(at, hash_card(tag.number, self._shared.card_key)))

    def poll(self, at: float) -> list[tuple[str, bytes]]:
        """Reopen ports, ask the lid, tell the session the time; return alive intervals to spool."""
        for port, parser in ((self._scale, self._weights), (self._lid_port, self._lid), (self._reader, self._tags)):
            if port.poll():
                # Half a frame from before the gap and half a frame from after it make no frame.
                parser.reset()
        self._watch_lid(at)
        self._tell(Tick(at))
        alive = self._reader.is_open and self._scale.is_open and not self._session.is_scale_silent(at)
        return [(self.name, interval) for interval in self._alive.observe(at, alive=alive)]

    def _watch_lid(self, at: float) -> None:
        if not self._lid_port.is_open:
            if self._session.lid_open is not None:
                self._tell(LidLost(at))
            self._lid_asked_at = 0.0
        elif at - self._lid_asked_at >= _ASK_LID_EVERY_S:
            self._lid_asked_at = at
            self._lid.ask()

    def _tell(self, event: Event) -> None:
        for effect in self._session.handle(event):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case BeginSession(session):
                self._shared.spool.begin_session(self.name, msgspec.json.encode(session))
            case OpenLid():
                self._lid.open()
            case Commit(draft):
                self._book(draft)
            case Note(what, details):
                log.warning(what, meter=self.name, **details)

    def _book(self, draft: Draft) -> None:
        clock = self._shared.clock
        moment = clock.at(draft.at)
        seq = self._shared.spool.append(
            self.name,
            lambda number: encode_record(number, self.name, draft, moment, clock.boot_id),
            Stamp(clock.boot_id, moment.mono_ms),
            draft.gross_after_g,
        )
        self._shared.on_booked(Booked(self.name, seq, draft))
        self._tell(Committed(clock.mono()))
