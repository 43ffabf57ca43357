"""Writing and removing the statements of a preview by the driver's fastest way."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import is_sqlite, run_many
from app.statements.models import Statement, StatementLine


class StatementRow(NamedTuple):
    """A statement in the order of its columns."""

    district_id: int
    run_id: int
    serial: int
    month: date
    household_id: int
    tenancy_id: int
    payer_class: str
    grams: int
    discharges: int
    won: int
    content_hash: bytes


class LineRow(NamedTuple):
    """A line in the order of its columns."""

    district_id: int
    run_id: int
    serial: int
    line: int
    kind: str
    usage_month: date
    household_id: int
    tenancy_id: int
    grams: int
    discharges: int
    won: int
    adjustment_id: int | None
    detail: str


# A tuple has a method `count`, so that no field may be called so.
STATEMENT_COLUMNS, LINE_COLUMNS = (
    tuple("count" if name == "discharges" else name for name in row._fields) for row in (StatementRow, LineRow)
)
BIG = ("grams", "won")
TEXT = ("payer_class", "kind", "detail")
DAYS = ("month", "usage_month")


def write(connection: sa.Connection, statements: Iterable[StatementRow], lines: Iterable[LineRow]) -> None:
    """Insert statements and lines; their run must be there, and be a preview."""
    _insert(connection, Statement.__tablename__, STATEMENT_COLUMNS, statements)
    _insert(connection, StatementLine.__tablename__, LINE_COLUMNS, lines)


def remove(connection: sa.Connection, district_id: int, run_ids: Sequence[int]) -> None:
    """Delete what previews have, to make them anew."""
    for table in (StatementLine, Statement):
        connection.execute(sa.delete(table).where(table.district_id == district_id, table.run_id.in_(run_ids)))


def _insert(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(columns)
    if is_sqlite(connection):
        marks = ", ".join("?" * len(columns))
        run_many(connection, f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - own names
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_postgres_type(column) for column in columns])
        for row in rows:
            copy.write_row(row)


def _postgres_type(column: str) -> str:
    if column in TEXT:
        return "text"
    if column in DAYS:
        return "date"
    if column == "content_hash":
        return "bytea"
    return "int8" if column in BIG else "int4"
