"""Reads of the audit log, always of one district and within the reader's reach; the newest entry first."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.audit_sentences import Told, told
from app.access.models import Account, ApiToken, AuditEntry
from app.access.reach import Reach
from app.db import Executor
from billing.days import SEOUL

# Access lies below the registry; this is all it has to know of a complex.
complex_ = sa.table("complex", *map(sa.column, ("district_id", "id", "code")))
CHAIN = ("district_id", "previous_hash", "hash")
COLUMNS = tuple(column for column in AuditEntry.__table__.c if column.name not in CHAIN)
VIA = ("page", "api", "command")
PAGE = 1_000  # entries in memory at once where all are read


class Asked(NamedTuple):
    """Which entries; None asks for all. `actor` is a login, whose tokens are meant too, or an actor as it is stored.

    `subject` is part of what staff call it, `subject_id` its id of a `kind`, `complex` a code; days are those of Seoul,
    both inclusive.
    """

    actor: str | None = None
    action: str | None = None
    kind: str | None = None
    subject: str | None = None
    subject_id: str | None = None
    complex: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    via: str | None = None


def entries(
    executor: Executor, district_id: int, reach: Reach, asked: Asked, before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Entries numbered below `before`: the stored fields but the hashes, `before` and `after` decoded, and the name of
    who did it (`actor_name`, None for no account). `subject` reads on until it has found enough: give a period too.
    """
    conditions = [AuditEntry.district_id == district_id, reach.within(AuditEntry.complex_id)]
    conditions += _conditions(executor, district_id, asked)
    if before is not None:
        conditions.append(AuditEntry.id < before)
    return _decoded(executor, district_id, _rows(executor, conditions, limit))


def every_entry(connection: sa.Connection, district_id: int, reach: Reach, asked: Asked) -> Iterator[dict[str, Any]]:
    """All that is asked for, as `entries` gives it, read in pages by key."""
    before = None
    while rows := entries(connection, district_id, reach, asked, before, PAGE):
        yield from rows
        before = rows[-1]["id"]


def history(
    executor: Executor,
    district_id: int,
    reach: Reach,
    kind: str,
    id_: int | str,
    limit: int = 50,
    also: Iterable[tuple[str, int | str]] = (),
) -> list[Told]:
    """What was done to one thing, and to those of `also` (kind and id), in words; show it by `audit_history.html`.

    The reader may see the thing: check that first. What happened to it while it was of a complex outside of the
    reader's reach is left out.
    """
    mine = [AuditEntry.district_id == district_id]
    if reach.kind != "vendor":  # a vendor has no complex, and sees only itself
        mine.append(reach.within(AuditEntry.complex_id))
    rows: list[sa.RowMapping] = []
    for of, each in {(kind, str(id_)), *((of, str(each)) for of, each in also)}:
        # A query each: only so does SQLite look into the index by subject.
        same = (AuditEntry.subject_kind == of, AuditEntry.subject_id == each)
        rows += _rows(executor, [*mine, *same], limit)
    newest = sorted(rows, key=itemgetter("id"), reverse=True)[:limit]
    return list(map(told, _decoded(executor, district_id, newest)))


def _conditions(executor: Executor, district_id: int, asked: Asked) -> list[sa.ColumnElement[bool]]:
    equal = {
        AuditEntry.action: asked.action,
        AuditEntry.subject_kind: asked.kind,
        AuditEntry.subject_id: asked.subject_id,
        AuditEntry.via: asked.via,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if asked.actor is not None:
        found.append(AuditEntry.actor.in_(_names_of(executor, district_id, asked.actor)))
    if asked.complex is not None:
        of_code = sa.and_(complex_.c.district_id == district_id, complex_.c.code == asked.complex)
        found.append(AuditEntry.complex_id == sa.select(complex_.c.id).where(of_code).scalar_subquery())
    if asked.subject is not None:
        found.append(AuditEntry.subject.icontains(asked.subject, autoescape=True))
    if asked.first_day is not None:
        found.append(AuditEntry.at >= _midnight(asked.first_day))
    if asked.last_day is not None:
        found.append(AuditEntry.at < _midnight(asked.last_day + timedelta(days=1)))
    return found


def _names_of(executor: Executor, district_id: int, actor: str) -> list[str]:
    """The login, and LOGIN/TOKEN of each token that it has or had: so many that an index finds them."""
    same = sa.and_(Account.district_id == ApiToken.district_id, Account.id == ApiToken.account_id)
    tokens = sa.select(ApiToken.name).join(Account, same).where(Account.district_id == district_id)
    names = executor.execute(tokens.where(Account.login == actor).distinct()).scalars()
    return [actor, *(f"{actor}/{name}" for name in names)]


def _rows(executor: Executor, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> Sequence[sa.RowMapping]:
    statement = sa.select(*COLUMNS).where(*conditions).order_by(AuditEntry.id.desc()).limit(limit)
    return executor.execute(statement).mappings().all()


def _decoded(executor: Executor, district_id: int, rows: Sequence[sa.RowMapping]) -> list[dict[str, Any]]:
    names = _names(executor, district_id, {_login(row["actor"]) for row in rows})
    return [
        dict(row)
        | {name: json.loads(row[name]) if row[name] else None for name in ("before", "after")}
        | {"actor_name": names.get(_login(row["actor"]))}
        for row in rows
    ]


def _names(executor: Executor, district_id: int, logins: set[str]) -> dict[str, str]:
    statement = sa.select(Account.login, Account.name).where(
        Account.district_id == district_id, Account.login.in_(sorted(logins))
    )
    return {row.login: row.name for row in executor.execute(statement)}


def _login(actor: str) -> str:
    return actor.partition("/")[0]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SEOUL)
