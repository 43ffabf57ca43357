"""What the closed months of a district brought: by month and complex."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.models import Complex
from app.statements.models import ADJUSTED, ManualAdjustment, StatementLine, StatementRun, StatementVoid
from app.statements.payments.models import Payment
from app.statements.prepaid import at_the_bin
from billing.days import month_after, month_of

Row = dict[str, Any]
Place = tuple[int, date]  # complex and month
SUMS = (
    *("statements", "grams", "suspense_g", "won", "adjusted_won", "manual_won", "voided_won", "issued_anew_won"),
    *("households_won", "households_paid_won", "households_owed_won", "paid_won", "owed_won"),
)


def revenue(
    session: Session, district_id: int, reach: Reach, first: date, last: date, complex_code: str = ""
) -> list[Row]:
    """Each closed month from `first` to `last` of each complex, the newest month first, by code within it.

    month, complex, complex_name, scheme, and SUMS. `won` is the complex's statement; in it `adjusted_won` (of earlier
    months) and `manual_won` (credits and charges by the office). `voided_won` (below zero) are credit notes since,
    `issued_anew_won` is what statements of the month that were issued anew amount to; both reach the complex by its
    next statement. `households_won` is what its statements that are not void amount to. Paid by the households, and by
    the complex itself: `*_paid_won`, and what they owe of the month. What is prepaid was paid at the bin.
    """
    r = StatementRun
    columns = (r.id, r.complex_id, r.month, r.scheme, r.statements, r.grams, r.suspense_g, r.won, r.residue_won)
    asked = (
        sa.select(*columns, Complex.code, Complex.name)
        .join(Complex, sa.and_(Complex.district_id == r.district_id, Complex.id == r.complex_id))
        .where(r.district_id == district_id, r.state == "final", r.version == 1, r.month.between(first, last))
        .where(reach.within(r.complex_id))
    )
    if complex_code:
        asked = asked.where(Complex.code == complex_code)
    runs = list(session.execute(asked.order_by(r.month.desc(), Complex.code)))
    here = (session, district_id, first, last)
    added = _adjusted(*here), _manual(*here), _issued(*here), _voided(*here), _paid(*here), _at_the_bin(*here)
    return [_row(run, *(those.get((run.complex_id, run.month), {}) for those in added)) for run in runs]


def span(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The months that are asked for: until today's, and the eleven before the last one, where nothing is said."""
    last = month_of(last or today)
    return month_of(first) if first else month_after(last, -11), last


def totals(rows: Iterable[Row]) -> Row:
    """The sums of some rows, by the names of SUMS."""
    found = dict.fromkeys(SUMS, 0)
    for row in rows:
        for name in SUMS:
            found[name] += row[name]
    return found


def by_month(rows: Iterable[Row]) -> list[Row]:
    """The sums of each month in the order of the rows: month, complexes, and SUMS."""
    months: dict[date, list[Row]] = {}
    for row in rows:
        months.setdefault(row["month"], []).append(row)
    return [{"month": month, "complexes": len(those)} | totals(those) for month, those in months.items()]


def _row(run: Any, adjusted: Row, manual: Row, issued: Row, voided: Row, paid: Row, at_bin: Row) -> Row:
    row = {"month": run.month, "complex": run.code, "complex_name": run.name, "scheme": run.scheme}
    row |= dict.fromkeys(SUMS, 0) | {name: getattr(run, name) for name in ("statements", "grams", "suspense_g", "won")}
    row |= adjusted | manual | voided | paid
    row["issued_anew_won"] = issued.get("again", 0)
    row["households_won"] = issued.get("all", 0) + row["voided_won"]
    row["households_paid_won"] += at_bin.get("won", 0)
    row["paid_won"] += at_bin.get("won", 0) + (run.residue_won if run.scheme == "prepaid" else 0)
    row["households_owed_won"] = row["households_won"] - row["households_paid_won"]
    row["owed_won"] = row["won"] - row["paid_won"]
    return row


def _adjusted(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    """Won of lines that adjust earlier months, on the statements that closed a month."""
    n, r = StatementLine, StatementRun
    asked = (
        sa.select(r.complex_id, r.month, _won(n.won))
        .join(r, sa.and_(r.district_id == n.district_id, r.id == n.run_id))
        .where(n.district_id == district_id, ADJUSTED, *_closed(first, last))
    )
    return _by_place(session, asked, "adjusted_won")


def _manual(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    """Won of lines that the office added. They are found by their household, for which lines have an index."""
    n, r, m = StatementLine, StatementRun, ManualAdjustment
    of_household = (n.district_id == m.district_id, n.usage_month == m.usage_month, n.household_id == m.household_id)
    asked = (
        sa.select(r.complex_id, r.month, _won(n.won))
        .select_from(m)
        .join(n, sa.and_(*of_household, n.adjustment_id == m.id))
        .join(r, sa.and_(r.district_id == n.district_id, r.id == n.run_id))
        .where(m.district_id == district_id, *_closed(first, last))
    )
    return _by_place(session, asked, "manual_won")


def _issued(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    """Won of all final statements of a month (`all`), and of those that were issued anew (`again`)."""
    r = StatementRun
    statements = r.lines_won + r.suspense_won
    asked = sa.select(r.complex_id, r.month, _won(statements), _won(sa.case((r.version > 1, statements), else_=0)))
    final = (r.district_id == district_id, r.state == "final", r.month.between(first, last))
    rows = session.execute(asked.where(*final).group_by(r.complex_id, r.month))
    return {(complex_id, month): {"all": won, "again": anew} for complex_id, month, won, anew in rows}


def _voided(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    v, r = StatementVoid, StatementRun
    asked = (
        sa.select(r.complex_id, r.month, _won(v.won))
        .join(r, sa.and_(r.district_id == v.district_id, r.id == v.run_id))
        .where(v.district_id == district_id, r.month.between(first, last))
    )
    return _by_place(session, asked, "voided_won")


def _paid(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    p = Payment
    by_complex = p.household_id.is_(None)
    own, households = (_won(sa.case((condition, p.won), else_=0)) for condition in (by_complex, ~by_complex))
    asked = sa.select(p.complex_id, p.month, own, households).where(
        p.district_id == district_id, p.month.between(first, last)
    )
    rows = session.execute(asked.group_by(p.complex_id, p.month))
    return {(row[0], row[1]): {"paid_won": row[2], "households_paid_won": row[3]} for row in rows}


def _at_the_bin(session: Session, district_id: int, first: date, last: date) -> dict[Place, Row]:
    """Won of lines that were paid when it was thrown away, on statements that are not void."""
    n, r, v = StatementLine, StatementRun, StatementVoid
    void = sa.exists().where(v.district_id == n.district_id, v.run_id == n.run_id, v.serial == n.serial)
    asked = at_the_bin(district_id, r.complex_id, r.month, _won(n.won))
    return _by_place(session, asked.where(r.state == "final", r.month.between(first, last), ~void), "won")


def _closed(first: date, last: date) -> tuple[sa.ColumnElement[bool], ...]:
    r = StatementRun
    return (r.month.between(first, last), r.state == "final", r.version == 1)


def _by_place(session: Session, asked: sa.Select[Any], name: str) -> dict[Place, Row]:
    rows = session.execute(asked.group_by(StatementRun.complex_id, StatementRun.month))
    return {(complex_id, month): {name: won} for complex_id, month, won in rows}


def _won(column: Any) -> Any:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)
