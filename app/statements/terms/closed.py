"""Which months are closed: neither a tariff nor terms may begin in or before one, for its statements never change."""

from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.problems import Problem
from app.registry.models import Complex
from app.statements.models import StatementRun
from billing.days import month_after

EVER = date(2000, 1, 1)  # nothing was weighed before


def hold(session: Session, district_id: int, complex_id: int | None = None) -> None:
    """Let no month of the complex (None: of any) be closed until the transaction ends.

    Closing a month locks the complex the same way. On SQLite whoever writes is alone anyway.
    """
    of_complex = sa.true() if complex_id is None else Complex.id == complex_id
    asked = sa.select(Complex.id).where(Complex.district_id == district_id, of_complex).order_by(Complex.id)
    session.execute(asked.with_for_update(key_share=True)).all()


def first_open_of_scheme(session: Session, district_id: int, scheme: str) -> date:
    """The first day on which a tariff of the scheme may begin: after the last month closed by it anywhere."""
    return _after(session, StatementRun.district_id == district_id, StatementRun.scheme == scheme)


def first_open_of_complex(session: Session, district_id: int, complex_id: int) -> date:
    """The first month of the complex that is not closed."""
    return _after(session, StatementRun.district_id == district_id, StatementRun.complex_id == complex_id)


def check(first: date, earliest: date, field: str) -> None:
    """Raise the Problem `month-closed`, which names the earliest day possible, for what would begin before it."""
    if first < earliest:
        told = _l("Write %(earliest)s or later: the months before are closed.", earliest=earliest.isoformat())
        raise Problem("month-closed", earliest=earliest.isoformat(), errors={field: told})


def month_named(text: str, field: str = "month") -> date:
    """`2026-10` is its first day; raises `invalid` for what is no month."""
    try:
        month = date.fromisoformat(f"{text.strip()}-01")
    except ValueError:
        month = date.min
    check_month(month, field)
    return month


def check_month(month: date, field: str) -> None:
    """Raise `invalid` for what is no first day of a month."""
    if month.day != 1 or month < EVER:
        raise Problem("invalid", errors={field: _l("Write a month as 2026-10.")})


def _after(session: Session, *where: sa.ColumnElement[bool]) -> date:
    last = session.scalar(sa.select(sa.func.max(StatementRun.month)).where(StatementRun.state == "final", *where))
    return month_after(last) if last else EVER
