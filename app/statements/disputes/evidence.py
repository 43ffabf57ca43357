"""What a disputed line follows from, so that nobody has to look it up: weighings, neighbours, devices, past months."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.fleet.faults.models import Fault
from app.fleet.faults.spells import Spell, spells
from app.metering.corrections import Number
from app.metering.models import HouseholdMonth
from app.registry.certificates.queries import state_of
from app.statements import queries as statements
from app.statements.disputes.neighbours import neighbours
from app.statements.disputes.weighings import weighings
from billing.days import midnight, month_after

Row = dict[str, Any]
OF_DISCHARGES = ("usage", "estimated", "adjustment")  # the other kinds follow from no discharge of the household
PAST_MONTHS = 12


def of_dispute(session: Session, district_id: int, reach: Reach, dispute: Row) -> Row:
    """The evidence about a dispute as `queries.dispute_detail` returns it.

    `line` (as on its statement, with `words`); `weighings` (see there), each with `before` and `after` (readings of the
    same meter by whomever), `faults` (numbers of those that were open then) and `certificate` (its scale's state on
    that day); `faults` of the month at these bins; `past`: the tenancy's months, see `past_months`.

    What lies outside of the reader's reach, as a bin of another complex, is told without its neighbours and faults.
    """
    found = statements.statement(session, district_id, dispute["statement"], reach)
    line = next(each for each in found["lines"] if each["line"] == dispute["line"])
    rows: list[Row] = []
    if line["kind"] in OF_DISCHARGES:
        whose = (dispute["household_id"], dispute["tenancy_id"])
        rows = weighings(session, district_id, *whose, dispute["usage_month"], dispute["ledger_at"])
    broken = _faults(session, district_id, reach, rows, dispute["usage_month"])
    return {
        "line": line,
        "weighings": _told(session, district_id, reach, rows, broken, dispute["usage_month"]),
        "faults": [each._asdict() for each in broken],
        "past": past_months(session, district_id, dispute),
    }


def past_months(session: Session, district_id: int, dispute: Row) -> list[Row]:
    """What the tenancy was weighed in the disputed month and up to 12 before, the newest first: month, grams, count."""
    m, month = HouseholdMonth, dispute["usage_month"]
    asked = sa.select(m.month, m.billable_g.label("grams"), m.billable_count.label("count")).where(
        *(m.district_id == district_id, m.household_id == dispute["household_id"]),
        *(m.tenancy_id == dispute["tenancy_id"], m.month >= month_after(month, -PAST_MONTHS), m.month <= month),
    )
    return [dict(row) for row in session.execute(asked.order_by(m.month.desc())).mappings()]


def _told(
    session: Session, district_id: int, reach: Reach, rows: list[Row], broken: list[Spell], month: date
) -> list[Row]:
    near = [row for row in rows if reach.covers(row["complex_id"])]
    beside = neighbours(session, district_id, [Number.parse(row["number"]) for row in near], month)
    certificates = _certificates(session, district_id, rows)
    for row in rows:
        before, after = beside.get(row["number"], (None, None))
        state, due_on = certificates.get((row["meter_id"], row["service_day"]), ("missing", None))
        row |= {"before": before, "after": after, "certificate": state, "certificate_due_on": due_on}
        row["faults"] = sorted({each.fault_id for each in broken if _covers(each, row)})
    return rows


def _covers(spell: Spell, row: Row) -> bool:
    """Whether a fault of the bin, or of its gateway, was open when it weighed."""
    of_bin = row["meter_id"] == spell.meter_id if spell.meter_id else row["gateway_id"] == spell.gateway_id
    at = row["occurred_at"]
    return of_bin and spell.start <= at and (spell.end is None or at < spell.end)


def _faults(session: Session, district_id: int, reach: Reach, rows: Iterable[Row], month: date) -> list[Spell]:
    """When faults of the bins that weighed, or of their gateways, were open in the month."""
    meters, gateways = ({row[name] for row in rows} for name in ("meter_id", "gateway_id"))
    of_gateway = sa.and_(Fault.meter_id.is_(None), Fault.gateway_id.in_(gateways))
    where = sa.and_(sa.or_(Fault.meter_id.in_(meters), of_gateway), reach.within(Fault.complex_id))
    first, end = (midnight(day) for day in (month, month_after(month)))
    return spells(session, district_id, where, first, end) if meters else []


def _certificates(
    session: Session, district_id: int, rows: Iterable[Row]
) -> dict[tuple[int, date], tuple[str, date | None]]:
    """How the scale of each bin stood on each day on which it weighed."""
    by_day: dict[date, set[int]] = {}
    for row in rows:
        by_day.setdefault(row["service_day"], set()).add(row["meter_id"])
    return {
        (meter_id, day): found
        for day, meters in by_day.items()
        for meter_id, found in state_of(session, district_id, meters, day).items()
    }
