"""Months and balances that an earlier system kept, compared with what is stored. docs/imports.md tells every rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.imports.changes import Rows, new_ids
from app.registry.imports.masking import mask
from app.registry.imports.report import Report, Update
from app.registry.imports.sheets import Row, Sheet
from app.registry.models import Building, Complex, District, EarlierMonth, Household, OpeningBalance
from app.registry.places import plain
from billing.days import month_of

AMOUNTS = ("grams", "count", "won")
COLUMNS = ("complex_code", "building", "unit", "month", *AMOUNTS)
OPTIONAL = ("balance_won",)
MONTH = re.compile(r"(19|20)\d{2}-(0[1-9]|1[0-2])")
WHOLE_NUMBER = re.compile(r"-?\d{1,9}")

Key = tuple[int, date]  # household, and month or day


def compare(session: Session, district: District, sheet: Sheet, report: Report, reach: Reach, today: date) -> Rows:
    """What has to be created; the report receives what has to be updated, and which rows cannot be used."""
    plan = Plan(report, _complexes(session, district.id, reach), _households(session, district.id))
    plan.this_month = month_of(today)
    for row in sheet.rows:
        plan.take(row)
    report.totals = {"months": len(plan.months), "balances": len(plan.balances)}
    created = {
        "earlier_month": _new(session, district.id, EarlierMonth, "month", plan.months, report),
        "opening_balance": _new(session, district.id, OpeningBalance, "as_of", plan.balances, report),
    }
    report.created |= {table: len(rows) for table, rows in created.items() if rows}
    return created


@dataclass
class Plan:
    """What the file says of each household and month; values by column."""

    report: Report
    complexes: set[str]
    households: dict[tuple[str, str, str], int]
    this_month: date = date.max
    lines: dict[Key, int] = field(default_factory=dict)
    months: dict[Key, tuple[Row, dict[str, int]]] = field(default_factory=dict)
    balances: dict[Key, tuple[Row, dict[str, int]]] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Accept a row, or tell why not."""
        cells = row.cells
        fault = next(self._faults(cells), None)
        if fault:
            self.report.skip(row.line, subject_of(row), fault[0], **fault[1])
            return
        household_id, month = self.households[_place(cells)], _month(cells["month"])
        first = self.lines.setdefault((household_id, month), row.line)
        if first != row.line:
            self.report.skip(row.line, subject_of(row), "month_twice", other_line=first)
            return
        self.months[household_id, month] = (row, {name: int(cells[name]) for name in AMOUNTS})
        if cells.get("balance_won"):
            self.balances[household_id, _next(month)] = (row, {"won": int(cells["balance_won"])})

    def _faults(self, cells: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        missing = [column for column in COLUMNS if not cells[column]]
        if missing:
            yield "value_missing", {"columns": ", ".join(missing)}
        if cells["complex_code"] not in self.complexes:
            yield "unknown_complex", {"code": mask(cells["complex_code"])}
        if _place(cells) not in self.households:
            yield "unknown_household", {}
        if not MONTH.fullmatch(cells["month"]) or _month(cells["month"]) >= self.this_month:
            yield "bad_month", {"value": mask(cells["month"])}
        for name in (*AMOUNTS, *OPTIONAL):
            value = cells.get(name, "")
            if value and (not WHOLE_NUMBER.fullmatch(value) or (name in AMOUNTS and value.startswith("-"))):
                yield "bad_amount", {"column": name, "value": mask(value)}


def subject_of(row: Row) -> str:
    """What a row is about, as it may be shown."""
    code, building, unit = _place(row.cells)
    return mask(f"{code} {building}-{unit} {row.cells['month']}")


def _place(cells: dict[str, str]) -> tuple[str, str, str]:
    return cells["complex_code"], plain(cells["building"]), plain(cells["unit"])


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _complexes(session: Session, district_id: int, reach: Reach) -> set[str]:
    """Codes of the complexes within reach: any other is as unknown as one that is not there."""
    mine = (Complex.district_id == district_id, reach.within(Complex.id))
    return set(session.scalars(sa.select(Complex.code).where(*mine)))


def _households(session: Session, district_id: int) -> dict[tuple[str, str, str], int]:
    statement = (
        sa.select(Complex.code, Building.name, Household.unit, Household.id)
        .join(Complex, sa.and_(Complex.district_id == Household.district_id, Complex.id == Household.complex_id))
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
        .where(Household.district_id == district_id)
    )
    return {(code, building, unit): id_ for code, building, unit, id_ in session.execute(statement)}


def _new(
    session: Session,
    district_id: int,
    model: Any,
    day: str,
    wanted: dict[Key, tuple[Row, dict[str, int]]],
    report: Report,
) -> list[dict[str, Any]]:
    """The rows to insert; what is stored with other values becomes an update of the report."""
    stored = session.scalars(sa.select(model).where(model.district_id == district_id))
    known = {(each.household_id, getattr(each, day)): each for each in stored}
    new = []
    for key, (row, values) in wanted.items():
        if key not in known:
            new.append({"household_id": key[0], day: key[1], **values})
            continue
        changed = {
            name: (getattr(known[key], name), value)
            for name, value in values.items()
            if getattr(known[key], name) != value
        }
        if changed:
            report.updates.append(Update(model.__tablename__, known[key].id, row.line, subject_of(row), changed))
    ids = new_ids(session, district_id, model.__tablename__, len(new))
    return [{"district_id": district_id, "id": next(ids), **values} for values in new]
