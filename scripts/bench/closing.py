"""Measures the closing of a month (preview and finalise) beside one aggregate and one bulk insert of as many lines.

The floor reads the same month by one statement (household, tenancy, discharges, grams), rates nothing, and inserts as
many rows of a statement line's columns into a table without checks or triggers: binary COPY on PostgreSQL, executemany
on SQLite, one commit. Each way runs in a process of its own, so that its memory is its own, and takes turns with the
other on the same data; what was closed is removed again between rounds.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import Database, run_many
from app.statements import runs
from app.statements.terms import tariffs
from billing.tariffs import Tariff, Tier
from scripts.bench import year
from scripts.bench.year import COMPLEXES, Size

MONTH, AFTER = date(2026, 10, 1), date(2026, 11, 1)
NOW = datetime(2026, 11, 3, tzinfo=UTC)
CLOSING = NOW + timedelta(days=7)  # the review window is over
SMALL, DISTRICT, LARGE = Size("6,000", 41), Size("62,000", 417), Size("600,000", 4027)
AT_MOST, MEMORY_MB = 3.0, 500
TABLE = "bench_line"
LINE = "district_id, run_id, serial, line, kind, usage_month, household_id, tenancy_id, grams, count, won, detail"
TYPES = ("int4", "int4", "int4", "int4", "text", "date", "int4", "int4", "int8", "int4", "int8", "text")
DETAIL = '{"steps": [[1, 12400, 12400, 31, "1612.000"]], "rounding": "down"}'
OF_RUNS = ("statement_line", "statement", "statement_run")


class Cost(NamedTuple):
    """Seconds, and the most megabytes that the process held."""

    seconds: float
    megabytes: float


def measure(way: Callable[[str], None], url: str) -> Cost:
    """Run one way in a fresh process and wait for it."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_timed, args=(way, url, sender))
    process.start()
    cost: Cost = receiver.recv()
    process.join()
    return cost


def _timed(way: Callable[[str], None], url: str, sender: Any) -> None:
    started = time.perf_counter()
    way(url)
    sender.send(Cost(time.perf_counter() - started, _most_megabytes()))


def _most_megabytes() -> float:
    """The most that this process ever held. getrusage would tell of the process that it was forked from, too."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def close_alone(url: str) -> None:
    """Preview and finalise all complexes, one after the other."""
    close(url, 1)


def close_together(url: str) -> None:
    """The same on two cores."""
    close(url, 2)


def close(url: str, workers: int) -> None:
    """Preview and finalise the month of all complexes."""
    database = Database(url)
    runs.preview_month(database, 1, MONTH, None, "bench", NOW, workers=workers)
    runs.finalise_month(database, 1, MONTH, None, "bench", CLOSING, workers=workers)
    database.dispose()


def floor(url: str) -> None:
    """One aggregate and one bulk insert."""
    database = Database(url)
    with database.begin() as session:
        connection = session.connection()
        totals = connection.execute(
            sa.text(
                "SELECT household_id, tenancy_id, count(*), sum(net_g) FROM discharge WHERE district_id = 1 "
                "AND service_day >= :first AND service_day < :after AND billable GROUP BY 1, 2"
            ).bindparams(sa.bindparam("first", type_=sa.Date), sa.bindparam("after", type_=sa.Date)),
            {"first": MONTH, "after": AFTER},
        ).all()
        lines = (
            (1, 1, serial, 1, "usage", MONTH, household, tenancy, int(grams), count, 0, DETAIL)
            for serial, (household, tenancy, count, grams) in enumerate(totals)
        )
        _insert(connection, lines)
    database.dispose()


def _insert(connection: sa.Connection, lines: Any) -> None:
    if connection.dialect.name == "sqlite":
        run_many(connection, f"INSERT INTO {TABLE} ({LINE}) VALUES ({', '.join('?' * len(TYPES))})", lines)  # noqa: S608
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({LINE}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(TYPES)
        for line in lines:
            copy.write_row(line)


def prepare(url: str, size: Size) -> None:
    """A district of that many households with a month of discharges and its tariff."""
    year.build(url, size, [MONTH])
    database = Database(url)
    with database.begin() as session:
        session.execute(sa.text(f"CREATE TABLE IF NOT EXISTS {TABLE} AS SELECT {LINE} FROM statement_line"))  # noqa: S608
        session.execute(
            sa.text(f"CREATE UNIQUE INDEX IF NOT EXISTS {TABLE}_pk ON {TABLE} (district_id, run_id, serial, line)")
        )
        if not tariffs.schedules(session, 1, "household"):
            draft = Tariff(0, MONTH, (Tier(0, Decimal(130)),))
            wanted = tariffs.Wanted("household", "general", draft, "bench")
            tariffs.add(session, 1, wanted, "bench", NOW)
    database.dispose()


def clear(url: str) -> None:
    """Take away what was closed, past the triggers that refuse it."""
    database = Database(url)
    with database.begin() as session:
        connection = session.connection()
        if database.is_sqlite:
            triggers = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            kept = [(name, sql) for name, sql in triggers if name.startswith(OF_RUNS)]
            for name, _ in kept:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for table in (*OF_RUNS, TABLE):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - own names
        if database.is_sqlite:
            for _, sql in kept:
                connection.exec_driver_sql(sql)
    database.dispose()


def section(kind: str, rounds: int, urls: dict[Size, str]) -> str:
    """Measure each size in turn; the table of one database."""
    lines = [
        f"### {kind}\n\n"
        "| households | discharges | closing, s | µs a household | floor, s | ratio | two workers, s | memory, MB | |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    ]
    for size, url in urls.items():
        prepare(url, size)
        lines.append(_line(size, [_round(kind, url, size, number) for number in range(rounds)]))
    return "\n".join([*lines, ""])


def _round(kind: str, url: str, size: Size, number: int) -> tuple[Cost, Cost, Cost]:
    costs = []
    for way in (floor, close_alone, close_together):
        clear(url)
        costs.append(measure(way, url))
    told = ", ".join(f"{cost.seconds:.2f} s" for cost in costs)
    print(f"  {kind} closing, {size.name} households, round {number + 1}: {told}", flush=True)
    return costs[0], costs[1], costs[2]


def _line(size: Size, rounds: list[tuple[Cost, Cost, Cost]]) -> str:
    bare, alone, together = (statistics.median(cost.seconds for cost in costs) for costs in zip(*rounds, strict=True))
    ratio = statistics.median(mine.seconds / its.seconds for its, mine, _ in rounds)
    memory = max(mine.megabytes for _, mine, _ in rounds)
    discharges = size.households * (AFTER - MONTH).days
    verdict = "met" if ratio <= AT_MOST and memory < MEMORY_MB else "**missed**"
    return (
        f"| {size.households:,} | {discharges:,} | {alone:.2f} | {alone / size.households * 1e6:.0f} | {bare:.2f} | "
        f"{ratio:.2f} | {together:.2f} | {memory:.0f} | {verdict} |"
    )


ABOUT = f"""## Closing a month

Preview and finalise of {COMPLEXES} complexes, one discharge a household and day, flat tariff. The floor is one
aggregate over the same month and one bulk insert of as many rows as there are lines into a table without checks; asked
for are at most {AT_MOST:.0f} times the floor and less than {MEMORY_MB} MB. Each in a process of its own, timed
after its imports.
"""
