"""What the watch remembers from one check to the next, and since when it and the service run."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Executor, upsert
from app.fleet.faults.judging import AT_REST, Watch
from app.fleet.faults.models import Fault, FaultMark, FaultWatch
from app.registry.models import District

GAP = timedelta(minutes=5)  # a watch that did not run for longer was away, and what it did not see counts for nothing

Key = tuple[str, str]  # device, condition


class Known(NamedTuple):
    """What is remembered of a condition, and of its fault while that holds: state, time of closing, and place."""

    watch: Watch
    fault_id: int | None = None
    state: str | None = None
    closed_at: datetime | None = None
    complex_id: int | None = None


def begin(session: Session, district_id: int, now: datetime) -> datetime:
    """Note that a check runs, and return since when observations count; another check waits until this one ends.

    Silence counts from when both the service and the watch were there: before, nobody could hear a gateway.
    """
    first = upsert(session, FaultMark).values(district_id=district_id, name="watch", since=now, at=now)
    session.execute(first.on_conflict_do_nothing())
    marks = sa.select(FaultMark).where(FaultMark.district_id == district_id, FaultMark.name.in_(("watch", "service")))
    found = {each.name: each for each in session.scalars(marks.with_for_update().order_by(FaultMark.name))}
    watch, service = found["watch"], found.get("service")
    if not timedelta(0) <= now - watch.at <= GAP:
        watch.since = now
    watch.at = now
    session.flush()
    return watch.since if service is None else max(watch.since, min(service.since, now))


def service_started(session: Session, now: datetime) -> None:
    """Note for every district that the service started; gateways have their time from now to be heard."""
    mark(session, session.scalars(sa.select(District.id)).all(), "service", now, now)


def last_judged(executor: Executor, district_id: int, name: str) -> datetime | None:
    """When something that is not judged at every check was judged last."""
    mine = (FaultMark.district_id == district_id, FaultMark.name == name)
    return executor.execute(sa.select(FaultMark.at).where(*mine)).scalar()


def mark(session: Session, district_ids: Sequence[int], name: str, since: datetime, at: datetime) -> None:
    """Note that something ran."""
    rows = [{"district_id": id_, "name": name, "since": since, "at": at} for id_ in district_ids]
    if not rows:
        return
    statement = upsert(session, FaultMark)
    newest = {"since": statement.excluded.since, "at": statement.excluded.at}
    session.execute(statement.on_conflict_do_update(index_elements=["district_id", "name"], set_=newest), rows)


def recall(session: Session, district_id: int) -> dict[Key, Known]:
    """Every condition that is not at rest."""
    same = sa.and_(Fault.district_id == FaultWatch.district_id, Fault.id == FaultWatch.fault_id)
    w = FaultWatch
    statement = (
        sa.select(w.device, w.condition, w.bad_since, w.good_since, w.fault_id)
        .add_columns(Fault.state, Fault.closed_at, Fault.complex_id)
        .outerjoin(Fault, same)
        .where(w.district_id == district_id)
    )
    return {
        (device, condition): Known(Watch(bad, good, fault_id is not None), fault_id, *of_fault)
        for device, condition, bad, good, fault_id, *of_fault in session.execute(statement)
    }


def remember(session: Session, district_id: int, before: Mapping[Key, Known], after: Mapping[Key, Known]) -> None:
    """Store what has changed; a condition at rest has no row."""
    changed = {key: known for key, known in after.items() if known[:2] != before.get(key, Known(AT_REST))[:2]}
    gone = [key for key, known in changed.items() if known.watch == AT_REST]
    kept = [
        {
            "district_id": district_id,
            "device": device,
            "condition": condition,
            "bad_since": known.watch.bad_since,
            "good_since": known.watch.good_since,
            "fault_id": known.fault_id,
        }
        for (device, condition), known in sorted(changed.items())
        if known.watch != AT_REST
    ]
    if gone:
        these = sa.and_(
            FaultWatch.device == sa.bindparam("device_"), FaultWatch.condition == sa.bindparam("condition_")
        )
        statement = sa.delete(FaultWatch).where(FaultWatch.district_id == district_id, these)
        session.connection().execute(statement, [{"device_": key[0], "condition_": key[1]} for key in gone])
    if kept:
        statement = upsert(session, FaultWatch)
        newest = {name: statement.excluded[name] for name in ("bad_since", "good_since", "fault_id")}
        keys = ["district_id", "device", "condition"]
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=newest), kept)
