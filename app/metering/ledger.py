"""Writing the ledger: rows of one transaction, booked with their rollups. Nothing here updates or deletes a row."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import Database, run_many

PARTITION_LOCK = 0x4C45  # first key of the advisory lock


class Row(NamedTuple):
    """One row of `discharge`, in the order of the table's columns. Weights in grams, instants in UTC."""

    district_id: int
    gateway_id: int
    epoch_no: int
    seq: int
    service_day: date
    meter_id: int
    complex_id: int
    household_id: int | None
    tenancy_id: int | None
    card_hash: bytes | None
    occurred_at: datetime
    earliest_at: datetime | None
    latest_at: datetime | None
    claimed_at: datetime
    clock: str
    outcome: str
    gross_before_g: int | None
    gross_after_g: int | None
    net_g: int | None
    billable: bool
    flags: str
    evidence: str
    content_hash: bytes
    received_at: datetime
    booked_at: datetime

    @property
    def voided(self) -> bool:
        """As first booked nothing is void."""
        return False


COLUMNS = ", ".join(Row._fields)
POSTGRES_TYPES = {
    "seq": "int8",
    "service_day": "date",
    "card_hash": "bytea",
    "content_hash": "bytea",
    "billable": "bool",
    "clock": "text",
    "outcome": "text",
    "flags": "text",
    "evidence": "text",
}
COPY = f"COPY discharge ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
INSERT = f"INSERT INTO discharge ({COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608 - own names


def _postgres_type(column: str) -> str:
    return POSTGRES_TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "int4")


TYPES = [_postgres_type(column) for column in Row._fields]


def write(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Insert the rows by the driver's fastest way. A number that is there already is a defect and raises."""
    if connection.dialect.name == "sqlite":
        run_many(connection, INSERT, rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(TYPES)
        for row in rows:
            copy.write_row(row)


class MissingMonths(Exception):
    """The ledger has no partition for these months yet; create them and run the transaction again."""

    def __init__(self, months: set[date]) -> None:
        super().__init__(", ".join(map(str, sorted(months))))
        self.months = months


class Partitions:
    """Months for which PostgreSQL has a partition of the ledger; others are made when the first row arrives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[date] = set()

    def require(self, months: set[date]) -> None:
        """Raise MissingMonths unless every month can be written to. SQLite needs no partitions."""
        if not self._database.is_sqlite and not months <= self._known:
            raise MissingMonths(months - self._known)

    def create(self, months: set[date]) -> None:
        """Create what is missing, in a transaction of its own. Who reads or writes the ledger does not wait."""
        for month in sorted(months):
            with self._database.engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PARTITION_LOCK, 0)))
                if connection.scalar(sa.select(sa.func.to_regclass(_name(month)))) is None:
                    for statement in _partition(month):
                        connection.execute(sa.text(statement))
        self._known |= months


def _name(month: date) -> str:
    return f"discharge_{month:%Y_%m}"


def _partition(month: date) -> Sequence[str]:
    """Made, then attached: made as a part of the ledger, it would wait for a backup to end, and all others for it."""
    name = _name(month)
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (
        f"CREATE TABLE {name} (LIKE discharge INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        f"ALTER TABLE discharge ATTACH PARTITION {name} FOR VALUES FROM ('{month}') TO ('{after}')",
        # Unlike triggers for each row, one for a statement is not inherited by the partitions.
        f"CREATE TRIGGER discharge_no_truncate BEFORE TRUNCATE ON {name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    )
