"""The district's limits and windows of billing: defaults that it may override. Nothing here commits."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.db import upsert
from app.problems import Problem
from app.statements.terms.models import BillingPolicy


class Policy(NamedTuple):
    """`late_months`: usage as old as that is still billed by itself; managers review a preview for `review_days`,
    disputes are answered within `reply_days`, statements paid within `pay_days`.
    """

    late_months: int = 12
    review_days: int = 5
    reply_days: int = 14
    pay_days: int = 30


BOUNDS = {"late_months": (0, 60), "review_days": (0, 60), "reply_days": (1, 180), "pay_days": (1, 365)}


def of(session: Session, district_id: int) -> Policy:
    """The policy in force."""
    columns = [getattr(BillingPolicy, name) for name in Policy._fields]
    found = session.execute(sa.select(*columns).where(BillingPolicy.district_id == district_id)).first()
    return Policy(*found) if found else Policy()


def change(session: Session, district_id: int, wanted: Policy, actor: str, now: datetime) -> None:
    """Set the limits. Raises `invalid` for what is out of bounds, and `nothing-changes`."""
    errors: dict[str, Any] = {
        name: _l("Write a number from %(least)s to %(most)s.", least=least, most=most)
        for name, (least, most) in BOUNDS.items()
        if not least <= getattr(wanted, name) <= most
    }
    if errors:
        raise Problem("invalid", errors=errors)
    before, after = of(session, district_id)._asdict(), wanted._asdict()
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        raise Problem("nothing-changes")
    statement = upsert(session, BillingPolicy).values({"district_id": district_id} | after)
    session.execute(statement.on_conflict_do_update(index_elements=["district_id"], set_=after))
    old, new = ({name: side[name] for name in changed} for side in (before, after))
    entry = audit.Entry("billing_policy.changed", "billing_policy", district_id, "", old, new)
    audit.book(session, district_id, entry, actor, now)
