"""All that a complex's run is made from: its month, what earlier months and people add, where it stands among runs."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.problems import Problem
from app.statements import lived
from app.statements.assessing import complex_months
from app.statements.composing import Adjusted, Composed, Key, Manual, compose, drafts_of, sums_of
from app.statements.position import Position, positions_of
from app.statements.terms.terms import classes_of
from billing.statements import ComplexMonth, Line, assess


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
    positions = positions_of(session, district_id, complex_ids, month)  # first: what changes meanwhile shows
    for complex_id, found in complex_months(session, district_id, complex_ids, month, at):
        if isinstance(found, Problem):
            yield complex_id, found
        else:
            yield complex_id, Reading(complex_id, at, positions[complex_id], found, Adjusted(), ())


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
        classes = classes_of(session, key.district_id, everybody, key.month)
    drafts = drafts_of(month, assessment, further, former, classes)
    return compose(key, month, drafts, sums_of(assessment, month, adjusted, reading.position._asdict()))
