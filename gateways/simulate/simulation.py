"""The simulated world: bins and residents in one thread, gateways in processes of their own."""

import random
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from gateways.booked import BookedLine
from gateways.cards import hash_card
from gateways.simulate.bin import BinLinks, BinWires, SimulatedBin
from gateways.simulate.devices import USUAL, fit
from gateways.simulate.faults import Faults
from gateways.simulate.fleet import Fleet, FleetGateway, cut
from gateways.simulate.ordeal import Ordeal
from gateways.simulate.pace import FASTEST_FRAME_S, Pace
from gateways.simulate.place import FULL_G, People, Place
from gateways.simulate.process import PROGRAM, GatewayProcess
from gateways.simulate.pty import Cable
from gateways.simulate.resident import PLAIN, Habits
from gateways.simulate.truth import TruthLog

log = structlog.get_logger()

_TICK_S: Final = 0.01
_REVIVE_EVERY_S: Final = 0.25
_POLL_S: Final = 0.1
_LEAST_OPEN_S: Final = 2.2
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
    fastest_frame_s: float = FASTEST_FRAME_S  # a scale sends no faster than this, whatever the speed
    count: int | None = None  # discharges after which no more residents come
    full_g: int = FULL_G  # a bin heavier than this is emptied when nobody uses it
    seed: int | None = None
    protocols: tuple[str, ...] = USUAL
    faults: Faults = field(default_factory=Faults)
    habits: Habits = PLAIN
    program: str = PROGRAM  # the module that a gateway process runs
    on_booked: Callable[[BookedLine], None] = field(default=lambda _line: None)


class Simulation:
    """Use: `start`, then `wait_count` and `wait_drained`, at any time `kill_gateway` and `start_gateway`; `stop`."""

    def __init__(self, settings: SimulationSettings) -> None:
        self._settings = settings
        self.fleet = cut(settings.fleet, settings.meters, settings.households)
        self.truth_path = settings.truth_path or settings.state_dir / "truth.jsonl"
        self._pace = Pace(settings.speed, settings.fastest_frame_s, _LEAST_OPEN_S if settings.faults.rates else 0.0)
        self._rng = random.Random(settings.seed)  # noqa: S311 - residents, not secrets
        self._stop = threading.Event()
        self._heal = threading.Event()
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._processes = {
            gateway.gateway: GatewayProcess(
                gateway, settings.url, settings.state_dir / gateway.gateway, settings.on_booked, settings.program
            )
            for gateway in self.fleet.gateways
        }
        self._places: list[Place] = []
        self._cables: dict[Cable, SimulatedBin] = {}
        self._ordeals: dict[str, Ordeal] = {}
        self._next_arrival = 0.0
        self._drops_before = 0
        self._is_closing = self._is_stopping = False
        self.deaths = 0

    # --- Life

    def start(self) -> None:
        """Claim what is not claimed yet, make the bins, start the gateways.

        Raises ServerError, KeyFileError, MixError.
        """
        keys = {name: process.claim() for name, process in self._processes.items()}
        self._truth = TruthLog(self.truth_path)
        self._drops_before = self._truth.drops
        for gateway in self.fleet.gateways:
            self._furnish(gateway, keys[gateway.gateway].card_key_bytes)
        self._next_arrival = time.monotonic()
        for process in self._processes.values():
            process.start()
        self._thread.start()

    def _furnish(self, gateway: FleetGateway, card_key: bytes) -> None:
        process, now = self._processes[gateway.gateway], time.monotonic()
        hashed = {number: hash_card(number, card_key) for number in (*gateway.cards, *gateway.collectors)}
        people = People(
            [(number, hashed[number]) for number in gateway.cards],
            [(number, hashed[number]) for number in gateway.collectors],
            self._settings.habits,
        )
        links = {meter: _links(process.folder / "ports", meter) for meter in gateway.meters}
        bins = [self._make_bin(meter, links[meter], gateway, now) for meter in gateway.meters]
        for bin_ in bins:
            has_session = partial(process.has_session, bin_.meter)
            self._places.append(
                Place(bin_, people, self._truth, self._pace, self._rng, has_session, self._settings.full_g)
            )
        process.configure({bin_.meter: (links[bin_.meter], bin_.fitting) for bin_ in bins}, self._pace)
        self._ordeals[gateway.gateway] = Ordeal(process, bins, self._settings.faults, self._pace, self._truth, now)

    def _make_bin(self, meter: str, links: BinLinks, gateway: FleetGateway, now: float) -> SimulatedBin:
        settings = self._settings
        cables = [Cable(link) for link in (links.reader, links.scale, links.lid)]
        bin_ = SimulatedBin(
            meter,
            BinWires(*cables),
            fit(settings.protocols, [*gateway.cards, *gateway.collectors], random.Random(f"{settings.seed}/{meter}")),  # noqa: S311 - no secret
            self._truth.gross_g.get(meter, 0),
            self._pace,
            settings.faults,
            now,
            lambda of, port, fault: self._truth.note(fault, f"{of}/{port}"),
        )
        self._cables |= dict.fromkeys(cables, bin_)
        return bin_

    def stop(self) -> None:
        """Stop the gateways in order, then the world. Everything can be started again from its files."""
        self._is_closing = self._is_stopping = True
        for process in self._processes.values():
            process.ask_to_stop()
        for process in self._processes.values():
            process.stop()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for place in self._places:
            place.bin.close()
        if self._places:
            self._truth.close()

    # --- Gateways

    @property
    def gateways(self) -> list[str]:
        """Return the simulated gateways' names."""
        return list(self._processes)

    def process(self, name: str) -> GatewayProcess:
        """Return a gateway's process."""
        return self._processes[name]

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

    def heal(self) -> None:
        """End every fault and let none come again; takes effect with the world's next step."""
        self._heal.set()

    def let_nobody_come(self) -> None:
        """Let those who are at the bins finish, and no more come."""
        self._is_closing = True

    # --- Progress

    @property
    def drops(self) -> int:
        """Return how many discharges this simulation has seen; the truth log may hold older ones."""
        return self._truth.drops - self._drops_before

    @property
    def gross_g(self) -> dict[str, int]:
        """Return what each bin weighs."""
        return {place.bin.meter: place.bin.gross_g for place in self._places}

    @property
    def given_up(self) -> int:
        """Return how many people left because no lid opened for them."""
        return sum(place.given_up for place in self._places)

    def undelivered(self) -> dict[str, int]:
        """Return per gateway the records not acknowledged and the sessions not finished."""
        return {name: process.undelivered() for name, process in self._processes.items()}

    def wait_count(self, timeout_s: float) -> bool:
        """Wait until `count` discharges have happened; false if they did not in time."""
        wanted = self._settings.count or 0
        return self._wait(timeout_s, lambda: self.drops >= wanted)

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until nobody is at a bin and no spool holds anything; false if not in time.

        Needs `count` or `let_nobody_come`.
        """
        calm = 0

        def is_calm() -> bool:
            nonlocal calm
            is_drained = not any(place.is_busy for place in self._places) and not any(self.undelivered().values())
            calm = calm + 1 if is_drained else 0
            return calm >= _CALM_POLLS

        return self._wait(timeout_s, is_calm)

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
        while not self._stop.is_set():
            self._listen()
            now = time.monotonic()
            if self._heal.is_set():
                self._end_faults(now)
            self._admit(now)
            for place in self._places:
                place.bin.step(now)
                place.live(now)
            for ordeal in () if self._is_stopping else self._ordeals.values():
                ordeal.step(now)
            if now >= next_revival:
                next_revival = now + _REVIVE_EVERY_S
                self._revive()

    def _listen(self) -> None:
        """Wait a moment, and let each bin answer to which a gateway has sent something."""
        ready = select.select([cable for cable in self._cables if cable.is_plugged], [], [], _TICK_S)[0]
        for bin_ in {self._cables[cable] for cable in ready}:
            bin_.hear(time.monotonic())

    def _end_faults(self, now: float) -> None:
        self._heal.clear()
        for ordeal in self._ordeals.values():
            ordeal.heal()
        for place in self._places:
            place.bin.heal(now)

    def _admit(self, now: float) -> None:
        while now >= self._next_arrival and self._wants_more():
            free = [place for place in self._places if place.is_free(now)]
            if not free:
                return
            self._rng.choice(free).begin_visit(now)
            self._next_arrival += self._rng.expovariate(self._settings.rate * self._settings.speed / 60)

    def _wants_more(self) -> bool:
        if self._settings.count is None or self._is_closing:
            return not self._is_closing
        return self.drops + sum(place.is_awaited for place in self._places) < self._settings.count

    def _revive(self) -> None:
        for name, process in self._processes.items():
            if process.revive():
                self.deaths += 1
                log.error("gateway_died", gateway=name, log=str(process.folder / "gateway.log"))


def _links(folder: Path, meter: str) -> BinLinks:
    return BinLinks(*(folder / f"{meter}.{part}" for part in ("reader", "scale", "lid")))
