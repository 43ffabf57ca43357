"""A complex's month as its fee file has it: what each household is charged, and the control totals."""

import hashlib
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Complex
from app.reports.fees import layout as layouts
from app.reports.fees.layout import FIELDS, Layout
from app.statements import finding
from app.statements.corrections import reissues
from app.statements.corrections.reissues import Change
from app.statements.finding import Row, Sought
from app.statements.locking import run_of
from app.statements.models import StatementLine, StatementRun
from app.statements.prepaid import at_the_bin

ALL = 1_000_000  # more statements than any complex has


class Totals(NamedTuple):
    """What must come out again: rows, grams, discharges, won."""

    rows: int
    grams: int
    discharges: int
    won: int


class Owed(NamedTuple):
    """How the file comes to the complex's statement (`complex_won`): with what was paid at the bin, and the residue."""

    at_the_bin_won: int
    residue_won: int
    complex_won: int


class Fees(NamedTuple):
    """A complex's month: `number` and `state` (`preview` or `final`) of its run, and what each household is charged.

    A row is that of `finding.statements`; in its `won` and `adjusted_won` is `moved_won`: what voids and reissues of
    earlier statements changed.
    """

    place: Complex
    month: date
    number: str
    state: str
    layout: Layout
    statements: list[Row]
    totals: Totals
    owed: Owed

    def cells(self) -> list[list[object]]:
        """The rows of the file below its titles: texts, whole numbers, decimals."""
        values = [FIELDS[column.field].value for column in self.layout.columns]
        return [[value(row) for value in values] for row in self.statements]

    @property
    def name(self) -> str:
        """The file's name without its ending; a preview says so."""
        return self.number + ("-preview" if self.state == "preview" else "")


def fees(session: Session, place: Complex, month: date, reach: Reach) -> Fees:
    """What a complex charges its households for a month.

    A closed month never reads otherwise: what a void or a reissue changes afterwards is an adjustment in the month
    whose run tells the complex of it, so that the files come to what the complex is asked for. What was paid at the bin
    is not charged again. Raises the Problem `no-preview` where nothing was billed yet.
    """
    reach.check(place.id)
    run = run_of(session, place.district_id, place.id, month)
    if run is None:
        raise Problem("no-preview", complex=place.code, month=f"{month:%Y-%m}")
    found = finding.statements(session, place.district_id, Sought(run_id=run.id), reach, limit=ALL)
    at_bin, moved = _at_the_bin(session, run), {each.tenancy_id: each for each in reissues.told_by(session, run)}
    rows = [_charged(row, at_bin.get(row["serial"], (0, 0)), moved.pop(row["tenancy_id"], None)) for row in found]
    rows += [_of_former(session, place, run, reach, each) for each in moved.values()]
    totals = Totals(len(rows), *(sum(row[name] for row in rows) for name in ("grams", "count", "won")))
    owed = Owed(sum(own + added for own, added in at_bin.values()), run.residue_won, run.won)
    return Fees(
        place, month, run.number, run.state, layouts.of(session, place.district_id, place.id), rows, totals, owed
    )


def _at_the_bin(session: Session, run: StatementRun) -> dict[int, tuple[int, int]]:
    """By serial, won that were paid at the bin: of the month itself, and of what was added to earlier ones."""
    n = StatementLine
    added = n.kind == "adjustment"
    sums = [sa.cast(sa.func.sum(sa.case((each, n.won), else_=0)), sa.BigInteger) for each in (~added, added)]
    asked = at_the_bin(run.district_id, n.serial, *sums).where(n.run_id == run.id).group_by(n.serial)
    return {serial: (own, more) for serial, own, more in session.execute(asked)}


def _charged(row: Row, at_bin: tuple[int, int], moved: Change | None) -> Row:
    changed = moved.won if moved else 0
    adjusted = row["adjusted_won"] - at_bin[1] + changed
    return row | {"won": row["won"] - sum(at_bin) + changed, "adjusted_won": adjusted, "moved_won": changed}


def _of_former(session: Session, place: Complex, run: StatementRun, reach: Reach, moved: Change) -> Row:
    """A row for a tenancy that the month itself bills nothing: only a reissue concerns it."""
    sought = Sought(complex=place.code, household_id=moved.household_id)
    found = finding.statements(session, place.district_id, sought, reach, limit=ALL)
    newest = next(row for row in found if row["tenancy_id"] == moved.tenancy_id)
    amounts = {"grams": 0, "count": 0, "won": moved.won, "adjusted_won": moved.won, "moved_won": moved.won}
    return newest | amounts | {"month": run.month, "state": run.state}


def sha256(content: bytes) -> str:
    """What names a file's content."""
    return hashlib.sha256(content).hexdigest()
