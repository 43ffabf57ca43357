"""`make soak`: fifty meters of every kind, and everything that can go wrong, against the real service.

Real gateway processes on pseudo-terminals, the real service on a real database. For ten minutes cables are pulled,
frames spoilt, boxes killed or cut off from power, clocks set to nonsense, the service killed. Then everything is
healed, the spools drain, and each meter's records are held against what its scale showed, to the gram.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter

from gateways.simulate import Simulation, SimulationSettings
from gateways.simulate.books import Books, Tolerance, compare
from gateways.simulate.devices import PROTOCOLS
from gateways.simulate.faults import DRIFT_SPAN_G, FRAME_FAULTS, Faults
from gateways.simulate.fleet import Fleet
from gateways.simulate.resident import Habits
from gateways.simulate.truth import read_faults, read_truth
from scripts.ordeals import ledger
from scripts.ordeals.server import ServerProcess
from scripts.ordeals.stage import DATABASES, Stage, stage
from scripts.ordeals.town import found_town

GATEWAYS, METERS, HOMES = 10, 5, 40
DIGITS = (10, 8, 16)  # of card numbers: EM4100, ISO 14443A, EPC
DISCHARGES_A_DAY = 86  # of a meter: 62,000 households of the first district at 724 meters
SPEED = 300.0
FASTEST_FRAME_S = 0.05
FULL_G = 20_000
STEP_G = 10
HABITS = Habits(throws_nothing=0.05, leaves_open=0.02, pushes_in=0.05)

# Events a minute of real time: of each port, of each gateway.
A_MINUTE = {
    **dict.fromkeys(FRAME_FAULTS, 1.0),
    "silent": 0.3,
    "unplugged": 0.2,
    "drifting": 0.3,
    "killed": 0.3,
    "power_cut": 0.15,
    "clock_reset": 0.2,
}
OUTAGE_EVERY_S = 45.0
OUTAGE_S = (0.5, 8.0)
REPORT_EVERY_S = 30.0
DRAIN_WITHIN_S = 300.0


class Outages(threading.Thread):
    """Kills the service now and then, and starts it again after a while."""

    def __init__(self, server: ServerProcess, rng: random.Random) -> None:
        super().__init__(name="outages", daemon=True)
        self.count = 0
        self._server = server
        self._rng = rng
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._rng.expovariate(1 / OUTAGE_EVERY_S)):
            self._server.kill()
            self.count += 1
            self._over.wait(self._rng.uniform(*OUTAGE_S))
            self._server.start()

    def end(self) -> None:
        """Let no more come; the service runs when this returns."""
        self._over.set()
        self.join()


def main() -> int:
    """Run the ordeal; 0 if every gram is accounted for."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", "600")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SOAK_SEED", random.randrange(1_000_000))))  # noqa: S311 - a seed
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--gateways", type=int, default=GATEWAYS)
    parser.add_argument("--meters", type=int, default=METERS, help="of each gateway")
    parser.add_argument("--speed", type=float, default=SPEED)
    options = parser.parse_args()
    print(f"seed {options.seed}; the same again: make soak ARGS='--seed {options.seed}'", flush=True)
    with stage(options.database) as place:
        fleet = found_town(place.database, options.gateways, options.meters, HOMES, DIGITS)
        simulation = Simulation(settings(place, fleet, options))
        outages = Outages(place.server, random.Random(options.seed))  # noqa: S311 - faults, not secrets
        began = time.monotonic()
        try:
            simulation.start()
            outages.start()
            watch(simulation, options.seconds)
            drained_s = heal(simulation, outages)
        finally:
            simulation.stop()
        took_s = time.monotonic() - began
        return report(place, simulation, outages, options, took_s, drained_s)


def settings(place: Stage, fleet: Fleet, options: argparse.Namespace) -> SimulationSettings:
    """The world, at its speed; rates are of simulated time there."""
    meters = options.gateways * options.meters
    return SimulationSettings(
        fleet=fleet,
        url=place.url,
        state_dir=place.folder / "gateways",
        rate=meters * DISCHARGES_A_DAY / 1440,
        speed=options.speed,
        fastest_frame_s=FASTEST_FRAME_S,
        full_g=FULL_G,
        seed=options.seed,
        protocols=PROTOCOLS,
        faults=Faults({name: rate / options.speed for name, rate in A_MINUTE.items()}, options.seed),
        habits=HABITS,
    )


def watch(simulation: Simulation, seconds: float) -> None:
    """Let it run, and say how it goes."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        time.sleep(min(REPORT_EVERY_S, seconds - elapsed))
        waiting = sum(simulation.undelivered().values())
        print(
            f"{time.monotonic() - began:6.0f} s  {simulation.drops} discharges, {simulation.given_up} gave up,"
            f" {waiting} records wait, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def heal(simulation: Simulation, outages: Outages) -> float | None:
    """End all faults, let everybody finish and the spools drain; seconds that it took, None if it never did."""
    began = time.monotonic()
    outages.end()
    simulation.let_nobody_come()
    simulation.heal()
    return time.monotonic() - began if simulation.wait_drained(DRAIN_WITHIN_S) else None


def report(
    place: Stage,
    simulation: Simulation,
    outages: Outages,
    options: argparse.Namespace,
    took_s: float,
    drained_s: float | None,
) -> int:
    """Print the figures; 0 if all is well."""
    books = compare(
        read_truth(simulation.truth_path), ledger.entries(place.database), {}, Tolerance(STEP_G, DRIFT_SPAN_G)
    )
    faults = Counter(fault.fault for fault in read_faults(simulation.truth_path))
    ledger.print_books(books)
    print_troubles(books, faults, outages.count, simulation, options, took_s)
    wrong = books.violations + ledger.disorders(place.database)
    if drained_s is None:
        wrong.append(f"not drained within {DRAIN_WITHIN_S:.0f} s: {simulation.undelivered()}")
    else:
        print(f"drained {drained_s:.0f} s after the end of the faults")
    if simulation.deaths:
        wrong.append(f"{simulation.deaths} gateways died by themselves; see {place.folder}/gateways/*/gateway.log")
    print("clocks of the records:", ledger.clocks(place.database))
    # A record in quarantine is not lost, but bills nobody until somebody has looked: no fault here asks for that.
    wrong += [f"kept aside: {count} as {code}" for code, count in ledger.quarantined(place.database).items()]
    for sentence in wrong:
        print("WRONG ", sentence)
    print(f"seed {options.seed}: {'FAILED' if wrong else 'every gram accounted for'} ({place.folder})")
    return 1 if wrong else 0


def print_troubles(
    books: Books,
    faults: Counter[str],
    outages: int,
    simulation: Simulation,
    options: argparse.Namespace,
    took_s: float,
) -> None:
    """Print what happened."""
    days = books.drops / (options.gateways * options.meters * DISCHARGES_A_DAY)
    print(
        f"{options.gateways * options.meters} meters of {options.gateways} gateways on {options.database},"
        f" {took_s:.0f} s: as many discharges as in {days:.1f} days; {simulation.given_up} residents gave up"
    )
    told = ", ".join(f"{name} {count}" for name, count in sorted(faults.items()))
    print(f"faults: {told}; outages of the service {outages}")


if __name__ == "__main__":
    sys.exit(main())
