"""A district of simulated gateways on an empty database: meters, households with cards, and who empties the bins."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.access.claims import open_claim
from app.db import Database
from app.ids import allocate
from app.registry import service
from app.registry.cards import card_hash, last4
from app.registry.models import Building, Card, CardAssignment, Complex, District, Household, Tenancy
from app.times import now
from gateways.simulate.fleet import Fleet, FleetGateway

DISTRICT = "W0G"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def found_town(database: Database, gateways: int, meters: int, homes: int, digits: tuple[int, ...]) -> Fleet:
    """Fill the registry: each gateway has so many meters, so many homes with a card, and one collector's card.

    `digits` are the lengths of card numbers that gateways get in turn: they decide which readers can be fitted.
    """
    with database.begin() as session:
        district = service.add_district(session, DISTRICT, "강서구")
        return Fleet(
            DISTRICT,
            [
                _site(session, district, number, meters, homes, digits[number % len(digits)])
                for number in range(1, gateways + 1)
            ],
        )


def _site(
    session: sa.orm.Session, district: District, number: int, meters: int, homes: int, digits: int
) -> FleetGateway:
    complex_ = Complex(
        district_id=district.id,
        id=allocate(session, district.id, "complex")[0],
        code=f"{DISTRICT}{number:03d}",
        name=f"{number}단지",
    )
    session.add(complex_)
    session.flush()
    code = f"{DISTRICT}-GW-{number:03d}"
    gateway = service.add_gateway(session, district.id, code, LONG_AGO)
    names = [f"{DISTRICT}-{number:03d}-01-{meter}" for meter in range(1, meters + 1)]
    for name in names:
        service.install_meter(session, gateway, complex_, name, LONG_AGO)
    cards = [f"{number:0{digits - 6}X}{home:06X}" for home in range(1, homes + 1)]
    _move_in(session, district, complex_, cards)
    collector = f"{number:0{digits - 6}X}FFFFFF"
    session.add(_card(session, district, collector, role="collector"))
    return FleetGateway(code, open_claim(session, district.id, gateway.id, now()), names, cards, [collector])


def _move_in(session: sa.orm.Session, district: District, complex_: Complex, cards: list[str]) -> None:
    building = Building(
        district_id=district.id, id=allocate(session, district.id, "building")[0], complex_id=complex_.id, name="101"
    )
    session.add(building)
    session.flush()
    dates = {"district_id": district.id, "valid_from": LONG_AGO, "valid_to": None}
    for unit, number in enumerate(cards, 1):
        household = Household(
            district_id=district.id,
            id=allocate(session, district.id, "household")[0],
            complex_id=complex_.id,
            building_id=building.id,
            unit=str(unit),
        )
        card = _card(session, district, number)
        session.add_all([household, card])
        session.flush()
        tenancy = Tenancy(id=allocate(session, district.id, "tenancy")[0], household_id=household.id, **dates)
        session.add(tenancy)
        session.flush()
        assignment = allocate(session, district.id, "card_assignment")[0]
        session.add(CardAssignment(id=assignment, card_id=card.id, tenancy_id=tenancy.id, **dates))


def _card(session: sa.orm.Session, district: District, number: str, role: str = "household") -> Card:
    return Card(
        district_id=district.id,
        id=allocate(session, district.id, "card")[0],
        card_hash=card_hash(district.card_key, number),
        last4=last4(number),
        role=role,
    )
