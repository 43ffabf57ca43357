"""Statements that no longer count: a credit note, and where wanted the statement made anew. Nothing here commits.

A reissue says of the same months what is known now, less what other statements billed of them meanwhile. What changes
by it reaches the complex with its next run.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Complex
from app.statements import storing
from app.statements.assessing import complex_month
from app.statements.composing import Composed, Draft, Key, Sums, compose, drafts_of, number_of, statement_number
from app.statements.corrections import billed, manual, subjects
from app.statements.corrections.holding import Holding
from app.statements.corrections.manual import MOST_WORDS
from app.statements.models import StatementLine, StatementRun, StatementVoid
from app.statements.previewing import SETTLED, new_id
from app.statements.queries import Found
from app.statements.terms import policy
from billing.adjusting import Billed, differences
from billing.days import month_after
from billing.statements import Assessment, ComplexMonth, Line, assess

Carried = tuple[Line, int | None]  # a line, and the id of the manual adjustment that it carries


class Figures(NamedTuple):
    """What a line amounts to."""

    grams: int
    discharges: int
    won: int


class Change(NamedTuple):
    """A line before and after; None where a side has none."""

    kind: str
    usage_month: date
    old: Figures | None
    new: Figures | None


class Voided(NamedTuple):
    """What became of a statement: the credit note with its won (negative), and the statement issued instead."""

    credit_note: str
    won: int
    reissued_as: str | None
    reissued_won: int | None


class Remade(NamedTuple):
    """A statement as it would be made now."""

    complex_month: ComplexMonth
    draft: Draft


def diff(old_lines: Sequence[Line], new_lines: Sequence[Line]) -> list[Change]:
    """Lines side by side, in the order of the new ones; those of one kind and month are paired in their order."""
    old, new = _numbered(old_lines), _numbered(new_lines)
    keys = [*new, *(key for key in old if key not in new)]
    return [Change(*key[:2], old.get(key), new.get(key)) for key in keys]


def _numbered(lines: Sequence[Line]) -> dict[tuple[str, date, int], Figures]:
    found: dict[tuple[str, date, int], Figures] = {}
    for line in lines:
        times = sum(key[:2] == (line.kind, line.usage_month) for key in found)
        found[line.kind, line.usage_month, times] = Figures(line.grams, line.discharges, line.won)
    return found


def proposal(session: Session, district_id: int, reach: Reach, number: str, now: datetime) -> list[Change]:
    """What a reissue would change, line by line. Raises `not-found`, `statement-not-final`, `statement-void`."""
    found = subjects.locked(session, district_id, reach, number)
    old = _lines(session, district_id, found)
    remade = _remade(session, district_id, found, old, now - SETTLED)
    return diff([line for line, _ in old], [line for line, _ in remade.draft.lines])


def void(
    session: Session, district_id: int, reach: Reach, number: str, reason: str, reissue: bool, actor: str, now: datetime
) -> Voided:
    """Void a final statement with a credit note and issue it anew; without `reissue` its usage waits in the late queue.

    Raises `not-found`, `invalid`, `statement-not-final`, `statement-void`, and `credit-too-large` where more would have
    been credited for a month than is left of what was billed.
    """
    reason = reason.strip()
    if not reason or len(reason) > MOST_WORDS:
        raise Problem("invalid", errors={"reason": _l("Write 1 to %(most)s characters.", most=MOST_WORDS)})
    found = subjects.locked(session, district_id, reach, number)
    old = _lines(session, district_id, found)
    before = _nets(session, district_id, found, old)
    run = _reissue(session, district_id, found, old, actor, now) if reissue else None
    voided = Voided(
        f"{found.row['number']}-C",
        -found.statement.won,
        statement_number(run["number"], 1) if run else None,
        run["won"] if run else None,
    )
    session.execute(sa.insert(StatementVoid).values(_row(district_id, found, voided, run, reason, actor, now)))
    _refuse_overpaid(before, _nets(session, district_id, found, old))
    home = subjects.tenant(session, district_id, reach, found.statement.tenancy_id)
    said = {"won": voided.won, "credit_note": voided.credit_note, "reissued_as": voided.reissued_as}
    action = "statement.reissued" if reissue else "statement.voided"
    audit.book(
        session, district_id, subjects.entry(action, "statement", found.row["number"], home, said, reason), actor, now
    )
    return voided


def _row(
    district_id: int,
    found: Found,
    voided: Voided,
    run: dict[str, Any] | None,
    reason: str,
    actor: str,
    now: datetime,
) -> dict[str, Any]:
    return {
        **{"district_id": district_id, "run_id": found.run.id, "serial": found.statement.serial, "won": voided.won},
        **{"credit_note": voided.credit_note, "without_reissue": run is None, "reason": reason, "actor": actor},
        **{"reissued_by_run_id": run["id"] if run else None, "voided_at": now},
    }


def _lines(session: Session, district_id: int, found: Found) -> list[Carried]:
    n = StatementLine
    mine = (n.district_id == district_id, n.run_id == found.run.id, n.serial == found.statement.serial)
    rows = session.scalars(sa.select(n).where(*mine).order_by(n.line))
    return [(_line(row), row.adjustment_id) for row in rows]


def _line(row: StatementLine) -> Line:
    owner = (row.kind, row.usage_month, row.household_id, row.tenancy_id)
    return Line(*owner, row.grams, row.count, row.won, msgspec.json.decode(row.detail))


def _reissue(
    session: Session, district_id: int, found: Found, old: Sequence[Carried], actor: str, now: datetime
) -> dict[str, Any]:
    """Store the statement as it reads now as a final run of its own; the run's columns."""
    remade = _remade(session, district_id, found, old, now - SETTLED)
    composed = _composed(session, district_id, found, remade)
    made = {"ledger_at": now - SETTLED, "made_at": now, "made_by": actor, "review_until": now}
    session.execute(sa.insert(StatementRun).values(composed.run | made | {"state": "preview"}))
    storing.write(session.connection(), composed.statements, composed.lines)
    mine = (StatementRun.district_id == district_id, StatementRun.id == composed.run["id"])
    final = {"state": "final", "finalised_at": now, "finalised_by": actor}
    session.execute(sa.update(StatementRun).where(*mine).values(final))
    return composed.run


def _composed(session: Session, district_id: int, found: Found, remade: Remade) -> Composed:
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id == found.run.complex_id, r.month == found.statement.month)
    version = (session.scalar(sa.select(sa.func.max(r.version)).where(*mine)) or 0) + 1
    code = session.get_one(Complex, (district_id, found.run.complex_id)).code
    run_id = new_id(session, district_id)
    key = Key(
        district_id,
        run_id,
        found.run.complex_id,
        number_of(code, found.statement.month, version),
        found.statement.month,
        version,
    )
    shares = sum(line.won for line, _ in remade.draft.lines if line.kind == "suspense_share")
    tariffs = {name: [tariff.id for tariff in those] for name, those in sorted(remade.complex_month.tariffs.items())}
    detail = {"month": found.statement.month.isoformat(), "reissues": found.row["number"], "tariffs": tariffs}
    return compose(key, remade.complex_month, [remade.draft], Sums(suspense_won=shares, detail=detail))


def _remade(session: Session, district_id: int, found: Found, old: Sequence[Carried], at: datetime) -> Remade:
    """The statement with its month, the earlier months that it adjusted, and what it carried, as they are now."""
    month = complex_month(session, district_id, found.run.complex_id, found.statement.month, at)
    assessment = assess(month)
    draft = _draft(found, month, assessment)
    own = [line for line, _ in draft.lines]
    draft.lines.extend(_less_others(session, district_id, found, assessment, old, own))
    for earlier in sorted({line.usage_month for line, _ in old if line.kind == "adjustment"} - {found.statement.month}):
        if _waits(session, district_id, found, earlier):
            draft.lines.extend(each for each in old if each[0].kind == "adjustment" and each[0].usage_month == earlier)
            continue
        assessed = assess(complex_month(session, district_id, found.run.complex_id, earlier, at))
        draft.lines.extend(_less_others(session, district_id, found, assessed, old, ()))
    draft.lines.extend((line, adjustment_id) for line, adjustment_id in old if adjustment_id is not None)
    return Remade(month, draft)


def _draft(found: Found, month: ComplexMonth, assessment: Assessment) -> Draft:
    drafts = drafts_of(month, assessment, (), {}, {})
    mine = next((draft for draft in drafts if draft.tenancy_id == found.statement.tenancy_id), None)
    if mine is not None:
        return mine
    own = found.statement
    return Draft(own.household_id, own.tenancy_id, own.payer_class, 0, 0, [])


def _waits(session: Session, district_id: int, found: Found, month: date) -> bool:
    """Whether what became known of an earlier month waits for a decision: a reissue leaves the line about it alone."""
    pair, tenancy_id = (found.run.complex_id, month), found.statement.tenancy_id
    holding = Holding(session, district_id, [found.run.complex_id])
    if holding.is_void(pair, tenancy_id):
        return True
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id == found.run.complex_id, r.version == 1, r.state == "final")
    last = session.scalar(sa.select(sa.func.max(r.month)).where(*mine))
    assert last is not None
    too_old = month < month_after(last, 1 - policy.of(session, district_id).late_months)  # for the next run
    return too_old and not holding.is_let_go(pair, tenancy_id)


def _less_others(
    session: Session,
    district_id: int,
    found: Found,
    assessment: Assessment,
    old: Sequence[Carried],
    own: Sequence[Line],
) -> list[Carried]:
    """What the statement adds to its `own` lines so that with all others it comes to what is assessed."""
    month = date.fromisoformat(assessment.detail["month"])
    but, tenancy_id = (found.run.id, found.statement.serial), found.statement.tenancy_id
    complex_id, household_id = found.run.complex_id, found.statement.household_id
    others = billed.by_tenancy(session, district_id, [complex_id], month, but)[complex_id].get(tenancy_id)
    before, mine = _billed(own, household_id), [line for line in assessment.lines if line.tenancy_id == tenancy_id]
    replaced = [line for line, _ in old if line.usage_month == month and line.kind != "manual"]
    lines = differences(
        assessment._replace(lines=mine),
        {tenancy_id: _added(before, others) if others is not None else before},
        billed.spared(session, district_id, [complex_id], month)[complex_id],
        {tenancy_id: sum(line.won for line in replaced) - before.won},
    )
    return [(line, None) for line in lines]


def _added(one: Billed, other: Billed) -> Billed:
    return Billed(one.household_id, *(mine + more for mine, more in zip(one[1:], other[1:], strict=True)))


def _billed(lines: Sequence[Line], household_id: int) -> Billed:
    sums = (sum(getattr(line, name) for line in lines) for name in ("grams", "discharges", "won"))
    return Billed(household_id, *sums)


def _nets(session: Session, district_id: int, found: Found, lines: Sequence[Carried]) -> dict[date, int]:
    """What is owed for each month that the statement is about, pending adjustments included."""
    who = (found.statement.tenancy_id, found.statement.household_id)
    months = {found.statement.month, *(line.usage_month for line, _ in lines)}
    return {month: manual.net(session, district_id, *who, month) for month in sorted(months)}


def _refuse_overpaid(before: dict[date, int], after: dict[date, int]) -> None:
    for month, won in after.items():
        if won < 0 and won < before[month]:
            told = _l(
                "Credits for %(month)s would exceed what is billed by %(won)s won.",
                month=f"{month:%Y-%m}",
                won=f"{-won:,}",
            )
            raise Problem("credit-too-large", billed_won=won, errors={"reason": told})
