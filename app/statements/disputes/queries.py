"""Reads of disputes, always of one district and, for people, within a reach. Rows come back plain."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements.composing import statement_number
from app.statements.disputes.models import Dispute, DisputeEvent
from app.statements.models import Statement, StatementLine, StatementRun, StatementVoid

Row = dict[str, Any]
OVERDUE = "overdue"
LISTS = ("open", OVERDUE, "closed", "all")
BY_DUE_DAY = ("open", OVERDUE)


class Wanted(NamedTuple):
    """Which disputes: `which` of LISTS, at a complex (code), of a household."""

    which: str = "open"
    complex: str | None = None
    household_id: int | None = None


def dispute_page(
    session: Session,
    district_id: int,
    reach: Reach,
    today: date,
    wanted: Wanted = Wanted(),  # noqa: B008 - immutable
    after: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Disputes: open ones by the day on which a reply is due, others the newest first.

    `after` is the id of the last one of the page before. Each: id, state, statement, line, kind (of the line),
    usage_month, line_won, held_won, credit_won, due_on, days_left (negative: overdue; None: closed), opened_at,
    opened_by, decided_at, decided_by, complex, complex_name, household_id, tenancy_id, building, unit, voided.
    """
    asked = _disputes(district_id, reach).where(*_which(wanted, today))
    by_due_day = wanted.which in BY_DUE_DAY
    if after is not None:
        last = session.get(Dispute, (district_id, after))
        if last is None or not reach.covers(last.complex_id):
            raise Problem("not-found")
        later = sa.or_(Dispute.due_on > last.due_on, sa.and_(Dispute.due_on == last.due_on, Dispute.id > last.id))
        asked = asked.where(later if by_due_day else Dispute.id < after)
    order = (Dispute.due_on, Dispute.id) if by_due_day else (Dispute.id.desc(),)
    return [_shown(row, today) for row in session.execute(asked.order_by(*order).limit(limit)).mappings()]


def dispute_detail(session: Session, district_id: int, reach: Reach, dispute_id: int, today: date) -> Row:
    """One dispute with its `events` (kind, state, words, actor, at), the oldest first; else `not-found`."""
    found = session.execute(_disputes(district_id, reach).where(Dispute.id == dispute_id)).mappings().first()
    if found is None:
        raise Problem("not-found")
    e = DisputeEvent
    asked = sa.select(e.kind, e.state, e.words, e.actor, e.at).where(
        e.district_id == district_id, e.dispute_id == dispute_id
    )
    events = [dict(row) for row in session.execute(asked.order_by(e.id)).mappings()]
    return _shown(found, today) | {"events": events}


def counts(session: Session, district_id: int, reach: Reach, today: date) -> dict[str, int]:
    """How many disputes are `open` and how many of them `overdue`, and the `held_won` of all open ones."""
    late = sa.func.count(sa.case((Dispute.due_on < today, 1)))
    held = sa.func.coalesce(sa.func.sum(Dispute.held_won - Dispute.credit_won), 0)
    asked = sa.select(sa.func.count(), late, held).where(
        Dispute.district_id == district_id, Dispute.state == "open", reach.within(Dispute.complex_id)
    )
    number, overdue, held_won = session.execute(asked).one()
    return {"open": number, OVERDUE: overdue, "held_won": int(held_won)}


def of_statement(session: Session, district_id: int, run_id: int, serial: int) -> dict[int, list[Row]]:
    """By line, the disputes on a statement, the oldest first: id, state, held_won, credit_won, due_on."""
    d = Dispute
    asked = sa.select(d.line, d.id, d.state, d.held_won, d.credit_won, d.due_on).where(
        d.district_id == district_id, d.run_id == run_id, d.serial == serial
    )
    found: dict[int, list[Row]] = {}
    for row in session.execute(asked.order_by(d.id)).mappings():
        found.setdefault(row["line"], []).append({name: row[name] for name in row if name != "line"})
    return found


class Held(NamedTuple):
    """Won of a tenancy's statement of a month that are not asked for while its disputes are open."""

    household_id: int
    tenancy_id: int
    month: date
    won: int


def held(session: Session, district_id: int, household_ids: Iterable[int]) -> list[Held]:
    """What is held for these households, by tenancy and month of the statement.

    What an earlier decision credited already is held no more, and nothing of a statement that is void, for by that
    nothing is owed.
    """
    d, s = Dispute, Statement
    statement = sa.and_(s.district_id == d.district_id, s.run_id == d.run_id, s.serial == d.serial)
    asked = (
        sa.select(s.household_id, s.tenancy_id, s.month, sa.func.sum(d.held_won - d.credit_won))
        .join(s, statement)
        .where(d.district_id == district_id, d.state == "open", d.household_id.in_(list(household_ids)), ~VOIDED)
        .group_by(s.household_id, s.tenancy_id, s.month)
        .order_by(s.household_id, s.tenancy_id, s.month)
    )
    return [
        Held(household_id, tenancy_id, month, int(won))
        for household_id, tenancy_id, month, won in session.execute(asked)
    ]


VOIDED = sa.exists().where(
    StatementVoid.district_id == Dispute.district_id,
    StatementVoid.run_id == Dispute.run_id,
    StatementVoid.serial == Dispute.serial,
)


def _disputes(district_id: int, reach: Reach) -> sa.Select[Any]:
    d, n, s, r = Dispute, StatementLine, Statement, StatementRun
    same = (s.district_id == d.district_id, s.run_id == d.run_id, s.serial == d.serial)
    line = (n.district_id == d.district_id, n.run_id == d.run_id, n.serial == d.serial, n.line == d.line)
    return (
        sa.select(*(d.id, d.state, d.run_id, d.serial, d.line, d.held_won, d.credit_won, d.due_on))
        .add_columns(*(d.opened_at, d.opened_by, d.decided_at, d.decided_by, d.complex_id, d.household_id))
        .add_columns(*(r.number.label("run"), r.ledger_at, s.tenancy_id, s.month, VOIDED.label("voided")))
        .add_columns(*(n.kind, n.usage_month, n.won.label("line_won")))
        .add_columns(Complex.code.label("complex"), Complex.name.label("complex_name"))
        .add_columns(Building.name.label("building"), Household.unit)
        .join(s, sa.and_(*same))
        .join(n, sa.and_(*line))
        .join(r, sa.and_(r.district_id == d.district_id, r.id == d.run_id))
        .join(Complex, sa.and_(Complex.district_id == d.district_id, Complex.id == d.complex_id))
        .join(Household, sa.and_(Household.district_id == d.district_id, Household.id == d.household_id))
        .join(Building, sa.and_(Building.district_id == d.district_id, Building.id == Household.building_id))
        .where(d.district_id == district_id, reach.within(d.complex_id))
    )


def _which(wanted: Wanted, today: date) -> list[sa.ColumnElement[bool]]:
    lists: dict[str, list[sa.ColumnElement[bool]]] = {
        "open": [Dispute.state == "open"],
        OVERDUE: [Dispute.state == "open", Dispute.due_on < today],
        "closed": [Dispute.state != "open"],
        "all": [],
    }
    conditions = lists[wanted.which]
    if wanted.complex is not None:
        conditions.append(Complex.code == wanted.complex)
    if wanted.household_id is not None:
        conditions.append(Dispute.household_id == wanted.household_id)
    return conditions


def _shown(found: Any, today: date) -> Row:
    row = dict(found)
    number = statement_number(row.pop("run"), row["serial"])
    days_left = (row["due_on"] - today).days if row["state"] == "open" else None
    return row | {"statement": number, "days_left": days_left, "voided": bool(row["voided"])}
