"""Cards that a bin refused: a manager sees them appear while somebody holds the card at the bin."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.db import Executor, upsert
from app.fleet.models import UnknownTouch
from app.registry.models import Card, CardAssignment, Complex, Gateway, Meter

RECENT = timedelta(minutes=10)
KEPT = timedelta(days=30)
DROPPED_AT_ONCE = 100  # a booking drops twice what a report can bring, so what is old runs out


class Touch(NamedTuple):
    """A card at a meter at an instant; `reason` is why the bin refused it."""

    card_hash: bytes
    last4: str
    meter_id: int
    gateway_id: int
    complex_id: int
    reason: str
    at: datetime


def book_touches(executor: Executor, district_id: int, touches: Iterable[Touch], now: datetime) -> None:
    """Keep the first and the last time of each card at each meter; the same touch again changes nothing.

    What nobody asked for within 30 days is dropped on the way, a bounded number each time.
    """
    newest: dict[tuple[int, bytes], dict[str, Any]] = {}
    for touch in sorted(touches, key=lambda touch: touch.at):
        row = touch._asdict() | {"district_id": district_id}
        at = row.pop("at")
        first = newest.get((touch.meter_id, touch.card_hash), {"first_seen_at": at})["first_seen_at"]
        newest[touch.meter_id, touch.card_hash] = row | {"first_seen_at": first, "last_seen_at": at}
    if not newest:
        return
    statement = upsert(executor, UnknownTouch)
    told = {name: statement.excluded[name] for name in ("last4", "gateway_id", "complex_id", "reason", "last_seen_at")}
    later = statement.excluded.last_seen_at > UnknownTouch.last_seen_at
    keys = ["district_id", "card_hash", "meter_id"]
    # In one order for all, so that two transactions wait for each other instead of dead-locking.
    executor.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=told, where=later),
        [newest[key] for key in sorted(newest)],
    )
    _drop_old(executor, district_id, now)


def _drop_old(executor: Executor, district_id: int, now: datetime) -> None:
    touch = UnknownTouch
    key = sa.tuple_(touch.district_id, touch.card_hash, touch.meter_id)
    old = (
        sa.select(touch.district_id, touch.card_hash, touch.meter_id)
        .where(touch.district_id == district_id, touch.last_seen_at < now - KEPT)
        .order_by(touch.last_seen_at)
        .limit(DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)  # who books one of them anew does not wait for us, nor we for him
    )
    executor.execute(sa.delete(touch).where(key.in_(old)))


def recent_touches(
    session: Session,
    district_id: int,
    now: datetime,
    within: timedelta = RECENT,
    meter: str | None = None,
    complex_code: str | None = None,
    limit: int = 100,
    reach: Reach = WHOLE,
) -> list[dict[str, Any]]:
    """Cards that were refused within this time, the newest first, optionally at one meter or complex (by code).

    Each: card_hash (hex), last4, meter, gateway, complex, complex_name, reason, first_seen_at, last_seen_at, and
    `card`: `unknown` (may be enrolled), `free` (known, of nobody now: may be enrolled), `held` or `blocked`.
    """
    touch = UnknownTouch
    statement = (
        sa.select(
            *(touch.card_hash, touch.last4, touch.reason, touch.first_seen_at, touch.last_seen_at),
            *(Meter.code.label("meter"), Gateway.code.label("gateway"), Complex.code.label("complex")),
            *(Complex.name.label("complex_name"), Card.role, Card.blocked_at, _held_at(now).label("held")),
        )
        .join(Meter, sa.and_(Meter.district_id == touch.district_id, Meter.id == touch.meter_id))
        .join(Gateway, sa.and_(Gateway.district_id == touch.district_id, Gateway.id == touch.gateway_id))
        .join(Complex, sa.and_(Complex.district_id == touch.district_id, Complex.id == touch.complex_id))
        .outerjoin(Card, sa.and_(Card.district_id == touch.district_id, Card.card_hash == touch.card_hash))
        .where(touch.district_id == district_id, touch.last_seen_at > now - within, reach.within(touch.complex_id))
    )
    if meter is not None:
        statement = statement.where(Meter.code == meter)
    if complex_code is not None:
        statement = statement.where(Complex.code == complex_code)
    newest = statement.order_by(touch.last_seen_at.desc(), touch.meter_id, touch.card_hash).limit(limit)
    return [_shown(dict(row)) for row in session.execute(newest).mappings()]


def last4_of(session: Session, district_id: int, card_hash: bytes, reach: Reach = WHOLE) -> str | None:
    """The last four digits of a card as a bin saw them; None where no bin within reach refused it lately."""
    touch = UnknownTouch
    touched = (touch.district_id == district_id, touch.card_hash == card_hash, reach.within(touch.complex_id))
    return session.scalar(sa.select(touch.last4).where(*touched).order_by(touch.last_seen_at.desc()).limit(1))


def _held_at(now: datetime) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        CardAssignment.district_id == Card.district_id,
        CardAssignment.card_id == Card.id,
        sa.or_(CardAssignment.valid_to.is_(None), CardAssignment.valid_to > now),
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    role, blocked_at, held = row.pop("role"), row.pop("blocked_at"), row.pop("held")
    if role is None:
        state = "unknown"
    elif blocked_at is not None:
        state = "blocked"
    else:
        state = "held" if held or role != "household" else "free"
    return row | {"card_hash": bytes(row["card_hash"]).hex(), "card": state}
