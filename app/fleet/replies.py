"""What a gateway hears after its status: commands, the version of its cards, and the rates for its display."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.access.signatures import SignedBy, Verifier
from app.db import Executor
from app.fleet import orders
from app.fleet.cards import CardVersions
from app.fleet.models import DisplayRate
from billing.days import service_day


def after_status(
    connection: sa.Connection, signer: SignedBy, verifier: Verifier, versions: CardVersions, now: datetime
) -> dict[str, Any]:
    """The members of the reply to a status that come from the fleet, read in the transaction that booked it."""
    return {
        "commands": [
            {"command": command.command, "signature": command.signature}
            for command in orders.waiting_for(connection, signer, verifier, now)
        ],
        "cards_version": versions.version(connection, signer.district_id, signer.gateway_id, now),
        "tariff": tariff(connection, signer.district_id, service_day(now)),
    }


def tariff(executor: Executor, district_id: int, today: date) -> list[dict[str, str]]:
    """The rate in force and those to come, by their first day."""
    step = DisplayRate
    statement = sa.select(step.first_day, step.won_per_kg).where(step.district_id == district_id)
    rows = executor.execute(statement.order_by(step.first_day)).all()
    past = [row.first_day for row in rows if row.first_day <= today]
    since = past[-1] if past else today
    return [{"from": row.first_day.isoformat(), "won_per_kg": row.won_per_kg} for row in rows if row.first_day >= since]
