"""Measures the volume queries on a year of data, beside bare SQL and beside themselves on a tenth of it.

Ours is `reading.volumes` as the API, pages and commands call it, without the comparison with the usual. Bare is one
statement on the rollup table (for a household: on its index of the ledger), run by the driver on a connection taken
from the same pool, and grouped as ours is. With coverage adds the statement on the alive rollup that says which meters
reported, which ours always answers. All take turns in one process with warm caches, each time for another complex or
household.
"""

import itertools
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from app.db import Database, Statement, fetch
from app.metering.volumes.model import Ask, Place
from app.metering.volumes.reading import volumes
from app.metering.volumes.slots import DAY
from app.web.queries import overview
from app.web.trend import trend
from scripts.bench import year
from scripts.bench.year import AFTER, COMPLEXES, FIRST, NOW, Size

MONTH = (date(2026, 10, 1), date(2026, 11, 1))
SUMS = ", ".join(f"sum({name})" for name in ("weighed_count", "weighed_g", "suspense_count", "suspense_g"))
ALIVE = "count(*), sum(alive_ms), min(alive_ms), max(alive_ms)"
AT_MOST, SLOWER_AT_MOST = 2.0, 1.2  # what is asked for: times bare, times the tenth


class Case(NamedTuple):
    """A question: ours for the n-th complex or household, the bare statement, and that of the coverage."""

    name: str
    repeat: int
    ask: Callable[[int], Ask]
    bare: Callable[[int], Statement]
    coverage: Callable[[int], Statement]


class Timed(NamedTuple):
    """Median seconds of one round."""

    ours: float
    bare: float
    covered: float


def cases(size: Size) -> list[Case]:
    """What is measured on a database of this size."""
    district = Place("district", 0, "W0G", "")
    return [
        Case(
            "a complex's month by day",
            60,
            lambda n: Ask(Place("complex", _complex(n), "", ""), *MONTH, "day"),
            lambda n: (_of_complex("complex_day", "service_day", SUMS), (1, _complex(n), *MONTH)),
            lambda n: (_of_complex("alive_day", "service_day, gateway_id", ALIVE), (1, _complex(n), *MONTH)),
        ),
        Case(
            "the district's month by complex",
            10,
            lambda n: Ask(district, *MONTH, None, "complex"),
            lambda n: (_by_complex("complex_day", "service_day", "complex_id", SUMS), (1, *MONTH)),
            lambda n: (_by_complex("alive_month", "month", "complex_id, gateway_id", ALIVE), (1, *MONTH)),
        ),
        Case(
            "the district's year by complex",
            6,
            lambda n: Ask(district, FIRST, AFTER, None, "complex"),
            lambda n: (_by_complex("complex_day", "service_day", "complex_id", SUMS), (1, FIRST, AFTER)),
            lambda n: (_by_complex("alive_month", "month", "complex_id, gateway_id", ALIVE), (1, FIRST, AFTER)),
        ),
        Case(
            "a household's year by month",
            30,
            lambda n: Ask(Place("household", _household(n, size), "", ""), FIRST, AFTER, "month"),
            lambda n: (HOUSEHOLD, (1, _household(n, size), FIRST, AFTER)),
            lambda n: (HOME_ALIVE, (1, _home(n, size), FIRST, AFTER)),
        ),
        Case(
            "a household's year by day",
            30,
            lambda n: Ask(Place("household", _household(n, size), "", ""), FIRST, AFTER, "day"),
            lambda n: (HOUSEHOLD, (1, _household(n, size), FIRST, AFTER)),
            lambda n: (_of_complex("alive_day", "service_day, gateway_id", ALIVE), (1, _home(n, size), FIRST, AFTER)),
        ),
    ]


HOUSEHOLD = (
    "SELECT service_day, net_g FROM discharge "
    "WHERE district_id = ? AND household_id = ? AND service_day >= ? AND service_day < ?"
)
HOME_ALIVE = (
    f"SELECT month, gateway_id, {ALIVE} FROM alive_month "  # noqa: S608 - own names
    "WHERE district_id = ? AND complex_id = ? AND month >= ? AND month < ? GROUP BY 1, 2"
)


def _of_complex(table: str, keys: str, measured: str) -> str:
    where = "district_id = ? AND complex_id = ? AND service_day >= ? AND service_day < ?"
    return f"SELECT {keys}, {measured} FROM {table} WHERE {where} GROUP BY {keys}"  # noqa: S608 - own names


def _by_complex(table: str, column: str, keys: str, measured: str) -> str:
    where = f"district_id = ? AND {column} >= ? AND {column} < ?"
    return f"SELECT {keys}, {measured} FROM {table} WHERE {where} GROUP BY {keys}"  # noqa: S608 - own names


def _complex(n: int) -> int:
    return n * 7 % COMPLEXES + 1


def _household(n: int, size: Size) -> int:
    return n * 7919 % size.households + 1


def _home(n: int, size: Size) -> int:
    return (_household(n, size) - 1) // size.homes + 1


def measure(database: Database, case: Case) -> Timed:
    """One round of a case."""

    def ours(n: int) -> None:
        with database.reading() as connection:
            page = volumes(connection, 1, case.ask(n), NOW)
            assert page.rows

    def bare(n: int, *statements: Callable[[int], Statement]) -> None:
        with database.reading() as connection:
            for statement in (case.bare, *statements):
                sql, parameters = statement(n)
                assert fetch(connection, sql, *parameters)

    times: dict[str, list[float]] = {"ours": [], "bare": [], "covered": []}
    for n in range(case.repeat):
        times["ours"].append(_seconds(ours, n))
        times["bare"].append(_seconds(bare, n))
        times["covered"].append(_seconds(bare, n, case.coverage))
    return Timed(*(statistics.median(found) for found in times.values()))


def first_page(database: Database) -> float:
    """Seconds of all that the first page reads."""

    def read() -> None:
        with database.reading() as connection:
            overview(connection, 1, NOW)
            trend(connection, 1, NOW)

    return statistics.median(_seconds(read) for _ in range(5))


def _seconds(function: Callable[..., None], *arguments: Any) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def section(kind: str, rounds: int, large: tuple[Database, Size, int], small: tuple[Database, Size, int]) -> str:
    """Measure both sizes in turn; the table of one database. The numbers are the bytes on disk."""
    timed: dict[tuple[str, str], list[Timed]] = {}
    pages: dict[str, list[float]] = {}
    for round_, (database, size, _) in itertools.product(range(rounds + 1), (large, small)):
        for case in cases(size):
            found = measure(database, case)
            if round_:  # the first round warms caches, connections and prepared statements
                timed.setdefault((case.name, size.name), []).append(found)
        pages.setdefault(size.name, []).append(first_page(database))
        print(f"  {kind} volumes, {size.name}: round {round_} of {rounds}", flush=True)
    names = [case.name for case in cases(large[1])]
    lines = [_heading(kind, large, small)]
    lines += [_line(name, timed[name, large[1].name], timed[name, small[1].name]) for name in names]
    slow, fast = (statistics.median(pages[size.name]) for _, size, _ in (large, small))
    lines.append(f"| all that the first page reads | {slow * 1000:.1f} | | | | | {slow / fast:.2f} | | |")
    return "\n".join([*lines, ""])


def _heading(kind: str, *sizes: tuple[Database, Size, int]) -> str:
    days = (AFTER - FIRST) // DAY
    stated = "; ".join(
        f"{size.name}: {size.households * days:,} discharges, {used / 1e9:.2f} GB ({used // (size.households * days)} "
        "bytes each)"
        for _, size, used in sizes
    )
    return (
        f"### {kind}\n\n{stated}.\n\n"
        "| | ours, ms | bare | ours / bare | with coverage | ours / that | ours / on a tenth | ≤ 2 bare | ≤ 1.2 |\n"
        "|---|--:|--:|--:|--:|--:|--:|---|---|"
    )


def _line(name: str, large: list[Timed], small: list[Timed]) -> str:
    ours, bare, covered = (statistics.median(values) * 1000 for values in zip(*large, strict=True))
    against = statistics.median(row.ours / row.bare for row in large)
    fully = statistics.median(row.ours / row.covered for row in large)
    grown = statistics.median(one.ours / other.ours for one, other in zip(large, small, strict=True))
    verdicts = " | ".join("met" if met else "**missed**" for met in (against <= AT_MOST, grown <= SLOWER_AT_MOST))
    return (
        f"| {name} | {ours:.2f} | {bare:.2f} | {against:.2f} | {covered:.2f} | {fully:.2f} | {grown:.2f} | {verdicts} |"
    )


def compare(kind: str, rounds: int, large: tuple[str, Size], small: tuple[str, Size]) -> str:
    """Make what is missing of both databases, given by URL, and measure them; the table."""
    made = []
    try:
        for url, size in (large, small):
            year.build(url, size)
            made.append((Database(url), size, year.disk_used(url)))
        return section(kind, rounds, made[0], made[1])
    finally:
        for database, *_ in made:
            database.dispose()


ABOUT = f"""## Volumes over a year

One discharge a household and day in {COMPLEXES} complexes with 724 meters, {FIRST} to {AFTER - DAY}: 45,000 households
(whole), a tenth and a hundredth of them at the same complexes. Ours is the query that the API, pages and commands use,
with its coverage but without `compare`; bare is one statement on the rollup table (for a household on its index of the
ledger), grouped alike, by the driver on a connection of the same pool; with coverage adds the statement on the alive
rollup without which ours would not be an answer. Warm caches; medians, and medians of the rounds' own ratios. Evidence
and alive intervals are left out, so that a real ledger takes more room.
"""
