"""Reads of runs and statements, always of one district and within a reach. Rows come back plain.

What is outside of district or reach raises the Problem `not-found`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec.json import decode
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements import discharges
from app.statements.composing import statement_number
from app.statements.discharges import TOGETHER
from app.statements.lived import natural
from app.statements.locking import run_of
from app.statements.models import Statement, StatementLine, StatementRun, StatementVoid
from app.statements.terms import tariffs
from billing.explaining import explain, explain_total, tariffs_of
from billing.statements import Line

Row = dict[str, Any]
NUMBER = re.compile(r"(.{1,60})-(\d{4,9})")
_OF_RUN = sa.and_(StatementRun.district_id == Statement.district_id, StatementRun.id == Statement.run_id)
_OF_STATEMENT = (
    StatementVoid.district_id == Statement.district_id,
    StatementVoid.run_id == Statement.run_id,
    StatementVoid.serial == Statement.serial,
)
REISSUE = ("number", "won", "statements", "finalised_at", "finalised_by")
VOID = ("credit_note", "won", "reason", "actor", "voided_at")


class Found(NamedTuple):
    """A statement with its run and place."""

    statement: Statement
    run: StatementRun
    row: Row


def months(session: Session, district_id: int, reach: Reach) -> list[Row]:
    """Months that have runs, the newest first: month, complexes (with a run), final (how many are closed), statements,
    grams, count and won, as each month was closed; what came of it since is on later ones."""
    r = StatementRun
    closed = sa.func.sum(sa.case((r.state == "final", 1), else_=0))
    names = ("statements", "grams", "count", "won")
    sums = [sa.cast(sa.func.sum(getattr(r, name)), sa.BigInteger).label(name) for name in names]
    asked = sa.select(r.month, sa.func.count().label("complexes"), closed.label("final"), *sums).where(
        r.district_id == district_id, r.version == 1, reach.within(r.complex_id)
    )
    return _rows(session, asked.group_by(r.month).order_by(r.month.desc()))


def complex_statement(session: Session, district_id: int, complex_id: int, month: date, reach: Reach) -> Row:
    """A complex's statement: its run with what suspense and residue follow from, and the runs that reissued.

    All columns of the run, `complex`, `complex_name`, content_hash in hexadecimal, `detail` as an object, `words` (the
    explanation of the total, in both languages) and `reissues`: number, won, statements, finalised_at, finalised_by.
    """
    reach.check(complex_id)
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id == complex_id, r.month == month)
    runs = session.scalars(sa.select(r).where(*mine).order_by(r.version)).all()
    if not runs:
        raise Problem("not-found")
    reissues = [{name: getattr(each, name) for name in REISSUE} for each in runs[1:]]
    return _run(session, runs[0]) | {"reissues": reissues}


def _run(session: Session, run: StatementRun) -> Row:
    place = session.get_one(Complex, (run.district_id, run.complex_id))
    row = {column.key: getattr(run, column.key) for column in StatementRun.__table__.columns}
    detail = decode(run.detail)
    known = tariffs.by_id(session, run.district_id, tariffs_of(detail))
    own_residue = run.residue_won - sum(detail["residues"].values())
    return row | {
        **{"complex": place.code, "complex_name": place.name, "content_hash": run.content_hash.hex()},
        **{"detail": detail, "words": explain_total(detail, own_residue, known)},
    }


def statement_page(
    session: Session, district_id: int, run_number: str, reach: Reach, after: int = 0, limit: int = 100
) -> list[Row]:
    """The statements of a run from the serial after `after` on, by building and unit; as `statement`, without lines."""
    run = run_by_number(session, district_id, run_number, reach)
    asked = _statements(district_id).where(Statement.run_id == run.id, Statement.serial > after)
    return [_row(*row) for row in session.execute(asked.order_by(Statement.serial).limit(limit))]


def run_by_number(session: Session, district_id: int, number: str, reach: Reach) -> StatementRun:
    """The run of this number."""
    r = StatementRun
    run = session.scalar(sa.select(r).where(r.district_id == district_id, r.number == number))
    if run is None:
        raise Problem("not-found")
    reach.check(run.complex_id)
    return run


def statement(session: Session, district_id: int, number: str, reach: Reach) -> Row:
    """One statement with everything that explains it.

    number, run, version, month, state (`preview`, `final` or `voided`), complex, complex_name, household_id,
    tenancy_id, building, unit, payer_class, grams, count, won, content_hash, ledger_at, finalised_at; `lines` (see
    `_line`); `void` (credit_note, won, reason, actor, voided_at, reissued_as) or None; `versions`: the statements of
    the same tenancy and month; `adjustments`: lines of later statements about this month.
    """
    found = find(session, district_id, number, reach)
    (lines,) = _lines(session, [found])
    return found.row | {
        "lines": lines,
        "void": _void(session, found),
        "versions": _versions(session, found),
        "adjustments": _adjustments(session, found),
    }


def days(session: Session, district_id: int, number: str, reach: Reach) -> list[Row]:
    """The days of a statement on which something was discharged: day, grams, count and its `discharges`, each with
    number, occurred_at, meter (code), grams and, where it was corrected, `weighed_g` as first booked."""
    ((_, found),) = _days(session, [find(session, district_id, number, reach)])
    return found


def papers(
    session: Session, district_id: int, complex_id: int, month: date, reach: Reach, building: str = ""
) -> Iterator[tuple[Row, list[Row]]]:
    """The statements of a complex's month that are not void, each with its `lines`, and its days as `days` has them.

    By building and unit; of one building where it is named. Raises `not-found` where that, or the month, has none.
    """
    reach.check(complex_id)
    r = StatementRun
    asked = _statements(district_id).where(r.complex_id == complex_id, r.month == month)
    asked = asked.where(StatementVoid.credit_note.is_(None))
    if building:
        asked = asked.where(Building.name == building)
    found = [Found(row[0], row[1], _row(*row)) for row in session.execute(asked)]
    if not found and (building or run_of(session, district_id, complex_id, month) is None):
        raise Problem("not-found")
    found.sort(key=lambda each: (natural(each.row["building"]), natural(each.row["unit"]), each.row["serial"]))
    for first in range(0, len(found), TOGETHER):
        some = found[first : first + TOGETHER]
        for (each, days_of), lines in zip(_days(session, some), _lines(session, some), strict=True):
            yield each.row | {"lines": lines, "void": None}, days_of


def _days(session: Session, found: Sequence[Found]) -> Iterator[tuple[Found, list[Row]]]:
    """Statements of one month with their days."""
    tenants: dict[datetime, dict[tuple[int, int], list[Row]]] = {}
    for at in {each.run.ledger_at for each in found}:
        those = [each.statement for each in found if each.run.ledger_at == at]
        whose = [(each.household_id, each.tenancy_id) for each in those]
        tenants[at] = discharges.of_tenancies(session, those[0].district_id, whose, those[0].month, at)
    for each in found:
        rows = tenants[each.run.ledger_at][each.statement.household_id, each.statement.tenancy_id]
        yield each, [_day(day, list(those)) for day, those in groupby(rows, itemgetter("service_day"))]


def _day(day: date, found: list[Row]) -> Row:
    grams = sum(each["grams"] for each in found)
    return {"day": day, "grams": grams, "count": len(found), "discharges": found}


def find(session: Session, district_id: int, number: str, reach: Reach) -> Found:
    """The statement of this number, with its run."""
    parts = NUMBER.fullmatch(number)
    if parts is None:
        raise Problem("not-found")
    r = StatementRun
    asked = _statements(district_id).where(r.number == parts[1], Statement.serial == int(parts[2]))
    found = session.execute(asked).first()
    if found is None or statement_number(parts[1], int(parts[2])) != number:
        raise Problem("not-found")
    reach.check(found[1].complex_id)
    return Found(found[0], found[1], _row(*found))


def _statements(district_id: int) -> Any:
    return (
        sa.select(Statement, StatementRun, Complex, Building.name, Household.unit, StatementVoid.credit_note)
        .join(StatementRun, _OF_RUN)
        .join(Complex, sa.and_(Complex.district_id == Statement.district_id, Complex.id == StatementRun.complex_id))
        .join(
            Household,
            sa.and_(Household.district_id == Statement.district_id, Household.id == Statement.household_id),
        )
        .join(Building, sa.and_(Building.district_id == Statement.district_id, Building.id == Household.building_id))
        .outerjoin(StatementVoid, sa.and_(*_OF_STATEMENT))
        .where(Statement.district_id == district_id)
    )


def _row(found: Statement, run: StatementRun, place: Complex, building: str, unit: str, credit_note: str | None) -> Row:
    said = ("serial", "month", "household_id", "tenancy_id", "payer_class", "grams", "count", "won")
    return {
        **{"number": statement_number(run.number, found.serial), "run": run.number, "version": run.version},
        **{"state": "voided" if credit_note else run.state, "complex": place.code, "complex_name": place.name},
        **{"building": building, "unit": unit, "run_id": run.id, "complex_id": run.complex_id},
        **{name: getattr(found, name) for name in said},
        **{"content_hash": found.content_hash.hex(), "ledger_at": run.ledger_at, "finalised_at": run.finalised_at},
    }


def _lines(session: Session, found: Sequence[Found]) -> list[list[Row]]:
    """The lines of each statement."""
    n = StatementLine
    keys = [(each.run.id, each.statement.serial) for each in found]
    of_statements = (n.district_id == found[0].run.district_id, sa.tuple_(n.run_id, n.serial).in_(keys))
    asked = sa.select(n).where(*of_statements).order_by(n.run_id, n.serial, n.line)
    rows = [(row, decode(row.detail)) for row in session.scalars(asked)]
    named = set().union(*(tariffs_of(detail) for _, detail in rows))
    known = tariffs.by_id(session, found[0].run.district_id, named)
    lines: dict[tuple[int, int], list[Row]] = {key: [] for key in keys}
    for row, detail in rows:
        lines[row.run_id, row.serial].append(_line(row, detail, known))
    return list(lines.values())


def _line(row: StatementLine, detail: Row, known: Mapping[int, Any]) -> Row:
    """line, kind, usage_month, grams, count, won, adjustment_id, detail, and `words`: sentences in both languages."""
    said = ("line", "kind", "usage_month", "grams", "count", "won", "adjustment_id")
    line = Line(
        *(row.kind, row.usage_month, row.household_id, row.tenancy_id, row.grams, row.count, row.won),
        detail,
    )
    return {name: getattr(row, name) for name in said} | {"detail": detail, "words": explain(line, known)}


def _void(session: Session, found: Found) -> Row | None:
    v, r = StatementVoid, StatementRun
    asked = (
        sa.select(v.credit_note, v.won, v.reason, v.actor, v.voided_at, r.number)
        .outerjoin(r, sa.and_(r.district_id == v.district_id, r.id == v.reissued_by_run_id))
        .where(v.district_id == found.run.district_id, v.run_id == found.run.id, v.serial == found.statement.serial)
    )
    row = session.execute(asked).first()
    if row is None:
        return None
    reissued = statement_number(row.number, 1) if row.number else None
    return {name: getattr(row, name) for name in VOID} | {"reissued_as": reissued}


def _versions(session: Session, found: Found) -> list[Row]:
    """The statements of the same tenancy and month by version: number, state, won."""
    s = Statement
    same = (s.household_id == found.statement.household_id, s.tenancy_id == found.statement.tenancy_id)
    asked = _statements(found.statement.district_id).where(*same, s.month == found.statement.month)
    rows = [_row(*row) for row in session.execute(asked.order_by(StatementRun.version, s.serial))]
    return [{name: row[name] for name in ("number", "version", "state", "won")} for row in rows]


def _adjustments(session: Session, found: Found) -> list[Row]:
    """What later statements say about this month: number, line, kind, grams, count, won and state."""
    n, s, own = StatementLine, Statement, found.statement
    on = sa.and_(s.district_id == n.district_id, s.run_id == n.run_id, s.serial == n.serial)
    asked = (
        sa.select(n, StatementRun.number, StatementRun.state, StatementVoid.credit_note)
        .join(s, on)
        .join(StatementRun, _OF_RUN)
        .outerjoin(StatementVoid, sa.and_(*_OF_STATEMENT))
        .where(n.district_id == own.district_id, n.usage_month == own.month, n.household_id == own.household_id)
        .where(n.tenancy_id == own.tenancy_id, n.kind.in_(("adjustment", "manual")), s.month > own.month)
        .order_by(s.month, StatementRun.version, n.line)
    )
    said = ("line", "kind", "grams", "count", "won")
    return [
        {"number": statement_number(run, line.serial), "state": "voided" if credit_note else state}
        | {name: getattr(line, name) for name in said}
        for line, run, state, credit_note in session.execute(asked)
    ]


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
