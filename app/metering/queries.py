"""Reads of ledger and quarantine, always of one district. Lists are paged by key."""

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import GatewayKey
from app.access.reach import WHOLE, Reach
from app.fleet.models import GatewayEpoch
from app.metering.corrections import Number, State, current_state, same_number
from app.metering.models import Discharge, DischargeCorrection, Quarantine, QuarantineDecision
from app.problems import Problem
from app.registry.models import Gateway, Meter


def quarantine_page(session: Session, district_id: int, state: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Quarantined records with an id above `after`, oldest first: `open`, `decided` or `all`."""
    decided = QuarantineDecision.quarantine_id
    statement = (
        sa.select(
            Quarantine.id,
            Quarantine.kind,
            Gateway.code.label("gateway"),
            Quarantine.epoch_no,
            Quarantine.seq,
            Quarantine.code,
            Quarantine.detail,
            Quarantine.raw,
            Quarantine.received_at,
            QuarantineDecision.decision,
            QuarantineDecision.note,
            QuarantineDecision.actor,
            QuarantineDecision.decided_at,
        )
        .join(Gateway, sa.and_(Gateway.district_id == Quarantine.district_id, Gateway.id == Quarantine.gateway_id))
        .outerjoin(
            QuarantineDecision,
            sa.and_(QuarantineDecision.district_id == Quarantine.district_id, decided == Quarantine.id),
        )
        .where(Quarantine.district_id == district_id, Quarantine.id > after)
    )
    if state != "all":
        statement = statement.where(decided.is_(None) if state == "open" else decided.is_not(None))
    rows = session.execute(statement.order_by(Quarantine.id).limit(limit)).mappings()
    return [dict(row) | {"raw": bytes(row["raw"]).decode(errors="backslashreplace")} for row in rows]


def discharge_detail(session: Session, district_id: int, number: Number, reach: Reach = WHOLE) -> dict[str, Any]:
    """One discharge with its evidence and history; raises the Problem `not-found`."""
    discharge = session.scalar(sa.select(Discharge).where(*same_number(Discharge, district_id, number)))
    if discharge is None:
        raise Problem("not-found")
    reach.check(discharge.complex_id)
    meter = session.get_one(Meter, (district_id, discharge.meter_id))
    corrections = session.scalars(
        sa.select(DischargeCorrection)
        .where(*same_number(DischargeCorrection, district_id, number))
        .order_by(DischargeCorrection.revision)
    ).all()
    return {
        "number": str(number),
        "meter": meter.code,
        "flags": json.loads(discharge.flags),
        "evidence": json.loads(discharge.evidence),
        "booked": State.booked(discharge),
        "now": current_state(session, discharge),
        "corrections": corrections,
    } | {name: getattr(discharge, name) for name in _AS_BOOKED}


_AS_BOOKED = (
    "complex_id",
    "occurred_at",
    "claimed_at",
    "received_at",
    "booked_at",
    "service_day",
    "clock",
    "gross_before_g",
    "gross_after_g",
)


def open_quarantine(session: Session) -> int:
    """How many quarantined records of all districts wait for a decision."""
    decided = sa.exists().where(
        QuarantineDecision.district_id == Quarantine.district_id, QuarantineDecision.quarantine_id == Quarantine.id
    )
    return session.scalar(sa.select(sa.func.count()).select_from(Quarantine).where(~decided)) or 0


SILENT_AFTER = timedelta(minutes=15)  # a gateway reports every minute


def silent_gateways(session: Session, now: datetime) -> int:
    """How many gateways of all districts that hold a live key have not been heard of for 15 minutes."""
    heard = sa.exists().where(
        GatewayEpoch.district_id == GatewayKey.district_id,
        GatewayEpoch.gateway_id == GatewayKey.gateway_id,
        GatewayEpoch.last_contact_at > now - SILENT_AFTER,
    )
    keys = sa.select(GatewayKey.district_id, GatewayKey.gateway_id).where(GatewayKey.revoked_at.is_(None), ~heard)
    return session.scalar(sa.select(sa.func.count()).select_from(keys.distinct().subquery())) or 0
