"""Proof of the audit log: walks its chain and tells every entry that was changed, removed or inserted.

What it cannot see by itself is an end that was cut off together with the counter, or a chain that was forged anew from
some entry on: for that, number and hash of the newest entry are kept elsewhere and given as `expected`. docs/audit.md
tells it all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.audit import COVERED, FIRST, hash_of
from app.access.models import AuditEntry
from app.db import Database
from app.ids import IdCounter
from app.texts import Text

BATCH = 2_000  # entries in memory at once

CHANGED = Text("기록 {first}번의 내용이 바뀌었습니다.", "Entry {first} was changed.")
REHASHED = Text(
    "기록 {first}번이 바뀌고 해시도 새로 계산되었습니다. 다음 기록이 이어진 원래 기록이 아닙니다.",
    "Entry {first} was changed and hashed anew: it is not the one that the next entry was booked after.",
)
FORGED_START = Text(
    "기록 {first}번은 처음에 첫 기록으로 쓰인 것이 아닙니다.", "Entry {first} is not the one with which the log began."
)
REMOVED_ONE = Text("기록 {first}번이 지워졌습니다.", "Entry {first} was removed.")
REMOVED = Text("기록 {first}번부터 {last}번까지 지워졌습니다.", "Entries {first} to {last} were removed.")
INSERTED = Text(
    "기록 {first}번은 끼워 넣은 것입니다. 서비스가 매긴 번호는 1번부터 {counted}번까지입니다.",
    "Entry {first} was inserted: the service has given the numbers 1 to {counted} (or its counter was set back).",
)
UNEXPECTED = Text(
    "기록 {first}번의 해시가 적어 둔 것과 다릅니다. 그 기록이나 그 앞의 기록이 바뀌었습니다.",
    "Entry {first} does not have the hash that was noted: it, or entries before it, were changed.",
)
GONE = Text(
    "적어 둔 기록 {first}번이 없습니다. 그 뒤의 기록까지 지워졌습니다.",
    "Entry {first}, whose hash was noted, is not there: the end of the log was removed.",
)


class Head(NamedTuple):
    """Number and hash (hex) of an entry, as somebody noted them."""

    number: int
    hash: str


class Finding(NamedTuple):
    """What is wrong with entries `first` to `last`: `changed`, `removed` or `inserted`."""

    kind: str
    first: int
    last: int
    text: Text


def verify(
    connection: sa.Connection, district_id: int, since: int = 1, expected: Sequence[Head] = ()
) -> Iterator[Finding]:
    """Every fault of a district's chain from entry `since` on, in the order of their numbers.

    Give a connection that reads at one moment (`snapshot`). The entry before `since` is taken as it is.
    """
    counted = _counted(connection, district_id)
    before = _Before(since - 1, _hash(connection, district_id, since - 1))
    for row in _rows(connection, district_id, since):
        number, whole = row["id"], _is_whole(row)
        if not isinstance(number, int) or not 1 <= number <= counted:
            yield _finding("inserted", INSERTED, number, counted=counted)
            continue
        if number > before.number + 1:
            yield _removed(before.number + 1, number - 1)
        elif whole and before.hash not in (None, row["previous_hash"]):
            yield _finding("changed", REHASHED if before.number else FORGED_START, before.number or number)
        if not whole:
            yield _finding("changed", CHANGED, number)
        before = _Before(number, row["hash"] if whole else None)
    if before.number < counted:
        yield _removed(before.number + 1, counted)
    for head in expected:
        yield from _compared(head, _hash(connection, district_id, head.number))


@contextmanager
def snapshot(database: Database) -> Iterator[sa.Connection]:
    """A connection that reads everything as of one moment, however long it takes."""
    options: dict[str, Any] = {"read_only": True} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with database.engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


class _Before(NamedTuple):
    """The entry before the one that is looked at; without a hash where it is of no use to compare with."""

    number: int
    hash: bytes | None


def _is_whole(row: dict[str, Any]) -> bool:
    """Whether the entry's hash fits its fields, of whatever type SQLite let somebody write into them."""
    try:
        return bool(hash_of(row) == row["hash"])
    except (TypeError, ValueError):
        return False


def _removed(first: int, last: int) -> Finding:
    return Finding("removed", first, last, (REMOVED_ONE if first == last else REMOVED).fill(first=first, last=last))


def _finding(kind: str, text: Text, number: int, **values: Any) -> Finding:
    return Finding(kind, number, number, text.fill(first=number, **values))


def _compared(head: Head, found: bytes | None) -> Iterator[Finding]:
    if found is None:
        yield _finding("removed", GONE, head.number)
    elif found.hex() != head.hash.lower():
        yield _finding("changed", UNEXPECTED, head.number)


def _counted(connection: sa.Connection, district_id: int) -> int:
    """How many numbers the service has given."""
    mine = sa.and_(IdCounter.district_id == district_id, IdCounter.kind == "audit_entry")
    return connection.execute(sa.select(IdCounter.last_id).where(mine)).scalar() or 0


def _hash(connection: sa.Connection, district_id: int, number: int) -> bytes | None:
    if number == 0:
        return FIRST
    entry = sa.and_(AuditEntry.district_id == district_id, AuditEntry.id == number)
    found = connection.execute(sa.select(AuditEntry.hash).where(entry)).scalar()
    return None if found is None else bytes(found)


def _rows(connection: sa.Connection, district_id: int, since: int) -> Iterator[dict[str, Any]]:
    """The entries by number, read in batches by key; those below 1 too where the walk begins there.

    Values come as the driver has them: what somebody wrote into an SQLite file need not be of the column's type.
    """
    columns = [getattr(AuditEntry, name) for name in (*COVERED, "previous_hash", "hash") if name != "at"]
    raw = [sa.type_coerce(column, sa.types.NullType()).label(column.key) for column in columns]
    statement = sa.select(*raw, _microseconds(connection).label("at"))
    statement = statement.where(AuditEntry.district_id == district_id).order_by(AuditEntry.id).limit(BATCH)
    rows = connection.execute(statement if since <= 1 else statement.where(AuditEntry.id >= since)).mappings().all()
    while rows:
        yield from map(dict, rows)
        rows = connection.execute(statement.where(AuditEntry.id > rows[-1]["id"])).mappings().all()


def _microseconds(connection: sa.Connection) -> sa.ColumnElement[Any]:
    """When it was, as the hash covers it; null for what no Python time can hold, such as PostgreSQL's infinity."""
    if connection.dialect.name == "sqlite":
        return sa.type_coerce(AuditEntry.at, sa.types.NullType())
    whole = sa.cast(sa.extract("epoch", AuditEntry.at) * 1_000_000, sa.BigInteger())
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return sa.case((AuditEntry.at.between(first, last), whole))
