"""Discharges of one card that are nobody's, which staff may give to the household that the card now belongs to.

Each becomes a correction of its own, with reason and name; nothing is attributed by itself.
"""

from datetime import UTC, datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.metering.corrections import Correction, Number, current_state, rewrite
from app.metering.models import Discharge
from app.metering.records import WEIGHED
from app.registry.places import home_of
from billing.days import SEOUL, service_day


def suspense_of_card(
    session: Session, district_id: int, card_hash: bytes, since: datetime, reach: Reach = WHOLE
) -> list[Number]:
    """Weighed discharges of the card from `since` on that read as nobody's today, the oldest first."""
    statement = sa.select(Discharge).where(
        Discharge.district_id == district_id,
        Discharge.household_id.is_(None),  # with the time, what the index by household finds
        Discharge.occurred_at >= since,
        Discharge.card_hash == card_hash,
        Discharge.outcome.in_(sorted(WEIGHED)),
        reach.within(Discharge.complex_id),
    )
    found = session.scalars(statement.order_by(Discharge.occurred_at, Discharge.seq)).all()
    return [_number(discharge) for discharge in found if _is_suspense(session, discharge)]


def attribute(
    session: Session, district_id: int, card_hash: bytes, since: datetime, wanted: Correction, now: datetime
) -> list[Number]:
    """Give the suspense of a card to the household of `wanted`, each by a correction; which ones.

    Raises Problems, changing nothing: `not-found` for no household of that number, `invalid` where it had no tenancy
    at one of them.
    """
    assert wanted.household_id is not None
    home = home_of(session, district_id, wanted.household_id)
    numbers = suspense_of_card(session, district_id, card_hash, since)
    for number in sorted(numbers):  # gateways are locked in one order for all
        rewrite(session, district_id, number, wanted, now)
    told = {"discharges": list(map(str, numbers))}
    entry = home.entry("household.suspense_attributed", told, wanted.reason)
    audit.book(session, district_id, entry, wanted.actor, now)
    return numbers


def start_of_today(now: datetime) -> datetime:
    """When the service day began, in UTC."""
    return datetime.combine(service_day(now), time.min, SEOUL).astimezone(UTC)


def _is_suspense(session: Session, discharge: Discharge) -> bool:
    state = current_state(session, discharge)
    return state.household_id is None and not state.voided


def _number(discharge: Discharge) -> Number:
    return Number(discharge.gateway_id, discharge.epoch_no, discharge.seq)
