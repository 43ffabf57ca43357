"""Runs of one complex (see `previewing` and `closing`) and of a whole month, some complexes in each transaction.

Stopped or killed anywhere, a month is repeated as it is: what is closed stays, what reads as before is not written
again, and the same reading has the same hash.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.db import Database
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex, Household
from app.statements import previewing
from app.statements import reading as readings
from app.statements.closing import finalise as finalise
from app.statements.closing import finalise_all
from app.statements.closing import review as review
from app.statements.locking import lock as lock
from app.statements.locking import run_of as run_of
from app.statements.models import StatementRun
from app.statements.previewing import SETTLED as SETTLED
from app.statements.previewing import new_id as new_id
from app.statements.previewing import preview as preview
from app.statements.reading import Reading
from app.statements.spreading import spread
from app.statements.telling import Made as Made

USUAL, FEWER = gc.get_threshold(), (200_000, 50, 100)  # objects between two collections
MOST_STATEMENTS, MOST_COMPLEXES = 5_000, 50  # of one transaction: enough to be quick, few enough to wait for


class Outcome(NamedTuple):
    """What became of a complex: `state` is preview, final or refused; then `problem` names the Problem, `extra` tells.

    `changed`: whether the run's content, or its state, is other than before.
    """

    complex: str
    state: str
    changed: bool
    number: str | None = None
    statements: int = 0
    grams: int = 0
    won: int = 0
    content_hash: str = ""
    problem: str | None = None
    extra: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Job(NamedTuple):
    """A month of some complexes: ids with their codes."""

    district_id: int
    month: date
    complexes: dict[int, str]
    actor: str
    now: datetime
    early_reason: str | None = None
    seen: Mapping[int, bytes] | None = None


Told = Callable[[Outcome], None]


def preview_month(
    database: Database,
    district_id: int,
    month: date,
    codes: Sequence[str] | None,
    actor: str,
    now: datetime,
    workers: int = 1,
    told: Told | None = None,
) -> list[Outcome]:
    """Preview a month of all complexes, or of those with these codes; what became of each, by code.

    The month's discharges are read by one statement for each worker. `told` hears of each complex when it is done.
    Raises the Problem `invalid` for a code that no complex has.
    """
    return _each(database, _preview, Job(district_id, month, {}, actor, now), codes, workers, told)


def finalise_month(
    database: Database,
    district_id: int,
    month: date,
    codes: Sequence[str] | None,
    actor: str,
    now: datetime,
    workers: int = 1,
    told: Told | None = None,
    early_reason: str | None = None,
    seen: Mapping[int, bytes] | None = None,
) -> list[Outcome]:
    """Close a month of all complexes, or of those with these codes, as `preview_month` made it; see `finalise_all`."""
    return _each(database, _finalise, Job(district_id, month, {}, actor, now, early_reason, seen), codes, workers, told)


def _each(
    database: Database,
    work: Callable[[Database, Job], Iterator[Outcome]],
    job: Job,
    codes: Sequence[str] | None,
    workers: int,
    told: Told | None,
) -> list[Outcome]:
    with database.reading() as connection, Session(connection) as session:
        shares = _shares(session, job.district_id, codes, 1 if database.is_sqlite else workers)
    outcomes = []
    with _fewer_collections():
        for outcome in spread(database, work, [job._replace(complexes=share) for share in shares]):
            outcomes.append(outcome)
            if told:
                told(outcome)
    return sorted(outcomes)


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Hundreds of thousands of small objects live until their batch is written: looking for cycles among them took
    half of the time."""
    gc.set_threshold(*FEWER)
    try:
        yield
    finally:
        gc.set_threshold(*USUAL)


def _shares(session: Session, district_id: int, codes: Sequence[str] | None, workers: int) -> list[dict[int, str]]:
    """Complexes dealt out by size, the largest first. SQLite has one writer."""
    mine = sa.and_(Household.district_id == Complex.district_id, Household.complex_id == Complex.id)
    asked = sa.select(Complex.id, Complex.code).outerjoin(Household, mine).where(Complex.district_id == district_id)
    if codes is not None:
        asked = asked.where(Complex.code.in_(codes))
    size = sa.func.count(Household.id).desc()
    found = list(session.execute(asked.group_by(Complex.id, Complex.code).order_by(size, Complex.id)))
    missing = sorted(set(codes or ()) - {row.code for row in found})
    if missing:
        raise Problem(
            "invalid", errors={"complexes": _l("There is no such complex: %(code)s", code=", ".join(missing))}
        )
    count = max(1, min(workers, len(found)))
    return [{row.id: row.code for row in found[first::count]} for first in range(count)]


def _preview(database: Database, job: Job) -> Iterator[Outcome]:
    """Read the month once, and write the complexes batch by batch."""
    with database.reading() as connection, Session(connection) as session:
        closed = _closed(session, job)
        yield from (_final(job, run) for run in closed)
        ids = sorted(job.complexes.keys() - {run.complex_id for run in closed})
        run_ids = dict(zip(ids, _new_ids(database, job.district_id, len(ids)), strict=True))
        for batch in _batches(readings.read(session, job.district_id, ids, job.month, job.now - SETTLED)):
            with database.begin() as writing:
                how = (job.month, job.actor, job.now, run_ids)
                answers = previewing.store(writing, job.district_id, batch, *how)
            yield from map(_outcome, (job.complexes[id_] for id_ in batch), answers)


def _batches(
    found: Iterator[tuple[int, Reading | Problem]],
) -> Iterator[dict[int, Reading | Problem]]:
    """Readings as they come, as many together as make a good transaction."""
    batch: dict[int, Reading | Problem] = {}
    statements = 0
    for complex_id, each in found:
        batch[complex_id] = each
        statements += len(each.complex_month.parts) if isinstance(each, Reading) else 0
        if statements >= MOST_STATEMENTS or len(batch) == MOST_COMPLEXES:
            yield batch
            batch, statements = {}, 0
    if batch:
        yield batch


def _finalise(database: Database, job: Job) -> Iterator[Outcome]:
    with database.reading() as connection, Session(connection) as session:
        closed = _closed(session, job)
    yield from (_final(job, run) for run in closed)
    ids = sorted(job.complexes.keys() - {run.complex_id for run in closed})
    for first in range(0, len(ids), MOST_COMPLEXES):
        batch = ids[first : first + MOST_COMPLEXES]
        with database.begin() as session:
            how = (job.month, job.actor, job.now, job.early_reason, job.seen)
            answers = finalise_all(session, job.district_id, batch, *how)
        yield from map(_outcome, (job.complexes[id_] for id_ in batch), answers)


def _outcome(code: str, made: Made | Problem) -> Outcome:
    if isinstance(made, Problem):
        return Outcome(code, "refused", False, problem=made.slug, extra=made.extra)
    sums = (made.number, made.statements, made.grams, made.won, made.content_hash.hex())
    return Outcome(code, made.state, made.changed, *sums)


def _new_ids(database: Database, district_id: int, count: int) -> Sequence[int]:
    """Ids for all runs of a job at once: one by one, workers would wait for each other's transactions."""
    if not count:
        return ()
    with database.begin() as session:
        return allocate(session, district_id, "statement_run", count)


def _closed(session: Session, job: Job) -> Sequence[StatementRun]:
    r = StatementRun
    mine = (r.district_id == job.district_id, r.month == job.month, r.version == 1, r.state == "final")
    return session.scalars(sa.select(r).where(*mine, r.complex_id.in_(job.complexes))).all()


def _final(job: Job, run: StatementRun) -> Outcome:
    sums = (run.number, run.statements, run.grams, run.won, run.content_hash.hex())
    return Outcome(job.complexes[run.complex_id], "final", False, *sums)
