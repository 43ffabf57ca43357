"""Households by building and unit: found, added, renamed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.registry.service import changing

WITH_SUFFIX = re.compile(r"([0-9A-Za-z-]+)[동호]")
CARD_LIKE = re.compile(r"[0-9A-Fa-f]{8,}")
LONGEST = 40


class Home(NamedTuple):
    """A household with where it is; `name` is what staff call it: complex, building and unit."""

    row: Household
    complex_name: str
    building: str

    @property
    def name(self) -> str:
        return f"{self.complex_name} {self.building}-{self.row.unit}"

    def entry(
        self,
        action: str,
        after: Mapping[str, object] | None = None,
        reason: str | None = None,
        before: Mapping[str, object] | None = None,
    ) -> audit.Entry:
        """An audit entry about the household."""
        row = self.row
        return audit.Entry(action, "household", row.id, self.name, before, after, reason, row.complex_id)


def plain(name: str) -> str:
    """`101동` and `101 동` are building 101, `1203호` is unit 1203; `가동` keeps its name."""
    joined = "".join(name.split())
    found = WITH_SUFFIX.fullmatch(joined)
    return found[1] if found else joined


def home_of(session: Session, district_id: int, household_id: int, reach: Reach = WHOLE) -> Home:
    """The household of this number; raises the Problem `not-found`, also for one outside of the reach."""
    statement = (
        sa.select(Household, Complex.name, Building.name)
        .join(Complex, sa.and_(Complex.district_id == Household.district_id, Complex.id == Household.complex_id))
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
        .where(Household.district_id == district_id, Household.id == household_id)
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        raise Problem("not-found")
    reach.check(found[0].complex_id)
    return Home(*found)


def complex_of(session: Session, district_id: int, code: str, reach: Reach = WHOLE) -> Complex:
    """The complex of this code; raises the Problem `not-found`, also for one outside of the reach."""
    found = session.scalar(sa.select(Complex).where(Complex.district_id == district_id, Complex.code == code))
    if found is None:
        raise Problem("not-found")
    reach.check(found.id)
    return found


def add_household(
    session: Session, district_id: int, complex_: Complex, building: str, unit: str, actor: str, now: datetime
) -> int:
    """A new household, in a building that is made if need be; its id. Raises `invalid` and `household-exists`."""
    changing(session, district_id)
    building, unit = _checked(building, unit)
    building_id = _building(session, district_id, complex_.id, building)
    _refuse_taken(session, district_id, building_id, unit)
    id_ = allocate(session, district_id, "household")[0]
    key = {"district_id": district_id, "id": id_}
    session.add(Household(**key, complex_id=complex_.id, building_id=building_id, unit=unit))
    session.flush()
    audit.book(session, district_id, home_of(session, district_id, id_).entry("household.added"), actor, now)
    return id_


def rename_household(
    session: Session, district_id: int, home: Home, building: str, unit: str, actor: str, now: datetime
) -> None:
    """Give the household another building or unit of its complex. Raises `invalid` and `household-exists`."""
    changing(session, district_id)
    building, unit = _checked(building, unit)
    row = home.row
    if (building, unit) == (home.building, row.unit):
        raise Problem("nothing-changes")
    building_id = _building(session, district_id, row.complex_id, building)
    _refuse_taken(session, district_id, building_id, unit)
    before, after = {"building": home.building, "unit": row.unit}, {"building": building, "unit": unit}
    entry = home.entry("household.renamed", after, before=before)
    row.building_id, row.unit = building_id, unit
    session.flush()
    audit.book(session, district_id, entry, actor, now)


def _checked(building: str, unit: str) -> tuple[str, str]:
    building, unit = plain(building), plain(unit)
    errors = {}
    for name, value in (("building", building), ("unit", unit)):
        if not value or len(value) > LONGEST:
            errors[name] = f"1 … {LONGEST}"
        elif CARD_LIKE.fullmatch(value):
            errors[name] = "looks like a card number"
    if errors:
        raise Problem("invalid", errors=errors)
    return building, unit


def _building(session: Session, district_id: int, complex_id: int, name: str) -> int:
    mine = (Building.district_id == district_id, Building.complex_id == complex_id, Building.name == name)
    found = session.scalar(sa.select(Building.id).where(*mine))
    if found is not None:
        return found
    id_ = allocate(session, district_id, "building")[0]
    session.add(Building(district_id=district_id, id=id_, complex_id=complex_id, name=name))
    session.flush()
    return id_


def _refuse_taken(session: Session, district_id: int, building_id: int, unit: str) -> None:
    taken = sa.select(Household.id).where(
        Household.district_id == district_id, Household.building_id == building_id, Household.unit == unit
    )
    if session.scalar(taken) is not None:
        raise Problem("household-exists")
