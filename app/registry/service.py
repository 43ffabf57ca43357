"""Use cases of the registry. Each takes a session and leaves committing to its caller's `with database.begin()`.

A change that ingest must see goes through `changing`, which keeps ingest out until the transaction ends and raises the
registry's version.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.access.claims import VALID, open_claim
from app.db import is_sqlite
from app.ids import allocate
from app.registry.models import Complex, District, Gateway, Meter, MeterAssignment
from app.registry.queries import REGISTRY_LOCK

CARD_KEY_BYTES = 32


def changing(session: Session, district_id: int) -> None:
    """Announce a change of the district's cards, tenancies or meters; call it before the first read it rests on."""
    if not is_sqlite(session):
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(REGISTRY_LOCK, district_id)))
    raised = {"registry_version": District.registry_version + 1}
    session.execute(sa.update(District).where(District.id == district_id).values(raised))


def add_district(session: Session, code: str, name: str) -> District:
    """A new district with a card key of its own."""
    last = session.scalar(sa.select(sa.func.max(District.id))) or 0
    district = District(
        id=last + 1, code=code, name=name, card_key=secrets.token_bytes(CARD_KEY_BYTES), registry_version=0
    )
    session.add(district)
    session.flush()
    return district


def district_by_code(session: Session, code: str) -> District | None:
    """The district that K-eco knows by this city code, or None."""
    return session.scalar(sa.select(District).where(District.code == code))


def add_gateway(session: Session, district_id: int, code: str, created_at: datetime) -> Gateway:
    """A gateway of the district; its box fetches a key with a claim code."""
    gateway_id = allocate(session, district_id, "gateway")[0]
    gateway = Gateway(district_id=district_id, id=gateway_id, code=code, created_at=created_at)
    session.add(gateway)
    session.flush()
    return gateway


def install_meter(
    session: Session, gateway: Gateway, complex_: Complex, code: str, valid_from: datetime, name: str | None = None
) -> Meter:
    """A new meter, standing at the complex and run by the gateway from `valid_from` on."""
    district_id = gateway.district_id
    changing(session, district_id)
    meter = Meter(district_id=district_id, id=allocate(session, district_id, "meter")[0], code=code, name=name)
    session.add(meter)
    session.flush()
    session.add(
        MeterAssignment(
            district_id=district_id,
            id=allocate(session, district_id, "meter_assignment")[0],
            meter_id=meter.id,
            gateway_id=gateway.id,
            complex_id=complex_.id,
            valid_from=valid_from,
        )
    )
    session.flush()
    return meter


def register_gateway(
    session: Session,
    district_id: int,
    code: str,
    complex_: Complex | None,
    meters: Sequence[str],
    actor: str,
    now: datetime,
) -> Gateway:
    """A gateway, and the meters at a complex that it runs from now on, booked in the audit log."""
    gateway = add_gateway(session, district_id, code, now)
    if complex_ is not None:
        for meter in meters:
            install_meter(session, gateway, complex_, meter, now)
    book_of_gateway(session, gateway, "gateway.added", actor, now, after={"meters": list(meters)})
    return gateway


def make_claim_code(session: Session, gateway: Gateway, actor: str, now: datetime) -> str:
    """A one-time code with which the gateway's box fetches a key; it ends the keys before it when it is used."""
    code = open_claim(session, gateway.district_id, gateway.id, now, actor)
    until = {"claim_code_until": now + VALID}
    book_of_gateway(session, gateway, "gateway.claim_code_made", actor, now, after=until)
    return code


def book_of_gateway(session: Session, gateway: Gateway, action: str, actor: str, now: datetime, **fields: Any) -> None:
    """Book what was done to a gateway, as of the complex of its meters; of none where they stand at several."""
    a = MeterAssignment
    places = sa.select(a.complex_id).where(a.district_id == gateway.district_id, a.gateway_id == gateway.id)
    places = places.where(a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now)).distinct()
    found = session.scalars(places).all()
    complex_id = found[0] if len(found) == 1 else None
    entry = audit.Entry(action, "gateway", gateway.id, gateway.code, **fields, complex_id=complex_id)
    audit.book(session, gateway.district_id, entry, actor, now)
