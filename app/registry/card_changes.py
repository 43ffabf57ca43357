"""Use cases of cards: given to a household, to collectors or to service, blocked and freed.

As in `service`, committing is left to the caller; every change raises the registry's version, so that ingest and the
lists of cards at the bins follow.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.ids import allocate
from app.problems import Problem
from app.registry.models import Card, CardAssignment, Complex, Household
from app.registry.queries import tenancy_at
from app.registry.service import changing


class CardHash(NamedTuple):
    """A card by its keyed hash (16 bytes), with its last four digits where they are known."""

    value: bytes
    last4: str | None


class Enrolled(NamedTuple):
    """A card and, for a household's, whose it is now."""

    card_id: int
    role: str
    household_id: int | None
    tenancy_id: int | None


def enrol(
    session: Session, district_id: int, card: CardHash, role: str, household_id: int | None, at: datetime
) -> Enrolled:
    """Give a card to the household that lives at `household_id` from `at` on, or to collectors or service staff.

    Raises Problems: `card-taken` for a card that is somebody's now or later, `card-blocked`, `household-empty` where
    nobody lives, `not-found` for a household that is not there, `invalid` where role and household do not fit.
    """
    if (role == "household") != (household_id is not None):
        raise Problem("invalid", errors={"household_id": "given for the role household, and for no other"})
    changing(session, district_id)
    tenancy_id = _tenancy(session, district_id, household_id, at) if household_id is not None else None
    row = _unheld(session, district_id, card, at) or _new(session, district_id, card)
    row.role = role
    session.flush()
    if tenancy_id is not None:
        id_ = allocate(session, district_id, "card_assignment")[0]
        key = {"district_id": district_id, "id": id_}
        session.add(CardAssignment(**key, card_id=row.id, tenancy_id=tenancy_id, valid_from=at))
        session.flush()
    return Enrolled(row.id, role, household_id, tenancy_id)


def limit_to_complex(session: Session, district_id: int, card_id: int, complex_code: str) -> None:
    """Let a collector's or service card open at one complex alone; raises `not-found`."""
    changing(session, district_id)
    code = sa.and_(Complex.district_id == district_id, Complex.code == complex_code)
    complex_id = session.scalar(sa.select(Complex.id).where(code))
    if complex_id is None:
        raise Problem("not-found")
    session.get_one(Card, (district_id, card_id)).complex_id = complex_id
    session.flush()


def block(session: Session, district_id: int, card_id: int, reason: str, actor: str, now: datetime) -> None:
    """Refuse a card at every bin, for a reason; raises `not-found`, or `nothing-changes` for one that is blocked."""
    changing(session, district_id)
    card = _card(session, district_id, card_id)
    if card.blocked_at is not None:
        raise Problem("nothing-changes")
    if not reason.strip():
        raise Problem("invalid", errors={"reason": "is empty"})
    card.blocked_at, card.blocked_by, card.blocked_reason = now, actor, reason.strip()
    session.flush()


def unblock(session: Session, district_id: int, card_id: int) -> None:
    """Let a card open again; raises `not-found`, or `nothing-changes` for one that is not blocked."""
    changing(session, district_id)
    card = _card(session, district_id, card_id)
    if card.blocked_at is None:
        raise Problem("nothing-changes")
    card.blocked_at = card.blocked_by = card.blocked_reason = None
    session.flush()


def _card(session: Session, district_id: int, card_id: int) -> Card:
    card = session.get(Card, (district_id, card_id))
    if card is None:
        raise Problem("not-found")
    return card


def _tenancy(session: Session, district_id: int, household_id: int, at: datetime) -> int:
    if session.get(Household, (district_id, household_id)) is None:
        raise Problem("not-found")
    tenancy_id = tenancy_at(session, district_id, household_id, at)
    if tenancy_id is None:
        raise Problem("household-empty", household_id=household_id)
    return tenancy_id


def _unheld(session: Session, district_id: int, card: CardHash, at: datetime) -> Card | None:
    """The card, if the registry knows it; refuses one that is in somebody's hands."""
    found = session.scalar(sa.select(Card).where(Card.district_id == district_id, Card.card_hash == card.value))
    if found is None:
        return None
    if found.blocked_at is not None:
        raise Problem("card-blocked", card_id=found.id)
    held = sa.select(CardAssignment.id).where(
        CardAssignment.district_id == district_id,
        CardAssignment.card_id == found.id,
        sa.or_(CardAssignment.valid_to.is_(None), CardAssignment.valid_to > at),
    )
    if found.role != "household" or session.scalar(held.limit(1)) is not None:
        raise Problem("card-taken", card_id=found.id)
    found.last4 = found.last4 or card.last4
    return found


def _new(session: Session, district_id: int, card: CardHash) -> Card:
    id_ = allocate(session, district_id, "card")[0]
    made = Card(district_id=district_id, id=id_, card_hash=card.value, last4=card.last4)
    session.add(made)
    return made
