"""Making previews: of one complex, or of several in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex
from app.statements import reading as readings
from app.statements import storing, telling
from app.statements.composing import Composed, Key, number_of
from app.statements.locking import lock_all, runs_of
from app.statements.models import StatementRun
from app.statements.position import positions_of
from app.statements.reading import Reading
from app.statements.telling import Made
from app.statements.terms import policy

SETTLED = timedelta(minutes=1)  # a run reads what was booked until so long ago: all of it is committed by then
PREVIEW = {
    **{"state": "preview", "reviewed_at": None, "reviewed_by": None},
    **{"finalised_at": None, "finalised_by": None, "early_reason": None},
}


def preview(session: Session, district_id: int, complex_id: int, month: date, actor: str, now: datetime) -> Made:
    """Make the preview of a complex's month, or make it anew as of now.

    What reads as before stays as it is, its review included. Raises the Problems `not-found`, `no-tariff` and
    `already-final`.
    """
    if not lock_all(session, district_id, [complex_id]):
        raise Problem("not-found")
    found = dict(readings.read(session, district_id, [complex_id], month, now - SETTLED))
    (made,) = store(session, district_id, found, month, actor, now)
    if isinstance(made, Problem):
        raise made
    return made


def store(
    session: Session,
    district_id: int,
    found: Mapping[int, Reading | Problem],
    month: date,
    actor: str,
    now: datetime,
    run_ids: Mapping[int, int] | None = None,
) -> list[Made | Problem]:
    """Store the readings of complexes as previews: what became of each, in their order.

    A reading that does not hold any more is made once more. `run_ids` are for runs that are new.
    """
    complexes = lock_all(session, district_id, list(found))
    positions = positions_of(session, district_id, list(found), month)
    before = runs_of(session, district_id, list(found), month)
    batch = _Batch(session, district_id, month, actor, now)
    answers: list[Made | Problem] = []
    for complex_id, each in found.items():
        reading, run = each, before.get(complex_id)
        if isinstance(reading, Reading) and reading.position != positions[complex_id]:
            ((_, reading),) = readings.read(session, district_id, [complex_id], month, now - SETTLED)
        if run is not None and run.state == "final":
            answers.append(Problem("already-final", run=run.number))
        elif isinstance(reading, Problem):
            answers.append(reading)
        else:
            answers.append(batch.add(complexes[complex_id], reading, run, (run_ids or {}).get(complex_id)))
    batch.write()
    return answers


def new_id(session: Session, district_id: int) -> int:
    """An id for a run."""
    return allocate(session, district_id, "statement_run")[0]


class _Batch:
    """Previews of several complexes, composed one by one and written together."""

    def __init__(self, session: Session, district_id: int, month: date, actor: str, now: datetime) -> None:
        self.session, self.district_id, self.month, self.actor, self.now = session, district_id, month, actor, now
        self.window = now + timedelta(days=policy.of(session, district_id).review_days)
        self.new: list[Composed] = []
        self.again: list[Composed] = []
        self.unchanged: list[dict[str, Any]] = []
        self.booked: list[tuple[Complex, dict[str, Any]]] = []

    def add(self, complex_: Complex, reading: Reading, before: StatementRun | None, run_id: int | None) -> Made:
        """Compose a run; `before` is the preview whose place it takes."""
        id_ = before.id if before else run_id or new_id(self.session, self.district_id)
        key = Key(self.district_id, id_, complex_.id, number_of(complex_.code, self.month), self.month)
        composed = readings.composed(self.session, key, reading)
        made = {"ledger_at": reading.at, "made_at": self.now, "made_by": self.actor}
        changed = before is None or before.content_hash != composed.run["content_hash"]
        if changed:
            composed.run.update(made | PREVIEW | {"review_until": self.window})
            (self.again if before else self.new).append(composed)
        else:
            composed.run.update(made)
            self.unchanged.append({"district_id": self.district_id, "id": id_} | made)
        self.booked.append((complex_, composed.run))
        return telling.made(complex_, composed.run, "preview", changed)

    def write(self) -> None:
        """Write what was added, and book it."""
        if self.again:
            ids = [composed.run["id"] for composed in self.again]
            storing.remove(self.session.connection(), self.district_id, ids)
        for rows in ([composed.run for composed in self.again], self.unchanged):
            if rows:
                self.session.execute(sa.update(StatementRun), rows)
        if self.new:
            self.session.execute(sa.insert(StatementRun), [composed.run for composed in self.new])
        written: Sequence[Composed] = [*self.again, *self.new]
        if written:
            statements = (row for composed in written for row in composed.statements)
            lines = (row for composed in written for row in composed.lines)
            storing.write(self.session.connection(), statements, lines)
        telling.book(self.session, "run.previewed", self.booked, self.actor, self.now)
