"""How long each meter was alive by hour, day and month: sums of its alive intervals, cut at the full hours.

`parts` says for one interval what `derived` says in SQL; a property test holds both together.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from app.db import is_sqlite
from app.metering.rollups import ALIVE_KEYS, Sums, store
from billing.days import month_of, service_day

HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
MILLISECOND = timedelta(milliseconds=1)


class Interval(NamedTuple):
    """A stored alive interval of at most an hour, with where the meter stood and which gateway ran it."""

    district_id: int
    complex_id: int
    gateway_id: int
    meter_id: int
    started_at: datetime
    ended_at: datetime


def add(connection: sa.Connection, intervals: list[Interval]) -> None:
    """Add intervals that were not stored before to the sums, in the caller's transaction."""
    sums: dict[str, Sums] = {table: {} for table in ALIVE_KEYS}
    for interval in intervals:
        meter = (interval.gateway_id, interval.meter_id)
        for hour, alive_ms in parts(interval.started_at, interval.ended_at):
            day = service_day(hour)
            units = {"alive_hour": hour, "alive_day": day, "alive_month": month_of(day)}
            for table, unit in units.items():
                key = (interval.district_id, interval.complex_id, unit, *meter)
                sums[table][key] = (sums[table].get(key, (0,))[0] + alive_ms,)
    for table, found in sums.items():
        store(connection, table, found)


def parts(started_at: datetime, ended_at: datetime) -> Iterator[tuple[datetime, int]]:
    """The hours (UTC) that an interval touches, with its milliseconds in each."""
    while started_at < ended_at:
        hour = started_at.replace(minute=0, second=0, microsecond=0)
        end = min(hour + HOUR, ended_at)
        yield hour, (end - started_at) // MILLISECOND
        started_at = end


def derived(connection: sa.Connection, table: str) -> str:
    """A query for the rows of `table` as the intervals of one :district give them.

    An interval lasts an hour at most, so it touches one full hour or two.
    """
    if is_sqlite(connection):
        hour = f"started_at - started_at % {HOUR_US}"
        next_hour = f"{hour} + {HOUR_US}"
        milliseconds, earlier = "({} - {}) / 1000", "min"
        day = "date(hour / 1000000 + 32400, 'unixepoch')"
        month = f"strftime('%Y-%m-01', {day})"
    else:
        hour = "date_trunc('hour', started_at, 'UTC')"
        next_hour = f"{hour} + interval '1 hour'"
        milliseconds, earlier = "floor(extract(epoch FROM {} - {}) * 1000)::bigint", "least"
        day = "(hour AT TIME ZONE 'Asia/Seoul')::date"
        month = f"date_trunc('month', {day})::date"
    unit = {"alive_hour": "hour", "alive_day": day, "alive_month": month}[table]
    ids = "district_id, complex_id, gateway_id, meter_id"
    in_first = milliseconds.format(f"{earlier}(ended_at, {next_hour})", "started_at")
    in_second = milliseconds.format("ended_at", f"({next_hour})")
    return f"""
        SELECT district_id, complex_id, {unit}, gateway_id, meter_id, sum(alive_ms) FROM (
            SELECT {ids}, {hour} AS hour, {in_first} AS alive_ms FROM meter_alive WHERE district_id = :district
            UNION ALL
            SELECT {ids}, {next_hour}, {in_second} FROM meter_alive
            WHERE district_id = :district AND ended_at > {next_hour}
        ) parts GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608 - own names
