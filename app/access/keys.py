"""Keys of gateways: a second beside the first, confirmed by its first use, and revoked at once.

Whoever makes, confirms or revokes keys of a gateway holds its row, so that two who do so at the same time agree.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.events import Event, book_events
from app.access.models import GatewayKey
from app.db import Executor
from app.problems import Problem

SECRET_BYTES = 32
GRACE = timedelta(hours=24)  # how long the old key lives on once the new one was used

# Access lies below the registry; this is all it has to know of a gateway.
gateway = sa.table("gateway", sa.column("district_id", sa.Integer), sa.column("id", sa.Integer))


def hold_keys(executor: Executor, district_id: int, gateway_id: int) -> None:
    """Keep others from changing the gateway's keys until the transaction ends."""
    mine = sa.and_(gateway.c.district_id == district_id, gateway.c.id == gateway_id)
    executor.execute(sa.select(gateway.c.id).where(mine).with_for_update())


def of_gateway(district_id: int, gateway_id: int) -> sa.ColumnElement[bool]:
    """What picks all keys of a gateway."""
    return sa.and_(GatewayKey.district_id == district_id, GatewayKey.gateway_id == gateway_id)


def living(now: datetime) -> sa.ColumnElement[bool]:
    """What picks the keys that open: not revoked, and not past their retirement."""
    return sa.and_(
        GatewayKey.revoked_at.is_(None), sa.or_(GatewayKey.retires_at.is_(None), GatewayKey.retires_at > now)
    )


def make_key(
    session: Session, district_id: int, gateway_id: int, gateway_name: str, hardware_id: str, now: datetime
) -> GatewayKey:
    """A new key, `gateway_name`/N (DISTRICT/GATEWAY) with the next N; only while the gateway is held."""
    mine = of_gateway(district_id, gateway_id)
    count = session.scalar(sa.select(sa.func.count()).select_from(GatewayKey).where(mine))
    key = GatewayKey(
        district_id=district_id,
        key_id=f"{gateway_name}/{(count or 0) + 1}",
        gateway_id=gateway_id,
        secret=secrets.token_bytes(SECRET_BYTES),
        hardware_id=hardware_id,
        created_at=now,
    )
    session.add(key)
    session.flush()
    return key


def second_key(session: Session, district_id: int, gateway_id: int, signed_with: str, now: datetime) -> GatewayKey:
    """The key that is to follow `signed_with` (a key id): the one that waits for its first use, else a new one.

    At most two live: a new one ends every key but the one that signed. A key whose successor was used gets none
    (Problem `key-retiring`): who stole it could push out the box within the day that it lives on.
    """
    hold_keys(session, district_id, gateway_id)
    signing = session.get_one(GatewayKey, (district_id, signed_with), populate_existing=True)
    if signing.retires_at is not None:
        raise Problem("key-retiring")
    live = session.scalars(sa.select(GatewayKey).where(of_gateway(district_id, gateway_id), living(now))).all()
    waiting = next((key for key in live if key.confirmed_at is None and key.key_id != signed_with), None)
    if waiting is not None:
        return waiting
    _revoke(session, [key for key in live if key is not signing], None, now)
    key = make_key(session, district_id, gateway_id, signed_with.rpartition("/")[0], signing.hardware_id, now)
    book_events(session, district_id, [Event(gateway_id, "key_made", now, key.key_id)], now)
    return key


def confirm(session: Session, district_id: int, gateway_id: int, key_id: str, now: datetime) -> None:
    """The gateway has signed with this key: it has it, and its other keys end after a grace of 24 hours."""
    hold_keys(session, district_id, gateway_id)
    key = session.get_one(GatewayKey, (district_id, key_id), populate_existing=True)
    if key.confirmed_at is not None or key.revoked_at is not None:
        return
    key.confirmed_at = now
    others = sa.and_(of_gateway(district_id, gateway_id), living(now), GatewayKey.key_id != key_id)
    session.execute(sa.update(GatewayKey).where(others, GatewayKey.retires_at.is_(None)).values(retires_at=now + GRACE))
    book_events(session, district_id, [Event(gateway_id, "key_confirmed", now, key_id)], now)


def revoke(
    session: Session, district_id: int, gateway_id: int, actor: str | None, now: datetime, key_id: str | None = None
) -> list[str]:
    """End one key of a gateway, or all, at once; the ids of those that lived until now."""
    hold_keys(session, district_id, gateway_id)
    statement = sa.select(GatewayKey).where(of_gateway(district_id, gateway_id), living(now))
    if key_id is not None:
        statement = statement.where(GatewayKey.key_id == key_id)
    found = session.scalars(statement.order_by(GatewayKey.created_at, GatewayKey.key_id)).all()
    _revoke(session, found, actor, now)
    return [key.key_id for key in found]


def _revoke(session: Session, keys: Sequence[GatewayKey], actor: str | None, now: datetime) -> None:
    for key in keys:
        key.revoked_at = now
        book_events(session, key.district_id, [Event(key.gateway_id, "key_revoked", now, key.key_id, actor)], now)
    session.flush()
