"""Reads of past imports."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, CardAssignment, District, Household, ImportBatch, ImportChange, Tenancy


class Past(NamedTuple):
    """An import that was stored; `batch` is its name for people, DISTRICT/NUMBER."""

    batch: str
    kind: str
    name: str
    sha256: str
    actor: str
    imported_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    created: int
    updated: int


def past_imports(session: Session) -> list[Past]:
    """All imports, the latest last, with how many rows each created and updated."""
    order = (ImportBatch.imported_at, District.code, ImportBatch.id)
    return _past(session, _imports().order_by(*order))


def import_page(
    session: Session, district_id: int, actor: str | None, before: int | None = None, limit: int = 50
) -> list[Past]:
    """Imports of a district, the latest first: those before number `before`, of all people or of one login."""
    statement = _imports().where(ImportBatch.district_id == district_id, *_of_actor(actor))
    if before is not None:
        statement = statement.where(ImportBatch.id < before)
    return _past(session, statement.order_by(ImportBatch.id.desc()).limit(limit))


def import_of(session: Session, district_id: int, number: int, actor: str | None) -> Past:
    """One import; raises the Problem `not-found`, also for another person's where `actor` is given."""
    mine = (ImportBatch.district_id == district_id, ImportBatch.id == number, *_of_actor(actor))
    found = _past(session, _imports().where(*mine))
    if not found:
        raise Problem("not-found")
    return found[0]


def refuse_foreign(session: Session, district_id: int, number: int, reach: Reach) -> None:
    """Raise the Problem `not-found` where an import of households changed one outside of the reach: whoever took it in
    saw more then.
    """
    keys = {table: _keys(district_id, number, table) for table in ("building", "household", "tenancy", "resident")}
    held = sa.select(CardAssignment.tenancy_id).where(
        CardAssignment.district_id == district_id,
        CardAssignment.id.in_(_keys(district_id, number, "card_assignment")),
    )
    lived = sa.select(Tenancy.household_id).where(
        Tenancy.district_id == district_id,
        sa.or_(*(Tenancy.id.in_(wanted) for wanted in (keys["tenancy"], keys["resident"], held))),
    )
    homes = sa.or_(Household.id.in_(keys["household"]), Household.id.in_(lived))
    places = sa.union(
        sa.select(Building.complex_id).where(Building.district_id == district_id, Building.id.in_(keys["building"])),
        sa.select(Household.complex_id).where(Household.district_id == district_id, homes),
    )
    for complex_id in session.scalars(places):
        reach.check(complex_id)


def created_by(session: Session, district_id: int, number: int) -> dict[str, dict[str, int]]:
    """How many rows an import created and updated, by action and table."""
    statement = (
        sa.select(ImportChange.action, ImportChange.table_name, sa.func.count())
        .where(ImportChange.district_id == district_id, ImportChange.batch_id == number)
        .group_by(ImportChange.action, ImportChange.table_name)
    )
    found: dict[str, dict[str, int]] = {"created": {}, "updated": {}}
    for action, table, count in session.execute(statement):
        found[action][table] = count
    return found


def _keys(district_id: int, number: int, table: str) -> sa.Select[Any]:
    """Keys of the rows of a table that an import created or changed."""
    return sa.select(sa.cast(ImportChange.row_key, sa.BigInteger())).where(
        ImportChange.district_id == district_id,
        ImportChange.batch_id == number,
        ImportChange.table_name == table,
    )


def _of_actor(actor: str | None) -> list[sa.ColumnElement[bool]]:
    """Imports of a person by page or by token (LOGIN/TOKEN)."""
    if actor is None:
        return []
    return [sa.or_(ImportBatch.actor == actor, ImportBatch.actor.startswith(f"{actor}/", autoescape=True))]


def _imports() -> Any:
    return (
        sa.select(
            District.code,
            ImportBatch,
            sa.func.count().filter(ImportChange.action == "created"),
            sa.func.count().filter(ImportChange.action == "updated"),
        )
        .join(ImportBatch, ImportBatch.district_id == District.id)
        .outerjoin(
            ImportChange,
            sa.and_(ImportChange.district_id == ImportBatch.district_id, ImportChange.batch_id == ImportBatch.id),
        )
        .group_by(District.code, *ImportBatch.__table__.c)
    )


def _past(session: Session, statement: Any) -> list[Past]:
    return [
        Past(
            f"{code}/{batch.id}",
            batch.kind,
            batch.file_name,
            batch.file_sha256,
            batch.actor,
            batch.imported_at,
            batch.undone_at,
            batch.undone_by,
            created,
            updated,
        )
        for code, batch, created, updated in session.execute(statement)
    ]
