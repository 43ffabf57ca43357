"""Writes what an import decided, and remembers it so that it can be taken back as a whole."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Base, Instant, is_sqlite
from app.ids import allocate
from app.registry.card_changes import Moved
from app.registry.imports.report import Update
from app.registry.models import CardAssignment, ImportBatch, ImportChange, Tenancy

# Each table after those that it refers to.
ORDER = (
    *("dong", "complex", "building", "household", "tenancy", "resident", "card", "card_assignment"),
    *("earlier_month", "opening_balance"),
)

Rows = dict[str, list[dict[str, Any]]]


def key_of(table: str) -> str:
    """The column that names a row of the table within its district."""
    return {"dong": "code", "resident": "tenancy_id"}.get(table, "id")


def new_ids(session: Session, district_id: int, kind: str, count: int) -> Iterator[int]:
    """`count` fresh ids of a kind."""
    return iter(allocate(session, district_id, kind, count) if count else ())


def write(session: Session, batch: ImportBatch, created: Rows, updates: list[Update]) -> None:
    """Create and change the rows, and store the batch. Ends that move come before rows that take their place."""
    session.add(batch)
    session.flush()
    _insert(session, table_of("dong"), created.get("dong", []))
    values = [(each.table, str(each.key), {name: new for name, (_, new) in each.fields.items()}) for each in updates]
    update_rows(session, batch.district_id, values)
    for table in ORDER[1:]:
        rows = created.get(table, [])
        named = {"batch_id": batch.id} if "batch_id" in table_of(table).c else {}
        _insert(session, table_of(table), [row | named for row in rows] if named else rows)
    _remember(session, batch, created, updates)


def table_of(name: str) -> sa.Table:
    """A table of the registry by name."""
    return Base.metadata.tables[name]


def update_rows(session: Session, district_id: int, updates: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Set columns of rows, each given as table, stored key and values: one statement for all that are alike."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for name, key, values in updates:
        row = {"row_key": key if name == "dong" else int(key), **values}
        alike.setdefault((name, *values), []).append(row)
    for (name, *columns), rows in alike.items():
        table = table_of(name)
        mine = sa.and_(table.c.district_id == district_id, table.c[key_of(name)] == sa.bindparam("row_key"))
        statement = sa.update(table).where(mine).values({column: sa.bindparam(column) for column in columns})
        session.connection().execute(statement, rows)


def encode(fields: dict[str, tuple[Any, Any]]) -> str:
    """The changed fields before and after, as JSON; instants as ISO 8601."""
    return json.dumps(fields, ensure_ascii=False, default=datetime.isoformat)


def decode(table: sa.Table, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields before and the fields after, as stored by `encode`."""
    pairs = json.loads(text)
    before, after = ({name: _value(table.c[name], pair[i]) for name, pair in pairs.items()} for i in (0, 1))
    return before, after


def _value(column: sa.Column[Any], value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and isinstance(column.type, Instant) else value


def moved_by(session: Session, batch: ImportBatch, *, undone: bool = False) -> Moved | None:
    """The cards whose holder an import changed, from when on at the earliest; None where it changed none.

    With `undone`, also the households that held them by it: their assignments are about to go.
    """
    a = CardAssignment
    by_import = sa.or_(a.id.in_(_keys(batch, "card_assignment")), a.tenancy_id.in_(_keys(batch, "tenancy")))
    same = sa.and_(Tenancy.district_id == a.district_id, Tenancy.id == a.tenancy_id)
    held = sa.select(a.card_id, a.valid_from, Tenancy.household_id).join(Tenancy, same)
    found = session.execute(held.where(a.district_id == batch.district_id, by_import)).all()
    if not found:
        return None
    moved = Moved(min(row.valid_from for row in found), frozenset(row.card_id for row in found))
    return moved._replace(household_ids=frozenset(row.household_id for row in found)) if undone else moved


def _keys(batch: ImportBatch, table: str) -> sa.Select[int]:
    return sa.select(sa.cast(ImportChange.row_key, sa.BigInteger())).where(
        ImportChange.district_id == batch.district_id,
        ImportChange.batch_id == batch.id,
        ImportChange.table_name == table,
    )


def _insert(session: Session, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """All rows at once: PostgreSQL takes them by COPY in half the time of INSERT."""
    if not rows:
        return
    if is_sqlite(session):
        session.execute(sa.insert(table), rows)
        return
    columns = list(rows[0])
    quoted = ", ".join(f'"{column}"' for column in columns)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])


def _remember(session: Session, batch: ImportBatch, created: Rows, updates: list[Update]) -> None:
    changes = [
        {"table_name": table, "row_key": str(row[key_of(table)]), "action": "created", "before": None}
        for table in ORDER
        for row in created.get(table, ())
    ]
    changes += [
        {"table_name": each.table, "row_key": str(each.key), "action": "updated", "before": encode(each.fields)}
        for each in updates
    ]
    same = {"district_id": batch.district_id, "batch_id": batch.id}
    ids = new_ids(session, batch.district_id, "import_change", len(changes))
    _insert(session, table_of("import_change"), [change | same | {"id": next(ids)} for change in changes])
