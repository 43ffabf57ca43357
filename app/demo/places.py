"""The demo's gateways as the registry has them: where each stands, with which meters, and who holds which card."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.demo.booking import Holder, Place
from app.demo.patterns import STRANGERS
from app.demo.town import DISTRICT, SITES, gateway_code
from app.registry.cards import card_hash, last4
from app.registry.models import Card, CardAssignment, Complex, District, Gateway, Household, MeterAssignment, Tenancy


class Source(NamedTuple):
    """A gateway of the demo, the complex whose meters it runs, and the homes there."""

    district_id: int
    gateway_id: int
    gateway: str
    complex_id: int
    complex: str
    homes: int


def sources(connection: sa.Connection) -> list[Source]:
    """The demo's gateways, those first that are simulated. What others have added to the database is left out."""
    homes = (
        sa.select(sa.func.count())
        .where(_same(Household, Complex), Household.complex_id == Complex.id)
        .scalar_subquery()
    )
    found = connection.execute(
        sa.select(District.id, Gateway.id, Gateway.code, Complex.id, Complex.code, homes)
        .join(Gateway, Gateway.district_id == District.id)
        .join(MeterAssignment, sa.and_(_same(MeterAssignment, Gateway), MeterAssignment.gateway_id == Gateway.id))
        .join(Complex, sa.and_(_same(Complex, MeterAssignment), Complex.id == MeterAssignment.complex_id))
        .where(District.code == DISTRICT)
        .distinct()
    )
    simulated = {site.code: place for place, site in enumerate(SITES)}
    ours = [source for source in map(Source._make, found) if source.gateway == gateway_code(source.complex)]
    return sorted(ours, key=lambda source: (simulated.get(source.complex, len(simulated)), source.complex))


def place(connection: sa.Connection, source: Source, start: datetime, end: datetime) -> Place:
    """The complex from `start` until `end`. Whoever moves, or gets another card, in between has none here."""
    key = connection.execute(sa.select(District.card_key).where(District.id == source.district_id)).scalar_one()
    return Place(
        source.district_id,
        source.complex_id,
        source.gateway_id,
        meter_ids(connection, source, *_throughout(MeterAssignment, start, end)),
        _homes(connection, source, start, end),
        [_stranger(key, source.complex, number) for number in range(STRANGERS)],
    )


def meter_ids(connection: sa.Connection, source: Source, *when: sa.ColumnElement[bool]) -> list[int]:
    """The meters that the gateway runs at its complex."""
    meters = (
        sa.select(MeterAssignment.meter_id)
        .distinct()
        .where(
            MeterAssignment.district_id == source.district_id,
            MeterAssignment.gateway_id == source.gateway_id,
            MeterAssignment.complex_id == source.complex_id,
            *when,
        )
    )
    return list(connection.scalars(meters.order_by(MeterAssignment.meter_id)))


def _homes(connection: sa.Connection, source: Source, start: datetime, end: datetime) -> list[Holder]:
    living = sa.and_(_same(Tenancy, Household), Tenancy.household_id == Household.id, *_throughout(Tenancy, start, end))
    holding = sa.and_(
        _same(CardAssignment, Tenancy),
        CardAssignment.tenancy_id == Tenancy.id,
        *_throughout(CardAssignment, start, end),
    )
    rows = connection.execute(
        sa.select(Household.id, Card.card_hash, Tenancy.id)
        .outerjoin(Tenancy, living)
        .outerjoin(CardAssignment, holding)
        .outerjoin(Card, sa.and_(_same(Card, CardAssignment), Card.id == CardAssignment.card_id))
        .where(Household.district_id == source.district_id, Household.complex_id == source.complex_id)
        .order_by(Household.id, Card.id.desc())
    )
    homes = {household: (card, tenancy) for household, card, tenancy in rows}
    return [
        Holder(bytes(card), household, tenancy) if card is not None else Holder(b"")
        for household, (card, tenancy) in homes.items()
    ]


def _stranger(card_key: bytes, complex_code: str, number: int) -> tuple[Holder, str]:
    card = f"38{hashlib.sha256(f'{complex_code} stranger {number}'.encode()).hexdigest()[:8]}".upper()
    return Holder(card_hash(card_key, card)), last4(card)


def _same(table: Any, other: Any) -> sa.ColumnElement[bool]:
    same: sa.ColumnElement[bool] = table.district_id == other.district_id
    return same


def _throughout(dated: Any, start: datetime, end: datetime) -> list[sa.ColumnElement[bool]]:
    return [dated.valid_from <= start, sa.or_(dated.valid_to.is_(None), dated.valid_to >= end)]
