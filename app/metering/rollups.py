"""The rollups: how a discharge counts, and how sums join the transaction that brings them.

`Effect` is the one definition of what counts; ingest and corrections use it row by row, EFFECTIVE repeats it in SQL for
`check` and `rebuild`, and a property test holds both together.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

from app.db import array_literal, run, run_many
from app.metering.records import WEIGHED
from billing.days import month_of

MEASURES = (
    "weighed_count",
    "weighed_g",
    "billable_count",
    "billable_g",
    "suspense_count",
    "suspense_g",
    "event_count",
)
KEYS = {
    "meter_hour": ("district_id", "complex_id", "hour", "meter_id"),
    "complex_day": ("district_id", "complex_id", "service_day"),
    "household_month": ("district_id", "household_id", "month", "tenancy_id"),
}
ALIVE_KEYS = {
    "alive_hour": ("district_id", "complex_id", "hour", "gateway_id", "meter_id"),
    "alive_day": ("district_id", "complex_id", "service_day", "gateway_id", "meter_id"),
    "alive_month": ("district_id", "complex_id", "month", "gateway_id", "meter_id"),
}
COLUMNS = {table: (keys, MEASURES) for table, keys in KEYS.items()} | {
    table: (keys, ("alive_ms",)) for table, keys in ALIVE_KEYS.items()
}  # of each rollup: its key, and what it sums
POSTGRES_TYPES = {"hour": "timestamptz", "service_day": "date", "month": "date"}


class Effect(NamedTuple):
    """How a discharge reads at one moment: as first booked, or after its last correction. Weights in grams."""

    district_id: int
    meter_id: int
    complex_id: int
    household_id: int | None
    tenancy_id: int | None
    occurred_at: datetime
    service_day: date
    outcome: str
    net_g: int | None
    billable: bool
    voided: bool = False


class Counted(Protocol):
    """What an Effect and a ledger row have in common."""

    @property
    def district_id(self) -> int: ...
    @property
    def meter_id(self) -> int: ...
    @property
    def complex_id(self) -> int: ...
    @property
    def household_id(self) -> int | None: ...
    @property
    def tenancy_id(self) -> int | None: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def service_day(self) -> date: ...
    @property
    def outcome(self) -> str: ...
    @property
    def net_g(self) -> int | None: ...
    @property
    def billable(self) -> bool: ...
    @property
    def voided(self) -> bool: ...


Measured = tuple[int, int, int, int, int, int, int]


def measures(effect: Counted) -> Measured:
    """What it adds to a rollup, in the order of MEASURES."""
    if effect.voided:
        return (0, 0, 0, 0, 0, 0, 0)
    grams = effect.net_g
    if grams is None or effect.outcome not in WEIGHED:
        return (0, 0, 0, 0, 0, 0, 1)
    if effect.billable:
        return (1, grams, 1, grams, 0, 0, 0)
    if effect.household_id is None:
        return (1, grams, 0, 0, 1, grams, 0)
    return (1, grams, 0, 0, 0, 0, 0)


Sums = dict[tuple[Any, ...], tuple[int, ...]]


class Deltas:
    """Sums of what a transaction adds, by rollup and key."""

    def __init__(self) -> None:
        self._meter_hours: Sums = {}
        self._complex_days: Sums = {}
        self._household_months: Sums = {}

    def add(self, effect: Counted, sign: int = 1) -> None:
        """Count `effect`, or with sign -1 take it out again."""
        district_id, complex_id, day = effect.district_id, effect.complex_id, effect.service_day
        counted = measures(effect)
        hour = effect.occurred_at.replace(minute=0, second=0, microsecond=0)
        _add(self._meter_hours, (district_id, complex_id, hour, effect.meter_id), counted, sign)
        _add(self._complex_days, (district_id, complex_id, day), counted, sign)
        if effect.household_id is not None:
            key = (district_id, effect.household_id, month_of(day), effect.tenancy_id)
            _add(self._household_months, key, counted, sign)

    def by_table(self) -> Iterator[tuple[str, Sums]]:
        """What to add to each rollup."""
        yield from zip(KEYS, (self._meter_hours, self._complex_days, self._household_months), strict=True)


def _add(sums: Sums, key: tuple[Any, ...], counted: Measured, sign: int) -> None:
    # Written out, not looped: it runs three times for every discharge.
    total = sums.get(key)
    if total is None:
        sums[key] = counted if sign == 1 else tuple(-measure for measure in counted)
        return
    a, b, c, d, e, f, g = counted
    sums[key] = (
        total[0] + sign * a,
        total[1] + sign * b,
        total[2] + sign * c,
        total[3] + sign * d,
        total[4] + sign * e,
        total[5] + sign * f,
        total[6] + sign * g,
    )


def add(connection: sa.Connection, deltas: Deltas) -> None:
    """Add the deltas to the stored rollups, in the caller's transaction."""
    for table, sums in deltas.by_table():
        store(connection, table, sums)


def store(connection: sa.Connection, table: str, sums: Sums) -> None:
    """Add sums by key to a rollup, ordered by key so that concurrent transactions lock alike."""
    if not sums:
        return
    rows = [(*key, *sums[key]) for key in sorted(sums)]
    if connection.dialect.name == "sqlite":
        run_many(connection, _upsert_sqlite(table), rows)
    else:
        run(connection, _upsert_postgres(table), *map(array_literal, zip(*rows, strict=True)))


@cache
def _upsert_sqlite(table: str) -> str:
    keys, measured = COLUMNS[table]
    return _upsert(table, f"VALUES ({', '.join('?' * (len(keys) + len(measured)))})")


@cache
def _upsert_postgres(table: str) -> str:
    keys, measured = COLUMNS[table]
    types = [POSTGRES_TYPES.get(key, "int8") for key in keys] + ["int8"] * len(measured)
    arrays = ", ".join(f"?::{name}[]" for name in types)
    return _upsert(table, f"SELECT * FROM unnest({arrays})")  # noqa: S608 - own names


def _upsert(table: str, source: str) -> str:
    keys, measured = COLUMNS[table]
    key = ", ".join(keys)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in measured)
    return f"INSERT INTO {table} ({key}, {', '.join(measured)}) {source} ON CONFLICT ({key}) DO UPDATE SET {sums}"
