"""One meter in virtual time: the real parsers and the real session around a simulated bin, in this process alone.

Nothing sleeps, no port is opened, and quiet hours are skipped, so that a month of a bin takes seconds. The box can lose
power at any moment, also in the middle of writing: what it had on disk is all that its successor begins with.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gateways.cards import Card, hash_card
from gateways.clock import Clock, rfc3339
from gateways.simulate.bin import BinWires, SimulatedBin
from gateways.simulate.books import Entry
from gateways.simulate.devices import Fitting
from gateways.simulate.faults import GATEWAY_FAULTS, Arrivals, Faults
from gateways.simulate.pace import Pace
from gateways.simulate.pipe import Pipe
from gateways.simulate.place import FULL_G, OwnedCard, People, Place
from gateways.simulate.resident import PLAIN, Habits
from gateways.simulate.truth import Truth
from gateways.simulate.virtual_meter import Disk, Hookup, PowerCut, VirtualMeter
from gateways.weighing.events import Access

_STEP_S: Final = 0.1
_QUIET_S: Final = 5.0
_CARD_KEY: Final = b"a card key of simulation"
_BEGIN: Final = datetime(2027, 3, 1, tzinfo=UTC)
_ABSURD: Final = (timedelta(), -timedelta(days=57 * 365), timedelta(days=90 * 365))


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
        self.pace = Pace(speed)
        self.disk = Disk()
        self.boots = 0
        self.now = 1000.0
        self.truth = Truth(lambda: rfc3339(_BEGIN + timedelta(seconds=self.now)))
        pipes = Pipe(), Pipe(), Pipe()
        self._hookup = Hookup(fitting, *pipes, self.pace.thresholds(), _CARD_KEY, self._access)
        self._rng = random.Random(seed)  # noqa: S311 - residents, not secrets
        self._wall_off_by = timedelta()
        faults = faults or Faults()
        self.bin = SimulatedBin(
            "M1", BinWires(*pipes), fitting, 0, self.pace, faults, self.now,
            lambda _meter, port, fault: self.truth.note(fault, port),
        )  # fmt: skip
        owned = self._owned(cards), self._owned(collectors)
        self._collectors = {card for _, card in owned[1]}
        people = People(*owned, habits)
        has_session = lambda: self.disk.session is not None  # noqa: E731
        self.place = Place(self.bin, people, self.truth, self.pace, self._rng, has_session, full_g)
        self._arrivals = Arrivals(faults, GATEWAY_FAULTS, faults.rng("box"), self.pace.speed, self.now)
        self._visits_per_s = visits_an_hour / 3600 * self.pace.speed
        self._next_visit = self.now
        self._dark_until: float | None = None
        self._quiet_since = self.now
        self._meter = self._boot()

    def _owned(self, numbers: Sequence[str]) -> list[OwnedCard]:
        return [(number, hash_card(number, _CARD_KEY)) for number in numbers]

    def _access(self, card: Card) -> Access:
        return "collector" if card in self._collectors else "household"

    def _wall(self) -> datetime:
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
        clock = Clock(mono=lambda: self.now, wall=self._wall, boot=f"boot-{self.boots}")
        return VirtualMeter(self._hookup, self.disk, clock)

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
