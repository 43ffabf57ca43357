"""One complex at a time: whoever makes, closes or adjusts runs of it waits for whoever does so already."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.problems import Problem
from app.registry.models import Complex
from app.statements.models import StatementRun


def lock(session: Session, district_id: int, complex_id: int) -> Complex:
    """The complex; whoever else makes or closes a run of it waits until this transaction ends."""
    asked = sa.select(Complex).where(Complex.district_id == district_id, Complex.id == complex_id)
    found = session.scalar(asked.with_for_update(key_share=True))
    if found is None:
        raise Problem("not-found")
    return found


def run_of(session: Session, district_id: int, complex_id: int, month: date) -> StatementRun | None:
    """The run that closes, or will close, a complex's month."""
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id == complex_id, r.month == month, r.version == 1)
    return session.scalar(sa.select(r).where(*mine).execution_options(populate_existing=True))
