"""All that a complex's run is made from: its month, what earlier months and people add, where it stands among runs."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.problems import Problem
from app.statements import lived
from app.statements.assessing import complex_months
from app.statements.composing import Adjusted, Composed, Key, Manual, compose, drafts_of, sums_of
from app.statements.models import StatementRun, StatementVoid
from billing.statements import ComplexMonth, Line, assess

Position = tuple[int, int]  # how many final runs and voids of a complex there are


class Reading(NamedTuple):
    """What was read for one complex as of `at`; `position` tells whether it still holds."""

    complex_id: int
    at: datetime
    position: Position
    complex_month: ComplexMonth
    adjusted: Adjusted
    manual: Sequence[Manual]


def read(
    session: Session, district_id: int, complex_ids: Sequence[int], month: date, at: datetime
) -> Iterator[tuple[int, Reading | Problem]]:
    """The readings of many complexes; the problem of one that cannot be billed. Rows stream."""
    positions = positions_of(session, district_id, complex_ids)  # first: whatever becomes final meanwhile shows
    for complex_id, found in complex_months(session, district_id, complex_ids, month, at):
        if isinstance(found, Problem):
            yield complex_id, found
        else:
            yield complex_id, Reading(complex_id, at, positions.get(complex_id, (0, 0)), found, Adjusted(), ())


def positions_of(session: Session, district_id: int, complex_ids: Sequence[int]) -> dict[int, Position]:
    """Of each complex that has any, how many final runs and voids there are."""
    r, v = StatementRun, StatementVoid
    mine = (r.district_id == district_id, r.complex_id.in_(complex_ids), r.state == "final")
    runs = sa.select(r.complex_id, sa.func.count()).where(*mine).group_by(r.complex_id)
    voids = (
        sa.select(r.complex_id, sa.func.count())
        .join(v, sa.and_(v.district_id == r.district_id, v.run_id == r.id))
        .where(*mine)
        .group_by(r.complex_id)
    )
    voided = {row[0]: row[1] for row in session.execute(voids)}
    return {complex_id: (count, voided.get(complex_id, 0)) for complex_id, count in session.execute(runs)}


def composed(session: Session, key: Key, reading: Reading) -> Composed:
    """The run of a reading."""
    month, adjusted = reading.complex_month, reading.adjusted
    assessment = assess(month)
    further: list[tuple[Line, int | None]] = [(line, None) for line in adjusted.lines]
    further += [(each.line, each.id) for each in reading.manual]
    parts = {part.tenancy_id for part in month.parts}
    former, classes = dict[int, lived.Lived](), dict[int, str]()
    if any(line.tenancy_id not in parts for line, _ in further):
        everybody = [*parts, *(line.tenancy_id for line, _ in further)]
        former = lived.of_tenancies(session.connection(), key.district_id, key.month, everybody)
    drafts = drafts_of(month, assessment, further, former, classes)
    return compose(key, month, drafts, sums_of(assessment, month, adjusted, reading.position))
