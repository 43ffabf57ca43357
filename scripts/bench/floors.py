"""The floors: what a bare script reaches with ready-made rows, and what the obvious way reaches.

The bare script writes the same columns into the same migrated tables as the service, but checks nothing: on PostgreSQL
binary COPY into a temporary table, one INSERT … ON CONFLICT DO NOTHING and two rollups; on SQLite executemany and the
same two rollups. One transaction a batch, over as many connections as the service gets.
"""

import multiprocessing
import sqlite3
import time
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.db import Database, to_microseconds
from app.metering import ledger
from app.metering.ledger import COLUMNS, TYPES, Row
from app.metering.rollups import KEYS, MEASURES

Batch = list[Row]

SUMS = "count(*), sum(net_g), count(*) FILTER (WHERE billable), sum(net_g) FILTER (WHERE billable), 0, 0, 0"
GROUPS = {
    "meter_hour": "district_id, complex_id, date_trunc('hour', occurred_at), meter_id",
    "complex_day": "district_id, complex_id, service_day",
}


def _rollup(table: str, groups: str, source: str) -> str:
    keys = ", ".join(KEYS[table])
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in MEASURES)
    return (
        f"INSERT INTO {table} ({keys}, {', '.join(MEASURES)}) SELECT {groups}, {SUMS} FROM {source} "  # noqa: S608
        f"GROUP BY {groups} ON CONFLICT ({keys}) DO UPDATE SET {added}"
    )


def postgresql(url: str, batches: list[Batch], connections: int) -> float:
    """Seconds that the bare script takes on PostgreSQL; one process a connection, past Python's lock."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(connections + 1)
    shares = [batches[number::connections] for number in range(connections)]
    processes = [context.Process(target=_postgresql_process, args=(url, share, start)) for share in shares]
    for process in processes:
        process.start()
    start.wait()
    started = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started
    if any(process.exitcode for process in processes):
        raise RuntimeError("The bare script failed; its error stands above.")
    return seconds


def _postgresql_process(url: str, batches: list[Batch], start: Any) -> None:
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(
            f"CREATE TEMP TABLE incoming ON COMMIT DELETE ROWS AS SELECT {COLUMNS} FROM discharge WITH NO DATA"  # noqa: S608
        )
        connection.commit()
        start.wait()
        for batch in batches:
            _postgresql_batch(connection, batch)


def _postgresql_batch(connection: "psycopg.Connection[Any]", batch: Batch) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY incoming ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(TYPES)
            for row in batch:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO discharge ({COLUMNS}) SELECT {COLUMNS} FROM incoming ON CONFLICT DO NOTHING"  # noqa: S608
        )
        for table, groups in GROUPS.items():
            cursor.execute(_rollup(table, groups, "incoming"))
    connection.commit()


def sqlite(url: str, batches: list[Batch]) -> float:
    """Seconds that the bare script takes on SQLite: one connection, since there is one writer."""
    connection = sqlite3.connect(str(sa.make_url(url).database), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    plain = [[_plain(row) for row in batch] for batch in batches]
    started = time.perf_counter()
    for batch in plain:
        _sqlite_batch(connection, batch)
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


HOUR_US = 3_600_000_000
METER, COMPLEX, DAY, OCCURRED, NET = (
    Row._fields.index(name) for name in ("meter_id", "complex_id", "service_day", "occurred_at", "net_g")
)


def _plain(row: Row) -> list[Any]:
    values = [to_microseconds(value) if isinstance(value, datetime) else value for value in row]
    values[DAY] = row.service_day.isoformat()
    return values


def _sqlite_batch(connection: sqlite3.Connection, batch: list[list[Any]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(ledger.INSERT.replace("INSERT", "INSERT OR IGNORE", 1), batch)
    for table in ("meter_hour", "complex_day"):
        sums: dict[tuple[Any, ...], list[int]] = {}
        for row in batch:
            hour = row[OCCURRED] - row[OCCURRED] % HOUR_US
            key = (1, row[COMPLEX], hour, row[METER]) if table == "meter_hour" else (1, row[COMPLEX], row[DAY])
            total = sums.setdefault(key, [0, 0])
            total[0] += 1
            total[1] += row[NET]
        connection.executemany(
            _values(table), [(*key, count, grams, count, grams, 0, 0, 0) for key, (count, grams) in sums.items()]
        )
    connection.execute("COMMIT")


def _values(table: str) -> str:
    keys = ", ".join(KEYS[table])
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in MEASURES)
    marks = ", ".join("?" * (len(KEYS[table]) + len(MEASURES)))
    return (
        f"INSERT INTO {table} ({keys}, {', '.join(MEASURES)}) VALUES ({marks}) "  # noqa: S608 - own names
        f"ON CONFLICT ({keys}) DO UPDATE SET {added}"
    )


def prepare(url: str, months: set[Any]) -> None:
    """Make the ledger's partitions, which the service makes by itself."""
    database = Database(url)
    if not database.is_sqlite:
        ledger.Partitions(database).create(months)
    database.dispose()
