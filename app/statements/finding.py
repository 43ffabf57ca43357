"""Statements found by where somebody lives: those of one household, or of whatever building and unit was asked for."""

from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.models import Building, Complex, Household
from app.registry.places import plain
from app.statements.composing import statement_number
from app.statements.models import Statement, StatementLine, StatementRun, StatementVoid

Row = dict[str, Any]
ADJUSTING = ("adjustment", "manual")
WON_OF_LINES = sa.cast(sa.func.coalesce(sa.func.sum(StatementLine.won), 0), sa.BigInteger)


class Sought(NamedTuple):
    """Which statements: of a complex (code), building, unit, household, run, month; empty ones ask for all."""

    complex: str = ""
    building: str = ""
    unit: str = ""
    household_id: int | None = None
    run_id: int | None = None
    month: date | None = None


class After(NamedTuple):
    """The last statement of the page before."""

    month: date
    run_id: int
    serial: int


def statements(
    session: Session, district_id: int, sought: Sought, reach: Reach, after: After | None = None, limit: int = 100
) -> list[Row]:
    """Statements within reach, those of the newest month first, by unit within it.

    Each: number, month, version, complex, complex_name, household_id, building, unit, state (`preview`, `final` or
    `voided`), grams, count, won, adjusted_won (what of it adjusts), and run_id and serial to go on after.
    """
    s, r = Statement, StatementRun
    asked = (
        sa.select(
            *(s.run_id, s.serial, s.month, s.household_id, s.tenancy_id, s.grams, s.count, s.won),
            *(r.number.label("run"), r.version, r.state, StatementVoid.voided_at, _adjusted().label("adjusted_won")),
            *(Complex.code.label("complex"), Complex.name.label("complex_name")),
            *(Building.name.label("building"), Household.unit),
        )
        .join(r, sa.and_(r.district_id == s.district_id, r.id == s.run_id))
        .join(Household, sa.and_(Household.district_id == s.district_id, Household.id == s.household_id))
        .join(Building, sa.and_(Building.district_id == s.district_id, Building.id == Household.building_id))
        .join(Complex, sa.and_(Complex.district_id == r.district_id, Complex.id == r.complex_id))
        .outerjoin(
            StatementVoid,
            sa.and_(
                *(getattr(StatementVoid, name) == getattr(s, name) for name in ("district_id", "run_id", "serial"))
            ),
        )
        .where(s.district_id == district_id, reach.within(r.complex_id), *_conditions(sought))
    )
    if after is not None:
        asked = asked.where(_beyond(after))
    rows = session.execute(asked.order_by(s.month.desc(), s.run_id.desc(), s.serial).limit(limit))
    return [_row(row) for row in rows]


def adjusted_won(session: Session, district_id: int, run_id: int) -> int:
    """What of a run's lines adjusts something, in won."""
    n = StatementLine
    of_run = (n.district_id == district_id, n.run_id == run_id, n.kind.in_(ADJUSTING))
    return session.scalar(sa.select(WON_OF_LINES).where(*of_run)) or 0


def _adjusted() -> sa.ScalarSelect[int]:
    """What of a statement's lines adjusts something."""
    n, s = StatementLine, Statement
    mine = (n.district_id == s.district_id, n.run_id == s.run_id, n.serial == s.serial, n.kind.in_(ADJUSTING))
    return sa.select(WON_OF_LINES).where(*mine).correlate(s).scalar_subquery()


def _conditions(sought: Sought) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if sought.complex:
        wanted.append(Complex.code == sought.complex)
    if sought.building:
        wanted.append(Building.name == plain(sought.building))
    if sought.unit:
        wanted.append(Household.unit == plain(sought.unit))
    if sought.household_id is not None:
        wanted.append(Statement.household_id == sought.household_id)
    if sought.run_id is not None:
        wanted.append(Statement.run_id == sought.run_id)
    if sought.month is not None:
        wanted.append(Statement.month == sought.month)
    return wanted


def _beyond(after: After) -> sa.ColumnElement[bool]:
    s = Statement
    same_month, same_run = s.month == after.month, s.run_id == after.run_id
    return sa.or_(
        s.month < after.month,
        sa.and_(same_month, s.run_id < after.run_id),
        sa.and_(same_month, same_run, s.serial > after.serial),
    )


def _row(row: Any) -> Row:
    found = dict(row._mapping)
    voided = found.pop("voided_at") is not None
    return found | {
        "number": statement_number(found.pop("run"), found["serial"]),
        "state": "voided" if voided else found["state"],
    }


def newest_month(session: Session, district_id: int, complex_id: int) -> date | None:
    """The newest month of which a complex has a run."""
    r = StatementRun
    asked = sa.select(sa.func.max(r.month)).where(r.district_id == district_id, r.complex_id == complex_id)
    return session.scalar(asked)
