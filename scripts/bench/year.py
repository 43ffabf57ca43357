"""A year of a whole district for the benchmarks of volumes, made by the database itself and resumed by the month.

149 complexes with a gateway each, 724 meters, one discharge a household and day, every meter alive all the time.
Weights and times come from arithmetic on household and day, so that both databases hold the same. Evidence is left
empty: a real ledger has some 100 bytes more a row. The rollups of the ledger are the product's own `rebuild`; those of
the alive intervals are written at once, without the 6.3 million intervals of a year, which no volume is read from.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from app import db
from app.db import Database, to_microseconds
from app.metering import service as metering
from app.metering.ledger import COLUMNS, Partitions
from app.metering.volumes.slots import HOUR, midnight, month_after
from app.registry import service as registry
from app.registry.models import Building, Complex, Gateway, Household, Meter, MeterAssignment, Tenancy

COMPLEXES, METERS = 149, 724
SINCE = datetime(2020, 1, 1, tzinfo=UTC)
FIRST, AFTER = date(2025, 11, 1), date(2026, 11, 1)
NOW = midnight(AFTER) - timedelta(minutes=20)  # the last hour is nearly over and its meters are heard
MONTHS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(10, 22)]
BULK = ("PRAGMA cache_size = -1000000", "PRAGMA temp_store = MEMORY")


class Size(NamedTuple):
    """How many households each complex has."""

    name: str
    homes: int

    @property
    def households(self) -> int:
        return COMPLEXES * self.homes


WHOLE, TENTH, HUNDREDTH = Size("whole", 302), Size("tenth", 30), Size("hundredth", 3)


def build(url: str, size: Size, months: Sequence[date] = MONTHS) -> None:
    """Make the year, or what is missing of it, or only some of its months."""
    db.upgrade(url)
    database = Database(url)
    try:
        _register(database, size)
        for month in months:
            _fill(database, size, month)
        if not _is_any(database, "SELECT 1 FROM complex_day LIMIT 1"):
            print(f"  {size.name}: rollups …", flush=True)
            metering.rebuild_rollups(database, 1, "bench")
            _be_alive(database)
            _analyze(database)
    finally:
        database.dispose()


def disk_used(url: str) -> int:
    """Bytes of the database, all of its tables and indexes."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(str(parsed.database)).stat().st_size
    database = Database(url)
    with database.reading() as connection:
        used: int = connection.scalar(sa.text("SELECT pg_database_size(current_database())"))
    database.dispose()
    return used


def _register(database: Database, size: Size) -> None:
    if _is_any(database, "SELECT 1 FROM district"):
        return
    with database.begin() as session:
        registry.add_district(session, "W0G", "강서구")
        session.flush()
        for model, rows in _registry(size):
            session.execute(sa.insert(model), [{"district_id": 1} | row for row in rows])


def _registry(size: Size) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    complexes, meters = range(1, COMPLEXES + 1), range(1, METERS + 1)
    homes = [(id_, (id_ - 1) // size.homes + 1) for id_ in range(1, size.households + 1)]
    yield Complex, [{"id": n, "code": f"W0G{n:03}", "name": f"{n}단지", "declared_households": 416} for n in complexes]
    yield Gateway, [{"id": n, "code": f"GW-{n:03}", "created_at": SINCE} for n in complexes]
    yield Meter, [{"id": n, "code": f"M-{n:03}"} for n in meters]
    standing = [(n, (n - 1) % COMPLEXES + 1) for n in meters]
    yield (
        MeterAssignment,
        [{"id": n, "meter_id": n, "gateway_id": at, "complex_id": at, "valid_from": SINCE} for n, at in standing],
    )
    yield Building, [{"id": n, "complex_id": n, "name": "101"} for n in complexes]
    yield Household, [{"id": n, "complex_id": at, "building_id": at, "unit": str(n)} for n, at in homes]
    yield Tenancy, [{"id": n, "household_id": n, "valid_from": SINCE} for n, _ in homes]


def _fill(database: Database, size: Size, month: date) -> None:
    """A month's discharges in one transaction, unless they are there."""
    if _is_any(database, f"SELECT 1 FROM discharge WHERE service_day = '{month}' LIMIT 1"):
        return
    print(f"  {size.name}: {month:%Y-%m} …", flush=True)
    Partitions(database).create({month} if not database.is_sqlite else set())
    with database.engine.connect() as connection:
        if database.is_sqlite:
            for pragma in BULK:
                _execute(connection, pragma)
        with connection.begin():
            _execute(connection, _discharges(database, size, month))


def _discharges(database: Database, size: Size, month: date) -> str:
    day, last = month, month_after(month)
    rows = []
    while day < last:
        rows.append(f"({(day - FIRST).days}, {_day(database, day)}, {_instant(database, midnight(day))})")
        day += timedelta(days=1)
    second = "1000000" if database.is_sqlite else "interval '1 second'"
    when = f"d.midnight + ((h.id * 37 + d.n * 1733) % 86400) * {second}"
    net = "(50 + (h.id % 73 * 7919 + d.n * 104729) % 73 * 10)"
    hashed = "zeroblob(32)" if database.is_sqlite else "decode(repeat('00', 32), 'hex')"
    meter = f"h.complex_id + {COMPLEXES} * (h.id % CASE WHEN h.complex_id <= {METERS % COMPLEXES} THEN 5 ELSE 4 END)"
    true = "1" if database.is_sqlite else "true"
    nothing = "NULL" if database.is_sqlite else "NULL::timestamptz"
    card = "NULL" if database.is_sqlite else "NULL::bytea"
    return f"""
        WITH d (n, day, midnight) AS (VALUES {", ".join(rows)})
        INSERT INTO discharge ({COLUMNS})
        SELECT 1, h.complex_id, 1, d.n * {size.homes} + (h.id - 1) % {size.homes} + 1, d.day, {meter}, h.complex_id,
               h.id, h.id, {card}, {when}, {nothing}, {nothing}, {when}, 'synced', 'settled', 12000, 12000 + {net},
               {net}, {true}, '[]', '{{}}', {hashed}, {when}, {when}
        FROM d CROSS JOIN household h WHERE h.district_id = 1 ORDER BY d.n, h.id
    """


def _be_alive(database: Database) -> None:
    """Every meter alive on every day, and in every hour and minute of the last day."""
    hours = [NOW - timedelta(hours=n) for n in range(24)]
    hours = [hour.replace(minute=0) for hour in hours]
    days = [FIRST + timedelta(days=n) for n in range((AFTER - FIRST).days)]
    alive = {
        "alive_day (district_id, service_day, alive_ms": [f"1, {_day(database, day)}, 86400000" for day in days],
        "alive_month (district_id, month, alive_ms": [
            f"1, {_day(database, month)}, {(month_after(month) - month).days * 86_400_000}" for month in MONTHS
        ],
        "alive_hour (district_id, hour, alive_ms": [f"1, {_instant(database, hour)}, 3600000" for hour in hours],
        "meter_alive (district_id, boot_id, mono_ms, started_at, ended_at, received_at": [
            f"1, 'bench', {n}, " + ", ".join(_instant(database, at) for at in (hour, hour + HOUR, hour + HOUR))
            for n, hour in enumerate(hours)
        ],
    }
    with database.engine.begin() as connection:
        for target, rows in alive.items():
            values = ", ".join(f"({row})" for row in rows)
            _execute(
                connection,
                f"WITH t AS (SELECT * FROM (VALUES {values}) v) "
                f"INSERT INTO {target}, complex_id, gateway_id, meter_id) "
                "SELECT t.*, a.complex_id, a.gateway_id, a.meter_id FROM t CROSS JOIN meter_assignment a",
            )
        _execute(connection, _cursors(database))


def _cursors(database: Database) -> str:
    """The spools' cursors, from which the first page finds the latest discharges."""
    now, no = _instant(database, NOW), "0" if database.is_sqlite else "false"
    return f"""
        INSERT INTO gateway_epoch (district_id, gateway_id, epoch_no, epoch, high_seq, missing, missing_merged,
                                   last_occurred_at, first_contact_at, last_contact_at)
        SELECT district_id, gateway_id, 1, '9f2c4be01a77d035', max(seq), '[]', {no}, {now}, {now}, {now}
        FROM discharge GROUP BY 1, 2
    """


def _day(database: Database, day: date) -> str:
    return f"'{day}'" if database.is_sqlite else f"DATE '{day}'"


def _instant(database: Database, instant: datetime) -> str:
    return str(to_microseconds(instant)) if database.is_sqlite else f"TIMESTAMPTZ '{instant.isoformat()}'"


def _is_any(database: Database, sql: str) -> bool:
    with database.reading() as connection:
        return connection.execute(sa.text(sql)).first() is not None


def _execute(connection: sa.Connection, sql: str) -> None:
    """By the driver itself, which then takes a per cent sign for what it is."""
    driver: Any = connection.connection.driver_connection
    driver.execute(sql)


def _analyze(database: Database) -> None:
    """What autovacuum and SQLite's own upkeep do in time."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _execute(connection, "ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)")
