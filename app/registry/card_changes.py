"""Use cases of cards: given to a household, to collectors, to service or to the common areas of a complex; blocked and
freed, lost and reissued, given back.

As in `service`, committing is left to the caller; every change raises the registry's version, so that ingest and the
lists of cards at the bins follow, and is booked into the audit log, where a card is called by its last two digits.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.masking import mask_last4
from app.registry.models import Card, CardAssignment, Household, Tenancy
from app.registry.queries import tenancy_at
from app.registry.service import changing

HASH_BYTES = 16
HANDLINGS = ("returned", "kept", "blocked")  # what becomes of a card whose tenancy ends
STILL_USED = _l("The cards are used until that day: choose another answer, and block them when it has come.")


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


class Moved(NamedTuple):
    """From when on these cards belong to somebody else than before: what `app.metering.moves` re-attributes.

    `household_ids` are of those who held them before by assignments that are no more.
    """

    since: datetime
    card_ids: frozenset[int]
    household_ids: frozenset[int] = frozenset()


def enrol(
    session: Session,
    district_id: int,
    card: CardHash,
    role: str,
    household_id: int | None,
    at: datetime,
    actor: str,
    now: datetime,
    complex_id: int | None = None,
) -> Enrolled:
    """Give a card to the household that lives at `household_id` from `at` on, to collectors or service staff (of one
    complex, if one is given), or to the common areas of a complex.

    Raises Problems: `card-taken` for a card that is somebody's now or later, `card-blocked`, `household-empty` where
    nobody lives, `not-found` for a household that is not there, `invalid` where role, household and complex do not fit.
    """
    if (role == "household") != (household_id is not None):
        raise Problem("invalid", errors={"household_id": "given for the role household, and for no other"})
    if (role == "common" and complex_id is None) or (role == "household" and complex_id is not None):
        raise Problem("invalid", errors={"complex": "given for the role common, and not for the role household"})
    changing(session, district_id)
    tenancy = _tenancy(session, district_id, household_id, at) if household_id is not None else None
    row = take(session, district_id, card, at, tenancy.valid_to if tenancy else None)
    row.role, row.complex_id = role, complex_id
    session.flush()
    if tenancy is not None:
        assign(session, row, tenancy, at)
    _book(session, row, "card.enrolled", actor, now, after={"role": role, "household_id": household_id})
    return Enrolled(row.id, role, household_id, tenancy.id if tenancy else None)


def block(session: Session, district_id: int, card_id: int, reason: str, actor: str, now: datetime) -> None:
    """Refuse a card at every bin, for a reason; raises `not-found`, or `nothing-changes` for one that is blocked."""
    changing(session, district_id)
    card = _card(session, district_id, card_id)
    if card.blocked_at is not None:
        raise Problem("nothing-changes")
    refuse_at_bins(card, given(reason), actor, now)
    session.flush()
    _book(session, card, "card.blocked", actor, now, reason=reason)


def unblock(session: Session, district_id: int, card_id: int, actor: str, now: datetime) -> None:
    """Let a card open again; one that was lost belongs to its tenancy again from now on, if that still lasts.

    Raises `not-found`, `nothing-changes` for one that is not blocked, `card-replaced` where another was issued instead.
    """
    changing(session, district_id)
    card = _card(session, district_id, card_id)
    if card.replaced_by_id is not None:
        raise Problem("card-replaced")
    if card.blocked_at is None:
        raise Problem("nothing-changes")
    if card.lost_at is not None:
        _give_again(session, card, now)
    card.blocked_at = card.blocked_by = card.blocked_reason = card.lost_at = None
    session.flush()
    _book(session, card, "card.unblocked", actor, now)


def lose(session: Session, district_id: int, card_id: int, reason: str, actor: str, now: datetime) -> None:
    """A card was lost: it is refused from now on, and what is weighed with it is nobody's.

    Raises `not-found`, or `nothing-changes` for one that is known to be lost.
    """
    changing(session, district_id)
    _lose(session, _card(session, district_id, card_id), given(reason), actor, now)


def reissue(session: Session, district_id: int, card_id: int, new: CardHash, actor: str, now: datetime) -> Enrolled:
    """Give another card instead of one that was lost, which never opens again.

    Raises `not-found`, `card-replaced`, `household-empty` where the tenancy of the old one has ended, and what `enrol`
    raises for the new one.
    """
    changing(session, district_id)
    old = _card(session, district_id, card_id)
    if old.replaced_by_id is not None:
        raise Problem("card-replaced")
    tenancy = _last_tenancy(session, old)
    if old.role == "household" and not _lasts(tenancy, now):
        raise Problem("household-empty")
    row = take(session, district_id, new, now, tenancy.valid_to if tenancy else None)
    row.role, row.complex_id = old.role, old.complex_id
    session.flush()
    if tenancy is not None:
        assign(session, row, tenancy, now)
    if old.lost_at is None:
        _lose(session, old, "reissued", actor, now)
    old.replaced_by_id, old.kept_household_id = row.id, None
    session.flush()
    _book(session, old, "card.reissued", actor, now, after={"card": mask_last4(row.last4)})
    return Enrolled(row.id, row.role, tenancy.household_id if tenancy else None, tenancy.id if tenancy else None)


def give_back(
    session: Session, district_id: int, card_id: int, at: datetime, handling: str, actor: str, now: datetime
) -> Moved:
    """A card is a household's no more from `at` on: returned, kept by the unit for its next tenancy, or blocked.

    On the day on which it was given, or at midnight before, it is as if it had never been given. Raises `not-found`,
    `nothing-changes` for one that is nobody's then, `invalid` for one to be blocked on a day to come.
    """
    changing(session, district_id)
    card = _card(session, district_id, card_id)
    refuse_early_block(handling, at, now)
    assignment = session.scalar(
        sa.select(CardAssignment).where(_of(card), *_ends_from(at)).order_by(CardAssignment.valid_from)
    )
    if assignment is None:
        raise Problem("nothing-changes")
    tenancy = session.get_one(Tenancy, (district_id, assignment.tenancy_id))
    if assignment.valid_from < at:
        assignment.valid_to = at
    else:
        session.delete(assignment)
    let_go(card, handling, tenancy.household_id, "returned", actor, now)
    session.flush()
    _book(session, card, "card.given_back", actor, now, after={"cards": handling})
    return Moved(at, frozenset({card_id}), frozenset({tenancy.household_id}))


def refuse_early_block(handling: str, at: datetime, now: datetime) -> None:
    """Raise `invalid` where cards are to be blocked that are in use until a day to come: a block counts at once."""
    if handling == "blocked" and at > now:
        raise Problem("invalid", errors={"cards": STILL_USED})


def let_go(card: Card, handling: str, household_id: int, reason: str, actor: str, now: datetime) -> None:
    """What becomes of a card that has just left its tenancy; one that is lost stays lost."""
    if handling not in HANDLINGS:
        raise Problem("invalid", errors={"cards": ", ".join(HANDLINGS)})
    if card.lost_at is not None:
        return
    if handling == "kept":
        card.kept_household_id = household_id
    elif handling == "blocked" and card.blocked_at is None:
        refuse_at_bins(card, reason, actor, now)


def refuse_at_bins(card: Card, reason: str, actor: str, now: datetime) -> None:
    """Mark a card as blocked."""
    card.blocked_at, card.blocked_by, card.blocked_reason = now, actor, reason


def take(session: Session, district_id: int, card: CardHash, start: datetime, end: datetime | None) -> Card:
    """The card, new to the registry if need be, to be given to somebody from `start` until before `end`.

    Raises `card-blocked`, `card-taken` where it is in somebody's hands then, and `invalid` for what is no card's hash.
    """
    if len(card.value) != HASH_BYTES:
        raise Problem("invalid", errors={"card": "is no card"})
    row = _unheld(session, district_id, card, start, end) or _new(session, district_id, card)
    row.kept_household_id = None
    return row


def assign(session: Session, card: Card, tenancy: Tenancy, start: datetime, end: datetime | None = None) -> None:
    """Let a tenancy hold the card from `start` until before `end`, or to its own end where none is given."""
    id_ = allocate(session, card.district_id, "card_assignment")[0]
    dates = {"valid_from": start, "valid_to": end or tenancy.valid_to}
    key = {"district_id": card.district_id, "id": id_}
    session.add(CardAssignment(**key, card_id=card.id, tenancy_id=tenancy.id, **dates))
    session.flush()


def given(reason: str) -> str:
    """A reason without blanks around it; raises `invalid` for none."""
    if not reason.strip():
        raise Problem("invalid", errors={"reason": "is empty"})
    return reason.strip()


def is_held(session: Session, card: Card, start: datetime, end: datetime | None) -> bool:
    """Whether a tenancy holds the card at some moment from `start` until before `end`."""
    overlapping = [_of(card), sa.or_(CardAssignment.valid_to.is_(None), CardAssignment.valid_to > start)]
    if end is not None:
        overlapping.append(CardAssignment.valid_from < end)
    return session.scalar(sa.select(CardAssignment.id).where(*overlapping).limit(1)) is not None


def _lose(session: Session, card: Card, reason: str, actor: str, now: datetime) -> None:
    if card.lost_at is not None:
        raise Problem("nothing-changes")
    card.lost_at = now
    if card.blocked_at is None:
        refuse_at_bins(card, reason, actor, now)
    held = session.scalar(sa.select(CardAssignment).where(_of(card), *_holds(now)))
    if held is not None:
        held.valid_to = now
    session.flush()
    _book(session, card, "card.lost", actor, now, reason=reason)


def _give_again(session: Session, card: Card, now: datetime) -> None:
    tenancy = _last_tenancy(session, card)
    if tenancy is not None and _lasts(tenancy, now) and not is_held(session, card, now, None):
        assign(session, card, tenancy, now)


def _lasts(tenancy: Tenancy | None, now: datetime) -> bool:
    return tenancy is not None and (tenancy.valid_to is None or tenancy.valid_to > now)


def _last_tenancy(session: Session, card: Card) -> Tenancy | None:
    """The tenancy that held the card last."""
    same = sa.and_(Tenancy.district_id == CardAssignment.district_id, Tenancy.id == CardAssignment.tenancy_id)
    held = sa.select(Tenancy).join(CardAssignment, same).where(_of(card))
    return session.scalar(held.order_by(CardAssignment.valid_from.desc()).limit(1))


def _of(card: Card) -> sa.ColumnElement[bool]:
    return sa.and_(CardAssignment.district_id == card.district_id, CardAssignment.card_id == card.id)


def _holds(at: datetime) -> list[sa.ColumnElement[bool]]:
    a = CardAssignment
    return [a.valid_from < at, sa.or_(a.valid_to.is_(None), a.valid_to > at)]


def _ends_from(at: datetime) -> list[sa.ColumnElement[bool]]:
    """What is true of the assignment that ends with a card given back at `at`: held then, or given that day."""
    a = CardAssignment
    return [a.valid_from < at + timedelta(days=1), sa.or_(a.valid_to.is_(None), a.valid_to > at)]


def _book(session: Session, card: Card, action: str, actor: str, now: datetime, **told: Any) -> None:
    subject = mask_last4(card.last4) or f"#{card.id}"
    entry = audit.Entry(action, "card", card.id, subject, complex_id=_complex_of(session, card), **told)
    audit.book(session, card.district_id, entry, actor, now)


def _complex_of(session: Session, card: Card) -> int | None:
    tenancy = _last_tenancy(session, card)
    if tenancy is None:
        return card.complex_id
    return session.get_one(Household, (card.district_id, tenancy.household_id)).complex_id


def _card(session: Session, district_id: int, card_id: int) -> Card:
    card = session.get(Card, (district_id, card_id))
    if card is None:
        raise Problem("not-found")
    return card


def _tenancy(session: Session, district_id: int, household_id: int, at: datetime) -> Tenancy:
    if session.get(Household, (district_id, household_id)) is None:
        raise Problem("not-found")
    tenancy_id = tenancy_at(session, district_id, household_id, at)
    if tenancy_id is None:
        raise Problem("household-empty", household_id=household_id)
    return session.get_one(Tenancy, (district_id, tenancy_id))


def _unheld(session: Session, district_id: int, card: CardHash, start: datetime, end: datetime | None) -> Card | None:
    """The card, if the registry knows it; refuses one that is in somebody's hands."""
    found = session.scalar(sa.select(Card).where(Card.district_id == district_id, Card.card_hash == card.value))
    if found is None:
        return None
    if found.blocked_at is not None:
        raise Problem("card-blocked", card_id=found.id)
    if found.role != "household" or is_held(session, found, start, end):
        raise Problem("card-taken", card_id=found.id)
    found.last4 = found.last4 or card.last4
    return found


def _new(session: Session, district_id: int, card: CardHash) -> Card:
    id_ = allocate(session, district_id, "card")[0]
    made = Card(district_id=district_id, id=id_, card_hash=card.value, last4=card.last4)
    session.add(made)
    return made
