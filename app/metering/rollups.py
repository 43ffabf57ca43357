"""The three rollups: how a discharge counts, how deltas join the ledger's transaction, how all of it is checked.

`Effect` is the one definition of what counts; ingest and corrections use it row by row, EFFECTIVE repeats it in SQL for
`check` and `rebuild`, and a property test holds both together.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import to_microseconds
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
    "meter_hour": ("district_id", "meter_id", "hour"),
    "complex_day": ("district_id", "complex_id", "service_day"),
    "household_month": ("district_id", "household_id", "month", "tenancy_id"),
}
POSTGRES_TYPES = {"hour": "timestamptz", "service_day": "date", "month": "date"}


class Effect(NamedTuple):
    """How a discharge reads at one moment: as first booked, or after its last correction."""

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

    def measures(self) -> tuple[int, int, int, int, int, int, int]:
        """What it adds to a rollup, in the order of MEASURES."""
        if self.voided:
            return (0, 0, 0, 0, 0, 0, 0)
        if self.outcome not in WEIGHED or self.net_g is None:
            return (0, 0, 0, 0, 0, 0, 1)
        grams = self.net_g
        billable = int(self.billable)
        suspense = int(self.household_id is None)
        return (1, grams, billable, billable * grams, suspense, suspense * grams, 0)


class Deltas:
    """Sums of what a transaction adds, by rollup and key."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[tuple[Any, ...], list[int]]] = {table: {} for table in KEYS}

    def add(self, effect: Effect, sign: int = 1) -> None:
        """Count `effect`, or with sign -1 take it out again."""
        measures = effect.measures()
        hour = effect.occurred_at.replace(minute=0, second=0, microsecond=0)
        self._add("meter_hour", (effect.district_id, effect.meter_id, hour), measures, sign)
        self._add("complex_day", (effect.district_id, effect.complex_id, effect.service_day), measures, sign)
        if effect.household_id is not None:
            key = (effect.district_id, effect.household_id, month_of(effect.service_day), effect.tenancy_id)
            self._add("household_month", key, measures, sign)

    def _add(self, table: str, key: tuple[Any, ...], measures: tuple[int, ...], sign: int) -> None:
        sums = self._sums[table].get(key)
        if sums is None:
            self._sums[table][key] = [sign * measure for measure in measures]
            return
        for position, measure in enumerate(measures):
            if measure:
                sums[position] += sign * measure

    def rows(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """By table the rows to add, ordered by key so that concurrent transactions lock alike."""
        for table, sums in self._sums.items():
            if sums:
                yield table, [(*key, *sums[key]) for key in sorted(sums)]


def add(connection: sa.Connection, deltas: Deltas) -> None:
    """Add the deltas to the stored rollups, in the caller's transaction."""
    sqlite = connection.dialect.name == "sqlite"
    driver = connection.connection.driver_connection
    assert driver is not None
    for table, rows in deltas.rows():
        if sqlite:
            driver.executemany(_upsert_sqlite(table), [tuple(map(_plain, row)) for row in rows]).close()
        else:
            with driver.cursor() as cursor:
                cursor.execute(_upsert_postgres(table), [list(column) for column in zip(*rows, strict=True)])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_microseconds(value)
    return value.isoformat() if isinstance(value, date) else value


def _upsert(table: str, source: str) -> str:
    keys = ", ".join(KEYS[table])
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in MEASURES)
    columns = f"{keys}, {', '.join(MEASURES)}"
    return f"INSERT INTO {table} ({columns}) {source} ON CONFLICT ({keys}) DO UPDATE SET {sums}"


def _upsert_sqlite(table: str) -> str:
    return _upsert(table, f"VALUES ({', '.join('?' * (len(KEYS[table]) + len(MEASURES)))})")


def _upsert_postgres(table: str) -> str:
    types = [POSTGRES_TYPES.get(key, "int8") for key in KEYS[table]] + ["int8"] * len(MEASURES)
    arrays = ", ".join(f"%b::{name}[]" for name in types)
    return _upsert(table, f"SELECT * FROM unnest({arrays})")  # noqa: S608 - own names
