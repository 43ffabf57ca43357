"""Measures ingest and volumes beside their floors, both databases in one run, and the gateway: idle, spool, parsers.

docs/benchmarks.md keeps what this prints.

Every way gets the same load in turn, for several rounds; the median round counts. The servers run all the time, so that
each round finds them warm.
"""

import argparse
import contextlib
import itertools
import os
import platform
import shutil
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts.bench import client, closing, drain, floors, footprint, parsing, servers, spool, volumes, workload
from scripts.bench.workload import Site
from scripts.bench.year import HUNDREDTH, TENTH, WHOLE
from scripts.postgres import create_database, describe, ensure_database, private_postgres

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
PARTS = ("ingest", "volumes", "closing", "footprint", "spool", "drain", "parsing")
WORKERS = {POSTGRESQL: 2, SQLITE: 1}
CONNECTIONS = 16
BATCHES = {500: 160, 50: 800, 1: 3000}
SLOW_BATCHES = {500: 30, 50: 150, 1: 1000}
SERVICE, BARE, ONE_ROW, OBVIOUS, EMPTY = "the service", "bare script", "one row", "obvious way", "empty endpoint"
APPS = {
    SERVICE: "app.factory:create_app()",
    ONE_ROW: "scripts.bench.rivals:one_row()",
    OBVIOUS: "scripts.bench.rivals:obvious()",
    EMPTY: "scripts.bench.rivals:empty()",
}
# What the service is held against: way, batch, and the least ratio that is asked for.
TARGETS: dict[str, dict[int, list[tuple[str, float | None]]]] = {
    POSTGRESQL: {500: [(BARE, 0.5), (OBVIOUS, 3)], 50: [(BARE, 0.5), (OBVIOUS, 3)], 1: [(ONE_ROW, 0.5), (EMPTY, None)]},
    SQLITE: {500: [(BARE, 0.3)], 50: [(BARE, 0.3)], 1: [(BARE, 0.5), (ONE_ROW, None), (EMPTY, None)]},
}


class Figure(NamedTuple):
    """One measurement: records a second, and the client's share of one core."""

    rate: float
    client_cpu: float | None = None


Measure = Callable[[int], Figure]
Found = dict[tuple[str, int], list[Figure]]


def main() -> None:
    """Run from the command line; `--rounds` trades time for calm figures, `--write` keeps the table."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--full", action="store_true", help="nine rounds of ingest, and volumes over 16 million discharges"
    )
    parser.add_argument("--only", choices=PARTS, help="one of the parts")
    parser.add_argument("--write", metavar="FILE", type=Path, help="keep the table in this file")
    arguments = parser.parse_args()
    rounds = 9 if arguments.full else arguments.rounds
    parts = [f"# Benchmarks\n\n{where()}"]
    wanted = PARTS if arguments.only is None else (arguments.only,)
    if "ingest" in wanted:
        results = {database: measure(database, rounds) for database in (POSTGRESQL, SQLITE)}
        parts += [heading(rounds), *(section(database, found) for database, found in results.items())]
    if "volumes" in wanted:
        parts += [volumes.ABOUT, *measure_volumes(arguments.rounds, full=arguments.full)]
    if "closing" in wanted:
        parts += [closing.ABOUT, *measure_closing(min(arguments.rounds, 3), full=arguments.full)]
    if "footprint" in wanted:
        parts.append(footprint.section(60 if arguments.full else 30))
    if "spool" in wanted:
        parts.append(spool.section(3 * rounds))
    if "drain" in wanted:
        parts.append(drain.section(rounds))
    if "parsing" in wanted:
        parts.append(parsing.section(rounds))
    table = "\n".join(parts)
    print(table)
    if arguments.write:
        arguments.write.write_text(table, encoding="utf-8")


def measure(database: str, rounds: int) -> Found:
    """The figures of each way and batch size on one of the databases, round by round."""
    found: Found = {}
    with contextlib.ExitStack() as stack:
        new_url = stack.enter_context(_databases(database))
        ways = {BARE: _bare(database, new_url)} | {name: _served(database, name, new_url, stack) for name in APPS}
        for name in APPS:
            ways[name](max(BATCHES))  # warms caches and connections; not counted
        for _, size, (name, way) in itertools.product(range(rounds), BATCHES, ways.items()):
            if _is_wanted(database, name, size):
                found.setdefault((name, size), []).append(way(size))
                print(f"  {database} {size:>3} {name:<15} {found[name, size][-1].rate:>9,.0f}/s", flush=True)
    return found


def _is_wanted(database: str, name: str, size: int) -> bool:
    return name in (SERVICE, BARE) or name in [rival for rival, _ in TARGETS[database][size]]


def _median(figures: list[Figure]) -> Figure:
    return sorted(figures)[len(figures) // 2]


def _ratio(service: list[Figure], other: list[Figure]) -> float:
    """The median over the rounds: both were measured within a minute, however busy the machine was then."""
    return statistics.median(mine.rate / theirs.rate for mine, theirs in zip(service, other, strict=True))


@contextlib.contextmanager
def _databases(kind: str) -> Iterator[Callable[[], str]]:
    """Makes fresh databases whose commits really reach the disk."""
    numbers = itertools.count(1)
    if kind == POSTGRESQL:
        with private_postgres({}) as server:
            yield lambda: create_database(server, f"bench_{next(numbers)}")
        return
    folder = workload.on_disk("bench")
    yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"
    shutil.rmtree(folder)


def _bare(database: str, new_url: Callable[[], str]) -> Measure:
    url = new_url()
    sites = workload.build_district(url)
    floors.prepare(url, workload.months())

    def run(size: int) -> Figure:
        rows = [batch for _, _, batch in workload.batches(sites, size, BATCHES[size])]
        if database == SQLITE:
            seconds = floors.sqlite(url, rows)
        else:
            # As many connections as the service's writers, and twice as many: the faster is the floor.
            half = len(rows) // 2
            halves = ((rows[:half], WORKERS[database]), (rows[half:], 2 * WORKERS[database]))
            seconds = 2 * min(floors.postgresql(url, share, connections) for share, connections in halves)
        return Figure(size * BATCHES[size] / seconds)

    return run


def _served(database: str, name: str, new_url: Callable[[], str], stack: contextlib.ExitStack) -> Measure:
    url = new_url()
    sites = workload.build_district(url)
    floors.prepare(url, workload.months())
    address = stack.enter_context(servers.serving(APPS[name], url, WORKERS[database]))

    def run(size: int) -> Figure:
        count = (SLOW_BATCHES if name == OBVIOUS else BATCHES)[size]
        requests = [_request(site, records) for site, records, _ in workload.batches(sites, size, count)]
        sent = client.send(address, requests, CONNECTIONS)
        if sent.failures:
            raise RuntimeError(f"{name}: {len(sent.failures)} requests failed, the first with {sent.failures[0]}")
        return Figure(size * count / sent.seconds, sent.client_cpu / sent.seconds)

    return run


def _request(site: Site, records: list[dict[str, object]]) -> bytes:
    return workload.signed_request(site, records, f"/api/v1/gateways/{site.code}/discharges")


def measure_volumes(rounds: int, *, full: bool) -> Iterator[str]:
    """The tables of both databases: the whole and a tenth, or in short a tenth and a hundredth.

    The whole is kept for the next time, and made where an interrupted run stopped.
    """
    large, small = (WHOLE, TENTH) if full else (TENTH, HUNDREDTH)
    with private_postgres({}, keep="bench" if full else None) as server:
        urls = [(ensure_database(server, f"year_{size.name}"), size) for size in (large, small)]
        yield volumes.compare(POSTGRESQL, rounds, *urls)
    folder = workload.on_disk("volumes")
    yield volumes.compare(SQLITE, rounds, *((f"sqlite:///{folder}/{size.name}.db", size) for size in (large, small)))
    if full:
        print(f"  The data stay in {folder} and the temporary folder jongnyang-pg-kept-bench: delete both for room.")
    else:
        shutil.rmtree(folder)


def measure_closing(rounds: int, *, full: bool) -> Iterator[str]:
    """The tables of both databases: up to the first district's size, or in full to ten times as many households."""
    sizes = (closing.SMALL, closing.DISTRICT, *((closing.LARGE,) if full else ()))
    with private_postgres({}) as server:
        urls = {size: ensure_database(server, f"closing_{size.homes}") for size in sizes}
        yield closing.section(POSTGRESQL, rounds, urls)
    folder = workload.on_disk("closing")
    yield closing.section(SQLITE, rounds, {size: f"sqlite:///{folder}/{size.homes}.db" for size in sizes})
    shutil.rmtree(folder)


def where() -> str:
    """What the figures were measured on."""
    return f"""Written on {datetime.now(UTC):%Y-%m-%d} by `make bench` or `make bench-full` with `ARGS="--write FILE"`:
{os.cpu_count()} cores, Python {platform.python_version()}, {describe()}.
Only ratios mean something elsewhere; each is the median of the rounds' own ratios.
"""


def heading(rounds: int) -> str:
    """How to read the tables of ingest."""
    return f"""## Ingest

Client, service and database share the machine. Median of {rounds} rounds, each ratio taken within a minute.

- **the service**: over HTTP, {CONNECTIONS} connections, everything included: signature, nonce, card to household,
  numbers, ledger, liveness of the gateway, three rollups, durable commit. Batches of over one record are gzipped, as
  gateways do.
- **bare script**: ready-made rows, nothing checked, no HTTP. PostgreSQL: binary `COPY` into a temporary table, one
  `INSERT … ON CONFLICT DO NOTHING`, two rollups, a commit a batch; the better of {WORKERS[POSTGRESQL]} and
  {2 * WORKERS[POSTGRESQL]} connections, one process each. SQLite: `executemany` and two rollups, WAL,
  `synchronous=FULL`.
- **obvious way**: HTTP, signature, marshmallow `many=True`, ORM `add_all`; no repetition noticed, no card, no rollup.
- **one row**: HTTP, signature, one ready-made row committed. **empty endpoint**: HTTP alone, in the same server.
- **client**: the load generator's share of one core while the service was measured.
"""


def section(database: str, found: Found) -> str:
    """The table of one database."""
    lines = [
        f"### {database}, {WORKERS[database]} worker{'s' if WORKERS[database] > 1 else ''}",
        "",
        "| batch | the service, records/s | client | held against | records/s | ratio | asked for | |",
        "|--:|--:|--:|---|--:|--:|--:|---|",
    ]
    for size in BATCHES:
        service = _median(found[SERVICE, size])
        for rival, least in TARGETS[database][size]:
            other = _median(found[rival, size])
            ratio = _ratio(found[SERVICE, size], found[rival, size])
            verdict = "" if least is None else ("met" if ratio >= least else "**missed**")
            lines.append(
                f"| {size} | {service.rate:,.0f} | {service.client_cpu or 0:.0%} | {rival} | {other.rate:,.0f} "
                f"| {ratio:.2f} | {'' if least is None else least} | {verdict} |"
            )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
