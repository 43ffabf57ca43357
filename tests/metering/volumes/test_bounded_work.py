"""However many complexes, meters, households and days: as many statements, and each by its index."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.db import Database, Statement
from app.metering import ledger
from app.metering.models import (
    AliveDay,
    AliveHour,
    AliveMonth,
    ComplexDay,
    DischargeCorrection,
    HouseholdMonth,
    MeterHour,
)
from app.metering.volumes import households, statements
from app.metering.volumes.model import Ask, Place
from billing.days import month_of
from tests.conftest import database_url  # noqa: F401 - plans follow what was in a database before: a fresh one
from tests.metering.volumes.city import DAY, City, days, kst

NOW = kst("2026-11-22", hour=15)
ZERO = {"billable_count": 0, "billable_g": 0, "suspense_count": 0, "suspense_g": 0, "event_count": 0}


@contextmanager
def statements_of(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the driver itself is told, by whichever way."""
    told: list[str] = []
    with monkeypatch.context() as patched:
        if database.is_sqlite:
            with database.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.set_trace_callback(told.append)
            yield told
            driver.set_trace_callback(None)
        else:
            import psycopg

            execute = psycopg.Connection.execute

            def recorded(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
                told.append(str(query))
                return execute(self, query, *rest, **options)

            patched.setattr(psycopg.Connection, "execute", recorded)
            yield told


def town(database: Database, code: str, complexes: int, first: date, length: int) -> City:
    city = City(database, code)
    places = [city.add_complex(f"{code}-{n}") for n in range(complexes)]
    for place in places:
        gateway = city.add_gateway(f"{place.code}-GW")
        meters = [city.add_meter(gateway, place) for _ in range(complexes)]
        home = city.add_household(place, "101")
        for day in days(first, length):
            city.throw(meters[0], kst(day, 9), 400, home)
            city.alive(meters, kst(day, 9), kst(day, 10))
        city.remove(meters[-1], kst("2026-11-20"))
    city.book()
    return city


WAYS = [(by, per) for by in ("hour", "day", "week", "month", "year", None) for per in (None, "dong", "complex")]
WAYS += [(by, "household") for by in ("month", "year", None)]


@time_machine.travel(NOW, tick=False)
def test_the_number_of_statements_is_the_same_for_one_complex_and_for_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = town(database, "W0G", 1, date(2026, 11, 20), 1)
    large = town(database, "W0K", 6, date(2026, 9, 1), 80)
    most = 0
    for by, per in WAYS:
        counts = []
        for city, first in ((small, date(2026, 11, 1)), (large, date(2026, 9, 1))):
            with statements_of(database, monkeypatch) as told:
                city.read(by=by, per=per, compare=True, start=first, end=date(2026, 12, 1))
            counts.append(len([sql for sql in told if re.match(r"\s*(SELECT|WITH)", sql)]))
        assert counts[0] == counts[1], (by, per)
        most = max(most, *counts)
    assert 0 < most <= 7


COMPLEXES, METERS, LENGTH = 60, 3, 150
FIRST = date(2026, 5, 1)


def fill(database: Database) -> City:
    """A district with some months of rollups and a ledger, where the reading of one complex must not pass all."""
    city = City(database)
    places = [city.add_complex(f"W0G{n:03}") for n in range(COMPLEXES)]
    gateway = city.add_gateway("GW")
    for place in places:
        for _ in range(METERS):
            city.add_meter(gateway, place)
    homes = [city.add_household(place, "101") for place in places]
    within = days(FIRST, LENGTH)
    months = sorted({month_of(day) for day in within})
    key = {"district_id": city.district_id}
    weights = {"weighed_count": 1, "weighed_g": 400} | ZERO
    meters = [(place.id, place.id * METERS - n) for place in places for n in range(METERS)]
    with database.engine.begin() as connection:
        rows: dict[Any, list[dict[str, Any]]] = {
            ComplexDay: [key | weights | {"complex_id": p.id, "service_day": d} for p in places for d in within],
            HouseholdMonth: [
                key | weights | {"household_id": h, "month": m, "tenancy_id": h + t}
                for h in range(1, 2001)
                for m in months
                for t in (0, 10_000)
            ],
            AliveDay: [_alive(key, c, m) | {"service_day": d} for c, m in meters for d in within],
            AliveMonth: [_alive(key, c, m) | {"month": month} for c, m in meters for month in months],
            AliveHour: [
                _alive(key, c, m) | {"hour": kst(d, h)} for c, m in meters for d in within[:20] for h in range(6)
            ],
            MeterHour: [
                key | weights | {"complex_id": c, "meter_id": m, "hour": kst(d, h)}
                for c, m in meters
                for d in within[:20]
                for h in range(6)
            ],
        }
        for model, values in rows.items():
            connection.execute(sa.insert(model), values)
    _ledger(city, homes)
    with database.engine.begin() as connection:
        connection.execute(sa.text("ANALYZE"))
    return city


def _alive(key: dict[str, int], complex_id: int, meter_id: int) -> dict[str, int]:
    return key | {"complex_id": complex_id, "gateway_id": 1, "meter_id": meter_id, "alive_ms": 1000}


def _ledger(city: City, homes: list[int]) -> None:
    rows = [
        _row(city, seq, FIRST + (seq % 60) * DAY, homes[seq % len(homes)] if seq % 9 else None)
        for seq in range(1, 12_001)
    ]
    if not city.database.is_sqlite:
        ledger.Partitions(city.database).create({month_of(row.service_day) for row in rows})
    with city.database.engine.begin() as connection:
        ledger.write(connection, rows)
        corrections = [
            {
                **{"district_id": city.district_id, "gateway_id": 1, "epoch_no": 1, "seq": row.seq, "revision": 1},
                **{"service_day": row.service_day, "kind": "re_attribute", "outcome": "settled", "net_g": 400},
                **{"household_id": homes[row.seq % 7], "tenancy_id": 1, "billable": True, "voided": False},
                **{"reason": "a test", "actor": "kim", "booked_at": NOW},
            }
            for row in rows[::4]
        ]
        connection.execute(sa.insert(DischargeCorrection), corrections)


def _row(city: City, seq: int, day: date, household: int | None) -> ledger.Row:
    at = kst(day, 9) + timedelta(seconds=seq)
    return ledger.Row(
        *(city.district_id, 1, 1, seq, day, 1, 1, household, household, None, at, None, None, at),
        *("synced", "settled", 0, 400, 400, household is not None, "[]", "{}", b"x", at, at),
    )


LARGE = "discharge|discharge_correction|complex_day|household_month|alive_hour|alive_day|alive_month|meter_hour"


def scans(database: Database, statement: Statement) -> list[str]:
    """Steps of the plan that go through a whole large table, or through a whole district of it."""
    sql, parameters = statement
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.is_sqlite:
            plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()]
            # "t" names a table in most statements, and in the ledger's the two searched parts put together.
            own = "d|l" if "discharge d" in sql else "t|d|l"
            whole = [step for step in plan if re.match(rf"SCAN ({LARGE}|{own})\b", step)]
            return whole + [step for step in plan if re.search(r"SEARCH t .*\(district_id=\?\)$", step)]
        rows = driver.execute(f"EXPLAIN {sql.replace('?', '%s')}", parameters).fetchall()
        plan = [row[0] for row in rows]
        return [step for step in plan if re.search(rf"Seq Scan on ({LARGE})", step)]


def test_each_read_of_a_complex_or_household_goes_by_its_index(database: Database) -> None:
    city = fill(database)
    sqlite = database.is_sqlite
    complex_, home = Place("complex", 7, "W0G006", ""), Place("household", 7, "", "")
    month, year = (date(2026, 6, 1), date(2026, 7, 1)), (date(2026, 1, 1), date(2027, 1, 1))
    scope, own = statements.scope_of(city.district_id, complex_), statements.scope_of(city.district_id, home)
    found: dict[str, list[str]] = {}
    for by in ("hour", "day", "week", "month", None):
        first, after = (FIRST, FIRST + 3 * DAY) if by == "hour" else month
        ask = Ask(complex_, first, after, by)
        found[f"complex sums {by}"] = scans(database, statements.sums(scope, ask, sqlite))
        found[f"complex alive {by}"] = scans(database, statements.alive(scope, ask, [], sqlite))
        found[f"complex alive of moved {by}"] = scans(database, statements.alive(scope, ask, [1, 2], sqlite))
        alone = Ask(home, first, after, by)
        found[f"household sums {by}"] = scans(database, households.sums(city.district_id, alone, sqlite))
        found[f"household alive {by}"] = scans(database, statements.alive(own, alone, [], sqlite))
    found["complex daily"] = scans(database, statements.daily(scope, Ask(complex_, *month, "day")))
    for by in ("month", "year", None):
        found[f"household year {by}"] = scans(database, households.sums(city.district_id, Ask(home, *year, by), sqlite))
    one = Ask(complex_, *month, None, "household")
    found["a page of households"] = scans(database, households.sums_of_page(scope, one, 1, 20, sqlite))
    assert {name: steps for name, steps in found.items() if steps} == {}
