"""Days worth an estimate: a complex's meters were hardly alive, and less was weighed than usual there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.fleet.faults.models import Fault
from app.fleet.faults.spells import Spell, spells
from app.metering.models import AliveDay, ComplexDay
from app.metering.volumes.coverage import ENOUGH, LATENCY
from app.registry.models import Complex, Meter, MeterAssignment
from app.statements.estimates.expecting import BASIS_DAYS
from app.statements.estimates.models import Estimate
from app.statements.models import StatementRun
from billing.days import DAY, days_of, midnight, month_after

HOUR_MS = 3_600_000
MILLISECOND = timedelta(milliseconds=1)
Place = tuple[int, date]  # complex and service day


class Listened(NamedTuple):
    """How long a meter stood at a complex on a day, and how long of that it was alive; milliseconds."""

    meter: str
    due_ms: int
    alive_ms: int


class Suggestion(NamedTuple):
    """Days in a row of a complex on which its meters listened for less than three quarters of the time.

    `meters`: code, hours alive, hours that it stood there. `usual_g` is what the complex threw away on as many days of
    the 28 before, `weighed_g` what was weighed; `faults` (numbers) were open there on one of the days. `final`: the
    month is closed, so that an estimate becomes an adjustment.
    """

    complex: str
    complex_name: str
    first_day: date
    last_day: date
    meters: list[tuple[str, int, int]]
    weighed_g: int
    usual_g: int
    faults: list[int]
    final: bool

    def as_row(self) -> dict[str, Any]:
        """As programs read it."""
        meters = [{"meter": meter, "hours": alive, "of_hours": due} for meter, alive, due in self.meters]
        return self._asdict() | {"meters": meters}


def suggestions(session: Session, district_id: int, reach: Reach, month: date, now: datetime) -> list[Suggestion]:
    """What of a month could be estimated and is not yet, complex by complex, in the order of days.

    Days count that are over, had fewer meter-hours alive than 75 % and less weight than the mean of the 28 days before;
    where that mean is nothing there is nothing to estimate from.
    """
    days = [day for day in days_of(month) if midnight(day + DAY) <= now - LATENCY]
    if not days:
        return []
    listened = _listened(session, district_id, reach, days)
    grams = _grams(session, district_id, reach, month)
    estimated = _estimated(session, district_id, month)
    silent: dict[int, list[date]] = defaultdict(list)
    for (complex_id, day), meters in sorted(listened.items()):
        weighed = grams.get((complex_id, day), 0)
        usual = _usual(grams, complex_id, day)
        if (complex_id, day) not in estimated and not _enough(meters) and weighed < usual:
            silent[complex_id].append(day)
    runs = [(complex_id, run) for complex_id, each in silent.items() for run in _in_a_row(each)]
    return _told(session, district_id, month, runs, listened, grams)


def _told(
    session: Session,
    district_id: int,
    month: date,
    runs: list[tuple[int, list[date]]],
    listened: Mapping[Place, list[Listened]],
    grams: Mapping[Place, int],
) -> list[Suggestion]:
    complex_ids = {complex_id for complex_id, _ in runs}
    names, final = _names(session, district_id, complex_ids), _final(session, district_id, month)
    broken = _broken(session, district_id, complex_ids, month)
    found = [
        Suggestion(
            *names[complex_id],
            days[0],
            days[-1],
            meters=_hours(listened, complex_id, days),
            weighed_g=sum(grams.get((complex_id, day), 0) for day in days),
            usual_g=_usual(grams, complex_id, days[0]) * len(days),
            faults=_faults(broken[complex_id], days),
            final=complex_id in final,
        )
        for complex_id, days in runs
    ]
    return sorted(found, key=lambda each: (each.complex_name, each.complex, each.first_day))


def _listened(session: Session, district_id: int, reach: Reach, days: list[date]) -> dict[Place, list[Listened]]:
    """By complex and day, each meter that stood there and how long it was heard."""
    a = AliveDay
    asked = (
        sa.select(a.complex_id, a.service_day, a.meter_id, sa.func.sum(a.alive_ms))
        .where(a.district_id == district_id, a.service_day.between(days[0], days[-1]), reach.within(a.complex_id))
        .group_by(a.complex_id, a.service_day, a.meter_id)
    )
    alive = {(complex_id, day, meter): int(ms) for complex_id, day, meter, ms in session.execute(asked)}
    found: dict[Place, dict[int, Listened]] = defaultdict(dict)
    for row in _standing(session, district_id, reach, days):
        for day in days:
            due_ms = _overlap(row.valid_from, row.valid_to, day)
            if due_ms:
                before = found[row.complex_id, day].get(row.meter_id, Listened(row.code, 0, 0))
                heard = alive.get((row.complex_id, day, row.meter_id), 0)
                found[row.complex_id, day][row.meter_id] = Listened(row.code, before.due_ms + due_ms, heard)
    return {place: list(meters.values()) for place, meters in found.items()}


def _standing(session: Session, district_id: int, reach: Reach, days: list[date]) -> Iterable[Any]:
    a = MeterAssignment
    asked = (
        sa.select(a.complex_id, a.meter_id, Meter.code, a.valid_from, a.valid_to)
        .join(Meter, sa.and_(Meter.district_id == a.district_id, Meter.id == a.meter_id))
        .where(a.district_id == district_id, reach.within(a.complex_id), a.valid_from < midnight(days[-1] + DAY))
        .where(sa.or_(a.valid_to.is_(None), a.valid_to > midnight(days[0])))
    )
    return session.execute(asked.order_by(Meter.code))


def _enough(meters: Iterable[Listened]) -> bool:
    heard = [(each.due_ms, min(each.alive_ms, each.due_ms)) for each in meters]
    return sum(alive for _, alive in heard) >= ENOUGH * sum(due for due, _ in heard)


def _grams(session: Session, district_id: int, reach: Reach, month: date) -> dict[Place, int]:
    """Billable grams of the month's days and of the 28 before."""
    c = ComplexDay
    asked = sa.select(c.complex_id, c.service_day, c.billable_g).where(
        *(c.district_id == district_id, reach.within(c.complex_id)),
        *(c.service_day >= month - BASIS_DAYS, c.service_day < month_after(month)),
    )
    return {(complex_id, day): grams for complex_id, day, grams in session.execute(asked)}


def _usual(grams: Mapping[Place, int], complex_id: int, day: date) -> int:
    """A day's mean of the 28 days before, in whole grams."""
    before = (grams.get((complex_id, day - n * DAY), 0) for n in range(1, BASIS_DAYS.days + 1))
    return sum(before) // BASIS_DAYS.days


def _estimated(session: Session, district_id: int, month: date) -> set[Place]:
    e = Estimate
    asked = sa.select(e.complex_id, e.first_day, e.last_day).where(
        *(e.district_id == district_id, e.settled_at.is_(None)),
        *(e.first_day >= month, e.first_day < month_after(month)),
    )
    return {
        (complex_id, first + n * DAY)
        for complex_id, first, last in session.execute(asked)
        for n in range((last - first).days + 1)
    }


def _in_a_row(days: list[date]) -> list[list[date]]:
    """Days in their order, cut wherever one is missing."""
    runs: list[list[date]] = []
    for day in days:
        if runs and runs[-1][-1] + DAY == day:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _hours(listened: Mapping[Place, list[Listened]], complex_id: int, days: list[date]) -> list[tuple[str, int, int]]:
    """By meter, whole hours alive (rounded down) and hours that it stood there."""
    found: dict[str, tuple[int, int]] = {}
    for day in days:
        for meter, due_ms, alive_ms in listened.get((complex_id, day), ()):
            alive, due = found.get(meter, (0, 0))
            found[meter] = alive + min(alive_ms, due_ms), due + due_ms
    return [(meter, alive // HOUR_MS, due // HOUR_MS) for meter, (alive, due) in sorted(found.items())]


def _broken(session: Session, district_id: int, complex_ids: set[int], month: date) -> dict[int, list[Spell]]:
    """By complex, when faults were open there in the month."""
    found: dict[int, list[Spell]] = defaultdict(list)
    bounds = (midnight(month), midnight(month_after(month)))
    for spell in spells(session, district_id, Fault.complex_id.in_(complex_ids), *bounds):
        found[spell.complex_id or 0].append(spell)
    return found


def _faults(broken: list[Spell], days: list[date]) -> list[int]:
    """The numbers of faults that were open on one of the days."""
    first, end = midnight(days[0]), midnight(days[-1] + DAY)
    return sorted({each.fault_id for each in broken if each.start < end and (each.end is None or each.end > first)})


def _names(session: Session, district_id: int, complex_ids: set[int]) -> dict[int, tuple[str, str]]:
    asked = sa.select(Complex.id, Complex.code, Complex.name).where(
        Complex.district_id == district_id, Complex.id.in_(complex_ids)
    )
    return {id_: (code, name) for id_, code, name in session.execute(asked)}


def _final(session: Session, district_id: int, month: date) -> set[int]:
    r = StatementRun
    asked = sa.select(r.complex_id).where(r.district_id == district_id, r.month == month, r.state == "final")
    return set(session.scalars(asked))


def _overlap(start: datetime, end: datetime | None, day: date) -> int:
    """Milliseconds of the day (Asia/Seoul) that lie in the half-open `start` … `end`."""
    first, last = midnight(day), midnight(day + DAY)
    return max((last if end is None else min(end, last)) - max(start, first), timedelta(0)) // MILLISECOND
