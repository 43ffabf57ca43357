"""The discharges behind a disputed line, each with the weights before and after it and whatever was corrected since."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.metering.corrections import Number, State
from app.metering.models import Discharge, DischargeCorrection
from app.metering.records import WEIGHED
from app.registry.models import Meter
from billing.days import month_after

Row = dict[str, Any]
LIKE_BOOKED = ("occurred_at", "service_day", "booked_at", "clock", "gross_before_g", "gross_after_g")
CORRECTED = ("kind", "net_g", "reason", "actor", "booked_at")


def weighings(
    session: Session, district_id: int, household_id: int, tenancy_id: int, month: date, ledger_at: datetime
) -> list[Row]:
    """What a tenancy discharged in a month, or was first booked or corrected to have, in the order of time.

    Each: number, meter (code), meter_id, gateway_id, complex_id, occurred_at, service_day, booked_at, clock,
    gross_before_g, gross_after_g, weighed_g (net, as first booked), outcome, flags, `corrections` (kind, net_g, reason,
    actor, booked_at), `billed_g` and `now_g`: what of it counted for the tenancy as the ledger read at `ledger_at`, and
    what counts today; 0 for none.
    """
    found = _booked(session, district_id, household_id, month)
    corrected = _corrections(session, district_id, [number for number, _ in found])
    rows = []
    for number, (discharge, meter) in found:
        those = corrected.get(number, [])
        if tenancy_id in {discharge.tenancy_id, *(each.tenancy_id for each in those)}:
            rows.append(_row(number, discharge, meter, those, tenancy_id, ledger_at))
    return sorted(rows, key=lambda row: (row["occurred_at"], row["number"]))


def _booked(
    session: Session, district_id: int, household_id: int, month: date
) -> list[tuple[Number, tuple[Discharge, str]]]:
    """Those that were first the household's, and those that a correction made so."""
    d, c = Discharge, DischargeCorrection
    key = (c.gateway_id, c.epoch_no, c.seq)
    moved = sa.select(*key).where(
        c.district_id == district_id, c.household_id == household_id, c.service_day.between(month, _last(month))
    )
    numbers = [tuple(row) for row in session.execute(moved.distinct())]
    whose = [d.household_id == household_id]
    if numbers:
        whose.append(sa.tuple_(d.gateway_id, d.epoch_no, d.seq).in_(numbers))
    asked = (
        sa.select(d, Meter.code)
        .join(Meter, sa.and_(Meter.district_id == d.district_id, Meter.id == d.meter_id))
        .where(d.district_id == district_id, d.service_day.between(month, _last(month)), sa.or_(*whose))
    )
    return [
        (Number(discharge.gateway_id, discharge.epoch_no, discharge.seq), (discharge, code))
        for discharge, code in session.execute(asked)
    ]


def _corrections(
    session: Session, district_id: int, numbers: Sequence[Number]
) -> dict[Number, list[DischargeCorrection]]:
    c = DischargeCorrection
    asked = sa.select(c).where(c.district_id == district_id, sa.tuple_(c.gateway_id, c.epoch_no, c.seq).in_(numbers))
    found: dict[Number, list[DischargeCorrection]] = defaultdict(list)
    for row in session.scalars(asked.order_by(c.revision)) if numbers else ():
        found[Number(row.gateway_id, row.epoch_no, row.seq)].append(row)
    return found


def _row(
    number: Number,
    discharge: Discharge,
    meter: str,
    corrected: Sequence[DischargeCorrection],
    tenancy_id: int,
    ledger_at: datetime,
) -> Row:
    then = [each for each in corrected if each.booked_at <= ledger_at]
    billed = discharge.booked_at <= ledger_at and _counts(discharge, then, tenancy_id)
    return {
        **{"number": str(number), "meter": meter, "outcome": discharge.outcome, "weighed_g": discharge.net_g},
        **{name: getattr(discharge, name) for name in (*LIKE_BOOKED, "meter_id", "gateway_id", "complex_id")},
        **{"flags": json.loads(discharge.flags), "billed_g": billed or 0},
        **{"now_g": _counts(discharge, corrected, tenancy_id)},
        "corrections": [{name: getattr(each, name) for name in CORRECTED} for each in corrected],
    }


def _counts(discharge: Discharge, corrected: Iterable[DischargeCorrection], tenancy_id: int) -> int:
    """Grams that a discharge counts for the tenancy after these corrections; see `rollups.measures`."""
    state = State.booked(discharge)
    for each in corrected:
        state = State(
            *(each.revision, each.outcome, each.net_g, each.household_id, each.tenancy_id, each.billable, each.voided)
        )
    billable = state.billable and not state.voided and state.outcome in WEIGHED
    return state.net_g or 0 if billable and state.tenancy_id == tenancy_id else 0


def _last(month: date) -> date:
    return date.fromordinal(month_after(month).toordinal() - 1)
