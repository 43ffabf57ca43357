"""What earlier months add to the next run: assessed as of now, less what was billed so far.

No list of "already billed" discharges exists that could go wrong: wherever a closed month may read otherwise, the whole
complex-month is assessed again at its own tariffs and tiers, and what its lines billed is taken off. Whatever happened
in between (a correction corrected once more, a void, a reissue, a move) is in one side or the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.problems import Problem
from app.statements.assessing import complex_months
from app.statements.composing import Adjusted
from app.statements.corrections import billed, detecting
from app.statements.corrections.billed import Pair
from app.statements.corrections.closed import Closed, closed_months
from app.statements.corrections.holding import Holding
from app.statements.models import StatementRun, StatementVoid
from app.statements.terms import policy
from billing.adjusting import differences
from billing.days import month_after
from billing.statements import Assessment, Line, assess


class Difference(NamedTuple):
    """A closed month assessed as of now: the lines that make up for what was billed so far."""

    pair: Pair
    assessment: Assessment
    lines: list[Line]


def adjusted(
    session: Session, district_id: int, complex_ids: Sequence[int], month: date, at: datetime
) -> dict[int, Adjusted]:
    """What earlier months add to the runs of a month, as the ledger read at `at`, for each of the complexes.

    Within the late limit each month that reads otherwise is adjusted, older ones where somebody let the usage of a
    tenancy go. The lines of a statement that was voided without reissue wait for a decision, too.
    """
    late_months = policy.of(session, district_id).late_months
    first = month_after(month, -late_months)
    holding = Holding(session, district_id, complex_ids)
    let_go = {pair for pair in holding.let_go() if pair[1] < month}
    begin = min([first, *(each for _, each in let_go)])
    closed = {
        pair: each
        for pair, each in closed_months(session, district_id, complex_ids, begin).items()
        if first <= pair[1] < month or pair in let_go
    }
    within = {pair: each for pair, each in closed.items() if pair[1] >= first}
    pairs = detecting.changed(session, district_id, within) | (let_go & closed.keys())
    reissued = _reissued(session, district_id, complex_ids)
    found = {complex_id: Adjusted([], {}, reissued.get(complex_id, 0), {}, first) for complex_id in complex_ids}
    for difference in differing(session, district_id, pairs, at):
        _add(found, difference, closed[difference.pair], holding, first)
    return found


def _add(found: dict[int, Adjusted], difference: Difference, closed: Closed, holding: Holding, first: date) -> None:
    """Add to the complex's run what it may take of a difference; residue and suspense follow within the limit."""
    pair = difference.pair
    complex_id, month = pair
    too_old = month < first
    lines = [
        line
        for line in difference.lines
        if (holding.is_let_go(pair, line.tenancy_id) if too_old else not holding.is_void(pair, line.tenancy_id))
    ]
    before = found[complex_id]
    residues, suspense_of = dict(before.residues), dict(before.suspense_of)
    if not too_old:
        residue = difference.assessment.residue_won - closed.residue_won
        residues |= {month: residue} if residue else {}
        suspense = (difference.assessment.suspense_g, difference.assessment.suspense_count)
        suspense_of |= {month: suspense} if closed.shared and suspense != closed.suspense else {}
    found[complex_id] = Adjusted([*before.lines, *lines], residues, before.reissued_won, suspense_of, first)


def differing(session: Session, district_id: int, pairs: set[Pair], at: datetime) -> Iterator[Difference]:
    """The closed months of `pairs` assessed as of `at`, by month. Raises the Problem that one has."""
    for month in sorted({month for _, month in pairs}):
        ids = sorted(complex_id for complex_id, each in pairs if each == month)
        before = billed.by_tenancy(session, district_id, ids, month)
        spared = billed.spared(session, district_id, ids, month)
        for complex_id, found in complex_months(session, district_id, ids, month, at):
            if isinstance(found, Problem):
                raise found
            assessment = assess(found)
            lines = differences(assessment, before[complex_id], spared[complex_id])
            yield Difference((complex_id, month), assessment, lines)


def _reissued(session: Session, district_id: int, complex_ids: Sequence[int]) -> Mapping[int, int]:
    """What voids and reissues changed in all, less what the complexes' runs have told of it so far."""
    r, v, new = StatementRun, StatementVoid, aliased(StatementRun)
    mine = (r.district_id == district_id, r.complex_id.in_(complex_ids), r.state == "final")
    changes = (
        sa.select(r.complex_id, sa.func.sum(sa.func.coalesce(new.won, 0) + v.won))
        .join(v, sa.and_(v.district_id == r.district_id, v.run_id == r.id))
        .outerjoin(new, sa.and_(new.district_id == v.district_id, new.id == v.reissued_by_run_id))
        .where(*mine)
        .group_by(r.complex_id)
    )
    told = sa.select(r.complex_id, sa.func.sum(r.reissued_won)).where(*mine).group_by(r.complex_id)
    found = {complex_id: int(won) for complex_id, won in session.execute(changes)}
    for complex_id, won in session.execute(told):
        found[complex_id] = found.get(complex_id, 0) - int(won)
    return found
