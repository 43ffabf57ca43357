"""One complex at a time: whoever makes, closes or adjusts runs of it waits for whoever does so already."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.problems import Problem
from app.registry.models import Complex
from app.statements.models import StatementRun


def lock(session: Session, district_id: int, complex_id: int) -> Complex:
    """The complex; whoever else makes or closes a run of it waits until this transaction ends. Raises `not-found`."""
    found = lock_all(session, district_id, [complex_id])
    if not found:
        raise Problem("not-found")
    return found[complex_id]


def lock_all(session: Session, district_id: int, complex_ids: Sequence[int]) -> dict[int, Complex]:
    """The same of several complexes by id; all take them in one order, so that nobody waits in a circle."""
    asked = sa.select(Complex).where(Complex.district_id == district_id, Complex.id.in_(complex_ids))
    found = session.scalars(asked.order_by(Complex.id).with_for_update(key_share=True))
    return {each.id: each for each in found}


def run_of(session: Session, district_id: int, complex_id: int, month: date) -> StatementRun | None:
    """The run that closes, or will close, a complex's month."""
    return runs_of(session, district_id, [complex_id], month).get(complex_id)


def runs_of(session: Session, district_id: int, complex_ids: Sequence[int], month: date) -> dict[int, StatementRun]:
    """The same of several complexes, as the database has them now."""
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id.in_(complex_ids), r.month == month, r.version == 1)
    found = session.scalars(sa.select(r).where(*mine).execution_options(populate_existing=True))
    return {each.complex_id: each for each in found}
