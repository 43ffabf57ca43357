"""What a meter weighed just before and just after a discharge: a scale that is wrong is wrong for neighbours, too.

Only times and weights; whose they were stays unsaid.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.metering.corrections import Number
from app.metering.models import Discharge
from billing.days import DAY, month_after

Row = dict[str, Any]
SAID = ("occurred_at", "weighed_g", "gross_before_g", "gross_after_g")
RELEASED = 0  # the epoch of records released from quarantine, whose numbers follow no order of time


def neighbours(
    session: Session, district_id: int, numbers: Sequence[Number], month: date
) -> dict[str, tuple[Row | None, Row | None]]:
    """By number (as text), the readings of the same meter before and after each of these discharges of a month.

    A spool numbers its records in their order, so the next lower and higher numbers are found by the key. None where
    there is none within a day of the month, and for what was released from quarantine. Each: occurred_at, weighed_g,
    gross_before_g, gross_after_g.
    """
    wanted = [number for number in numbers if number.epoch_no != RELEASED]
    if not wanted:
        return {}
    d = Discharge
    days = d.service_day.between(month, month_after(month) - DAY)
    asked = sa.select(
        d.gateway_id, d.epoch_no, d.seq, _beside(-1, month).label("lower"), _beside(1, month).label("higher")
    )
    asked = asked.where(d.district_id == district_id, days, sa.tuple_(d.gateway_id, d.epoch_no, d.seq).in_(wanted))
    found = session.execute(asked).all()
    readings = _readings(session, district_id, _numbers(found), month)
    return {
        str(Number(*row[:3])): (
            readings.get(Number(row.gateway_id, row.epoch_no, row.lower or 0)),
            readings.get(Number(row.gateway_id, row.epoch_no, row.higher or 0)),
        )
        for row in found
    }


def _beside(step: int, month: date) -> sa.ScalarSelect[Any]:
    """The number of the last weighed record before, or the first one after, that the same meter sent."""
    d, o = Discharge, aliased(Discharge)
    further = (o.seq < d.seq) if step < 0 else (o.seq > d.seq)
    nearest = sa.func.max(o.seq) if step < 0 else sa.func.min(o.seq)
    return (
        sa.select(nearest)
        .where(o.district_id == d.district_id, o.gateway_id == d.gateway_id, o.epoch_no == d.epoch_no, further)
        .where(o.meter_id == d.meter_id, o.net_g.is_not(None), o.service_day.between(*_around(month)))
        .correlate(d)
        .scalar_subquery()
    )


def _numbers(found: Iterable[Any]) -> list[Number]:
    return [Number(row.gateway_id, row.epoch_no, seq) for row in found for seq in (row.lower, row.higher) if seq]


def _readings(session: Session, district_id: int, numbers: Sequence[Number], month: date) -> dict[Number, Row]:
    d = Discharge
    asked = sa.select(
        *(d.gateway_id, d.epoch_no, d.seq, d.occurred_at, d.net_g.label("weighed_g"), d.gross_before_g, d.gross_after_g)
    ).where(
        *(d.district_id == district_id, d.service_day.between(*_around(month))),
        sa.tuple_(d.gateway_id, d.epoch_no, d.seq).in_(numbers),
    )
    rows = session.execute(asked).mappings() if numbers else ()
    return {Number(row["gateway_id"], row["epoch_no"], row["seq"]): {name: row[name] for name in SAID} for row in rows}


def _around(month: date) -> tuple[date, date]:
    return month - DAY, month_after(month)
