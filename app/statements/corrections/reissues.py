"""Which voids and reissues a run tells the complex of: those since the run before, household by household."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.statements.models import Statement, StatementRun, StatementVoid


class Change(NamedTuple):
    """What a tenancy owes more, or below zero less, by statements that were voided, issued anew or not."""

    household_id: int
    tenancy_id: int
    won: int


def told_by(session: Session, run: StatementRun) -> list[Change]:
    """The changes that make up a run's `reissued_won`, by tenancy; those that come to nothing are left out."""
    r, v, s, new = StatementRun, StatementVoid, Statement, aliased(StatementRun)
    mine = (r.district_id == run.district_id, r.complex_id == run.complex_id)
    before = session.scalar(
        sa.select(sa.func.max(r.made_at, type_=r.made_at.type)).where(
            *mine, r.version == 1, r.state == "final", r.id != run.id, r.made_at < run.made_at
        )
    )
    won = sa.cast(sa.func.sum(sa.func.coalesce(new.won, 0) + v.won), sa.BigInteger)
    asked = (
        sa.select(s.household_id, s.tenancy_id, won)
        .select_from(v)
        .join(r, sa.and_(r.district_id == v.district_id, r.id == v.run_id))
        .join(s, sa.and_(s.district_id == v.district_id, s.run_id == v.run_id, s.serial == v.serial))
        .outerjoin(new, sa.and_(new.district_id == v.district_id, new.id == v.reissued_by_run_id))
        .where(*mine, v.voided_at <= run.made_at)
        .group_by(s.household_id, s.tenancy_id)
    )
    if before is not None:
        asked = asked.where(v.voided_at > before)
    return [Change(*row) for row in session.execute(asked.order_by(s.tenancy_id)) if row[2]]
