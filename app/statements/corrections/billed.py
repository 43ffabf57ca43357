"""What was billed so far: the lines of final statements that are not void, and what was written off.

Lines of a month stand on its own run, on reissues of its statements, and as adjustments on later ones. All sums leave
out `manual` lines, which bill no usage.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Household
from app.statements.models import (
    ADJUSTED,
    LateDecision,
    ManualAdjustment,
    Statement,
    StatementLine,
    StatementRun,
    StatementVoid,
)
from billing.adjusting import Billed

Pair = tuple[int, date]  # a complex and a usage month
Usage = tuple[int, int]  # grams and discharges

_VOID = sa.and_(
    StatementVoid.district_id == StatementLine.district_id,
    StatementVoid.run_id == StatementLine.run_id,
    StatementVoid.serial == StatementLine.serial,
)
_OF_RUN = sa.and_(StatementRun.district_id == StatementLine.district_id, StatementRun.id == StatementLine.run_id)


def live_lines(*columns: Any) -> sa.Select[Any]:
    """Columns of lines of final statements that are not void, with their runs."""
    return (
        sa.select(*columns)
        .select_from(StatementLine)
        .join(StatementRun, _OF_RUN)
        .outerjoin(StatementVoid, _VOID)
        .where(StatementRun.state == "final", StatementVoid.run_id.is_(None))
    )


def sums(session: Session, district_id: int, complex_ids: Sequence[int], first: date) -> dict[Pair, Usage]:
    """Grams and discharges billed of each complex's month from `first` on, without reading a line but adjustments."""
    r, v, s, n = StatementRun, StatementVoid, Statement, StatementLine
    final = (r.district_id == district_id, r.state == "final", r.complex_id.in_(complex_ids), r.month >= first)
    of_run = sa.and_(v.district_id == r.district_id, v.run_id == r.id)
    same = sa.and_(s.district_id == v.district_id, s.run_id == v.run_id, s.serial == v.serial)
    adjusted = live_lines(r.complex_id, n.usage_month, n.grams, n.count).where(
        n.district_id == district_id, ADJUSTED, n.usage_month >= first, r.complex_id.in_(complex_ids)
    )
    found: dict[Pair, Usage] = {}
    _add(found, session.execute(sa.select(r.complex_id, r.month, r.grams, r.count).where(*final)))
    voided = sa.select(r.complex_id, r.month, -s.grams, -s.count).join(v, of_run).join(s, same).where(*final)
    _add(found, session.execute(voided))
    _add(found, session.execute(adjusted))
    _add(found, session.execute(_written_off(district_id, first, complex_ids)))
    return found


def _add(found: dict[Pair, Usage], rows: Iterable[Any]) -> None:
    for complex_id, month, grams, count in rows:
        before = found.get((complex_id, month), (0, 0))
        found[complex_id, month] = before[0] + grams, before[1] + count


def by_tenancy(
    session: Session,
    district_id: int,
    complex_ids: Sequence[int],
    month: date,
    but: tuple[int, int] | None = None,
) -> dict[int, dict[int, Billed]]:
    """What each tenancy of complexes was billed of a month; what was written off counts as billed.

    `but`: run and serial of a statement that is left out, as if it were void.
    """
    n = StatementLine
    totals = [sa.func.sum(column) for column in (n.grams, n.count, n.won)]
    lines = (
        live_lines(Household.complex_id, n.tenancy_id, n.household_id, *totals)
        .join(Household, _of_household(n))
        .where(n.district_id == district_id, n.usage_month == month, n.kind != "manual")
        .where(Household.complex_id.in_(complex_ids))
        .group_by(Household.complex_id, n.tenancy_id, n.household_id)
    )
    if but is not None:
        lines = lines.where(sa.or_(n.run_id != but[0], n.serial != but[1]))
    found: dict[int, dict[int, Billed]] = {complex_id: {} for complex_id in complex_ids}
    rows = [*session.execute(lines), *session.execute(_writings_off(district_id, complex_ids, month))]
    for complex_id, tenancy_id, household_id, *amounts in rows:
        before = found[complex_id].get(tenancy_id, Billed(household_id, 0, 0, 0))
        added = (old + int(new) for old, new in zip(before[1:], amounts, strict=True))
        found[complex_id][tenancy_id] = Billed(household_id, *added)
    return found


def spared(session: Session, district_id: int, complex_ids: Sequence[int], month: date) -> dict[int, dict[int, int]]:
    """Won of a month that counts as billed although each tenancy of complexes never had to pay it.

    What accepted objections took off, carried by a statement or not yet, and what was written off.
    """
    m = ManualAdjustment
    taken_off = sa.select(m.complex_id, m.tenancy_id, -m.won).where(
        m.district_id == district_id, m.usage_month == month, m.kind == "dispute", m.complex_id.in_(complex_ids)
    )
    found: dict[int, dict[int, int]] = {complex_id: {} for complex_id in complex_ids}
    written_off = [(row[0], row[1], row[5]) for row in session.execute(_writings_off(district_id, complex_ids, month))]
    for complex_id, tenancy_id, won in [*session.execute(taken_off), *written_off]:
        found[complex_id][tenancy_id] = found[complex_id].get(tenancy_id, 0) + int(won)
    return found


def net_won(session: Session, district_id: int, tenancy_id: int, household_id: int, month: date) -> int:
    """Won that a tenancy owes for a usage month by statements that count, manual adjustments on them included."""
    n = StatementLine
    lines = live_lines(sa.func.coalesce(sa.func.sum(n.won), 0)).where(
        n.district_id == district_id, n.usage_month == month, n.household_id == household_id, n.tenancy_id == tenancy_id
    )
    return int(session.scalar(lines) or 0)


def _written_off(district_id: int, first: date, complex_ids: Sequence[int]) -> sa.Select[Any]:
    d = LateDecision
    columns: tuple[Any, ...] = (Household.complex_id, d.usage_month, d.grams, d.count)
    asked = sa.select(*columns).join(Household, _of_household(d)).where(d.district_id == district_id)
    within = (d.usage_month >= first, Household.complex_id.in_(complex_ids))
    return asked.where(d.decision == "write_off", *within)


def _writings_off(district_id: int, complex_ids: Sequence[int], month: date) -> sa.Select[Any]:
    d = LateDecision
    columns: tuple[Any, ...] = (Household.complex_id, d.tenancy_id, d.household_id, d.grams, d.count, d.won)
    asked = sa.select(*columns).join(Household, _of_household(d))
    here = (d.district_id == district_id, d.usage_month == month, Household.complex_id.in_(complex_ids))
    return asked.where(*here, d.decision == "write_off")


def _of_household(table: Any) -> sa.ColumnElement[bool]:
    return sa.and_(Household.district_id == table.district_id, Household.id == table.household_id)
