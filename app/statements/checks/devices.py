"""Checks of what weighed it: broken and uncertified scales, meters that were not heard."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.fleet.faults.models import Fault
from app.fleet.faults.spells import Spell, spells
from app.metering.models import AliveMonth
from app.registry.certificates.models import ScaleCertificate
from app.registry.certificates.queries import living, state_of
from app.registry.models import Complex, Household, MeterAssignment
from app.statements.checks.asked import Asked, Listed, Row
from billing.days import DAY, month_after, service_day

ENOUGH_PERCENT = 90  # of the time that a meter stood there
MILLISECOND = timedelta(milliseconds=1)
CERTIFIED = ("valid", "due")


class Stood(NamedTuple):
    """A meter stood at a complex from `start` until `end`, cut at the month and at now."""

    complex_id: int
    meter_id: int
    start: datetime
    end: datetime


def faulty(asked: Asked) -> Listed:
    """Faults of scales that were open on a moment of the month."""
    where = sa.and_(Fault.fault_class == "weighing", asked.within(Fault.complex_id))
    found: dict[int, Spell] = {}
    for spell in spells(asked.session, asked.district_id, where, asked.first, asked.end):
        found[spell.fault_id] = spell  # the last of its spells
    return Listed(_fault(spell) for spell in found.values() if spell.complex_id is not None)


def _fault(spell: Spell) -> Row:
    told = {"fault_id": spell.fault_id, "opened_at": spell.start, "closed_at": spell.end}
    return {"complex_id": spell.complex_id, "key": spell.fault_id, "meter_id": spell.meter_id} | told


def uncertified(asked: Asked) -> Listed:
    """Scales without a certificate that counts on days of the month on which they stood there and that are begun.

    `days`: how many; `first_day`: the first of them; `state`: how the scale stands on the last day.
    """
    stood = list(_stood(asked))
    meters = {each.meter_id for each in stood}
    last = min(month_after(asked.month) - DAY, service_day(asked.now))
    papers = _papers(asked, meters, last)
    states = state_of(asked.session, asked.district_id, meters, last)
    found: dict[tuple[int, int], list[date]] = {}
    for each in stood:
        place = (each.complex_id, each.meter_id)
        found.setdefault(place, []).extend(_bare(papers.get(each.meter_id, []), each))
    return Listed(
        {"complex_id": complex_id, "key": meter_id, "meter_id": meter_id, "days": len(days)}
        | {"first_day": min(days), "state": states[meter_id][0]}
        for (complex_id, meter_id), days in found.items()
        if days
    )


def _papers(asked: Asked, meter_ids: set[int], last: date) -> dict[int, list[Any]]:
    """By meter, its certificates that were not withdrawn, the newest inspection first."""
    c = ScaleCertificate
    rows = asked.session.execute(
        sa.select(c.meter_id, c.inspected_on, c.due_on, c.result)
        .where(*living(asked.district_id), c.meter_id.in_(meter_ids), c.inspected_on <= last)
        .order_by(c.inspected_on.desc(), c.id.desc())
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.meter_id, []).append(row)
    return found


def _bare(papers: list[Any], stood: Stood) -> Iterator[date]:
    """Days on which the certificate that counted did not hold."""
    day, last = service_day(stood.start), service_day(stood.end - MILLISECOND)
    while day <= last:
        paper = next((each for each in papers if each.inspected_on <= day), None)
        if paper is None or paper.result != "passed" or paper.due_on < day:
            yield day
        day += DAY


def silent(asked: Asked) -> Listed:
    """Meters heard for less than 90 per cent of the time that they stood there, and complexes without any meter.

    `alive_percent` is rounded down; a complex without a meter has the key 0 and no meter_id.
    """
    due: dict[tuple[int, int], int] = {}
    for each in _stood(asked):
        place = (each.complex_id, each.meter_id)
        due[place] = due.get(place, 0) + (each.end - each.start) // MILLISECOND
    alive = _alive(asked)
    shares = {place: 100 * min(alive.get(place, 0), ms) // ms for place, ms in due.items() if ms}
    rows: list[Row] = [
        {"complex_id": place[0], "key": place[1], "meter_id": place[1], "alive_percent": percent}
        for place, percent in shares.items()
        if percent < ENOUGH_PERCENT
    ]
    standing = {complex_id for complex_id, _ in due}
    nothing: Row = {"key": 0, "meter_id": None, "alive_percent": 0}
    return Listed(rows + [{"complex_id": each} | nothing for each in _lived_in(asked) if each not in standing])


def _alive(asked: Asked) -> dict[tuple[int, int], int]:
    a = AliveMonth
    rows = asked.session.execute(
        sa.select(a.complex_id, a.meter_id, sa.func.sum(a.alive_ms))
        .where(a.district_id == asked.district_id, a.month == asked.month, asked.within(a.complex_id))
        .group_by(a.complex_id, a.meter_id)
    )
    return {(complex_id, meter_id): int(ms) for complex_id, meter_id, ms in rows}


def _lived_in(asked: Asked) -> list[int]:
    """Complexes that have households."""
    has = sa.exists().where(Household.district_id == Complex.district_id, Household.complex_id == Complex.id)
    mine = (Complex.district_id == asked.district_id, asked.within(Complex.id), has)
    return list(asked.session.scalars(sa.select(Complex.id).where(*mine)))


def _stood(asked: Asked) -> Iterator[Stood]:
    """Where meters stood in the month, as far as it has come."""
    a, end = MeterAssignment, min(asked.end, asked.now)
    rows = asked.session.execute(
        sa.select(a.complex_id, a.meter_id, a.valid_from, a.valid_to)
        .where(a.district_id == asked.district_id, asked.within(a.complex_id), a.valid_from < end)
        .where(sa.or_(a.valid_to.is_(None), a.valid_to > asked.first))
    )
    for complex_id, meter_id, valid_from, valid_to in rows:
        start, until = max(valid_from, asked.first), min(valid_to or end, end)
        if start < until:
            yield Stood(complex_id, meter_id, start, until)
