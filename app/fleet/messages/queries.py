"""Reads of channels and messages, always of one district but for the counts that metrics show. Rows are plain dicts."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account
from app.fleet.messages.addresses import masked
from app.fleet.messages.models import STATES, ContactChannel, Message
from app.problems import Problem

Row = dict[str, Any]

CHANNEL = (
    *("id", "kind", "address", "language", "active", "quiet_from", "quiet_to", "urgent_breaks_quiet", "created_at"),
)
MESSAGE = (
    *("id", "account_id", "kind", "subject_kind", "subject_id", "urgent", "subject", "body", "path", "channel"),
    *("address", "state", "digest_id", "attempts", "created_at", "due_at", "sent_at", "last_error"),
)


def channel_list(session: Session, district_id: int, account_id: int) -> list[Row]:
    """The channels of an account in the order in which they are tried, with their addresses in full."""
    statement = sa.select(*(getattr(ContactChannel, name) for name in CHANNEL)).where(
        ContactChannel.district_id == district_id, ContactChannel.account_id == account_id
    )
    ordered = statement.order_by(ContactChannel.position, ContactChannel.id)
    return [dict(row) for row in session.execute(ordered).mappings()]


def masked_channels(session: Session, district_id: int, login: str) -> list[Row]:
    """The channels of somebody else, of whose addresses one sees enough to tell them apart; none for no such login."""
    mine = (Account.district_id == district_id, Account.login == login)
    account_id = session.scalar(sa.select(Account.id).where(*mine))
    if account_id is None:
        return []
    return [_masked(row, row["kind"]) for row in channel_list(session, district_id, account_id)]


def message_page(
    session: Session,
    district_id: int,
    state: str | None = None,
    login: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Messages of the district, the newest first, below the id `before`; addresses are masked."""
    statement = _messages(district_id, before, limit)
    if state is not None:
        statement = statement.where(Message.state == state)
    if login is not None:
        statement = statement.where(Account.login == login)
    return [_masked(dict(row), row["channel"]) for row in session.execute(statement).mappings()]


def own_messages(
    session: Session, district_id: int, account_id: int, before: int | None = None, limit: int = 100
) -> list[Row]:
    """What one person was told, the newest first, below the id `before`."""
    statement = _messages(district_id, before, limit).where(Message.account_id == account_id)
    return [dict(row) for row in session.execute(statement).mappings()]


def message(session: Session, district_id: int, message_id: int) -> Row:
    """One message of the district as in the list; raises the Problem `not-found`."""
    statement = _messages(district_id, None, 1).where(Message.id == message_id)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise Problem("not-found")
    return _masked(dict(row), row["channel"])


def state_counts(session: Session, district_id: int | None = None) -> dict[str, int]:
    """How many messages are in which state; every state is there. Without a district, of all: what metrics show."""
    statement = sa.select(Message.state, sa.func.count()).group_by(Message.state)
    if district_id is not None:
        statement = statement.where(Message.district_id == district_id)
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in session.execute(statement)}


def _messages(district_id: int, before: int | None, limit: int) -> sa.Select[Any]:
    of_account = sa.and_(Account.district_id == Message.district_id, Account.id == Message.account_id)
    columns = (getattr(Message, name) for name in MESSAGE)
    statement = sa.select(*columns, Account.login, Account.name).join(Account, of_account)
    statement = statement.where(Message.district_id == district_id).order_by(Message.id.desc()).limit(limit)
    return statement if before is None else statement.where(Message.id < before)


def _masked(row: Row, kind: str | None) -> Row:
    return row | {"address": masked(kind, row["address"]) if kind and row["address"] else None}
