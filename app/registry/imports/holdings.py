"""Who lives where with which card, as the registry has it and as a file adds to it, in memory."""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.registry.models import Building, Card, CardAssignment, Complex, Household, Resident, Tenancy
from app.registry.residents import Details
from app.texts import Text

ELSEWHERE = Text("다른 단지", "another complex")


@dataclass(slots=True, eq=False)
class Place:
    """A building; `outside` of what whoever imports may know of."""

    id: int
    complex_id: int
    complex_code: str
    name: str
    outside: bool = False


@dataclass(slots=True, eq=False)
class Unit:
    """A household; `stays` are its tenancies."""

    id: int
    place: Place
    name: str
    stays: "list[Stay]" = field(default_factory=list)

    @property
    def subject(self) -> str | Text:
        return ELSEWHERE if self.place.outside else f"{self.place.complex_code} {self.place.name}-{self.name}"


@dataclass(slots=True, eq=False)
class Stay:
    """A tenancy. `line` is where the file names it first, None for one that only the registry knows."""

    id: int
    unit: Unit
    start: datetime
    end: datetime | None
    line: int | None = None
    resident: Details | None = None
    held: "list[Held]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Chip:
    """A card by its hash."""

    id: int
    hash: bytes
    last4: str | None
    held: "list[Held]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Held:
    """A card assigned to a tenancy."""

    id: int
    chip: Chip
    stay: Stay
    start: datetime
    end: datetime | None
    line: int | None = None


NEW = 0  # the id of what the registry does not have yet


@dataclass
class Holdings:
    """Everything of one district by its natural keys; of complexes only those within reach."""

    complexes: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    units: dict[tuple[str, str, str], Unit] = field(default_factory=dict)
    chips: dict[bytes, Chip] = field(default_factory=dict)


def overlaps(start: datetime, end: datetime | None, other_start: datetime, other_end: datetime | None) -> bool:
    """Whether two half-open intervals share a moment; None is no end."""
    return (other_end is None or start < other_end) and (end is None or other_start < end)


def load(session: Session, district_id: int, reach: Reach = WHOLE) -> Holdings:
    """Five queries, whatever the size; a household costs about 1 kB."""
    holdings = Holdings()
    complexes = session.execute(sa.select(Complex.id, Complex.code).where(Complex.district_id == district_id))
    codes = {row.id: row.code for row in complexes}
    holdings.complexes = {code: id_ for id_, code in codes.items() if reach.covers(id_)}
    places = _places(session, district_id, codes, reach)
    units = _units(session, district_id, places)
    stays = _stays(session, district_id, units)
    chips = _chips(session, district_id)
    _attach(session, district_id, chips, stays)
    holdings.places = {(place.complex_code, place.name): place for place in places.values()}
    holdings.units = {(unit.place.complex_code, unit.place.name, unit.name): unit for unit in units.values()}
    holdings.chips = {chip.hash: chip for chip in chips.values()}
    return holdings


def _places(session: Session, district_id: int, codes: dict[int, str], reach: Reach) -> dict[int, Place]:
    rows = session.execute(
        sa.select(Building.id, Building.complex_id, Building.name).where(Building.district_id == district_id)
    )
    return {
        id_: Place(id_, complex_id, codes[complex_id], name, not reach.covers(complex_id))
        for id_, complex_id, name in rows
    }


def _units(session: Session, district_id: int, places: dict[int, Place]) -> dict[int, Unit]:
    rows = session.execute(
        sa.select(Household.id, Household.building_id, Household.unit).where(Household.district_id == district_id)
    )
    return {id_: Unit(id_, places[building_id], name) for id_, building_id, name in rows}


def _stays(session: Session, district_id: int, units: dict[int, Unit]) -> dict[int, Stay]:
    known = sa.and_(Resident.district_id == Tenancy.district_id, Resident.tenancy_id == Tenancy.id)
    statement = (
        sa.select(Tenancy.id, Tenancy.household_id, Tenancy.valid_from, Tenancy.valid_to)
        .add_columns(Resident.tenancy_id, Resident.name, Resident.phone, Resident.email)
        .outerjoin(Resident, known)
        .where(Tenancy.district_id == district_id)
    )
    stays = {
        id_: Stay(id_, units[household_id], start, end, resident=Details(*told) if told_of else None)
        for id_, household_id, start, end, told_of, *told in session.execute(statement)
    }
    for stay in stays.values():
        stay.unit.stays.append(stay)
    return stays


def _chips(session: Session, district_id: int) -> dict[int, Chip]:
    rows = session.execute(sa.select(Card.id, Card.card_hash, Card.last4).where(Card.district_id == district_id))
    return {id_: Chip(id_, bytes(hash_), last4) for id_, hash_, last4 in rows}


def _attach(session: Session, district_id: int, chips: dict[int, Chip], stays: dict[int, Stay]) -> None:
    held = session.execute(
        sa.select(
            CardAssignment.id,
            CardAssignment.card_id,
            CardAssignment.tenancy_id,
            CardAssignment.valid_from,
            CardAssignment.valid_to,
        ).where(CardAssignment.district_id == district_id)
    )
    for id_, card_id, tenancy_id, start, end in held:
        attach(Held(id_, chips[card_id], stays[tenancy_id], start, end))


def attach(held: Held) -> None:
    """Make an assignment known to its card and to its tenancy."""
    held.chip.held.append(held)
    held.stay.held.append(held)
