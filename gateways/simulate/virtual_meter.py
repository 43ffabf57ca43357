"""The gateway's half of a meter in virtual time: real parsers, dialogues and session, and a disk that dies on order.

Does what gateways/meter.py and gateways/devices/device.py do with real ports and the spool.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gateways.cards import Card, hash_card
from gateways.clock import Clock, Instant
from gateways.devices.dialogue import Conversation, Identity
from gateways.devices.lid import SimulatedLid
from gateways.frames import Options, Reply, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.simulate.devices import Fitting, Model
from gateways.simulate.pipe import Opened, Pipe
from gateways.weighing.events import (
    Access,
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    OpenLid,
    OpenSession,
    Tick,
    Weighed,
)
from gateways.weighing.session import Session, State
from gateways.weighing.thresholds import Thresholds

_ASK_LID_EVERY_S: Final = 1.0
_LID_SILENT_S: Final = 2.5


class PowerCut(Exception):
    """The box went dark in the middle of something."""


class _Listener:
    """A reader or scale as the gateway has it: parser and dialogue."""

    def __init__(self, model: Model[Any], pipe: Pipe) -> None:
        protocol = PROTOCOLS[model.protocol]
        options = {name: value for name, value in model.options.items() if name in ("unit", "checksum", "framing")}
        self.port = Opened(pipe)
        self._parser = protocol.make(Options(**options))
        self._talk = Conversation(protocol.dialogue_for(Options(**options)), Identity(""))

    def poll(self, at: float) -> None:
        if self.port.poll(at):
            self._parser.reset()
            self._talk.begin(at)
        self._speak(at)

    def read(self, at: float) -> list[TagRead | WeightSample]:
        readings = self._parser.feed(self.port.read())
        if any(not isinstance(reading, Reply) or reading.name != "ack" for reading in readings):
            self._talk.heard(at)
            self._speak(at)
        return [reading for reading in readings if not isinstance(reading, Reply)]

    def _speak(self, at: float) -> None:
        if self.port.is_open and (order := self._talk.due(at)) is not None:
            self.port.write(order)


@dataclass
class Disk:
    """What survives a power cut; the next write may be cut off just before it takes effect, or just after."""

    session: bytes | None = None
    drafts: list[tuple[Draft, Instant]] = field(default_factory=list)
    dies_before: bool = False
    dies_after: bool = False

    @property
    def last_gross_g(self) -> int | None:
        """The weight that the newest record ended with."""
        return self.drafts[-1][0].gross_after_g if self.drafts else None

    def begin(self, session: OpenSession) -> None:
        """Keep an open session."""
        with self._writing():
            self.session = msgspec.json.encode(session)

    def append(self, draft: Draft, moment: Instant) -> None:
        """Keep a record and end the session, all or nothing."""
        with self._writing():
            self.drafts.append((draft, moment))
            self.session = None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        before, after = self.dies_before, self.dies_after
        self.dies_before = self.dies_after = False
        if before:
            raise PowerCut
        yield
        if after:
            raise PowerCut


@dataclass(frozen=True, slots=True)
class Hookup:
    """What the gateway's half is connected to, and how it is set. `access` is the allow-list."""

    fitting: Fitting
    reader: Pipe
    scale: Pipe
    lid: Pipe
    thresholds: Thresholds
    card_key: bytes
    access: Callable[[Card], Access]


class VirtualMeter:
    """The gateway's half of one meter from one boot to the next. Methods may raise PowerCut."""

    def __init__(self, hookup: Hookup, disk: Disk, clock: Clock) -> None:
        at = clock.mono()
        self._disk = disk
        self._clock = clock
        self._card_key = hookup.card_key
        self._access = hookup.access
        self._reader, self._scale = (
            _Listener(model, pipe)
            for model, pipe in ((hookup.fitting.reader, hookup.reader), (hookup.fitting.scale, hookup.scale))
        )
        self._lid_port = Opened(hookup.lid)
        self._lid = SimulatedLid(self._lid_port)  # type: ignore[arg-type]  # it only writes
        self._lid_asked_at = self._lid_heard_at = 0.0
        body = self._disk.session
        self.session = Session(
            hookup.thresholds,
            at=at,
            resume=None if body is None else msgspec.json.decode(body, type=OpenSession),
            last_gross_g=self._disk.last_gross_g,
        )

    @property
    def is_idle(self) -> bool:
        """Whether no session is under way and every port is open."""
        return self.session.state is State.IDLE and self._lid_port.is_open

    def read(self, at: float) -> None:
        """Take what the ports have, the scale's first."""
        for sample in self._scale.read(at):
            if isinstance(sample, WeightSample):
                self._tell(Weighed(at, sample))
        for is_open in self._lid.feed(self._lid_port.read()):
            self._lid_heard_at = at
            self._tell(LidMoved(at, is_open))
        for tag in self._reader.read(at):
            if isinstance(tag, TagRead):
                card = hash_card(tag.number, self._card_key)
                self._tell(CardSeen(at, card, self._access(card)))

    def poll(self, at: float) -> None:
        """Reopen ports, ask what has to be asked, and let time pass."""
        self._scale.poll(at)
        self._reader.poll(at)
        if self._lid_port.poll(at):
            self._lid.reset()
        if not self._lid_port.is_open:
            if self.session.lid_open is not None:
                self._tell(LidLost(at))
            self._lid_asked_at = 0.0
        else:
            if at - self._lid_heard_at > _LID_SILENT_S and self.session.lid_open is not None:
                self._tell(LidLost(at))
            if at - self._lid_asked_at >= _ASK_LID_EVERY_S:
                self._lid_asked_at = at
                self._lid.ask()
        self._tell(Tick(at))

    def _tell(self, event: Event) -> None:
        for effect in self.session.handle(event):
            self._carry_out(effect, event.at)

    def _carry_out(self, effect: Effect, at: float) -> None:
        match effect:
            case BeginSession(session):
                self._disk.begin(session)
            case OpenLid():
                self._lid.open()
            case Commit(draft):
                self._disk.append(draft, self._clock.at(draft.at))
                self._tell(Committed(at))
