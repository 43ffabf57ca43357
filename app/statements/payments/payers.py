"""Whose payments are: found for many lines at once, by a handful of statements of SQL."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.models import Building, Complex, Household, OpeningBalance, Tenancy
from app.registry.places import plain
from app.statements.composing import statement_number
from app.statements.models import Statement, StatementRun, StatementVoid
from app.statements.payments import words
from app.statements.payments.lines import Line
from app.statements.queries import NUMBER
from app.texts import Text
from billing.days import midnight

AT_ONCE = 500  # texts in one question


class Payer(NamedTuple):
    """Who paid for which month: a tenancy of a household, or (household None) the complex; `name` as staff call it."""

    complex_id: int
    complex: str
    household_id: int | None
    tenancy_id: int | None
    month: date
    name: str


class Billed(NamedTuple):
    """A statement, and whether it can be paid."""

    payer: Payer
    number: str
    state: str
    voided: bool
    scheme: str

    def refusal(self) -> Text | None:
        """Why nothing can be paid by it."""
        if self.state != "final":
            return words.NOT_FINAL.fill(value=self.number)
        if self.voided:
            return words.VOID.fill(value=self.number)
        return words.PREPAID.fill(value=self.number) if self.scheme == "prepaid" else None


class Payers:
    """The payers that some lines name, within a reach; what lies outside of it does not exist."""

    def __init__(self, session: Session, district_id: int, reach: Reach, lines: Sequence[Line]) -> None:
        self._session, self._district_id, self._reach = session, district_id, reach
        self._complexes = self._read_complexes()
        self._by_id = {row.id: row for row in self._complexes.values()}
        self._by_number = self._read_numbers({line.statement for line in lines if line.statement})
        homes = [line for line in lines if not line.statement and line.building and line.month]
        self._homes = self._read_homes({line.complex for line in homes})
        self._by_month = self._read_months({line.month for line in homes if line.month})
        self._runs = self._read_runs()

    def find(self, line: Line) -> Payer | Text:
        """Who paid, or why it cannot be told."""
        found = self._find(line)
        if isinstance(found, Payer) and line.paid_on < found.month:
            return words.TOO_EARLY.fill(value=line.paid_on, month=f"{found.month:%Y-%m}")
        return found

    def _find(self, line: Line) -> Payer | Text:
        if line.statement:
            return self._numbered(line.statement)
        if not line.complex or line.month is None:
            return words.NOBODY
        if line.complex not in self._complexes:
            return words.NO_COMPLEX.fill(value=line.complex)
        if not line.building and not line.unit:
            return self._of_complex(self._runs.get((line.complex, line.month)), line.complex, line.month)
        if not line.building or not line.unit:
            return words.HALF_A_HOME
        return self._of_home(line, line.month)

    def _numbered(self, number: str) -> Payer | Text:
        if number in self._run_numbers:
            complex_, month = self._run_numbers[number]
            return self._of_complex(self._runs[complex_, month], complex_, month)
        found = self._by_number.get(number)
        if found is None:
            return words.NO_STATEMENT.fill(value=number)
        return found.refusal() or found.payer

    def _of_complex(self, run: Any, code: str, month: date) -> Payer | Text:
        if not self._reach.whole:
            return words.STAFF_ONLY
        name = self._complexes[code].name
        if run is None:
            return words.NOT_OF_MONTH.fill(name=name, month=f"{month:%Y-%m}")
        payer = Payer(run.complex_id, code, None, None, month, name)
        return Billed(payer, run.number, run.state, False, run.scheme).refusal() or payer

    def _of_home(self, line: Line, month: date) -> Payer | Text:
        building, unit = plain(line.building), plain(line.unit)
        household_id = self._homes.get((line.complex, building, unit))
        if household_id is None:
            return words.NO_HOUSEHOLD.fill(complex=line.complex, building=building, unit=unit)
        found = self._by_month.get((household_id, month), [])
        payable = [each for each in found if each.refusal() is None]
        named = {"name": f"{self._complexes[line.complex].name} {building}-{unit}", "month": f"{month:%Y-%m}"}
        if len(payable) == 1:
            return payable[0].payer
        if payable:
            return words.SEVERAL.fill(**named)
        if found:
            return found[-1].refusal() or words.NOT_OF_MONTH.fill(**named)
        earlier = self._owed_before(household_id, month)
        if earlier is None:
            return words.NOT_OF_MONTH.fill(**named)
        complex_id = self._complexes[line.complex].id
        return Payer(complex_id, line.complex, household_id, earlier.tenancy_id, month, named["name"])

    def _owed_before(self, household_id: int, month: date) -> Any:
        """The tenancy (or nobody) whose opening balance holds a month that another system billed."""
        o, t = OpeningBalance, Tenancy
        asked = sa.select(sa.func.max(o.as_of)).where(
            o.district_id == self._district_id, o.household_id == household_id, o.as_of > month
        )
        as_of = self._session.scalar(asked)
        if as_of is None:
            return None
        began = midnight(as_of)
        there = sa.and_(
            *(t.district_id == o.district_id, t.household_id == o.household_id, t.valid_from <= began),
            sa.or_(t.valid_to.is_(None), t.valid_to > began),
        )
        of_household = (o.district_id == self._district_id, o.household_id == household_id, o.as_of == as_of)
        return self._session.execute(
            sa.select(t.id.label("tenancy_id")).select_from(o).outerjoin(t, there).where(*of_household)
        ).first()

    def _read_complexes(self) -> dict[str, Any]:
        asked = sa.select(Complex.id, Complex.code, Complex.name).where(
            Complex.district_id == self._district_id, self._reach.within(Complex.id)
        )
        return {row.code: row for row in self._session.execute(asked)}

    def _read_homes(self, codes: set[str]) -> dict[tuple[str, str, str], int]:
        """By complex, building and unit."""
        ids = {row.id: code for code, row in self._complexes.items() if code in codes}
        h, b = Household, Building
        asked = sa.select(h.complex_id, b.name, h.unit, h.id).join(
            b, sa.and_(b.district_id == h.district_id, b.id == h.building_id)
        )
        rows = self._session.execute(asked.where(h.district_id == self._district_id, h.complex_id.in_(ids)))
        return {(ids[complex_id], building, unit): id_ for complex_id, building, unit, id_ in rows}

    def _read_numbers(self, numbers: set[str]) -> dict[str, Billed]:
        parts = [found for found in map(NUMBER.fullmatch, numbers) if found]
        found: dict[str, Billed] = {}
        runs = sorted({part[1] for part in parts})
        for start in range(0, len(runs), AT_ONCE):
            asked = self._statements().where(StatementRun.number.in_(runs[start : start + AT_ONCE]))
            found |= {each.number: each for each in map(self._billed, self._session.execute(asked))}
        return found

    def _read_months(self, months: set[date]) -> dict[tuple[int, date], list[Billed]]:
        """The statements of each household and month, the last version last."""
        found: dict[tuple[int, date], list[Billed]] = {}
        ids = {self._complexes[code].id for code, _, _ in self._homes}
        if months and ids:
            asked = self._statements().where(Statement.month.in_(sorted(months)), StatementRun.complex_id.in_(ids))
            for row in self._session.execute(asked.order_by(StatementRun.version, Statement.serial)):
                found.setdefault((row.household_id, row.month), []).append(self._billed(row))
        return found

    def _read_runs(self) -> dict[tuple[str, date], Any]:
        """The run of each complex and month."""
        r = StatementRun
        codes = {row.id: code for code, row in self._complexes.items()}
        asked = sa.select(r.complex_id, r.month, r.number, r.state, r.scheme).where(
            r.district_id == self._district_id, r.version == 1, r.complex_id.in_(codes)
        )
        rows = list(self._session.execute(asked))
        self._run_numbers = {row.number: (codes[row.complex_id], row.month) for row in rows}
        return {(codes[row.complex_id], row.month): row for row in rows}

    def _statements(self) -> Any:
        s, r, v, h, b = Statement, StatementRun, StatementVoid, Household, Building
        of_statement = (v.district_id == s.district_id, v.run_id == s.run_id, v.serial == s.serial)
        return (
            sa.select(s.serial, s.month, s.household_id, s.tenancy_id, r.complex_id, r.number, r.state, r.scheme)
            .add_columns(v.voided_at.is_not(None).label("voided"), b.name.label("building"), h.unit)
            .join(r, sa.and_(r.district_id == s.district_id, r.id == s.run_id))
            .join(h, sa.and_(h.district_id == s.district_id, h.id == s.household_id))
            .join(b, sa.and_(b.district_id == h.district_id, b.id == h.building_id))
            .outerjoin(v, sa.and_(*of_statement))
            .where(s.district_id == self._district_id, self._reach.within(r.complex_id))
        )

    def _billed(self, row: Any) -> Billed:
        complex_ = self._by_id[row.complex_id]
        name = f"{complex_.name} {row.building}-{row.unit}"
        payer = Payer(row.complex_id, complex_.code, row.household_id, row.tenancy_id, row.month, name)
        return Billed(payer, statement_number(row.number, row.serial), row.state, bool(row.voided), row.scheme)
