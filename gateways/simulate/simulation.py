"""The simulated world: bins and residents in one thread, gateways in processes of their own."""

import random
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from gateways.cards import Card, hash_card
from gateways.simulate.bin import SimulatedBin
from gateways.simulate.fleet import Fleet, FleetGateway, cut
from gateways.simulate.pace import Pace
from gateways.simulate.process import BookedLine, GatewayProcess
from gateways.simulate.resident import Visit
from gateways.simulate.truth import TruthLog

log = structlog.get_logger()

_TICK_S: Final = 0.01
_REVIVE_EVERY_S: Final = 1.0
_POLL_S: Final = 0.1
_CALM_POLLS: Final = 5


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """What to simulate. `rate` is visits a minute of simulated time over all meters; None limits mean "all"."""

    fleet: Fleet
    url: str
    state_dir: Path = Path("var/gateways")
    truth_path: Path | None = None  # default: truth.jsonl in the state folder
    meters: int | None = None
    households: int | None = None
    rate: float = 30.0
    speed: float = 1.0
    count: int | None = None  # discharges after which no more residents come
    full_g: int = 60_000  # a bin heavier than this is emptied when nobody uses it
    seed: int | None = None
    on_booked: Callable[[BookedLine], None] = field(default=lambda _line: None)


@dataclass(slots=True)
class _Place:
    """A bin, whose cards are used there, and what goes on at it."""

    bin: SimulatedBin
    process: GatewayProcess
    cards: list[tuple[str, Card]]
    visit: Visit | None = None
    quiet_since: float = 0.0
    # Until then a lid may still open for somebody who gave up; the next resident would throw on that one's account.
    blocked_until: float = 0.0

    def is_free(self, now: float) -> bool:
        return self.visit is None and not self.bin.lid_open and now >= self.blocked_until


class Simulation:
    """Use: `start`, then `wait_count` and `wait_drained`, at any time `kill_gateway` and `start_gateway`; `stop`."""

    def __init__(self, settings: SimulationSettings) -> None:
        self._settings = settings
        self.fleet = cut(settings.fleet, settings.meters, settings.households)
        self.truth_path = settings.truth_path or settings.state_dir / "truth.jsonl"
        self._pace = Pace(settings.speed)
        self._rng = random.Random(settings.seed)  # noqa: S311 - residents, not secrets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._processes = {
            gateway.gateway: GatewayProcess(
                gateway, settings.url, settings.state_dir / gateway.gateway, settings.on_booked
            )
            for gateway in self.fleet.gateways
        }
        self._places: dict[str, _Place] = {}
        self._next_arrival = 0.0
        self._drops_before = 0
        self._given_up = 0
        self._is_closing = False

    # --- Life

    def start(self) -> None:
        """Claim what is not claimed yet, make the bins, start the gateways. Raises ServerError, KeyFileError."""
        keys = {name: process.claim() for name, process in self._processes.items()}
        self._truth = TruthLog(self.truth_path)
        self._drops_before = self._truth.drops
        for gateway in self.fleet.gateways:
            self._furnish(gateway, keys[gateway.gateway].card_key_bytes)
        self._next_arrival = time.monotonic()
        self._thread.start()
        for process in self._processes.values():
            process.start()

    def _furnish(self, gateway: FleetGateway, card_key: bytes) -> None:
        process = self._processes[gateway.gateway]
        cards = [(number, hash_card(number, card_key)) for number in gateway.cards]
        for meter in gateway.meters:
            gross = self._truth.gross_g.get(meter, 0)
            self._places[meter] = _Place(
                SimulatedBin(meter, process.folder / "ports", gross, self._pace), process, cards
            )
        process.configure({meter: self._places[meter].bin.links for meter in gateway.meters}, self._pace)

    def stop(self) -> None:
        """Stop the gateways in order, then the world. Everything can be started again from its files."""
        self._is_closing = True
        for process in self._processes.values():
            process.ask_to_stop()
        for process in self._processes.values():
            process.stop()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for place in self._places.values():
            place.bin.close()
        if self._places:
            self._truth.close()

    # --- Gateways

    @property
    def gateways(self) -> list[str]:
        """Return the simulated gateways' names."""
        return list(self._processes)

    def kill_gateway(self, name: str) -> None:
        """SIGKILL a gateway; it stays dead until `start_gateway`."""
        self._processes[name].kill()

    def start_gateway(self, name: str) -> None:
        """Start a gateway that was killed or stopped."""
        self._processes[name].start()

    def restart_gateway(self, name: str) -> None:
        """SIGKILL a gateway and start it at once."""
        self.kill_gateway(name)
        self.start_gateway(name)

    # --- Progress

    @property
    def drops(self) -> int:
        """Return how many discharges this simulation has seen; the truth log may hold older ones."""
        return self._truth.drops - self._drops_before

    @property
    def given_up(self) -> int:
        """Return how many residents left because no lid opened for them."""
        return self._given_up

    def undelivered(self) -> dict[str, int]:
        """Return per gateway the records not acknowledged and the sessions not finished."""
        return {name: process.undelivered() for name, process in self._processes.items()}

    def wait_count(self, timeout_s: float) -> bool:
        """Wait until `count` discharges have happened; false if they did not in time."""
        wanted = self._settings.count or 0
        return self._wait(timeout_s, lambda: self.drops >= wanted)

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until no resident is at a bin and no spool holds anything; false if not in time. Needs `count`."""
        calm = 0

        def is_calm() -> bool:
            nonlocal calm
            is_drained = not self._is_anybody_there() and not any(self.undelivered().values())
            calm = calm + 1 if is_drained else 0
            return calm >= _CALM_POLLS

        return self._wait(timeout_s, is_calm)

    def _is_anybody_there(self) -> bool:
        return any(place.visit is not None or place.bin.lid_open for place in self._places.values())

    def _wait(self, timeout_s: float, is_done: Callable[[], bool]) -> bool:
        until = time.monotonic() + timeout_s
        while not is_done():
            if time.monotonic() >= until or not self._thread.is_alive():
                return False
            time.sleep(_POLL_S)
        return True

    # --- World

    def _run(self) -> None:
        next_revival = 0.0
        cables = {place.bin.lid_cable: place.bin for place in self._places.values()}
        while not self._stop.is_set():
            ready = select.select(list(cables), [], [], _TICK_S)[0]
            now = time.monotonic()
            for cable in ready:
                cables[cable].obey(now)
            self._admit(now)
            for place in self._places.values():
                self._live(place, now)
            if now >= next_revival:
                next_revival = now + _REVIVE_EVERY_S
                self._revive()

    def _live(self, place: _Place, now: float) -> None:
        place.bin.step(now)
        if place.visit is not None:
            place.quiet_since = now
            place.visit.step(self._truth, now)
            if place.visit.is_over:
                self._leave(place, place.visit, now)
        elif place.bin.lid_open:
            self._close_for_nobody(place, now)
        elif place.bin.gross_g > self._settings.full_g:
            self._empty(place, now)

    def _leave(self, place: _Place, visit: Visit, now: float) -> None:
        place.visit = None
        if not visit.has_thrown:
            self._given_up += 1
            place.blocked_until = now + self._pace.forgotten_s

    def _close_for_nobody(self, place: _Place, now: float) -> None:
        """A lid that opened after its resident had left is closed by the next passer-by."""
        if now - place.quiet_since > self._pace.closing_s:
            place.bin.close_lid()
            place.quiet_since = now

    def _empty(self, place: _Place, now: float) -> None:
        if now - place.quiet_since <= self._pace.emptying_after_s:
            return
        place.quiet_since = now
        # Emptying a bin amid a session that a dead gateway will resume would falsify that discharge.
        if not place.process.has_session(place.bin.meter):
            place.bin.show(self._truth.append("emptied", place.bin.meter, None, -place.bin.gross_g), now)

    def _admit(self, now: float) -> None:
        while now >= self._next_arrival and self._wants_more():
            free = [place for place in self._places.values() if place.is_free(now)]
            if not free:
                return
            self._begin_visit(self._rng.choice(free), now)
            self._next_arrival += self._rng.expovariate(self._settings.rate * self._settings.speed / 60)

    def _wants_more(self) -> bool:
        if self._settings.count is None or self._is_closing:
            return not self._is_closing
        under_way = sum(p.visit is not None and not p.visit.has_thrown for p in self._places.values())
        return self.drops + under_way < self._settings.count

    def _begin_visit(self, place: _Place, now: float) -> None:
        place.visit = Visit(place.bin, self._rng.choice(place.cards), self._pace, self._rng, now)

    def _revive(self) -> None:
        for name, process in self._processes.items():
            if process.revive():
                log.error("gateway_died", gateway=name, log=str(process.folder / "gateway.log"))
