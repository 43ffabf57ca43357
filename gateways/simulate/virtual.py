"""One meter in virtual time: the real parsers and the real session around a simulated bin, in this process alone.

Nothing sleeps, no port is opened, and quiet hours are skipped, so that a month of a bin takes seconds. The box can lose
power at any moment, also in the middle of writing: what it had on disk is all that its successor begins with.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateways.cards import Card, hash_card
from gateways.clock import Clock, Instant, rfc3339
from gateways.dialogue import Conversation, Identity
from gateways.events import (
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
from gateways.frames import Options, Reply, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.lid import SimulatedLid
from gateways.session import Session, State
from gateways.simulate.bin import BinWires, SimulatedBin
from gateways.simulate.books import Entry
from gateways.simulate.devices import Fitting, Model
from gateways.simulate.faults import Arrivals, Faults
from gateways.simulate.pace import Pace
from gateways.simulate.place import FULL_G, OwnedCard, People, Place
from gateways.simulate.resident import PLAIN, Habits
from gateways.simulate.truth import Truth

_STEP_S: Final = 0.1
_QUIET_S: Final = 5.0
_ASK_LID_EVERY_S: Final = 1.0
_REOPEN_S: Final = 0.5
_UNREAD_LIMIT: Final = 1024
_BEGIN: Final = datetime(2027, 3, 1, tzinfo=UTC)
_ABSURD: Final = (timedelta(), -timedelta(days=57 * 365), timedelta(days=90 * 365))


class PowerCut(Exception):
    """The box went dark in the middle of something."""


class Pipe:
    """A cable inside this process: the `Wire` of a device, and the gateway's end (`send`, `take`)."""

    def __init__(self) -> None:
        self.is_plugged = True
        self.plugged_times = 1
        self._to_gateway, self._to_device = bytearray(), bytearray()

    def plug(self) -> None:
        """Put it in, empty."""
        if not self.is_plugged:
            self.is_plugged = True
            self.plugged_times += 1

    def unplug(self) -> None:
        """Pull it out; what is on the way is lost."""
        self.is_plugged = False
        self._to_gateway.clear()
        self._to_device.clear()

    def write(self, data: bytes) -> None:
        """Send to the gateway; lost if nobody reads."""
        if self.is_plugged and len(self._to_gateway) < _UNREAD_LIMIT:
            self._to_gateway += data

    def read(self) -> bytes:
        """Return what the gateway has sent."""
        data = bytes(self._to_device)
        self._to_device.clear()
        return data

    def send(self, data: bytes) -> None:
        """Send to the device."""
        if self.is_plugged:
            self._to_device += data

    def take(self) -> bytes:
        """Return what the device has sent."""
        data = bytes(self._to_gateway)
        self._to_gateway.clear()
        return data

    def close(self) -> None:
        """Take it away."""
        self.unplug()


class _Opened:
    """The gateway's end of a pipe: open or not, and `poll` says when it was opened anew."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self._plugged_times = 0
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        return self.pipe.is_plugged and self._plugged_times == self.pipe.plugged_times

    def poll(self, at: float) -> bool:
        if self.is_open:
            self._retry_at = at + _REOPEN_S
            return False
        if not self.pipe.is_plugged or at < self._retry_at:
            return False
        self._plugged_times = self.pipe.plugged_times
        self.pipe.take()
        return True

    def write(self, data: bytes) -> None:
        if self.is_open:
            self.pipe.send(data)

    def read(self) -> bytes:
        return self.pipe.take() if self.is_open else b""


class _Listener:
    """A reader or scale as the gateway has it: parser and dialogue."""

    def __init__(self, model: Model[Any], pipe: Pipe) -> None:
        protocol = PROTOCOLS[model.protocol]
        options = {name: value for name, value in model.options.items() if name in ("unit", "checksum", "framing")}
        self.port = _Opened(pipe)
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


class VirtualMeter:
    """The gateway's half of one meter from one boot to the next. Methods may raise PowerCut."""

    def __init__(self, world: "VirtualBin", at: float) -> None:
        self._disk = world.disk
        self._card_key = world.card_key
        self._access = world.access
        self._clock = Clock(mono=lambda: world.now, wall=world.wall, boot=f"boot-{world.boots}")
        self._scale = _Listener(world.fitting.scale, world.pipes[1])
        self._reader = _Listener(world.fitting.reader, world.pipes[0])
        self._lid_port = _Opened(world.pipes[2])
        self._lid = SimulatedLid(self._lid_port)  # type: ignore[arg-type]  # it only writes
        self._lid_asked_at = 0.0
        body = self._disk.session
        self.session = Session(
            world.pace.thresholds(),
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
        elif at - self._lid_asked_at >= _ASK_LID_EVERY_S:
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


class VirtualBin:
    """A bin with its residents, and the meter that serves it. `run` goes on for so many seconds of their life."""

    def __init__(
        self,
        fitting: Fitting,
        cards: Sequence[str],
        *,
        seed: int = 0,
        faults: Faults | None = None,
        habits: Habits = PLAIN,
        collectors: Sequence[str] = (),
        visits_an_hour: float = 6.0,
        full_g: int = FULL_G,
        speed: float = 1.0,
    ) -> None:
        self.fitting = fitting
        self.pace = Pace(speed)
        self.card_key = b"a card key of simulation"
        self.disk = Disk()
        self.boots = 0
        self.now = 1000.0
        self.truth = Truth(lambda: rfc3339(_BEGIN + timedelta(seconds=self.now)))
        self.pipes = Pipe(), Pipe(), Pipe()
        self._rng = random.Random(seed)  # noqa: S311 - residents, not secrets
        self._wall_off_by = timedelta()
        faults = faults or Faults()
        self.bin = SimulatedBin(
            "M1", BinWires(*self.pipes), fitting, 0, self.pace, faults, self.now,
            lambda _meter, port, fault: self.truth.note(fault, port),
        )  # fmt: skip
        owned = self._owned(cards), self._owned(collectors)
        self._collectors = {card for _, card in owned[1]}
        people = People(*owned, habits)
        has_session = lambda: self.disk.session is not None  # noqa: E731
        self.place = Place(self.bin, people, self.truth, self.pace, self._rng, has_session, full_g)
        self._arrivals = Arrivals(
            faults, ("power_cut", "killed", "clock_reset"), faults.rng("box"), self.pace.speed, self.now
        )
        self._visits_per_s = visits_an_hour / 3600 * self.pace.speed
        self._next_visit = self.now
        self._dark_until: float | None = None
        self._quiet_since = self.now
        self._meter = self._boot()

    def _owned(self, numbers: Sequence[str]) -> list[OwnedCard]:
        return [(number, hash_card(number, self.card_key)) for number in numbers]

    def access(self, card: Card) -> Access:
        """Return what the allow-list says."""
        return "collector" if card in self._collectors else "household"

    def wall(self) -> datetime:
        """Return what the box's wall clock says."""
        return _BEGIN + timedelta(seconds=self.now) + self._wall_off_by

    def entries(self) -> list[Entry]:
        """Return the records so far."""
        return [
            Entry(
                "G1", "E1", seq, "M1", draft.card.hash if draft.card else None,
                draft.outcome, draft.gross_before_g, draft.gross_after_g, draft.net_g,
            )
            for seq, (draft, _) in enumerate(self.disk.drafts, 1)
        ]  # fmt: skip

    # --- Life

    def run(self, seconds: float) -> None:
        """Live for so long."""
        until = self.now + seconds
        while self.now < until:
            self._step(admitting=True)
            if self._is_quiet:
                self.now = max(self.now, min(self._next_event, until))

    def finish(self) -> None:
        """Heal everything, let everybody finish, and wait until the meter has come to rest."""
        self._arrivals.end()
        self.bin.heal(self.now)
        self._dark_until = self.now if self._dark_until is not None else None
        self._quiet_since = self.now
        limit = self.now + 3600
        while not self._is_quiet:
            self._step(admitting=False)
            if self.now > limit:
                raise RuntimeError(f"the meter does not come to rest: {self._meter.session.state}")

    @property
    def _is_quiet(self) -> bool:
        """Whether nothing has moved for a while: until something does, each second is like the one before."""
        return self.now - self._quiet_since > _QUIET_S

    @property
    def _next_event(self) -> float:
        troubles = [port.trouble.next_at for port in self.bin.ports]
        return min(self._next_visit, self._arrivals.next_at, *troubles)

    def _step(self, *, admitting: bool) -> None:
        self.now += _STEP_S
        self._befall()
        if admitting and self.now >= self._next_visit:
            self._next_visit = self.now + self._rng.expovariate(self._visits_per_s)
            if self.place.is_free(self.now):
                self.place.begin_visit(self.now)
        self.bin.hear(self.now)
        self.bin.step(self.now)
        self.place.live(self.now)
        if self._dark_until is None:
            self._serve()
        if self._is_anything_moving:
            self._quiet_since = self.now

    def _serve(self) -> None:
        try:
            self._meter.read(self.now)
            self._meter.poll(self.now)
        except PowerCut:
            self._cut_power()

    @property
    def _is_anything_moving(self) -> bool:
        is_dark = self._dark_until is not None
        is_full = self.bin.gross_g > self.place.full_g
        is_troubled = any(port.trouble.is_silent or port.trouble.is_unplugged for port in self.bin.ports)
        return is_dark or is_full or is_troubled or self.place.is_busy or not self._meter.is_idle

    # --- The box's troubles

    def _boot(self) -> VirtualMeter:
        self.boots += 1
        return VirtualMeter(self, self.now)

    def _befall(self) -> None:
        if self._dark_until is not None and self.now >= self._dark_until:
            self._dark_until = None
            self.bin.power(True)
            self._meter = self._boot()
        for fault in self._arrivals.due(self.now):
            self.truth.note(fault, "box")
            if fault == "clock_reset":
                self._wall_off_by = self._rng.choice(_ABSURD)
            elif self._dark_until is None:
                self._die(fault)

    def _die(self, fault: str) -> None:
        """At once; or, as often, when the next thing is being written."""
        if self._rng.random() < 0.5:
            self.disk.dies_before = self._rng.random() < 0.5
            self.disk.dies_after = not self.disk.dies_before
        elif fault == "killed":
            self._meter = self._boot()
        else:
            self._cut_power()

    def _cut_power(self) -> None:
        self._dark_until = self.now + self._rng.uniform(*self.pace.power_off_s)
        self.bin.power(False)
