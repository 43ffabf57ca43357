"""Months of complexes that are closed, and until when each was looked at: what came later may need an adjustment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.statements.corrections.billed import Pair, Usage
from app.statements.models import StatementRun


@dataclass
class Closed:
    """A closed month of a complex.

    `since`: what was booked for it until then has been looked at, by its own run or by the last later one that adjusts
    months so old. `suspense` (grams, discharges) and `residue_won` are as that run left them. `shared`: its households
    share won, so that suspense matters; `by_days`: by the days that they lived there.
    """

    since: datetime
    suspense: Usage
    residue_won: int
    shared: bool
    by_days: bool


@dataclass
class _Run:
    month: date
    ledger_at: datetime
    suspense: Usage
    residue_won: int
    scheme: str
    policy: str
    sharing: str
    looked_from: date
    residues: dict[str, int] = field(default_factory=dict)
    seen: dict[str, list[int]] = field(default_factory=dict)


def closed_months(session: Session, district_id: int, complex_ids: Sequence[int], first: date) -> dict[Pair, Closed]:
    """The closed months of complexes from `first` on."""
    r = StatementRun
    columns = (r.complex_id, r.month, r.ledger_at, r.suspense_g, r.suspense_count, r.residue_won)
    asked = sa.select(*columns, r.scheme, r.suspense, r.sharing, r.detail).where(
        r.district_id == district_id, r.complex_id.in_(complex_ids), r.month >= first, r.version == 1
    )
    rows = session.execute(asked.where(r.state == "final").order_by(r.complex_id, r.month))
    by_complex: dict[int, list[_Run]] = {}
    for complex_id, *row in rows:
        by_complex.setdefault(complex_id, []).append(_run(*row))
    return {(complex_id, run.month): _closed(run, runs) for complex_id, runs in by_complex.items() for run in runs}


def _run(month: date, ledger_at: datetime, grams: int, count: int, residue_won: int, *terms_and_detail: Any) -> _Run:
    scheme, policy, sharing, detail = terms_and_detail
    told = json.loads(detail)
    residues, seen = told.get("residues", {}), told.get("suspense_of", {})
    own_won = residue_won - sum(residues.values())
    terms = (scheme, policy, sharing, date.fromisoformat(told["looked_from"]))
    return _Run(month, ledger_at, (grams, count), own_won, *terms, residues, seen)


def _closed(run: _Run, runs: Sequence[_Run]) -> Closed:
    key = run.month.isoformat()
    lookers = [each for each in runs if each is run or each.looked_from <= run.month < each.month]
    newest = max(lookers, key=lambda each: each.ledger_at)
    seen = [each for each in lookers if key in each.seen]
    suspense = run.suspense
    if seen:
        grams, count = max(seen, key=lambda each: each.ledger_at).seen[key]
        suspense = grams, count
    residue_won = run.residue_won + sum(each.residues.get(key, 0) for each in runs)
    shared = run.scheme == "complex" or run.policy == "shared"
    return Closed(newest.ledger_at, suspense, residue_won, shared, shared and run.sharing == "equal")
