"""Who was alive by hour, day and month: the sums are those of the intervals, however they overlap and arrive."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.metering import service
from app.metering.liveness import store_intervals
from app.metering.models import AliveDay, AliveHour, AliveMonth
from billing.days import SEOUL
from tests.metering.reading import agrees
from tests.metering.volumes.city import City, kst, new_city

EDGES = [date(2024, 2, 29), date(2024, 3, 1), date(2026, 11, 22), date(2027, 1, 1), date(2028, 3, 1)]
MICROSECOND = timedelta(microseconds=1)
HOUR_US = 3_600_000_000

intervals = st.lists(
    st.tuples(
        st.integers(0, 2),  # meter
        st.integers(-2 * HOUR_US, 2 * HOUR_US) | st.sampled_from([-HOUR_US, -1, 0, 1, 999, HOUR_US]),  # from midnight
        st.integers(1, HOUR_US) | st.sampled_from([1, 999, 1000, HOUR_US - 1, HOUR_US]),  # length
        st.sampled_from(["a", "b"]),  # boot
    ),
    min_size=1,
    max_size=12,
)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UNITS: dict[Any, Any] = {
    AliveHour: lambda at: at.replace(minute=0, second=0, microsecond=0),
    AliveDay: lambda at: at.date(),
    AliveMonth: lambda at: at.date().replace(day=1),
}


class Boxes:
    """Three meters of two gateways at two complexes."""

    def __init__(self, database: Database) -> None:
        self.database, self.city = database, new_city(database)
        city = self.city
        complexes = [city.add_complex(f"{city.code}-{n}") for n in range(2)]
        gateways = [city.add_gateway(f"{city.code}-GW-{n}") for n in range(2)]
        where = [(gateways[0], complexes[0]), (gateways[0], complexes[0]), (gateways[1], complexes[1])]
        self.meters = [(city.add_meter(gateway, place), gateway, place.id) for gateway, place in where]

    def row(self, edge: date, drawn: tuple[int, int, int, str]) -> dict[str, Any]:
        which, offset, length, boot = drawn
        meter, gateway, complex_id = self.meters[which]
        start = kst(edge) + offset * MICROSECOND
        return {
            **{
                "district_id": self.city.district_id,
                "meter_id": meter,
                "boot_id": boot,
                "mono_ms": offset + HOUR_US * 3,
            },
            **{"started_at": start, "ended_at": start + length * MICROSECOND, "received_at": start},
            **{"gateway_id": gateway, "complex_id": complex_id},
        }

    def store(self, rows: list[dict[str, Any]]) -> None:
        with self.database.engine.begin() as connection:
            store_intervals(connection, rows)

    def stored(self, model: Any) -> dict[tuple[Any, ...], int]:
        keys = [column for column in model.__table__.columns if column.name != "alive_ms"]
        with self.database.session() as session:
            rows = session.execute(sa.select(*keys, model.alive_ms).where(model.district_id == self.city.district_id))
            return {tuple(row[:-1]): row[-1] for row in rows if row[-1]}

    def counted(self, model: Any) -> dict[tuple[Any, ...], int]:
        """From the stored intervals, an hour at a time."""
        found: dict[tuple[Any, ...], int] = {}
        for row in self.city.intervals():
            hour = row.started_at.astimezone(SEOUL).replace(minute=0, second=0, microsecond=0)
            while hour < row.ended_at:
                part = min(row.ended_at, hour + timedelta(hours=1)) - max(row.started_at, hour)
                key = (row.district_id, row.complex_id, UNITS[model](hour), row.gateway_id, row.meter_id)
                found[key] = found.get(key, 0) + part // timedelta(milliseconds=1)
                hour += timedelta(hours=1)
        return {key: value for key, value in found.items() if value}


@FEW
@given(st.sampled_from(EDGES), intervals, st.lists(st.integers(1, 5), max_size=6))
def test_the_sums_are_those_of_the_intervals_whatever_comes_twice(
    database: Database, edge: date, drawn: list[Any], cuts: list[int]
) -> None:
    boxes = Boxes(database)
    rows = [boxes.row(edge, one) for one in {(one[0], one[1], one[3]): one for one in drawn}.values()]
    waiting = rows + rows[::-1]  # each comes twice, in another order
    for size in (*cuts, len(waiting)):
        part, waiting = waiting[:size], waiting[size:]
        boxes.store(part)
    assert len(boxes.city.intervals()) == len(rows)
    for model in UNITS:
        assert boxes.stored(model) == boxes.counted(model)
    assert agrees(database, boxes.city.district_id)
    before = {model: boxes.stored(model) for model in UNITS}
    service.rebuild_rollups(database, boxes.city.district_id, "kim")
    assert {model: boxes.stored(model) for model in UNITS} == before


@pytest.mark.parametrize("table", ["alive_hour", "alive_day", "alive_month"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET alive_ms = alive_ms + 1 WHERE district_id = :d AND meter_id = 1",
        "DELETE FROM {} WHERE district_id = :d AND meter_id = 1",
        "UPDATE {} SET meter_id = 99 WHERE district_id = :d AND meter_id = 1",
        "UPDATE {} SET complex_id = 2 WHERE district_id = :d AND meter_id = 1",
    ],
)
def test_tampering_is_found_and_rebuilt(database: Database, table: str, sql: str) -> None:
    city, other = City(database), City(database, "W0K")
    for town in (city, other):
        place = town.add_complex(f"{town.code}001")
        town.add_complex(f"{town.code}002")
        town.alive(
            town.add_meter(town.add_gateway(f"{town.code}-G"), place), kst("2026-11-22"), kst("2026-11-22", 0, 40)
        )
        town.book()
    with database.engine.begin() as connection:
        assert connection.execute(sa.text(sql.format(table)), {"d": city.district_id}).rowcount == 1
    assert {found.table for found in service.check_rollups(database, city.district_id)} == {table}
    assert agrees(database, other.district_id)
    service.rebuild_rollups(database, city.district_id, "kim")
    assert agrees(database, city.district_id)
    assert agrees(database, other.district_id)


def test_an_interval_of_a_leap_day_counts_in_february(database: Database) -> None:
    city = City(database)
    meter = city.add_meter(city.add_gateway("G"), city.add_complex("A"))
    city.alive(meter, kst("2028-02-29", 23, 30), kst("2028-03-01", 0, 20))
    city.book()
    with database.session() as session:
        days = session.execute(sa.select(AliveDay.service_day, AliveDay.alive_ms).order_by(AliveDay.service_day)).all()
        months = session.execute(sa.select(AliveMonth.month, AliveMonth.alive_ms).order_by(AliveMonth.month)).all()
    minute = 60_000
    assert [tuple(row) for row in days] == [(date(2028, 2, 29), 30 * minute), (date(2028, 3, 1), 20 * minute)]
    assert [tuple(row) for row in months] == [(date(2028, 2, 1), 30 * minute), (date(2028, 3, 1), 20 * minute)]
