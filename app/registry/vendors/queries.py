"""Reads of vendors, within the reader's reach: a vendor's people see their own alone."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.registry.models import Vendor

COLUMNS = tuple(column for column in Vendor.__table__.c if column.name != "district_id")

Row = dict[str, Any]


def vendor_page(
    session: Session,
    district_id: int,
    kind: str = "",
    search: str = "",
    state: str = "",
    after: str = "",
    limit: int = 200,
) -> list[Row]:
    """Vendors by code, those above `after`, as the table has them. `search` is of code, name or address; `state` is
    `active`, `ended` or nothing for both.
    """
    statement = sa.select(*COLUMNS).where(Vendor.district_id == district_id, Vendor.code > after)
    if kind:
        statement = statement.where(Vendor.kind == kind)
    if state:
        ended = Vendor.ended_on.is_not(None)
        statement = statement.where(ended if state == "ended" else ~ended)
    if search:
        columns = (Vendor.code, Vendor.name, Vendor.address)
        statement = statement.where(sa.or_(*(column.icontains(search, autoescape=True) for column in columns)))
    return [dict(row) for row in session.execute(statement.order_by(Vendor.code).limit(limit)).mappings()]


def vendor(session: Session, district_id: int, code: str, reach: Reach = WHOLE) -> Row:
    """One vendor, the district's memo only for staff. Raises `not-found`, also for another vendor's people."""
    statement = sa.select(*COLUMNS).where(Vendor.district_id == district_id, Vendor.code == code)
    found = session.execute(statement).mappings().first()
    if found is None:
        raise Problem("not-found")
    reach.check_vendor(found["id"])
    return dict(found) if reach.whole else dict(found) | {"memo": None}


def code_of(session: Session, district_id: int, vendor_id: int) -> str:
    """The code of a vendor, as its people's home needs it; raises the Problem `not-found`."""
    statement = sa.select(Vendor.code).where(Vendor.district_id == district_id, Vendor.id == vendor_id)
    found = session.scalar(statement)
    if found is None:
        raise Problem("not-found")
    return found
