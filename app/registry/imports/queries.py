"""Reads of past imports."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import District, ImportBatch, ImportChange


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
    rows = session.execute(
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
        .order_by(ImportBatch.imported_at, District.code, ImportBatch.id)
    )
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
        for code, batch, created, updated in rows
    ]
