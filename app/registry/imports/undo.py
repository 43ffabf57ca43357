"""Takes an import back as a whole, or not at all."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.db import Database
from app.registry import service as registry
from app.registry.districts import the_district
from app.registry.imports.changes import ORDER, decode, key_of, moved_by, table_of, update_rows
from app.registry.imports.service import Then
from app.registry.imports.words import shown, table_name
from app.registry.models import Building, Complex, District, Household, ImportBatch, ImportChange
from app.texts import Refused, Text

BAD_REFERENCE = Text(
    "가져오기 번호가 아닙니다: {reference}. ‘jongnyang import list’에 나오는 W0G/3 같은 번호를 적어 주세요.",
    "Not an import: {reference}. Give one as “jongnyang import list” shows it, such as W0G/3.",
)
UNKNOWN = Text(
    "등록되지 않은 가져오기 번호입니다: {reference}. ‘jongnyang import list’로 확인하세요.",
    "There is no import {reference}. See “jongnyang import list”.",
)
UNDONE = Text(
    "이미 되돌린 가져오기입니다: {reference} ({when}, {who}). 더 할 일이 없습니다.",
    "Import {reference} was taken back already ({when}, {who}). There is nothing left to do.",
)
LATER = Text(
    "되돌릴 수 없습니다: 뒤의 가져오기 {later}에서 같은 자료({table} {count}건)를 바꿨습니다. 그것을 먼저 되돌리세요.",
    "It cannot be taken back: the later import {later} changed some of the same rows ({table}: {count}). "
    "Take that one back first.",
)
REFERRED = Text(
    "되돌릴 수 없습니다: 이 가져오기의 {table} 자료를 그 뒤의 {referring} {count}건이 쓰고 있습니다(예: {example}). "
    "그것을 만든 뒤의 가져오기를 먼저 되돌리거나, 고친 파일을 다시 가져오세요.",
    "It cannot be taken back: {table} of this import are in use since ({referring}: {count}, such as of {example}). "
    "Take back the later import that brought those first, or import a corrected file instead.",
)
CHANGED = Text(
    "되돌릴 수 없습니다: 그 뒤에 바뀐 값이 있습니다({table} {key}: {fields}). 직접 확인해 고쳐 주세요.",
    "It cannot be taken back: a value was changed since ({table} {key}: {fields}). Look at it and correct it by hand.",
)
OVERLAPS = Text(
    "되돌릴 수 없습니다: 되살아날 기간이 그 뒤에 등록된 기간과 겹칩니다. "
    "뒤에 등록된 입주나 카드 배정을 먼저 확인하세요.",
    "It cannot be taken back: a period would come back that overlaps one registered since. "
    "Look at the tenancies and card assignments registered later first.",
)

STAYS = ("card_assignment", "resident", "tenancy")
CREATED = ImportChange.action == "created"
OTHERWISE = {"household": ("kept_household_id",), "card": ("replaced_by_id",)}  # columns named in another way
TELLING = {"audit_entry"}  # the audit log goes on telling of what is no more


def undo(
    database: Database, reference: str, actor: str, now: datetime, then: Then | None = None
) -> tuple[str, dict[str, int]]:
    """Remove what the import created and restore what it changed; returns its name and the number of rows by table.

    Raises Refused, and changes nothing, where something refers to a created row, an updated row has changed since, or
    the import was taken back before. A district that it created stays: it holds the import's own record. `then` is as
    in an Order.
    """
    code, number = _parse(reference)
    with database.begin() as session:
        district = the_district(session, code)
        registry.changing(session, district.id)
        batch = _batch(session, district, number)
        faults = [*_later(session, district, batch), *_referred(session, batch), *_changed(session, batch)]
        if faults:
            raise Refused(*faults)
        moved = moved_by(session, batch, undone=True) if then else None
        try:
            stays = _take_back_stays(session, batch)
            if then and moved:  # while the cards are still there by which the discharges are found
                then(session, district.id, moved)
            counts = _take_back_rest(session, batch, stays)
        except sa.exc.IntegrityError as error:
            raise Refused(OVERLAPS) from error
        batch.undone_at, batch.undone_by = now, actor
        name = f"{district.code}/{number} {batch.file_name}"
        entry = audit.Entry("import.undone", "import", batch.id, name, after={"removed": counts})
        audit.book(session, district.id, entry, actor, now)
    return f"{district.code}/{number}", counts


def _parse(reference: str) -> tuple[str | None, int]:
    code, _, number = reference.rpartition("/")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Refused(BAD_REFERENCE.fill(reference=reference))
    return code or None, int(number)


def _batch(session: Session, district: District, number: int) -> ImportBatch:
    reference = f"{district.code}/{number}"
    batch = session.get(ImportBatch, (district.id, number))
    if batch is None:
        raise Refused(UNKNOWN.fill(reference=reference))
    if batch.undone_at:
        raise Refused(UNDONE.fill(reference=reference, when=shown(batch.undone_at), who=batch.undone_by))
    return batch


def _later(session: Session, district: District, batch: ImportBatch) -> Iterator[Text]:
    """Later imports that touched the same rows and still stand."""
    other = sa.orm.aliased(ImportChange)
    rows = session.execute(
        sa.select(other.batch_id, other.table_name, sa.func.count())
        .join(ImportBatch, sa.and_(ImportBatch.district_id == other.district_id, ImportBatch.id == other.batch_id))
        .where(other.district_id == batch.district_id, other.batch_id > batch.id, ImportBatch.undone_at.is_(None))
        .where(sa.tuple_(other.table_name, other.row_key).in_(_changes_of(batch)))
        .group_by(other.batch_id, other.table_name)
        .order_by(other.batch_id.desc())
    )
    for later, table, count in rows:
        yield LATER.fill(later=f"{district.code}/{later}", table=table_name(table), count=count)


def _changes_of(batch: ImportBatch) -> sa.Select[str, str]:
    return sa.select(ImportChange.table_name, ImportChange.row_key).where(
        ImportChange.district_id == batch.district_id, ImportChange.batch_id == batch.id
    )


def _referred(session: Session, batch: ImportBatch) -> Iterator[Text]:
    """Rows that were not there at the import and now need something it created.

    Found by the column's name (`household_id` …) in whatever table has it: the ledger, for one, has no foreign key.
    """
    columns = {name: names for name, names in _columns(session).items() if name not in TELLING}
    for table in ORDER:
        for column in (f"{table}_{key_of(table)}", *OTHERWISE.get(table, ())):
            for referring in sorted(name for name, names in columns.items() if {"district_id", column} <= names):
                query = _references(batch, referring, columns[referring], table, column)
                count, example = session.execute(query).one()
                if count:
                    names = {"table": table_name(table), "referring": table_name(referring), "count": f"{count:,}"}
                    yield REFERRED.fill(**names, example=_label(session, batch.district_id, table, example))


def _label(session: Session, district_id: int, table: str, key: Any) -> str:
    """A row as people know it; by its number where they do not know it."""
    place = sa.and_(Complex.district_id == district_id, Building.district_id == district_id)
    statements = {
        "complex": sa.select(Complex.code).where(Complex.district_id == district_id, Complex.id == key),
        "household": sa.select(Complex.code + " " + Building.name + "-" + Household.unit)
        .where(Household.district_id == district_id, Household.id == key)
        .where(place, Complex.id == Household.complex_id, Building.id == Household.building_id),
    }
    found = session.scalar(statements[table]) if table in statements else None
    return found or str(key)


def _references(batch: ImportBatch, referring: str, columns: set[str], table: str, column: str) -> sa.Select[int, Any]:
    source = sa.table(referring, *(sa.column(name) for name in columns))
    query = sa.select(sa.func.count(), sa.func.min(source.c[column])).where(
        source.c.district_id == batch.district_id, source.c[column].in_(_keys(batch, table, CREATED))
    )
    if referring in ORDER:
        query = query.where(source.c[key_of(referring)].not_in(_keys(batch, referring, _pointed(column))))
    return query


def _pointed(column: str) -> sa.ColumnElement[bool]:
    """Rows that the import itself created, or pointed elsewhere: they go, or point back, with it."""
    return sa.or_(CREATED, ImportChange.before.contains(f'"{column}"', autoescape=True))


def _keys(batch: ImportBatch, table: str, which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Keys of the rows of a table that the import changed in this way."""
    key: Any = ImportChange.row_key if table == "dong" else sa.cast(ImportChange.row_key, sa.BigInteger())
    return sa.select(key).where(
        ImportChange.district_id == batch.district_id,
        ImportChange.batch_id == batch.id,
        ImportChange.table_name == table,
        which,
    )


def _columns(session: Session) -> dict[str, set[str]]:
    """Columns of every table of the database, whether this process knows its model or not; without partitions."""
    inspector = sa.inspect(session.connection())
    partitions = set()
    if session.connection().dialect.name == "postgresql":
        partitions = set(session.scalars(sa.text("SELECT relname FROM pg_class WHERE relispartition")))
    found = inspector.get_multi_columns().items()
    return {name: {each["name"] for each in columns} for (_, name), columns in found if name not in partitions}


def _changed(session: Session, batch: ImportBatch) -> Iterator[Text]:
    """Rows that the import updated and somebody else since."""
    updates = _updates(session, batch)
    for name in ORDER:
        mine = [change for change in updates if change.table_name == name]
        rows = _rows_by_key(session, batch, name) if mine else {}
        for change in mine:
            _, after = decode(table_of(name), change.before or "{}")
            row = rows.get(change.row_key)
            fields = [field for field, value in after.items() if row is None or row[field] != value]
            if fields:
                yield CHANGED.fill(table=table_name(name), key=change.row_key, fields=", ".join(fields))


def _rows_by_key(session: Session, batch: ImportBatch, name: str) -> dict[str, sa.RowMapping]:
    """The rows of a table that the import updated, as they are now."""
    table = table_of(name)
    key = table.c[key_of(name)]
    updated = _keys(batch, name, ImportChange.action == "updated")
    found = session.execute(sa.select(table).where(table.c.district_id == batch.district_id, key.in_(updated)))
    return {str(row[key]): row for row in found.mappings()}


def _updates(session: Session, batch: ImportBatch) -> list[ImportChange]:
    mine = (ImportChange.district_id == batch.district_id, ImportChange.batch_id == batch.id)
    statement = sa.select(ImportChange).where(*mine, ImportChange.action == "updated").order_by(ImportChange.id)
    return list(session.scalars(statement))


def _take_back_stays(session: Session, batch: ImportBatch) -> Counter[str]:
    """Who held which card reads as before: what took a place goes first, then ends move back."""
    counts = Counter({table: _remove(session, batch, table) for table in STAYS})
    updates = _updates(session, batch)
    counts.update(change.table_name for change in updates)
    update_rows(
        session,
        batch.district_id,
        [
            (change.table_name, change.row_key, decode(table_of(change.table_name), change.before or "{}")[0])
            for change in updates
        ],
    )
    return counts


def _take_back_rest(session: Session, batch: ImportBatch, counts: Counter[str]) -> dict[str, int]:
    for table in reversed(ORDER):  # the dongs at last: only updated complexes referred to them
        counts[table] += _remove(session, batch, table)
    return {table: counts[table] for table in ORDER if counts[table]} | _left_aside(session, batch)


def _left_aside(session: Session, batch: ImportBatch) -> dict[str, int]:
    """Rows of other domains by table: they stay, and whoever reads them leaves out an import that was taken back."""
    same = (ImportChange.district_id == batch.district_id, ImportChange.batch_id == batch.id)
    statement = sa.select(ImportChange.table_name, sa.func.count()).where(*same, ImportChange.table_name.not_in(ORDER))
    return {row[0]: row[1] for row in session.execute(statement.group_by(ImportChange.table_name))}


def _remove(session: Session, batch: ImportBatch, name: str) -> int:
    table = table_of(name)
    statement = sa.delete(table).where(
        table.c.district_id == batch.district_id, table.c[key_of(name)].in_(_keys(batch, name, CREATED))
    )
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]
