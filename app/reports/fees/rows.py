"""A complex's month as its fee file has it: the same statements as the screen shows, and their control totals."""

import hashlib
from datetime import date
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Complex
from app.reports.fees import layout as layouts
from app.reports.fees.layout import FIELDS, Layout
from app.statements import finding
from app.statements.finding import Row, Sought
from app.statements.locking import run_of

ALL = 1_000_000  # more statements than any complex has


class Totals(NamedTuple):
    """What must come out again: rows, grams, discharges, won."""

    rows: int
    grams: int
    discharges: int
    won: int


class Fees(NamedTuple):
    """A complex's month: `number` and `state` (`preview` or `final`) of its run, statements that are not void."""

    place: Complex
    month: date
    number: str
    state: str
    layout: Layout
    statements: list[Row]
    totals: Totals

    def cells(self) -> list[list[object]]:
        """The rows of the file below its titles: texts, whole numbers, decimals."""
        values = [FIELDS[column.field].value for column in self.layout.columns]
        return [[value(row) for value in values] for row in self.statements]

    @property
    def name(self) -> str:
        """The file's name without its ending; a preview says so."""
        return self.number + ("-preview" if self.state == "preview" else "")


def fees(session: Session, place: Complex, month: date, reach: Reach) -> Fees:
    """What a complex's households owe for a month; reissued statements stand in the place of the void ones.

    Raises the Problem `no-preview` where nothing was billed yet.
    """
    reach.check(place.id)
    run = run_of(session, place.district_id, place.id, month)
    if run is None:
        raise Problem("no-preview", complex=place.code, month=f"{month:%Y-%m}")
    sought = Sought(complex=place.code, month=month)
    found = finding.statements(session, place.district_id, sought, reach, limit=ALL)
    counted = [row for row in found if row["state"] == run.state]
    places = {row["tenancy_id"]: row["serial"] for row in found if row["version"] == 1}
    counted.sort(key=lambda row: places[row["tenancy_id"]])
    totals = Totals(len(counted), *(sum(row[name] for row in counted) for name in ("grams", "count", "won")))
    layout = layouts.of(session, place.district_id, place.id)
    return Fees(place, month, run.number, run.state, layout, counted, totals)


def sha256(content: bytes) -> str:
    """What names a file's content."""
    return hashlib.sha256(content).hexdigest()
