"""What adjustments leave alone until somebody decides: statements voided without reissue, and usage that is too old.

A decision `bill` lets one run take what waits; `write_off` counts as billed from then on, at no won. Of several about
the same tenancy and month the last one counts.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Household
from app.statements.corrections.billed import Pair, live_lines
from app.statements.models import ADJUSTED, LateDecision, Statement, StatementLine, StatementRun, StatementVoid


class Decision(NamedTuple):
    """The last decision about a tenancy's month, and whether a run may still take what it lets go."""

    decision: str
    decided_at: datetime
    open: bool


Tenant = tuple[int, date]  # a tenancy and a usage month


def decisions(session: Session, district_id: int, complex_ids: Sequence[int]) -> dict[Pair, dict[int, Decision]]:
    """The last decision about each tenancy of complexes' months; `bill` is open until a final line took it."""
    d, h = LateDecision, Household
    here = (d.district_id == district_id, h.complex_id.in_(complex_ids))
    same = sa.and_(h.district_id == d.district_id, h.id == d.household_id)
    asked = sa.select(h.complex_id, d.usage_month, d.tenancy_id, d.decision, d.decided_at).join(h, same)
    last: dict[Tenant, Any] = {(row[2], row[1]): row for row in session.execute(asked.where(*here).order_by(d.id))}
    taken = _taken(session, district_id, complex_ids, {month for _, month in last})
    found: dict[Pair, dict[int, Decision]] = {}
    for key, (complex_id, month, tenancy_id, decision, decided_at) in last.items():
        is_open = decision == "bill" and taken.get(key, decided_at) <= decided_at
        found.setdefault((complex_id, month), {})[tenancy_id] = Decision(decision, decided_at, is_open)
    return found


def _taken(session: Session, district_id: int, complex_ids: Sequence[int], months: set[date]) -> dict[Tenant, datetime]:
    """When the last run was made that adjusted a tenancy's month."""
    n, r = StatementLine, StatementRun
    if not months:
        return {}
    asked = live_lines(n.tenancy_id, n.usage_month, sa.func.max(r.made_at, type_=r.made_at.type)).where(
        n.district_id == district_id, ADJUSTED, n.usage_month.in_(sorted(months)), r.complex_id.in_(complex_ids)
    )
    rows = session.execute(asked.group_by(n.tenancy_id, n.usage_month))
    return {(tenancy_id, month): made_at for tenancy_id, month, made_at in rows}


def voided(session: Session, district_id: int, complex_ids: Sequence[int]) -> dict[Pair, dict[int, datetime]]:
    """When tenancies' statements of a month were voided that were not reissued, of complexes' months."""
    v, s, r = StatementVoid, Statement, StatementRun
    same = sa.and_(s.district_id == v.district_id, s.run_id == v.run_id, s.serial == v.serial)
    of_run = sa.and_(r.district_id == v.district_id, r.id == v.run_id)
    asked = sa.select(r.complex_id, s.month, s.tenancy_id, v.voided_at, v.without_reissue).join(s, same).join(r, of_run)
    here = (v.district_id == district_id, r.complex_id.in_(complex_ids))
    last = {(row[0], row[1], row[2]): row for row in session.execute(asked.where(*here).order_by(r.version))}
    found: dict[Pair, dict[int, datetime]] = {}
    for (complex_id, month, tenancy_id), row in last.items():
        if row.without_reissue:
            found.setdefault((complex_id, month), {})[tenancy_id] = row.voided_at
    return found


class Holding:
    """Which tenancies' months wait for a decision, of some complexes."""

    def __init__(self, session: Session, district_id: int, complex_ids: Sequence[int]) -> None:
        self.decided = decisions(session, district_id, complex_ids)
        self.voided = voided(session, district_id, complex_ids)

    def decision(self, pair: Pair, tenancy_id: int) -> Decision | None:
        """The last decision about a tenancy's month."""
        return self.decided.get(pair, {}).get(tenancy_id)

    def is_void(self, pair: Pair, tenancy_id: int) -> bool:
        """Whether its statement was voided without reissue, and nobody has decided since what becomes of the usage."""
        voided_at = self.voided.get(pair, {}).get(tenancy_id)
        decision = self.decision(pair, tenancy_id)
        return voided_at is not None and (decision is None or decision.decided_at < voided_at)

    def is_let_go(self, pair: Pair, tenancy_id: int) -> bool:
        """Whether the next run takes it, however old it is."""
        decision = self.decision(pair, tenancy_id)
        return decision is not None and decision.open and not self.is_void(pair, tenancy_id)

    def let_go(self) -> set[Pair]:
        """The months of which a run takes something, however old they are."""
        return {
            pair for pair, tenancies in self.decided.items() if any(self.is_let_go(pair, each) for each in tenancies)
        }
