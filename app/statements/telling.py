"""What previews and closing tell of runs: to their callers, and to the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.access import audit
from app.registry.models import Complex
from app.statements.models import StatementRun

COLUMNS = tuple(column.key for column in StatementRun.__table__.columns)
SAID = ("statements", "grams", "won", "ledger_at")


class Made(NamedTuple):
    """A run as it stands now; `changed` tells whether its content, or its state, is other than before."""

    id: int
    complex: str
    number: str
    state: str
    statements: int
    grams: int
    won: int
    content_hash: bytes
    changed: bool


def made(complex_: Complex, run: dict[str, Any], state: str, changed: bool) -> Made:
    """What became of a run, by its columns."""
    sums = (run["statements"], run["grams"], run["won"])
    return Made(run["id"], complex_.code, run["number"], state, *sums, run["content_hash"], changed)


def columns_of(run: StatementRun) -> dict[str, Any]:
    """A run's columns by name."""
    return {name: getattr(run, name) for name in COLUMNS}


def book(
    session: Session,
    action: str,
    runs: Sequence[tuple[Complex, dict[str, Any]]],
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Book what was done to each run, with its hash: whoever forges a run would have to forge the log, too."""
    entries = [
        audit.Entry(action, "run", run["number"], run["number"], None, _said(run), reason, complex_.id)
        for complex_, run in runs
    ]
    if entries:
        audit.book_all(session, runs[0][0].district_id, entries, actor, now)


def _said(run: dict[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in SAID} | {"content_hash": run["content_hash"].hex()}
