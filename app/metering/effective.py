"""The ledger as it reads today, each discharge with its last correction, and the rollups that follow from it and from
the alive intervals.

`EFFECTIVE` and `_TOTALS` say in SQL what `rollups.measures` says for one row; a property test holds both together.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import is_sqlite
from app.metering import alive_rollups
from app.metering.alive_rollups import HOUR_US
from app.metering.rollups import ALIVE_KEYS, COLUMNS, KEYS

EFFECTIVE = """
    SELECT d.district_id, d.meter_id, d.complex_id, d.occurred_at, d.service_day,
           CASE WHEN c.revision IS NULL THEN d.outcome ELSE c.outcome END AS outcome,
           CASE WHEN c.revision IS NULL THEN d.household_id ELSE c.household_id END AS household_id,
           CASE WHEN c.revision IS NULL THEN d.tenancy_id ELSE c.tenancy_id END AS tenancy_id,
           CASE WHEN c.revision IS NULL THEN d.net_g ELSE c.net_g END AS net_g,
           CASE WHEN c.revision IS NULL THEN d.billable ELSE c.billable END AS billable
    FROM discharge d LEFT JOIN discharge_correction c
      ON c.district_id = d.district_id AND c.gateway_id = d.gateway_id AND c.epoch_no = d.epoch_no AND c.seq = d.seq
     AND c.revision = (SELECT max(l.revision) FROM discharge_correction l
                       WHERE l.district_id = d.district_id AND l.gateway_id = d.gateway_id
                         AND l.epoch_no = d.epoch_no AND l.seq = d.seq)
    WHERE d.district_id = :district AND (c.revision IS NULL OR NOT c.voided)
"""
_WEIGHED = "outcome IN ('settled', 'late_close', 'recovered') AND net_g IS NOT NULL"
_SUSPENSE = f"{_WEIGHED} AND household_id IS NULL"
_BILLABLE = f"{_WEIGHED} AND billable"
_TOTALS = f"""
    count(*) FILTER (WHERE {_WEIGHED}), coalesce(sum(net_g) FILTER (WHERE {_WEIGHED}), 0),
    count(*) FILTER (WHERE {_BILLABLE}), coalesce(sum(net_g) FILTER (WHERE {_BILLABLE}), 0),
    count(*) FILTER (WHERE {_SUSPENSE}), coalesce(sum(net_g) FILTER (WHERE {_SUSPENSE}), 0),
    count(*) FILTER (WHERE NOT ({_WEIGHED}))
"""
_POSTGRES_KEYS = {"hour": "date_trunc('hour', occurred_at, 'UTC')", "month": "date_trunc('month', service_day)::date"}
_SQLITE_KEYS = {"hour": f"occurred_at - occurred_at % {HOUR_US}", "month": "strftime('%Y-%m-01', service_day)"}


class Difference(NamedTuple):
    """One stored rollup row that does not say what the ledger says; None where a side has no row."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[int, ...] | None
    ledger: tuple[int, ...] | None


def _derived(connection: sa.Connection, table: str) -> str:
    if table in ALIVE_KEYS:
        return alive_rollups.derived(connection, table)
    expressions = _SQLITE_KEYS if is_sqlite(connection) else _POSTGRES_KEYS
    keys = ", ".join(expressions.get(key, key) for key in KEYS[table])
    where = "WHERE household_id IS NOT NULL" if table == "household_month" else ""
    numbers = ", ".join(str(position + 1) for position in range(len(KEYS[table])))
    return f"SELECT {keys}, {_TOTALS} FROM ({EFFECTIVE}) effective {where} GROUP BY {numbers}"  # noqa: S608 - own names


def differences(connection: sa.Connection, district_id: int) -> Iterator[Difference]:
    """Compare every rollup row of a district with the ledger and the alive intervals.

    The database compares, so that memory does not grow with the ledger. A row of nothing but zeros, left by corrections
    that took everything out, says the same as no row.
    """
    for table, (keys, measured) in COLUMNS.items():
        width = len(keys)
        for row in connection.execute(sa.text(_compared(connection, table)), {"district": district_id}):
            key, stored, ledger = tuple(row[:width]), row[width:][: len(measured)], row[width + len(measured) :]
            yield Difference(table, key, _counts(stored), _counts(ledger))


def _compared(connection: sa.Connection, table: str) -> str:
    """Each key with its stored and its derived sums: both sides are added up together, zeros standing for the other."""
    keys, measured = COLUMNS[table]
    key, columns = ", ".join(keys), ", ".join((*keys, *measured))
    zeros = ", ".join(["0"] * len(measured))
    sides = [
        f"CASE WHEN sum({side}) > 0 THEN sum({side}_{name}) END" for side in ("stored", "ledger") for name in measured
    ]
    differs = " OR ".join(f"sum(stored_{name}) <> sum(ledger_{name})" for name in measured)
    names = ", ".join(f"{side}_{name}" for side in ("stored", "ledger") for name in measured)
    return f"""
        WITH derived ({columns}) AS ({_derived(connection, table)}),
        sides ({key}, stored, ledger, {names}) AS (
            SELECT {key}, 1, 0, {", ".join(measured)}, {zeros} FROM {table} WHERE district_id = :district
            UNION ALL SELECT {key}, 0, 1, {zeros}, {", ".join(measured)} FROM derived)
        SELECT {key}, {", ".join(sides)} FROM sides GROUP BY {key} HAVING {differs} ORDER BY {key}
    """  # noqa: S608 - own names


def _counts(values: Sequence[Any]) -> tuple[int, ...] | None:
    return None if values[0] is None else tuple(map(int, values))


def rebuild(connection: sa.Connection, district_id: int) -> dict[str, int]:
    """Write a district's rollups anew from ledger and alive intervals, in the caller's transaction; rows by table."""
    written: dict[str, int] = {}
    for table, (names, measured) in COLUMNS.items():
        connection.execute(sa.text(f"DELETE FROM {table} WHERE district_id = :district"), {"district": district_id})  # noqa: S608
        columns = ", ".join((*names, *measured))
        sql = f"INSERT INTO {table} ({columns}) {_derived(connection, table)}"
        written[table] = connection.execute(sa.text(sql), {"district": district_id}).rowcount
    return written


def lock_out_ingest(connection: sa.Connection) -> None:
    """Keep ingest from booking until the transaction ends; readers go on. SQLite's writer is alone anyway."""
    if not is_sqlite(connection):
        for table in ("discharge", "meter_alive", *COLUMNS):
            connection.execute(sa.text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
