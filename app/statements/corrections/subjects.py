"""The statements and tenancies that corrections are about, within a reach; all raise `not-found` for others."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household, Tenancy
from app.statements import queries as statements
from app.statements.locking import lock
from app.statements.queries import Found


class Tenant(NamedTuple):
    """A tenancy and where it is; `name` is what staff call the household."""

    complex_id: int
    household_id: int
    tenancy_id: int
    name: str


def tenant(session: Session, district_id: int, reach: Reach, tenancy_id: int) -> Tenant:
    """The tenancy of this number."""
    columns: tuple[Any, ...] = (Household.complex_id, Household.id, Complex.name, Building.name, Household.unit)
    asked = _homes(sa.select(*columns).select_from(Tenancy)).where(
        Tenancy.district_id == district_id, Tenancy.id == tenancy_id, reach.within(Household.complex_id)
    )
    found = session.execute(asked).first()
    if found is None:
        raise Problem("not-found")
    complex_id, household_id, *names = found
    return Tenant(complex_id, household_id, tenancy_id, " ".join(names))


def _homes(asked: sa.Select[Any]) -> sa.Select[Any]:
    of_district = Household.district_id == Tenancy.district_id
    return (
        asked.join(Household, sa.and_(of_district, Household.id == Tenancy.household_id))
        .join(
            Building,
            sa.and_(of_district, Building.district_id == Household.district_id, Building.id == Household.building_id),
        )
        .join(Complex, sa.and_(Complex.district_id == Household.district_id, Complex.id == Household.complex_id))
    )


def locked(session: Session, district_id: int, reach: Reach, number: str) -> Found:
    """The statement of this number, final and not void, while nobody closes or voids anything of its complex.

    Raises `statement-not-final` and `statement-void`.
    """
    lock(session, district_id, statements.find(session, district_id, number, reach).run.complex_id)
    found = statements.find(session, district_id, number, reach)
    if found.row["state"] == "preview":
        raise Problem("statement-not-final", statement=number)
    if found.row["state"] == "voided":
        raise Problem("statement-void", statement=number)
    return found


def entry(action: str, kind: str, number: int | str, home: Tenant, after: dict[str, Any], reason: str) -> audit.Entry:
    """An audit entry about what happened to a household's statements."""
    return audit.Entry(action, kind, number, home.name, None, after, reason, home.complex_id)
