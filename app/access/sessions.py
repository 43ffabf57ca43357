"""Log-ins that last: the cookie holds a random id, the table its hash, so that a session can be ended from here."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.accounts import Identity, identity_of, reading_identity
from app.access.models import Account, AccountSession
from app.access.rules import ROLES
from app.db import Database

LENGTH = timedelta(hours=8)  # from the log-in on, used or not
IDLE = timedelta(minutes=60)
TOUCH_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=90)  # what is shown as last log-ins; later nobody needs to know from where somebody worked
LONGEST_AGENT = 200


class Origin(NamedTuple):
    """From where somebody logs in: the network address, and what the browser calls itself."""

    address: str | None
    agent: str | None


def start(session: Session, account: Account, origin: Origin, now: datetime) -> str:
    """Begin a session and return its id, which is stored nowhere else but in the cookie."""
    session_id = secrets.token_urlsafe(32)
    mine = (AccountSession.district_id == account.district_id, AccountSession.account_id == account.id)
    session.execute(sa.delete(AccountSession).where(*mine, AccountSession.started_at < now - KEPT))
    session.add(
        AccountSession(
            district_id=account.district_id,
            id_hash=hash_of(session_id),
            account_id=account.id,
            started_at=now,
            seen_at=now,
            address=origin.address,
            agent=(origin.agent or "")[:LONGEST_AGENT] or None,
        )
    )
    return session_id


def of_session(database: Database, session_id: str, now: datetime, touch: bool = True) -> Identity | None:
    """Whose session this is, while it lasts; one query. `touch` keeps it from becoming idle.

    A role that needs a second factor opens nothing to an account without one: the log-in asks to set it up.
    """
    id_hash = hash_of(session_id)
    same = sa.and_(
        AccountSession.district_id == Account.district_id,
        AccountSession.account_id == Account.id,
        AccountSession.id_hash == id_hash,
    )
    statement = reading_identity(AccountSession.seen_at).join(AccountSession, same)
    with database.reading() as connection:
        rows = connection.execute(statement.where(living(now), Account.disabled_at.is_(None))).all()
    if not rows or (ROLES[rows[0].role].second_factor and rows[0].totp_confirmed_at is None):
        return None
    if touch and rows[0].seen_at < now - TOUCH_EVERY:
        _touch(database, rows[0].district_id, id_hash, now)
    return identity_of(rows, session_id=session_id)


def end(
    session: Session, district_id: int, account_id: int, actor: str, now: datetime, besides: str | None = None
) -> int:
    """End the sessions of an account, all or all `besides` the one with this id; how many there were."""
    ended = (
        sa.update(AccountSession)
        .where(AccountSession.district_id == district_id, AccountSession.account_id == account_id, living(now))
        .values(ended_at=now, ended_by=actor)
    )
    if besides is not None:
        ended = ended.where(AccountSession.id_hash != hash_of(besides))
    return len(session.execute(ended.returning(AccountSession.id_hash)).all())


def end_one(session: Session, district_id: int, session_id: str, actor: str, now: datetime) -> None:
    """End one session, as a log-out does."""
    one = (AccountSession.district_id == district_id, AccountSession.id_hash == hash_of(session_id))
    ended = sa.update(AccountSession).where(*one, living(now))
    session.execute(ended.values(ended_at=now, ended_by=actor))


def living(now: datetime) -> sa.ColumnElement[bool]:
    """The condition of a session that still opens the service."""
    return sa.and_(
        AccountSession.ended_at.is_(None),
        AccountSession.started_at > now - LENGTH,
        AccountSession.started_at <= now,
        AccountSession.seen_at > now - IDLE,
    )


def hash_of(session_id: str) -> bytes:
    """What the table holds of an id; with 256 random bits in it a plain hash is enough."""
    return hashlib.sha256(session_id.encode(errors="replace")).digest()


def _touch(database: Database, district_id: int, id_hash: bytes, now: datetime) -> None:
    one: Any = (AccountSession.district_id == district_id, AccountSession.id_hash == id_hash)
    with database.begin() as session:
        session.execute(sa.update(AccountSession).where(*one, AccountSession.seen_at < now).values(seen_at=now))
