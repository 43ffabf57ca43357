"""One-time links by which somebody sets their password: after an invitation, or to recover an account.

The token has 256 random bits and only its hash is stored. It works once; a newer one ends those before it.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account, AccountLink

VALID = {"invitation": timedelta(hours=72), "recovery": timedelta(hours=24)}


class Link(NamedTuple):
    """A new link; whoever gets it hears the token, and nobody again."""

    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """Where on the service it leads."""
        return f"/invitation/{self.token}"


def make(session: Session, account: Account, purpose: str, actor: str, now: datetime) -> Link:
    """A new link for an account, whose row the caller holds; its older ones end."""
    end(session, account, now)
    link = Link(secrets.token_urlsafe(32), now + VALID[purpose])
    session.add(
        AccountLink(
            district_id=account.district_id,
            token_hash=_hash(link.token),
            account_id=account.id,
            purpose=purpose,
            created_at=now,
            created_by=actor,
            expires_at=link.expires_at,
        )
    )
    session.flush()
    return link


def end(session: Session, account: Account, now: datetime) -> None:
    """End the links of an account."""
    mine = (AccountLink.district_id == account.district_id, AccountLink.account_id == account.id)
    open_ = sa.and_(AccountLink.used_at.is_(None), AccountLink.expires_at > now)
    session.execute(sa.update(AccountLink).where(*mine, open_).values(expires_at=now))


def find(session: Session, token: str, now: datetime) -> Account | None:
    """Whose link this is, if it still opens; nothing is used up by looking."""
    owned = sa.and_(Account.district_id == AccountLink.district_id, Account.id == AccountLink.account_id)
    return session.scalar(
        sa.select(Account)
        .join(AccountLink, owned)
        .where(AccountLink.token_hash == _hash(token), AccountLink.used_at.is_(None), AccountLink.expires_at > now)
        .where(Account.disabled_at.is_(None))
    )


def use(session: Session, token: str, now: datetime) -> bool:
    """Use the link up; False for all but the first of those who do it at the same time."""
    open_ = sa.and_(AccountLink.used_at.is_(None), AccountLink.expires_at > now)
    used = sa.update(AccountLink).where(AccountLink.token_hash == _hash(token), open_).values(used_at=now)
    return session.scalar(used.returning(AccountLink.account_id)) is not None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
