"""Households that move in and out, leave without notice, and come back. Instants in UTC; a move may be back-dated.

As in `service`, committing is left to the caller. Each use case says from when on which cards belong to somebody else;
where that lies in the past, `app.metering.moves` lets the ledger follow.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.card_changes import (
    CardHash,
    Moved,
    assign,
    given,
    is_held,
    let_go,
    refuse_early_block,
    take,
)
from app.registry.models import Card, CardAssignment, Tenancy
from app.registry.places import Home
from app.registry.residents import Details, store
from app.registry.service import changing
from billing.days import SEOUL, service_day

FIRST_YEAR = 1990
AHEAD = timedelta(days=366)
NOT_YET = _l("This day has not come yet.")


class Stay(NamedTuple):
    """A tenancy to be: from `start` until before `end` (open where None), who lives there, and with which new card."""

    start: datetime
    end: datetime | None = None
    resident: Details | None = None
    card: CardHash | None = None


def midnight(day: date) -> datetime:
    """The first moment of a day in Korea, in UTC."""
    return datetime.combine(day, time.min, SEOUL).astimezone(UTC)


def day_of_move(day: date, now: datetime) -> datetime:
    """`midnight` of a day on which somebody moves; raises `invalid` for one too long ago or too far ahead."""
    if day.year < FIRST_YEAR or day > service_day(now + AHEAD):
        raise Problem("invalid", errors={"on": _bounds(now)})
    return midnight(day)


def move_in(session: Session, district_id: int, home: Home, stay: Stay, actor: str, now: datetime) -> Moved:
    """Begin a tenancy; it gets the cards that the unit kept, and a new one if one is given.

    Raises `household-lived-in` where another tenancy lasts then, `invalid` for its dates, and what `take` raises.
    """
    changing(session, district_id)
    _check(stay.start, now)
    _refuse_overlap(session, home, stay)
    tenancy = _begin(session, home, stay)
    new = [take(session, district_id, stay.card, stay.start, stay.end)] if stay.card is not None else []
    session.flush()
    cards = [*new, *_kept(session, home, stay)]
    for card in cards:
        card.role, card.complex_id, card.kept_household_id = "household", None, None
        session.flush()
        assign(session, card, tenancy, stay.start)
    if stay.resident is not None:
        store(session, district_id, tenancy.id, stay.resident.checked())
    row = home.row
    if row.abandoned_at is not None and stay.start >= row.abandoned_at:
        row.abandoned_at = row.abandoned_by = row.abandoned_reason = None
    session.flush()
    until = service_day(stay.end) if stay.end else None
    entry = home.entry("household.moved_in", _dates(moved_in=service_day(stay.start), moved_out=until))
    audit.book(session, district_id, entry, actor, now)
    return Moved(stay.start, frozenset(card.id for card in cards))


def move_out(
    session: Session, district_id: int, home: Home, end: datetime, handling: str, actor: str, now: datetime
) -> Moved:
    """End the tenancy that lasts then; its cards are returned, kept by the unit for the next tenancy, or blocked.

    Raises `household-empty` where nobody lives, `card-given-later` for a card that it got after that, and `invalid`,
    also for blocking cards that are still used until a day to come.
    """
    changing(session, district_id)
    _check(end, now)
    refuse_early_block(handling, end, now)
    row, left_at = home.row, _ends(session, home, end)
    moved = _end(session, home, end, handling, "moved out", actor, now)
    if row.abandoned_at is not None and row.abandoned_at == left_at:  # they moved out before they were found gone
        row.abandoned_at = row.abandoned_by = row.abandoned_reason = None
        session.flush()
    entry = home.entry("household.moved_out", _dates(moved_out=service_day(end), cards=handling))
    audit.book(session, district_id, entry, actor, now)
    return moved


def change_tenant(session: Session, district_id: int, home: Home, stay: Stay, actor: str, now: datetime) -> Moved:
    """One tenancy ends and the next begins at `stay.start`, with the same cards, also those lost or given since then.

    Raises what both moves raise.
    """
    changing(session, district_id)
    passed = _passed_on(session, home, stay.start)
    left = move_out(session, district_id, home, stay.start, "kept", actor, now)
    came = move_in(session, district_id, home, stay, actor, now)
    tenancy = session.scalars(sa.select(Tenancy).where(_at(home), Tenancy.valid_from == stay.start)).one()
    for card, start, end in passed:
        if not is_held(session, card, start, end):
            assign(session, card, tenancy, start, end)
    return Moved(stay.start, left.card_ids | came.card_ids | {card.id for card, *_ in passed})


def abandon(
    session: Session, district_id: int, home: Home, at: datetime, reason: str, actor: str, now: datetime
) -> Moved:
    """A household left without notice: its tenancy ended and its cards are blocked; what they weigh is nobody's.

    Raises `nothing-changes` for one that is marked so, and otherwise as `move_out`.
    """
    changing(session, district_id)
    row, reason = home.row, given(reason)
    if row.abandoned_at is not None:
        raise Problem("nothing-changes")
    _check(at, now)
    if at > now:
        raise Problem("invalid", errors={"on": NOT_YET})
    moved = _end(session, home, at, "blocked", reason, actor, now)
    row.abandoned_at, row.abandoned_by, row.abandoned_reason = at, actor, reason
    session.flush()
    entry = home.entry("household.abandoned", _dates(moved_out=service_day(at)), reason)
    audit.book(session, district_id, entry, actor, now)
    return moved


def come_back(session: Session, district_id: int, home: Home, actor: str, now: datetime) -> Moved:
    """The household had not left after all: tenancy and cards go on as if nothing had been. Raises `nothing-changes`
    for one that is not marked as abandoned.
    """
    changing(session, district_id)
    row = home.row
    left_at = row.abandoned_at
    if left_at is None:
        raise Problem("nothing-changes")
    tenancy = session.scalar(sa.select(Tenancy).where(_at(home), Tenancy.valid_to == left_at))
    if tenancy is None:  # a file moved its end, or was taken back
        raise Problem("nothing-changes")
    tenancy.valid_to = None
    session.flush()
    cards = list(_blocked_by_leaving(session, home, tenancy, left_at))
    row.abandoned_at = row.abandoned_by = row.abandoned_reason = None
    session.flush()
    audit.book(session, district_id, home.entry("household.came_back"), actor, now)
    return Moved(left_at, frozenset(cards))


def _end(session: Session, home: Home, end: datetime, handling: str, reason: str, actor: str, now: datetime) -> Moved:
    tenancy = _lasting(session, home, end)
    if tenancy is None:
        raise Problem("household-empty", household_id=home.row.id)
    moved = set()
    for held, card in _held_after(session, tenancy, end):
        if held.valid_from >= end:
            raise Problem("card-given-later", given=service_day(held.valid_from).isoformat())
        if held.valid_to in (None, tenancy.valid_to):
            let_go(card, handling, home.row.id, reason, actor, now)
        held.valid_to = end
        moved.add(card.id)
    tenancy.valid_to = end
    session.flush()
    return Moved(end, frozenset(moved))


def _lasting(session: Session, home: Home, end: datetime) -> Tenancy | None:
    """The tenancy that may end then: it began before, and lasts longer."""
    before = sa.select(Tenancy).where(_at(home), Tenancy.valid_from < end)
    tenancy = session.scalar(before.order_by(Tenancy.valid_from.desc()).limit(1))
    over = tenancy is None or (tenancy.valid_to is not None and tenancy.valid_to <= end)
    return None if over else tenancy


def _ends(session: Session, home: Home, end: datetime) -> datetime | None:
    """Until when the tenancy lasts that is about to end earlier."""
    tenancy = _lasting(session, home, end)
    return tenancy.valid_to if tenancy is not None else None


def _passed_on(session: Session, home: Home, at: datetime) -> list[tuple[Card, datetime, datetime | None]]:
    """What the next tenancy takes over beside the cards that this one holds to its end: those that it lost or gave back
    after `at`, and those that it got after, which are given anew. When they are held, until before.
    """
    tenancy, passed = _lasting(session, home, at), []
    for held, card in _held_after(session, tenancy, at) if tenancy is not None else ():
        got_since = held.valid_from >= at
        if got_since or held.valid_to not in (None, tenancy.valid_to if tenancy else None):
            passed.append((card, max(held.valid_from, at), held.valid_to))
        if got_since:
            session.delete(held)
    session.flush()
    return passed


def _begin(session: Session, home: Home, stay: Stay) -> Tenancy:
    row = home.row
    id_ = allocate(session, row.district_id, "tenancy")[0]
    key = {"district_id": row.district_id, "id": id_, "household_id": row.id}
    tenancy = Tenancy(**key, valid_from=stay.start, valid_to=stay.end)
    session.add(tenancy)
    session.flush()
    return tenancy


def _kept(session: Session, home: Home, stay: Stay) -> Iterator[Card]:
    """The cards that wait at the unit and that nobody holds during that time."""
    row = home.row
    kept = sa.select(Card).where(Card.district_id == row.district_id, Card.kept_household_id == row.id)
    cards = session.scalars(kept.where(Card.blocked_at.is_(None)).order_by(Card.id)).all()
    return (card for card in cards if not is_held(session, card, stay.start, stay.end))


def _held_after(session: Session, tenancy: Tenancy, end: datetime) -> list[tuple[CardAssignment, Card]]:
    a = CardAssignment
    statement = (
        sa.select(a, Card)
        .join(Card, sa.and_(Card.district_id == a.district_id, Card.id == a.card_id))
        .where(a.district_id == tenancy.district_id, a.tenancy_id == tenancy.id)
        .where(sa.or_(a.valid_to.is_(None), a.valid_to > end))
    )
    return [(row[0], row[1]) for row in session.execute(statement.order_by(a.id))]


def _blocked_by_leaving(session: Session, home: Home, tenancy: Tenancy, left_at: datetime) -> Iterator[int]:
    """Open the cards again that the leaving blocked, and let the tenancy hold them on; their ids. One that was lost
    after the leaving stays blocked, and is the tenancy's until it was lost.
    """
    row = home.row
    for held, card in _held_after(session, tenancy, left_at - timedelta(microseconds=1)):
        mine = card.blocked_by == row.abandoned_by and card.blocked_reason == row.abandoned_reason
        over = card.lost_at is not None and card.lost_at <= left_at
        if held.valid_to != left_at or over or is_held(session, card, left_at, card.lost_at):
            continue
        held.valid_to = card.lost_at
        if mine and card.lost_at is None:
            card.blocked_at = card.blocked_by = card.blocked_reason = None
        yield card.id


def _refuse_overlap(session: Session, home: Home, stay: Stay) -> None:
    if stay.end is not None and stay.end <= stay.start:
        raise Problem("invalid", errors={"until": "is not after the day of moving in"})
    lasting = [_at(home), sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to > stay.start)]
    if stay.end is not None:
        lasting.append(Tenancy.valid_from < stay.end)
    other = session.scalar(sa.select(Tenancy).where(*lasting).order_by(Tenancy.valid_from).limit(1))
    if other is not None:
        raise Problem("household-lived-in", since=service_day(other.valid_from).isoformat())


def _at(home: Home) -> sa.ColumnElement[bool]:
    return sa.and_(Tenancy.district_id == home.row.district_id, Tenancy.household_id == home.row.id)


def _check(at: datetime, now: datetime) -> None:
    if at.year < FIRST_YEAR or at > now + AHEAD:
        raise Problem("invalid", errors={"on": _bounds(now)})


def _bounds(now: datetime) -> str:
    return f"{FIRST_YEAR}-01-01 … {service_day(now + AHEAD)}"


def _dates(**values: object) -> dict[str, object]:
    return {name: str(value) for name, value in values.items() if value is not None}
