"""A scripted meter in slow motion: a scale, a lid and a reader around one session, every effect kept and checked."""

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec

from gateways.cards import Card
from gateways.frames import WeightSample
from gateways.messages import in_both
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
from gateways.weighing.stability import StableWeight
from gateways.weighing.thresholds import Thresholds

KIM = Card("a" * 32, "9CD0")
LEE = Card("b" * 32, "4BB6")
START_G = 12_000
BASE = StableWeight(START_G, START_G, START_G, 8, 1.0, [])


class WatchedSession(Session):
    """A session that keeps which states it entered."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.entered = {self.state}

    def _enter(self, state: State, at: float) -> None:
        super()._enter(state, at)
        self.entered.add(state)


@dataclass
class Disk:
    """What survives a power cut: the session under way, and the weight that the newest record ended with."""

    session: bytes | None = None
    last_gross_g: int | None = None
    drafts: list[Draft] = field(default_factory=list)
    begun: list[OpenSession] = field(default_factory=list)


class PowerCut(Exception):
    """The box stops here."""


@dataclass
class Bench:
    """Ten frames and ten ticks a second. `is_open` is how the lid really stands, `sensor` whether it says so.

    What must always hold is asserted at every effect.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    disk: Disk = field(default_factory=Disk)
    values: dict[str, Any] = field(default_factory=dict)
    at: float = 100.0
    grams: int | None = START_G
    stable: bool = True
    fault: str | None = None
    net: bool = False
    raw: bytes = b"frame"
    scale_talks: bool = True
    opens: bool = True
    is_open: bool = False
    sensor: bool = True
    access: Access = "household"
    opened: int = 0
    closed_by_motor: int = 0
    alarms: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    entered: set[State] = field(default_factory=set)
    cut_at: int | None = None  # power ends before this step: an event to take or an effect to carry out
    steps: int = 0
    frames: deque[tuple[float, WeightSample, bool]] = field(default_factory=lambda: deque(maxlen=300))

    def __post_init__(self) -> None:
        self.boot()

    @property
    def drafts(self) -> list[Draft]:
        return self.disk.drafts

    @property
    def begun(self) -> list[OpenSession]:
        return self.disk.begun

    def boot(self) -> None:
        """Start the box, and again after a power cut: the session knows only what is on disk."""
        body = self.disk.session
        resume = None if body is None else msgspec.json.decode(body, type=OpenSession)
        self.session = WatchedSession(
            self.thresholds, at=self.at, resume=resume, last_gross_g=self.disk.last_gross_g, **self.values
        )
        self.session.entered |= self.entered
        self.entered = self.session.entered
        self.frames.clear()

    # --- The world

    def run(self, seconds: float, card: Card | None = None) -> None:
        for _ in range(round(seconds * 10)):
            self.at += 0.1
            if self.scale_talks:
                self.frame(self.grams, stable=self.stable, fault=self.fault)
            if card is not None:
                self.tell(CardSeen(self.at, card, self.access))
            self.tell(Tick(self.at))

    def frame(self, grams: int | None, *, stable: bool = True, fault: str | None = None) -> None:
        sample = WeightSample(None if fault else grams, stable and not fault, fault, self.raw, self.net)
        self.frames.append((self.at, sample, self.session.lid_open is False))
        self.tell(Weighed(self.at, sample))

    def lid(self, is_open: bool) -> None:
        self.is_open = is_open
        self.tell_lid()

    def lose_lid(self) -> None:
        self.sensor = False
        self.tell(LidLost(self.at))

    def find_lid(self) -> None:
        self.sensor = True
        self.tell_lid()

    def tell_lid(self) -> None:
        if self.sensor:
            self.tell(LidMoved(self.at, self.is_open))

    def throw(self, grams: int) -> None:
        assert self.grams is not None
        was_stable, self.stable = self.stable, False
        self.run(0.5)
        self.grams += grams
        self.stable = was_stable

    def visit(self, card: Card, grams: int) -> None:
        self.run(3, card)
        self.throw(grams)
        self.lid(False)
        self.run(5)

    def serve(self) -> None:
        self.tell(ServiceRequested(self.at))

    def trouble(self, *reasons: str) -> None:
        self.tell(OutOfOrder(self.at, frozenset(reasons)))

    # --- The box around the session

    def step(self) -> None:
        if self.steps == self.cut_at:
            raise PowerCut
        self.steps += 1

    def tell(self, event: Event) -> None:
        self.step()
        for effect in self.session.handle(event):
            self.step()
            self.do(effect)

    def do(self, effect: Effect) -> None:
        match effect:
            case Commit(draft):
                self.check(draft)
                self.disk.drafts.append(draft)
                self.disk.last_gross_g, self.disk.session = draft.gross_after_g, None
                self.tell(Committed(self.at))
            case OpenLid():
                assert self.disk.session is not None, "the lid opens before the session is on disk"
                self.opened += 1
                if self.opens:
                    self.lid(True)
            case BeginSession(session):
                assert self.disk.session is None, "a session begins before the last one ended"
                assert self.session.lid_open is False, "a session begins while nobody knows of the lid"
                self.disk.begun.append(session)
                self.disk.session = msgspec.json.encode(session)
            case CloseLid():
                self.closed_by_motor += 1
            case Alarm(on):
                self.alarms.append(on)
            case Tell(what, values):
                self.told.append(what)
                self.texts.append(in_both(what, **values)["en"])
            case ReportCard(reason, card):
                self.refused.append(f"{reason} {card.last4}")
            case Note(what, details):
                self.notes.append(f"{what}: {details['reason']}")

    def check(self, draft: Draft) -> None:
        """Nothing is told of a weight that scale and lid did not prove, and no record is large."""
        assert len(msgspec.json.encode(draft.evidence)) < 4096
        assert len(set(draft.flags)) == len(draft.flags)
        if draft.net_g is not None and draft.outcome != "empty_open":
            assert draft.net_g == (draft.gross_after_g or 0) - (draft.gross_before_g or 0)
        if draft.gross_after_g is None:
            assert draft.net_g is None
            return
        proof = [(at, sample, shut) for at, sample, shut in self.frames if at >= self.at - 1.0 - 1e-6]
        assert proof[-1][0] - proof[0][0] >= 1.0 - 1e-6
        assert all(shut for _, _, shut in proof), "weighed while the lid was open or unknown"
        assert not self.is_open or not self.sensor
        assert all(later[0] - earlier[0] < 0.25 for earlier, later in pairwise(proof))
        shown = sorted(sample.grams for _, sample, _ in proof if sample.grams is not None and not sample.net)
        assert len(shown) == len(proof)
        # One damaged frame may lie in between.
        alike = [grams for grams in shown if abs(grams - draft.gross_after_g) <= self.thresholds.division_g]
        assert len(alike) >= len(shown) - 1


def bench(
    thresholds: Thresholds | None = None,
    *,
    lid: bool | None = False,
    calm: bool = True,
    disk: Disk | None = None,
    **values: Any,
) -> Bench:
    """A bench whose box has just come up, with its lid as given and the scale at rest for two seconds."""
    made = Bench(thresholds or Thresholds(), disk or Disk(), values)
    if lid is not None:
        made.lid(lid)
    if calm:
        made.run(2)
    return made


def resumed(session: OpenSession, **values: Any) -> Bench:
    """A bench whose box comes up with a session on disk."""
    disk = Disk(session=msgspec.json.encode(session), begun=[session])
    return bench(disk=disk, calm=False, **values)


def session_records(b: Bench) -> list[Draft]:
    """The records that end a session; the others are events of a bin that nobody had opened."""
    return [
        draft
        for draft in b.drafts
        if draft.outcome != "refused_full" and (draft.outcome != "unattended_step" or "service" in draft.flags)
    ]


def check_balance(b: Bench) -> None:
    """All nets, and what the next gross weight tells of records without one, are the change of the bin's weight.

    Nothing else may be missing, but for what lies within the dead band.
    """
    assert b.grams is not None
    band = b.thresholds.dead_band_g
    known, is_for_people, resolved, within_band = START_G, False, 0, 0
    nets = sum(draft.net_g or 0 for draft in b.drafts)
    for before, after, draft in [(d.gross_before_g, d.gross_after_g, d) for d in b.drafts] + [(b.grams, None, None)]:
        if before is not None:
            gap, known = before - known, before
            assert is_for_people or abs(gap) <= band, f"{gap} g are missing before {draft}"
            resolved, within_band = (resolved + gap, within_band) if is_for_people else (resolved, within_band + gap)
            is_for_people = False
        if after is not None and draft is not None:
            resolved += after - known if before is None else 0
            within_band += after - before - (draft.net_g or 0) if before is not None else 0
            known, is_for_people = after, False
        elif draft is not None:
            is_for_people = True
    assert abs(within_band) <= band * (2 * len(b.drafts) + 1)
    assert nets + resolved + within_band == b.grams - START_G
