"""Which closed months of complexes may read otherwise than when they were looked at last.

Only these are assessed again; one that turns out unchanged costs time, one that is missed would cost won. Sums tell of
what arrived, whenever it was booked; what leaves sums as they are (another day, another tenancy) is told by the rows
that were booked since.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.models import AuditEntry
from app.db import is_sqlite
from app.metering.models import ComplexDay, Discharge, DischargeCorrection, HouseholdMonth
from app.registry.models import Household
from app.statements.corrections import billed
from app.statements.corrections.billed import Pair, Usage
from app.statements.corrections.closed import Closed
from app.statements.estimates.models import Estimate
from app.statements.models import StatementLine, StatementRun, StatementVoid
from app.statements.terms.models import ComplexWeight
from billing.days import month_after, month_of

MOVES = ("household.moved_in", "household.moved_out", "household.abandoned", "household.came_back")
FILES = ("import.taken_in", "import.undone")
DATES = ("moved_in", "moved_out")  # of an entry about a move: nothing changes before the first of them

Since = tuple[int | None, date | None, datetime]  # complex (all), month and all later ones (all), when it was booked


def changed(session: Session, district_id: int, closed: Mapping[Pair, Closed]) -> set[Pair]:
    """The closed months that may read otherwise now than when they were looked at last."""
    if not closed:
        return set()
    complex_ids = sorted({complex_id for complex_id, _ in closed})
    months = sorted({month for _, month in closed})
    here = (session, district_id, complex_ids, months[0], month_after(months[-1]))
    now, before = usage(*here), billed.sums(*here[:4])
    found = {pair for pair in closed if now.get(pair, (0, 0)) != before.get(pair, (0, 0))}
    weighed = suspense(*here) if any(month.shared for month in closed.values()) else {}
    found |= {pair for pair, month in closed.items() if month.shared and weighed.get(pair, (0, 0)) != month.suspense}
    earliest = min(month.since for month in closed.values())
    for read in (_corrections, _voids, _estimates, _weights):
        for complex_id, month, booked_at in read(*here, earliest):
            known = closed.get((complex_id, month))
            if known is not None and booked_at > known.since:
                found.add((complex_id, month))
    estimated = _estimated(*here)
    by_days = {pair: month for pair, month in closed.items() if month.by_days or pair in estimated}
    return found | (_moved(session, district_id, by_days, earliest) if by_days else set())


def usage(session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date) -> dict[Pair, Usage]:
    """Billable grams and discharges of complexes' months as the rollups have them."""
    m, h = HouseholdMonth, Household
    totals = (sa.func.sum(m.billable_g), sa.func.sum(m.billable_count))
    asked = sa.select(h.complex_id, m.month, *totals).join(
        h, sa.and_(h.district_id == m.district_id, h.id == m.household_id)
    )
    here = (m.district_id == district_id, h.complex_id.in_(complex_ids), m.month >= first, m.month < end)
    rows = session.execute(asked.where(*here).group_by(h.complex_id, m.month))
    return {(complex_id, month): (int(grams), int(count)) for complex_id, month, grams, count in rows}


def suspense(
    session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date
) -> dict[Pair, Usage]:
    """The same of suspense, by the complex of the meter."""
    d = ComplexDay
    month: Any = sa.func.strftime("%Y-%m-01", d.service_day)
    if not is_sqlite(session):
        month = sa.func.to_char(d.service_day, "YYYY-MM-01")
    asked = sa.select(d.complex_id, month, sa.func.sum(d.suspense_g), sa.func.sum(d.suspense_count))
    here = (d.district_id == district_id, d.complex_id.in_(complex_ids), d.service_day >= first, d.service_day < end)
    rows = session.execute(asked.where(*here).group_by(d.complex_id, month))
    return {(complex_id, date.fromisoformat(day)): (int(grams), int(count)) for complex_id, day, grams, count in rows}


def _corrections(
    session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date, since: datetime
) -> Iterator[tuple[int, date, datetime]]:
    """Corrections booked since: of the complexes of the meter and of every household that the discharge was ever of."""
    c, d, other = DischargeCorrection, Discharge, aliased(DischargeCorrection)
    booked = (c.district_id == district_id, c.service_day >= first, c.service_day < end, c.booked_at > since)
    of_booking = sa.and_(*_same(d, c), d.service_day == c.service_day)
    columns = (c.service_day, c.booked_at)
    sources = [
        sa.select(d.complex_id, *columns).select_from(c).join(d, of_booking).where(*booked),
        sa.select(Household.complex_id, *columns)
        .select_from(c)
        .join(d, of_booking)
        .join(Household, _lives(d))
        .where(*booked),
        sa.select(Household.complex_id, *columns)
        .select_from(c)
        .join(other, sa.and_(*_same(other, c)))
        .join(Household, _lives(other))
        .where(*booked),
    ]
    for complex_id, day, booked_at in (row for source in sources for row in session.execute(source)):
        yield complex_id, month_of(day), booked_at


def _same(one: Any, other: Any) -> list[sa.ColumnElement[bool]]:
    return [getattr(one, name) == getattr(other, name) for name in ("district_id", "gateway_id", "epoch_no", "seq")]


def _lives(table: Any) -> sa.ColumnElement[bool]:
    return sa.and_(Household.district_id == table.district_id, Household.id == table.household_id)


def _voids(
    session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date, since: datetime
) -> Iterator[tuple[int, date, datetime]]:
    """Usage months of the lines of statements that were voided since."""
    v, n, r = StatementVoid, StatementLine, StatementRun
    lines = sa.and_(n.district_id == v.district_id, n.run_id == v.run_id, n.serial == v.serial)
    of_run = sa.and_(r.district_id == v.district_id, r.id == v.run_id)
    asked = sa.select(r.complex_id, n.usage_month, v.voided_at).join(n, lines).join(r, of_run)
    here = (v.district_id == district_id, v.voided_at > since, r.complex_id.in_(complex_ids))
    for row in session.execute(asked.where(*here, n.usage_month >= first, n.usage_month < end)):
        yield row[0], row[1], row[2]


def _estimates(
    session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date, since: datetime
) -> Iterator[tuple[int, date, datetime]]:
    e = Estimate
    asked = sa.select(e.complex_id, e.first_day, sa.func.coalesce(e.settled_at, e.made_at, type_=e.made_at.type))
    here = (e.district_id == district_id, e.complex_id.in_(complex_ids), e.first_day >= first, e.first_day < end)
    newer = sa.or_(e.made_at > since, e.settled_at > since)
    for complex_id, day, at in session.execute(asked.where(*here, newer)):
        yield complex_id, month_of(day), at


def _estimated(session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date) -> set[Pair]:
    """Months with estimates, which follow the days that people lived there."""
    e = Estimate
    here = (e.district_id == district_id, e.complex_id.in_(complex_ids), e.first_day >= first, e.first_day < end)
    rows = session.execute(sa.select(e.complex_id, e.first_day).where(*here, e.settled_at.is_(None)))
    return {(complex_id, month_of(day)) for complex_id, day in rows}


def _weights(
    session: Session, district_id: int, complex_ids: Sequence[int], first: date, end: date, since: datetime
) -> Iterator[tuple[int, date, datetime]]:
    w = ComplexWeight
    asked = sa.select(w.complex_id, w.month, w.made_at)
    here = (w.district_id == district_id, w.complex_id.in_(complex_ids), w.month >= first, w.month < end)
    for row in session.execute(asked.where(*here, w.made_at > since)):
        yield row[0], row[1], row[2]


def _moved(session: Session, district_id: int, closed: Mapping[Pair, Closed], since: datetime) -> set[Pair]:
    """Months whose days lived there changed: by moves entered since that reach back into them, or by a file."""
    a = AuditEntry
    asked = sa.select(a.action, a.complex_id, a.after, a.at).where(
        a.district_id == district_id, a.at > since, a.action.in_([*MOVES, *FILES])
    )
    entries = [_back_to(*row) for row in session.execute(asked)]
    return {
        (complex_id, month)
        for (complex_id, month), known in closed.items()
        for moved_at, begins, at in entries
        if at > known.since and moved_at in (None, complex_id) and (begins is None or begins <= month)
    }


def _back_to(action: str, complex_id: int | None, after: str | None, at: datetime) -> Since:
    told = json.loads(after or "{}")
    days = [date.fromisoformat(told[name]) for name in DATES if name in told]
    begins = month_of(min(days)) if days and action in MOVES else None
    return None if action in FILES else complex_id, begins, at
