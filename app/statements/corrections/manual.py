"""Won that staff add to a household's next statement, or take off. Nothing here commits.

Each is pending until a line of a statement that counts carries it: a void lets it wait for the next one.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements.composing import Manual
from app.statements.corrections import billed, subjects
from app.statements.corrections.billed import live_lines
from app.statements.locking import lock
from app.statements.models import ManualAdjustment, StatementLine, StatementRun
from billing.days import month_of, service_day
from billing.statements import Line

LISTS = ("pending", "all")
MOST_WON = 100_000_000
MOST_WORDS = 300
TWICE = timedelta(minutes=10)  # so long the same form again is taken for a second click
Row = dict[str, Any]


class New(NamedTuple):
    """Won of either sign about a tenancy's usage month, and why; `dispute_id` where a dispute was decided so."""

    tenancy_id: int
    usage_month: date
    won: int
    reason: str
    dispute_id: int | None = None


def add(session: Session, district_id: int, reach: Reach, new: New, actor: str, now: datetime) -> int:
    """Let the tenancy's next statement carry it; its id.

    Raises `not-found`, `invalid`, `credit-too-large` for a credit above what was billed for that month and not credited
    yet, and `booked-already` for the same again within minutes.
    """
    home = subjects.tenant(session, district_id, reach, new.tenancy_id)
    reason = _checked(new, now)
    lock(session, district_id, home.complex_id)
    left = net(session, district_id, home.tenancy_id, home.household_id, new.usage_month)
    if new.won < 0 and left + new.won < 0:
        raise Problem(
            "credit-too-large", billed_won=left, errors={"won": _l("At most %(won)s won.", won=f"{max(left, 0):,}")}
        )
    _refuse_twice(session, district_id, new, reason, actor, now)
    id_ = allocate(session, district_id, "manual_adjustment")[0]
    kind = "manual" if new.dispute_id is None else "dispute"
    said = {"usage_month": new.usage_month, "won": new.won}
    key = {"district_id": district_id, "id": id_, "complex_id": home.complex_id, "household_id": home.household_id}
    told = {"tenancy_id": home.tenancy_id, "kind": kind, "reason": reason, "dispute_id": new.dispute_id}
    session.execute(sa.insert(ManualAdjustment).values(key | told | said | {"actor": actor, "made_at": now}))
    audit.book(
        session, district_id, subjects.entry("adjustment.added", "adjustment", id_, home, said, reason), actor, now
    )
    return id_


def _refuse_twice(session: Session, district_id: int, new: New, reason: str, actor: str, now: datetime) -> None:
    """A form that was sent twice books once."""
    m = ManualAdjustment
    same = (m.tenancy_id == new.tenancy_id, m.usage_month == new.usage_month, m.won == new.won, m.reason == reason)
    recent = (m.actor == actor, m.made_at > now - TWICE, m.dispute_id.is_not_distinct_from(new.dispute_id))
    before = session.scalar(sa.select(m.id).where(m.district_id == district_id, *same, *recent).limit(1))
    if before is not None:
        raise Problem("booked-already", adjustment=before)


def add_to_statement(
    session: Session, district_id: int, reach: Reach, number: str, won: int, reason: str, actor: str, now: datetime
) -> int:
    """The same about a final statement, for its month. Raises also `statement-not-final` and `statement-void`."""
    found = subjects.locked(session, district_id, reach, number)
    new = New(found.statement.tenancy_id, found.statement.month, won, reason)
    return add(session, district_id, reach, new, actor, now)


def _checked(new: New, now: datetime) -> str:
    errors: dict[str, Any] = {}
    reason = new.reason.strip()
    if not reason or len(reason) > MOST_WORDS:
        errors["reason"] = _l("Write 1 to %(most)s characters.", most=MOST_WORDS)
    if not 0 < abs(new.won) <= MOST_WON:
        errors["won"] = _l("Write an amount in won that is not 0, with a minus sign for a credit.")
    if new.usage_month.day != 1 or new.usage_month > month_of(service_day(now)):
        errors["usage_month"] = _l("Write a month that has begun, as 2026-10.")
    if errors:
        raise Problem("invalid", errors=errors)
    return reason


def net(session: Session, district_id: int, tenancy_id: int, household_id: int, month: date) -> int:
    """What a tenancy owes for a usage month, pending adjustments included: as much may still be credited."""
    m = ManualAdjustment
    mine = (m.tenancy_id == tenancy_id, m.household_id == household_id, m.usage_month == month)
    waiting = sa.select(sa.func.coalesce(sa.func.sum(m.won), 0)).where(
        m.district_id == district_id, *mine, is_pending()
    )
    return billed.net_won(session, district_id, tenancy_id, household_id, month) + int(session.scalar(waiting) or 0)


def pending(session: Session, district_id: int, complex_ids: Sequence[int]) -> dict[int, list[Manual]]:
    """What waits for the next runs of complexes, as lines; complexes without any are left out."""
    m = ManualAdjustment
    asked = sa.select(m).where(m.district_id == district_id, m.complex_id.in_(complex_ids), is_pending())
    found: dict[int, list[Manual]] = {}
    for row in session.scalars(asked.order_by(m.id)):
        found.setdefault(row.complex_id, []).append(as_line(row))
    return found


def as_line(row: ManualAdjustment) -> Manual:
    """The line that a statement carries for it."""
    detail: dict[str, Any] = {"reason": row.reason, "adjustment": row.id, "dispute": row.dispute_id}
    return Manual(row.id, Line("manual", row.usage_month, row.household_id, row.tenancy_id, 0, 0, row.won, detail))


def listed(
    session: Session,
    district_id: int,
    reach: Reach,
    before: int | None = None,
    limit: int = 100,
    which: str = "pending",
) -> list[Row]:
    """Adjustments within reach, those that are pending or `all`, the newest first, with ids below `before`.

    Each: id, complex, complex_name, household_id, building, unit, tenancy_id, usage_month, kind, won, reason,
    dispute_id, actor, made_at, pending.
    """
    m = ManualAdjustment
    columns = (
        m.id,
        m.household_id,
        m.tenancy_id,
        m.usage_month,
        m.kind,
        m.won,
        m.reason,
        m.dispute_id,
        m.actor,
        m.made_at,
    )
    asked = (
        sa.select(*columns, Complex.code.label("complex"), Complex.name.label("complex_name"))
        .add_columns(Building.name.label("building"), Household.unit, is_pending().label("pending"))
        .join(Complex, sa.and_(Complex.district_id == m.district_id, Complex.id == m.complex_id))
        .join(Household, sa.and_(Household.district_id == m.district_id, Household.id == m.household_id))
        .join(Building, sa.and_(Building.district_id == m.district_id, Building.id == Household.building_id))
        .where(m.district_id == district_id, reach.within(m.complex_id))
    )
    if which == "pending":
        asked = asked.where(is_pending())
    if before is not None:
        asked = asked.where(m.id < before)
    return [dict(row._mapping) for row in session.execute(asked.order_by(m.id.desc()).limit(limit))]


def is_pending() -> sa.ColumnElement[bool]:
    """Whether no line that counts carries an adjustment; an index finds such a line by month and household."""
    m, n = ManualAdjustment, StatementLine
    same = (n.district_id == m.district_id, n.usage_month == m.usage_month, n.household_id == m.household_id)
    carried = live_lines(StatementRun.id).where(*same, n.adjustment_id == m.id).correlate(m)
    return ~carried.exists()
