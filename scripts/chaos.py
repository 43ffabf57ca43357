"""`make chaos`: gateways killed at every commit and at every call to the service, before and after, 200 times.

A gateway of its own shows which points there are, from its first start on. Then others are killed (SIGKILL, by
`gateways.simulate.killing`) at one point after another while residents come and go, and started again at once. In the
end each discharge must be in the service's ledger once, and each record of the spools as well.
"""

import argparse
import itertools
import logging
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateways.simulate import Simulation, SimulationSettings
from gateways.simulate.books import Entry, compare
from gateways.simulate.fleet import Fleet
from gateways.simulate.killing import LOG_VARIABLE, PLAN_VARIABLE, SEEN_VARIABLE, read_lines
from gateways.simulate.truth import read_truth
from scripts.ordeals import ledger
from scripts.ordeals.stage import DATABASES, Stage, stage
from scripts.ordeals.town import found_town

KILLS = 200
GATEWAYS, METERS, HOMES = 3, 4, 20
SPEED = 30.0
PROGRAM = "gateways.simulate.killing"
REHEARSAL_DISCHARGES = 16
NTHS = (1, 2)
PHASES = ("before", "after")
STALLED_S = 25.0
TIMEOUT_S = 1800.0
SKIPPED = "skipped "
DRAIN_WITHIN_S = 120.0


@dataclass(frozen=True)
class Points:
    """Where a gateway can be killed: only in its first life, and in every later one."""

    first: list[str]
    always: list[str]

    def lines(self) -> Iterator[str]:
        """Yield lines of a plan, each of the first life's points twice, the others without end."""
        yield from (f"{point}|1|{phase}" for point in self.first for phase in PHASES)
        rounds = itertools.product(NTHS, self.always, PHASES)
        yield from itertools.cycle([f"{point}|{nth}|{phase}" for nth, point, phase in rounds])


class Victim:
    """One gateway and the plan of its deaths: always two lines ahead, for a process takes its line when it starts."""

    def __init__(self, simulation: Simulation, name: str, folder: Path) -> None:
        self.name = name
        self._simulation = simulation
        self._plan, self._log = folder / f"{name}.plan", folder / f"{name}.log"
        self._since = time.monotonic()
        self._done = 0
        process = simulation.process(name)
        process.environment |= {PLAN_VARIABLE: str(self._plan), LOG_VARIABLE: str(self._log)}

    @property
    def deaths(self) -> list[str]:
        """The points at which it died."""
        return [line for line in read_lines(self._log) if not line.startswith(SKIPPED)]

    @property
    def skipped(self) -> list[str]:
        """The points that it never came to."""
        return [line.removeprefix(SKIPPED) for line in read_lines(self._log) if line.startswith(SKIPPED)]

    def plan(self, points: Iterator[str]) -> None:
        """Add lines; give up on one that is not reached."""
        done = len(read_lines(self._log))
        if done != self._done:
            self._done, self._since = done, time.monotonic()
        elif time.monotonic() - self._since > STALLED_S:
            self._write(self._log, SKIPPED + read_lines(self._plan)[done])
            self._simulation.restart_gateway(self.name)
        while len(read_lines(self._plan)) < done + 2:
            self._write(self._plan, next(points))

    def spare(self) -> None:
        """Let it live from now on."""
        self._simulation.kill_gateway(self.name)
        self._plan.unlink()
        self._simulation.start_gateway(self.name)

    @staticmethod
    def _write(path: Path, line: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def main() -> int:
    """Run the ordeal; 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # deaths are wanted
    with stage(options.database) as place:
        fleet = found_town(place.database, GATEWAYS + 1, METERS, HOMES, (10,))
        points = rehearse(place, Fleet(fleet.district, fleet.gateways[:1]), options.seed)
        print(f"points: {', '.join(points.always)}; once: {', '.join(points.first)}", flush=True)
        return torment(place, Fleet(fleet.district, fleet.gateways[1:]), points, options)


def rehearse(place: Stage, fleet: Fleet, seed: int) -> Points:
    """Let one gateway live two lives unharmed, and see which points it passes."""
    name = fleet.gateways[0].gateway
    simulation = Simulation(settings(place, fleet, seed, "rehearsal", count=REHEARSAL_DISCHARGES))
    log = place.folder / "seen"
    simulation.process(name).environment[SEEN_VARIABLE] = str(log)
    try:
        simulation.start()
        while simulation.drops < REHEARSAL_DISCHARGES / 2:
            time.sleep(0.1)
        born = len(read_lines(log))
        simulation.restart_gateway(name)
        if not simulation.wait_count(60) or not simulation.wait_drained(60):
            raise RuntimeError("the rehearsal does not come to an end")
    finally:
        simulation.stop()
    seen = read_lines(log)
    always = list(dict.fromkeys(seen[born:]))
    return Points([point for point in dict.fromkeys(seen[:born]) if point not in always], always)


def settings(place: Stage, fleet: Fleet, seed: int, name: str, count: int | None = None) -> SimulationSettings:
    """Residents without a pause, so that each life passes every point soon."""
    return SimulationSettings(
        fleet=fleet, url=place.url, state_dir=place.folder / name, rate=1000, speed=SPEED, seed=seed,
        program=PROGRAM, count=count,
    )  # fmt: skip


def torment(place: Stage, fleet: Fleet, points: Points, options: argparse.Namespace) -> int:
    """Kill until it is enough, then compare."""
    simulation = Simulation(settings(place, fleet, options.seed, "gateways"))
    victims = [Victim(simulation, name, place.folder) for name in simulation.gateways]
    lines = points.lines()
    began = time.monotonic()
    try:
        for victim in victims:
            victim.plan(reachable(lines, victims))
        simulation.start()
        while (kills := sum(len(victim.deaths) for victim in victims)) < options.kills:
            if time.monotonic() - began > TIMEOUT_S:
                break
            for victim in victims:
                victim.plan(reachable(lines, victims))
            time.sleep(0.1)
        for victim in victims:
            victim.spare()
        simulation.let_nobody_come()
        drained = simulation.wait_drained(DRAIN_WITHIN_S)
    finally:
        simulation.stop()
    print(
        f"{kills} kills in {time.monotonic() - began:.0f} s, {simulation.drops} discharges by {len(victims)} gateways"
    )
    return report(place, victims, kills >= options.kills and drained)


def reachable(lines: Iterator[str], victims: list[Victim]) -> Iterator[str]:
    """The lines of the cycle, without those that were waited for in vain: some points are passed once in a life."""
    given_up = {line for victim in victims for line in victim.skipped}
    return (line for line in lines if line not in given_up)


def report(place: Stage, victims: list[Victim], is_done: bool) -> int:
    """Print the figures; 0 if all is well."""
    deaths = Counter(tuple(line.split("|")) for victim in victims for line in victim.deaths)
    print(f"\n{'point':<34}{'before':>8}{'after':>8}")
    for point in dict.fromkeys(point for point, _, _ in deaths):
        counts = (sum(deaths[point, str(nth), phase] for nth in NTHS) for phase in PHASES)
        print(f"{point:<34}" + "".join(f"{count:>8}" for count in counts))
    skipped = sorted({line for victim in victims for line in victim.skipped})
    print(f"not reached within {STALLED_S:.0f} s: {', '.join(skipped) or 'none'}\n")
    booked = ledger.entries(place.database)
    truth = [
        *read_truth(place.folder / "rehearsal" / "truth.jsonl"),
        *read_truth(place.folder / "gateways" / "truth.jsonl"),
    ]
    books = compare(truth, booked, {})
    ledger.print_books(books)
    accepted = [record for victim in victims for record in spooled(place.folder / "gateways" / victim.name)]
    lost = missing(accepted, booked)
    print(f"{len(accepted)} records accepted by the spools, {len(lost)} of them not at the service")
    wrong = [*books.violations, *lost, *ledger.disorders(place.database)]
    wrong += [f"kept aside: {code} {count}" for code, count in ledger.quarantined(place.database).items()]
    wrong += [] if is_done else ["the ordeal did not come to its end"]
    for sentence in wrong:
        print("WRONG ", sentence)
    print(f"{'FAILED' if wrong else '0 accepted discharges lost, 0 doubled'} ({place.folder})")
    return 1 if wrong else 0


def spooled(folder: Path) -> list[tuple[str, int]]:
    """Gateway and number of every record in a spool: acknowledged ones are kept for 90 days."""
    with closing(sqlite3.connect(folder / "spool.db")) as db:
        return [(folder.name, seq) for (seq,) in db.execute("SELECT seq FROM records ORDER BY id")]


def missing(accepted: list[tuple[str, int]], booked: list[Entry]) -> list[str]:
    """The records that a spool accepted and the service does not have."""
    have = {(entry.gateway, entry.seq) for entry in booked}
    return [f"record {seq} of {gateway} never arrived" for gateway, seq in accepted if (gateway, seq) not in have]


if __name__ == "__main__":
    sys.exit(main())
