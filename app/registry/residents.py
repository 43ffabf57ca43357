"""Who lives in a household: the one place where names, phone numbers and e-mail addresses are set, seen and erased.

The audit log says that and by whom, never what: it cannot be erased.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.problems import Problem
from app.registry.card_changes import given
from app.registry.models import Resident, Tenancy
from app.registry.places import Home

LONGEST = 100
FIELDS = ("name", "phone", "email")


class Details(NamedTuple):
    """What is known of a resident; None where nothing is."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None

    def checked(self) -> "Details":
        """Without blanks around, None for what is empty; raises `invalid` for what is too long or no address."""
        told = Details(*((value or "").strip() or None for value in self))
        errors = {name: f"{LONGEST}" for name, value in told._asdict().items() if value and len(value) > LONGEST}
        if errors:
            raise Problem("invalid", errors=errors)
        return told


def set_resident(
    session: Session, district_id: int, home: Home, tenancy_id: int, details: Details, actor: str, now: datetime
) -> None:
    """Store what is known of who lives there; nothing known erases. Raises `not-found` and `nothing-changes`."""
    told, row = details.checked(), _resident(session, district_id, home, tenancy_id)
    known = Details(row.name, row.phone, row.email) if row else Details()
    changed = [name for name in FIELDS if getattr(told, name) != getattr(known, name)]
    if not changed:
        raise Problem("nothing-changes")
    store(session, district_id, tenancy_id, told)
    action = "household.resident_set" if any(told) else "household.resident_erased"
    audit.book(session, district_id, home.entry(action, {"details": ", ".join(changed)}), actor, now)


def store(session: Session, district_id: int, tenancy_id: int, details: Details) -> None:
    """Write the details of a tenancy, or remove them where there are none."""
    key = {"district_id": district_id, "tenancy_id": tenancy_id}
    session.execute(sa.delete(Resident).filter_by(**key))
    if any(details):
        session.add(Resident(**key, **details._asdict()))
    session.flush()


def reveal(session: Session, district_id: int, home: Home, reason: str, actor: str, now: datetime) -> None:
    """Book that somebody looks at the details of a household, and why; raises `invalid` without a reason."""
    audit.book(session, district_id, home.entry("household.revealed", reason=given(reason)), actor, now)


def _resident(session: Session, district_id: int, home: Home, tenancy_id: int) -> Any:
    tenancy = session.get(Tenancy, (district_id, tenancy_id))
    if tenancy is None or tenancy.household_id != home.row.id:
        raise Problem("not-found")
    return session.get(Resident, (district_id, tenancy_id))
