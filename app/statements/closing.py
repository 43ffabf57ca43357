"""Review of previews, and closing months as their previews say."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from msgspec.json import decode
from sqlalchemy.orm import Session

from app.problems import Problem
from app.registry.models import Complex
from app.statements import telling
from app.statements.locking import lock, lock_all, runs_of
from app.statements.models import StatementRun
from app.statements.position import Position, positions_of
from app.statements.telling import Made
from app.times import format_instant
from billing.days import midnight, month_after


def review(
    session: Session,
    district_id: int,
    complex_id: int,
    month: date,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """A manager agrees to the preview: the window for it is over. `reason`: why somebody does so in their place.

    Raises `no-preview`, `already-final`, and `nothing-changes` where somebody has agreed before.
    """
    complex_ = lock(session, district_id, complex_id)
    run = runs_of(session, district_id, [complex_id], month).get(complex_id)
    refused = _refused(complex_, run, month)
    if refused or run is None:
        raise refused or Problem("no-preview")
    if run.reviewed_at is not None:
        raise Problem("nothing-changes")
    run.reviewed_at, run.reviewed_by = now, actor
    session.flush()
    telling.book(session, "run.reviewed", [(complex_, telling.columns_of(run))], actor, now, reason)


def finalise(
    session: Session,
    district_id: int,
    complex_id: int,
    month: date,
    actor: str,
    now: datetime,
    early_reason: str | None = None,
) -> Made:
    """Close a complex's month as its preview says; from then on the database refuses any change.

    Raises `not-found`, `no-preview`, `already-final`, `month-not-over`, `preview-outdated` where something that the
    preview follows from has changed since, and `review-open` while managers may still look, unless a reason is given.
    """
    answers = finalise_all(session, district_id, [complex_id], month, actor, now, early_reason)
    if not answers:
        raise Problem("not-found")
    if isinstance(answers[0], Problem):
        raise answers[0]
    return answers[0]


def finalise_all(
    session: Session,
    district_id: int,
    complex_ids: Sequence[int],
    month: date,
    actor: str,
    now: datetime,
    early_reason: str | None = None,
    seen: Mapping[int, bytes] | None = None,
) -> list[Made | Problem]:
    """The same of several complexes in one transaction: what became of each, by id.

    `seen`: content hashes that somebody looked at, by complex; `preview-changed` where a preview has another.
    """
    complexes = lock_all(session, district_id, complex_ids)
    positions = positions_of(session, district_id, complex_ids, month)
    runs = runs_of(session, district_id, complex_ids, month)
    reason = (early_reason or "").strip()
    answers: list[Made | Problem] = []
    closed: list[tuple[Complex, dict[str, Any]]] = []
    for complex_id, complex_ in complexes.items():
        run = runs.get(complex_id)
        refused = _refused(complex_, run, month) or _kept_open(run, positions[complex_id], now, reason)
        if run is not None and not refused and seen and seen.get(complex_id, run.content_hash) != run.content_hash:
            refused = Problem("preview-changed", run=run.number)
        if refused:
            answers.append(refused)
        elif run is not None:
            early = run.reviewed_at is None and now < run.review_until
            final = {"finalised_at": now, "finalised_by": actor, "early_reason": reason if early else None}
            closed.append((complex_, telling.columns_of(run) | final))
            answers.append(telling.made(complex_, closed[-1][1], "final", changed=True))
    if closed:
        final_of = ("district_id", "id", "finalised_at", "finalised_by", "early_reason")
        rows = [{name: row[name] for name in final_of} | {"state": "final"} for _, row in closed]
        session.execute(sa.update(StatementRun), rows)
        telling.book(session, "run.finalised", closed, actor, now, reason or None)
    return answers


def _refused(complex_: Complex, run: StatementRun | None, month: date) -> Problem | None:
    if run is None:
        return Problem("no-preview", complex=complex_.code, month=f"{month:%Y-%m}")
    return Problem("already-final", run=run.number) if run.state == "final" else None


def _kept_open(run: StatementRun | None, position: Position, now: datetime, reason: str) -> Problem | None:
    """Why a preview cannot be closed yet."""
    assert run is not None
    if run.ledger_at < midnight(month_after(run.month)):
        return Problem("month-not-over", run=run.number)
    if decode(run.detail)["position"] != position._asdict():
        return Problem("preview-outdated", run=run.number)
    if run.reviewed_at is None and now < run.review_until and not reason:
        return Problem("review-open", run=run.number, review_until=format_instant(run.review_until))
    return None
