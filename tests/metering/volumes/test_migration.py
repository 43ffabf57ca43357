"""Migration 0004 keeps every number of a service that was running: hours by complex, intervals with their place."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app import db
from app.db import Database
from app.metering import service
from app.metering.models import MeterAlive, MeterHour
from tests.conftest import database_url  # noqa: F401 - a fresh one: these tests change the schema
from tests.metering.volumes.city import HOUR, City, kst

BEFORE = "0003_metering"
MEASURES = ("weighed_count", "weighed_g", "billable_count", "billable_g", "suspense_count", "suspense_g", "event_count")
MOVED = kst("2026-10-31", 23, 20)  # in the middle of the last hour of a month


def a_running_service(database: Database) -> City:
    """One meter that moves to another complex and gateway within an hour, one that stays, one that is replaced."""
    city = City(database)
    here, there = city.add_complex("W0G001"), city.add_complex("W0G002")
    first, second = city.add_gateway("GW-1"), city.add_gateway("GW-2")
    moving, staying = city.add_meter(first, here), city.add_meter(first, here)
    start = kst("2026-10-31", 20)
    for n in range(16):
        at = start + n * timedelta(minutes=10)
        if at < MOVED:
            city.throw(moving, at, 100 + n)
        city.throw(staying, at, 1000 + n, outcome="settled" if n % 4 else "empty_open")
    city.alive([moving, staying], start, MOVED)
    city.move(moving, second, there, MOVED)
    for n in range(16):
        city.throw(moving, kst("2026-11-01") + n * timedelta(minutes=10), 200 + n)
    city.alive([moving, staying], MOVED, kst("2026-11-01", 3, 30))
    city.book()
    return city


def hours(database: Database) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Sums by meter and hour, whatever else is in the key."""
    m = MeterHour
    sums = [sa.func.sum(getattr(m, name)) for name in MEASURES]
    with database.session() as session:
        rows = session.execute(
            sa.select(m.district_id, m.meter_id, m.hour, *sums).group_by(m.district_id, m.meter_id, m.hour)
        )
        return {tuple(row[:3]): tuple(map(int, row[3:])) for row in rows}


def spans(database: Database) -> list[tuple[Any, ...]]:
    m = MeterAlive
    columns = (m.district_id, m.meter_id, m.boot_id, m.mono_ms, m.started_at, m.ended_at, m.received_at)
    with database.session() as session:
        return sorted(tuple(row) for row in session.execute(sa.select(*columns)))


def test_going_back_and_up_again_loses_nothing_and_agrees_with_the_ledger(database_url: str) -> None:  # noqa: F811
    database = Database(database_url)
    city = a_running_service(database)
    assert service.check_rollups(database, city.district_id) == []
    counted, alive = hours(database), spans(database)
    placed = sorted((row.meter_id, row.started_at, row.gateway_id, row.complex_id) for row in city.intervals())
    assert len({complex_id for *_, complex_id in placed}) == 2
    database.dispose()

    db.downgrade(database_url, BEFORE)
    assert (hours(database), spans(database)) == (counted, alive)
    database.dispose()

    db.upgrade(database_url)
    assert (hours(database), spans(database)) == (counted, alive)
    again = sorted((row.meter_id, row.started_at, row.gateway_id, row.complex_id) for row in city.intervals())
    assert again == placed
    assert service.check_rollups(database, city.district_id) == []
    database.dispose()


def test_an_hour_in_which_a_meter_moved_goes_to_the_first_complex_and_is_found_by_the_check(database_url: str) -> None:  # noqa: F811
    database = Database(database_url)
    city = a_running_service(database)
    city.throw(1, MOVED + timedelta(minutes=5), 777)
    city.throw(1, MOVED - timedelta(minutes=5), 333)
    city.book()
    counted = hours(database)
    database.dispose()
    db.downgrade(database_url, BEFORE)
    db.upgrade(database_url)
    assert hours(database) == counted
    found = service.check_rollups(database, city.district_id)
    assert {one.table for one in found} == {"meter_hour"}
    assert {one.key[1] for one in found} == {1, 2}
    service.rebuild_rollups(database, city.district_id, "kim")
    assert service.check_rollups(database, city.district_id) == []
    assert hours(database) == counted
    database.dispose()


def test_the_migrated_intervals_are_read_as_coverage(database_url: str) -> None:  # noqa: F811
    database = Database(database_url)
    city = a_running_service(database)
    asked: dict[str, Any] = {"start": date(2026, 10, 31), "end": date(2026, 11, 2), "by": "hour", "per": "complex"}
    before = [(row.place.id, row.start, row.grams, row.meters_reporting, row.alive_share) for row in city.read(**asked)]
    assert any(share for *_, share in before)
    database.dispose()
    db.downgrade(database_url, BEFORE)
    db.upgrade(database_url)
    after = [(row.place.id, row.start, row.grams, row.meters_reporting, row.alive_share) for row in city.read(**asked)]
    assert after == before
    assert max(start for _, start, *_ in after) - min(start for _, start, *_ in after) == 47 * HOUR
    database.dispose()
