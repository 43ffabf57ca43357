"""The outbox: what people are to be told is written in the transaction of what happened, and sent later.

So nobody is told of what was rolled back, nothing is forgotten by a process that ends, and the same notice put twice
is one message.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.models import Account
from app.db import upsert
from app.fleet.messages.models import ContactChannel, Message
from app.fleet.messages.quiet import quiet_until
from app.fleet.messages.words import Written
from app.ids import allocate

NO_CHANNEL = "no-channel"  # what `last_error` says; pages have sentences for these
ENDED = "ended"
DIGEST = "digest"


class Notice(NamedTuple):
    """What one person is told. `key` names it for ever: the same key for the same person is the same message.

    `path` is the page that it leads to, such as /faults/12. What is urgent may break quiet hours.
    """

    key: str
    account_id: int
    kind: str
    subject_kind: str
    subject_id: int | str
    written: Written
    path: str | None = None
    urgent: bool = False


def put(session: Session, district_id: int, notice: Notice, now: datetime) -> int | None:
    """Write a message and return its id, or None where it was written before.

    It goes to the person's first active channel after its quiet hours. Who has none gets a message that failed, so
    that staff see whom nobody can reach.
    """
    here = (Message.district_id == district_id, Message.account_id == notice.account_id, Message.key == notice.key)
    if session.scalar(sa.select(Message.id).where(*here)) is not None:
        return None
    id_ = allocate(session, district_id, "message")[0]  # whoever puts the same at the same time waits here
    row = _row(notice, next(iter(channels_of(session, district_id, notice.account_id)), None), now)
    row |= {"district_id": district_id, "id": id_}
    statement = upsert(session, Message).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=["district_id", "account_id", "key"])
    written: int | None = session.scalar(statement.returning(Message.id))
    return written


def withdraw(session: Session, district_id: int, subject_kind: str, subject_id: int | str, now: datetime) -> int:
    """Cancel what was not sent yet about something that has ended; how many messages that were.

    Who was told of it already, or may have been, is in `told`.
    """
    digests = sa.select(Message.id).where(
        Message.district_id == district_id, Message.kind == DIGEST, Message.state == "waiting"
    )
    unsent = sa.or_(Message.state == "waiting", sa.and_(Message.state == "merged", Message.digest_id.in_(digests)))
    ended = sa.update(Message).where(*_about(district_id, subject_kind, subject_id), unsent)
    result = session.execute(ended.values(state="cancelled", last_error=ENDED, due_at=now))
    return int(result.rowcount)  # type: ignore[attr-defined]


def told(session: Session, district_id: int, subject_kind: str, subject_id: int | str) -> set[int]:
    """The accounts that were told of something, or may have been: whom its end concerns."""
    mine = _about(district_id, subject_kind, subject_id)
    digest = aliased(Message)
    in_digest = sa.and_(digest.district_id == Message.district_id, digest.id == Message.digest_id)
    state = sa.func.coalesce(digest.state, Message.state)
    statement = sa.select(Message.account_id).outerjoin(digest, in_digest)
    return set(session.scalars(statement.where(*mine, state.in_(("sending", "sent", "unknown")))))


def channels_of(session: Session, district_id: int, account_id: int, tried: Iterable[int] = ()) -> list[ContactChannel]:
    """The active channels of a person who may still log in, in the order in which they are tried."""
    of_account = sa.and_(
        Account.district_id == ContactChannel.district_id,
        Account.id == ContactChannel.account_id,
        Account.disabled_at.is_(None),
    )
    statement = (
        sa.select(ContactChannel)
        .join(Account, of_account)
        .where(
            ContactChannel.district_id == district_id,
            ContactChannel.account_id == account_id,
            ContactChannel.active,
            ContactChannel.id.not_in(list(tried)),
        )
    )
    return list(session.scalars(statement.order_by(ContactChannel.position, ContactChannel.id)))


def aim(channel: ContactChannel | None, urgent: bool, now: datetime) -> dict[str, Any]:
    """The columns that send a message by a channel, after its quiet hours; without a channel it has failed."""
    if channel is None:
        return {"state": "failed", "last_error": NO_CHANNEL, "due_at": now, "held": False}
    due_at = now
    if not (urgent and channel.urgent_breaks_quiet):
        due_at = quiet_until(now, channel.quiet_from, channel.quiet_to)
    return {
        "state": "waiting",
        "channel_id": channel.id,
        "channel": channel.kind,
        "address": channel.address,
        "due_at": due_at,
        "held": due_at > now,
        "attempts": 0,
    }


def _row(notice: Notice, channel: ContactChannel | None, now: datetime) -> dict[str, Any]:
    language = channel.language if channel else "ko"
    row = notice._asdict() | {"subject_id": str(notice.subject_id), "language": language, "created_at": now}
    written = row.pop("written")
    row |= {name: getattr(written, name).said(language) for name in Written._fields}
    return row | {"tried": "", "attempts": 0} | aim(channel, notice.urgent, now)


def _about(district_id: int, subject_kind: str, subject_id: int | str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Message.district_id == district_id,
        Message.subject_kind == subject_kind,
        Message.subject_id == str(subject_id),
    )
