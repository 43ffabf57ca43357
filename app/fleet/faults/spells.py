"""When faults were open: a fault that came back has several spells, and nothing was broken between them."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fleet.faults.models import Fault, FaultEvent

BEGINS, ENDS = ("opened", "reopened"), ("closed",)


class Spell(NamedTuple):
    """A fault was open from `start` until `end` (None: it still is)."""

    fault_id: int
    fault_class: str
    condition: str
    complex_id: int | None
    gateway_id: int | None
    meter_id: int | None
    start: datetime
    end: datetime | None


def spells(
    session: Session, district_id: int, where: sa.ColumnElement[bool], start: datetime, end: datetime
) -> list[Spell]:
    """When faults were open within the half-open `start` … `end`; `where` is a condition on Fault."""
    f = Fault
    ended = sa.or_(f.closed_at.is_(None), f.closed_at > start)
    asked = sa.select(f).where(f.district_id == district_id, where, ended, f.first_opened_at < end)
    faults = {fault.id: fault for fault in session.scalars(asked.order_by(f.id))}
    found = []
    for fault_id, bounds in _bounds(session, district_id, list(faults)).items():
        fault = faults[fault_id]
        told = (fault_id, fault.fault_class, fault.condition, fault.complex_id, fault.gateway_id, fault.meter_id)
        found += [Spell(*told, *each) for each in bounds if each[0] < end and (each[1] is None or each[1] > start)]
    return found


def _bounds(session: Session, district_id: int, ids: list[int]) -> dict[int, list[tuple[datetime, datetime | None]]]:
    """By fault, when it began and when it ended, by its history."""
    e = FaultEvent
    asked = sa.select(e.fault_id, e.kind, e.at).where(
        e.district_id == district_id, e.fault_id.in_(ids), e.kind.in_((*BEGINS, *ENDS))
    )
    found: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for fault_id, kind, at in session.execute(asked.order_by(e.fault_id, e.id)):
        bounds = found[fault_id]
        if kind in ENDS and bounds and bounds[-1][1] is None:
            bounds[-1] = (bounds[-1][0], at)
        elif kind in BEGINS and not (bounds and bounds[-1][1] is None):
            bounds.append((at, None))
    return found
