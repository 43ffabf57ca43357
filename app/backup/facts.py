"""What is counted in a database, read from the database itself: an older release had other tables and columns."""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.access import audit
from app.backup.manifest import Counted, Head
from app.db import is_sqlite

SUMMED = re.compile(r"_(g|kg|won|count)$")
# Ledger months are parts of one table: they may come and go, what they hold together may not.
PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition"


def count(connection: sa.Connection) -> dict[str, Counted]:
    """Rows and sums of every table, by name."""
    return {name: _count(connection, name, summed) for name, summed in sorted(_tables(connection))}


def audit_heads(connection: sa.Connection) -> dict[str, Head]:
    """The newest entry of each district's audit log, by district code; none before there was such a log."""
    if not sa.inspect(connection).has_table("audit_entry"):
        return {}
    return {code: Head(*audit.head(connection, id_)) for code, id_ in district_ids(connection).items()}


def district_ids(connection: sa.Connection) -> dict[str, int]:
    """Districts by code."""
    return {row.code: row.id for row in connection.execute(sa.text("SELECT code, id FROM district ORDER BY code"))}


def _tables(connection: sa.Connection) -> Iterator[tuple[str, list[str]]]:
    """Each table and the columns to add up."""
    partitions = set() if is_sqlite(connection) else set(connection.scalars(sa.text(PARTITIONS)))
    for (_, table), columns in sa.inspect(connection).get_multi_columns().items():
        if table not in partitions:
            integers = [each["name"] for each in columns if isinstance(each["type"], sa.Integer)]
            yield table, [name for name in integers if SUMMED.search(name)]


def _count(connection: sa.Connection, table: str, summed: list[str]) -> Counted:
    columns: list[sa.ColumnElement[Any]] = [sa.func.coalesce(sa.func.sum(sa.column(name)), 0) for name in summed]
    rows, *sums = connection.execute(sa.select(sa.func.count(), *columns).select_from(sa.table(table))).one()
    return Counted(rows, dict(zip(summed, map(int, sums), strict=True)))
