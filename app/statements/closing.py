"""A complex's month: its preview, its review, and closing it, each in the caller's transaction."""

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec.json import decode
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex
from app.statements import reading as readings
from app.statements import storing
from app.statements.composing import Composed, Key, number_of
from app.statements.locking import lock, run_of
from app.statements.models import StatementRun
from app.statements.position import positions_of
from app.statements.reading import Reading
from app.statements.terms import policy
from billing.days import SEOUL, month_after

SETTLED = timedelta(minutes=1)  # a run reads what was booked until so long ago: all of it is committed by then


class Made(NamedTuple):
    """A run as it stands now; `changed` tells whether its content is other than before."""

    id: int
    complex: str
    number: str
    state: str
    statements: int
    grams: int
    won: int
    content_hash: bytes
    changed: bool


def preview(session: Session, district_id: int, complex_id: int, month: date, actor: str, now: datetime) -> Made:
    """Make the preview of a complex's month, or make it anew as of now.

    What reads as before stays as it is, its review included. Raises the Problems `no-tariff` and `already-final`.
    """
    lock(session, district_id, complex_id)
    ((_, found),) = readings.read(session, district_id, [complex_id], month, now - SETTLED)
    if isinstance(found, Problem):
        raise found
    return store(session, district_id, found, actor, now)


def store(
    session: Session, district_id: int, found: Reading, actor: str, now: datetime, run_id: int | None = None
) -> Made:
    """Store the preview of a reading; the complex is locked. `run_id` is for a run that is new."""
    complex_, month = _complex(session, district_id, found.complex_id), found.complex_month.month
    before = run_of(session, district_id, complex_.id, month)
    if before is not None:
        if before.state == "final":
            raise Problem("already-final", run=before.number)
        run_id = before.id
    key = Key(district_id, run_id or new_id(session, district_id), complex_.id, number_of(complex_.code, month), month)
    composed = readings.composed(session, key, found)
    made = {"ledger_at": found.at, "made_at": now, "made_by": actor}
    changed = before is None or before.content_hash != composed.run["content_hash"]
    if changed:
        window = timedelta(days=policy.of(session, district_id).review_days)
        _write(session, composed, made | {"review_until": now + window}, before is not None)
    else:
        _update(session, district_id, key.run_id, made)
    _audit(session, "run.previewed", complex_, composed.run, actor, now)
    return _made(complex_, composed.run, "preview", changed)


def new_id(session: Session, district_id: int) -> int:
    """An id for a run."""
    return allocate(session, district_id, "statement_run")[0]


def _write(session: Session, composed: Composed, made: dict[str, Any], again: bool) -> None:
    run = composed.run | made | {"state": "preview", "reviewed_at": None, "reviewed_by": None}
    if again:
        storing.remove(session.connection(), run["district_id"], run["id"])
        _update(session, run["district_id"], run["id"], run)
    else:
        session.execute(sa.insert(StatementRun).values(run))
    storing.write(session.connection(), composed.statements, composed.lines)


def review(session: Session, district_id: int, complex_id: int, month: date, actor: str, now: datetime) -> None:
    """A manager agrees to the preview: the window for it is over. Raises `no-preview` and `already-final`."""
    complex_ = lock(session, district_id, complex_id)
    run = _preview_of(session, district_id, complex_, month)
    if run.reviewed_at is not None:
        raise Problem("nothing-changes")
    _update(session, district_id, run.id, {"reviewed_at": now, "reviewed_by": actor})
    _audit(session, "run.reviewed", complex_, _fields(run), actor, now)


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

    Raises `no-preview`, `already-final`, `month-not-over`, `preview-outdated` where something that the preview follows
    from has changed since, and `review-open` while managers may still look at it, unless a reason is given.
    """
    complex_ = lock(session, district_id, complex_id)
    run = _preview_of(session, district_id, complex_, month)
    _check_may_close(session, run, now, early_reason)
    early = run.reviewed_at is None and now < run.review_until
    final = {"state": "final", "finalised_at": now, "finalised_by": actor}
    _update(session, district_id, run.id, final | {"early_reason": early_reason if early else None})
    _audit(session, "run.finalised", complex_, _fields(run), actor, now, early_reason if early else None)
    return _made(complex_, _fields(run), "final", changed=True)


def _check_may_close(session: Session, run: StatementRun, now: datetime, early_reason: str | None) -> None:
    if run.ledger_at < datetime.combine(month_after(run.month), time(), SEOUL):
        raise Problem("month-not-over", run=run.number)
    positions = positions_of(session, run.district_id, [run.complex_id], run.month)
    if decode(run.detail)["position"] != positions[run.complex_id]._asdict():
        raise Problem("preview-outdated", run=run.number)
    if run.reviewed_at is None and now < run.review_until and not (early_reason or "").strip():
        raise Problem("review-open", run=run.number, review_until=run.review_until.isoformat())


def _preview_of(session: Session, district_id: int, complex_: Complex, month: date) -> StatementRun:
    run = run_of(session, district_id, complex_.id, month)
    if run is None:
        raise Problem("no-preview", complex=complex_.code, month=f"{month:%Y-%m}")
    if run.state == "final":
        raise Problem("already-final", run=run.number)
    return run


def _complex(session: Session, district_id: int, complex_id: int) -> Complex:
    return session.get_one(Complex, (district_id, complex_id))


def _update(session: Session, district_id: int, run_id: int, values: dict[str, Any]) -> None:
    r = StatementRun
    session.execute(sa.update(r).where(r.district_id == district_id, r.id == run_id).values(values))


def _fields(run: StatementRun) -> dict[str, Any]:
    return {column.key: getattr(run, column.key) for column in StatementRun.__table__.columns}


def _made(complex_: Complex, run: dict[str, Any], state: str, changed: bool) -> Made:
    sums = (run["statements"], run["grams"], run["won"])
    return Made(run["id"], complex_.code, run["number"], state, *sums, run["content_hash"], changed)


def _audit(
    session: Session,
    action: str,
    complex_: Complex,
    run: dict[str, Any],
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    said = {name: run[name] for name in ("statements", "grams", "won")} | {"content_hash": run["content_hash"].hex()}
    entry = audit.Entry(action, "run", run["number"], run["number"], None, said, reason, complex_.id)
    audit.book(session, complex_.district_id, entry, actor, now)
