"""All that a complex's run is made from: its month, what earlier months and people add, where it stands among runs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.problems import Problem
from app.statements import lived
from app.statements.assessing import complex_months
from app.statements.composing import Adjusted, Composed, Key, Manual, compose, drafts_of, sums_of
from app.statements.corrections.adjusting import adjusted
from app.statements.corrections.manual import pending
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
    earlier = _earlier(session, district_id, complex_ids, month, at)
    manual = pending(session, district_id, complex_ids)
    for complex_id, found in complex_months(session, district_id, complex_ids, month, at):
        added = earlier[complex_id]
        if isinstance(found, Problem):
            yield complex_id, found
        elif isinstance(added, Problem):
            yield complex_id, added
        else:
            yield complex_id, Reading(complex_id, at, positions[complex_id], found, added, manual.get(complex_id, ()))


def _earlier(
    session: Session, district_id: int, complex_ids: Sequence[int], month: date, at: datetime
) -> Mapping[int, Adjusted | Problem]:
    """What earlier months add to each complex, or the problem that one of them has."""
    try:
        return adjusted(session, district_id, complex_ids, month, at)
    except Problem as problem:
        if len(complex_ids) == 1:
            return {complex_ids[0]: problem}
        single = (_earlier(session, district_id, [complex_id], month, at) for complex_id in complex_ids)
        return {complex_id: found for each in single for complex_id, found in each.items()}


def composed(session: Session, key: Key, reading: Reading) -> Composed:
    """The run of a reading."""
    month, added = reading.complex_month, reading.adjusted
    assessment = assess(month)
    further: list[tuple[Line, int | None]] = [(line, None) for line in added.lines]
    further += [(each.line, each.id) for each in reading.manual]
    parts = {part.tenancy_id for part in month.parts}
    former, classes = dict[int, lived.Lived](), dict[int, str]()
    if any(line.tenancy_id not in parts for line, _ in further):
        everybody = [*parts, *(line.tenancy_id for line, _ in further)]
        former = lived.of_tenancies(session.connection(), key.district_id, key.month, everybody)
        classes = classes_of(session, key.district_id, everybody, key.month)
    drafts = drafts_of(month, assessment, further, former, classes)
    return compose(key, month, drafts, sums_of(assessment, month, added, reading.position._asdict()))
