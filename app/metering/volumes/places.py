"""Which places a district has: complexes, dongs, households. Lists are paged by key."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.db import Executor
from app.metering.volumes.model import Kind, Place
from app.problems import Problem
from app.registry.models import Building, Complex, District, Dong, Household, MeterAssignment
from app.times import now


class ComplexRow(NamedTuple):
    """A complex of the list; `households` as declared, else as registered. `meters` stand there now."""

    id: int
    code: str
    name: str
    dong_code: str | None
    dong_name: str | None
    households: int
    meters: int


def complexes(
    connection: sa.Connection, district_id: int, after: int, limit: int, search: str = "", reach: Reach = WHOLE
) -> list[ComplexRow]:
    """Complexes with an id above `after`, by id; with `search` those whose name or code contains it."""
    c = Complex
    registered = _count(Household, district_id)
    a, moment = MeterAssignment, now()
    stand = (a.valid_from <= moment, sa.or_(a.valid_to.is_(None), a.valid_to > moment))
    meters = _count(a, district_id).where(*stand)
    statement = (
        sa.select(
            *(c.id, c.code, c.name, c.dong_code, Dong.name),
            sa.func.coalesce(c.declared_households, registered.scalar_subquery()),
            meters.scalar_subquery(),
        )
        .outerjoin(Dong, sa.and_(Dong.district_id == c.district_id, Dong.code == c.dong_code))
        .where(c.district_id == district_id, c.id > after, reach.within(c.id))
        .order_by(c.id)
        .limit(limit)
    )
    if "\0" in search:  # PostgreSQL takes no such text
        return []
    if search:
        found = sa.or_(c.name.contains(search, autoescape=True), c.code.contains(search, autoescape=True))
        statement = statement.where(found)
    return [ComplexRow(*row) for row in connection.execute(statement)]


def _count(table: Any, district_id: int) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(table.district_id == district_id, table.complex_id == Complex.id)


def dongs(connection: sa.Connection, district_id: int) -> list[tuple[str, str | None]]:
    """Code and name of the dongs of a district, by code: some dozens."""
    statement = sa.select(Dong.code, Dong.name).where(Dong.district_id == district_id).order_by(Dong.code)
    return [(code, name) for code, name in connection.execute(statement)]


def place(connection: sa.Connection, district_id: int, kind: Kind, key: str | int, reach: Reach = WHOLE) -> Place:
    """A place by its id (complex, household) or code (district, dong). Raises the Problem `not-found`."""
    # PostgreSQL takes no text with a NUL, so nothing can be called so.
    row = None if "\0" in str(key) else connection.execute(_PLACES[kind](district_id, key)).one_or_none()
    if row is None:
        raise Problem("not-found")
    complex_id, *named = row
    reach.check(complex_id)
    return Place(kind, *named)


def complex_by_code(executor: Executor, district_id: int, code: str) -> Place | None:
    """A complex by the code that K-eco gives it."""
    same = (Complex.district_id == district_id, Complex.code == code)
    row = executor.execute(sa.select(Complex.id, Complex.code, Complex.name).where(*same)).one_or_none()
    return None if row is None else Place("complex", *row)


def dong_by_code(executor: Executor, district_id: int, code: str) -> Place | None:
    """A dong by its legal code."""
    row = executor.execute(_dong(district_id, code)).one_or_none()
    return None if row is None else Place("dong", *row[1:])


# Each: the complex where it lies, then what `Place` has. Districts and dongs lie in none.
NOWHERE = sa.null().label("complex_id")


def _district(district_id: int, code: Any) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(NOWHERE, sa.literal(0), District.code, District.name).where(
        District.id == district_id, District.code == code
    )


def _dong(district_id: int, code: Any) -> sa.Select[*tuple[Any, ...]]:
    name = sa.func.coalesce(Dong.name, Dong.code)
    return sa.select(NOWHERE, sa.literal(0), Dong.code, name).where(Dong.district_id == district_id, Dong.code == code)


def _complex(district_id: int, id_: Any) -> sa.Select[*tuple[Any, ...]]:
    same = (Complex.district_id == district_id, Complex.id == id_)
    return sa.select(Complex.id, Complex.id, Complex.code, Complex.name).where(*same)


def _household(district_id: int, id_: Any) -> sa.Select[*tuple[Any, ...]]:
    home = sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id)
    complex_ = sa.and_(Complex.district_id == Household.district_id, Complex.id == Household.complex_id)
    return (
        sa.select(Complex.id, Household.id, Complex.code, Building.name.concat("-").concat(Household.unit))
        .join(Building, home)
        .join(Complex, complex_)
        .where(Household.district_id == district_id, Household.id == id_)
    )


_PLACES = {"district": _district, "dong": _dong, "complex": _complex, "household": _household}
