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
DIGEST = "digest"  # kinds of this module's own
TEST = "test"  # tries its channel once, and no other


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
    if _written(session, district_id, notice) is not None:
        return None
    channel = next(iter(channels_of(session, district_id, notice.account_id)), None)
    return _insert(session, district_id, notice, channel, aim(channel, notice.urgent, now), now)


def put_by(session: Session, district_id: int, notice: Notice, channel: ContactChannel, now: datetime) -> int:
    """Write a message for one channel, at once; the id of it, or of the same that was written before."""
    aimed = aim(channel, notice.urgent, now) | {"due_at": now, "held": False}
    known = _written(session, district_id, notice)
    made = None if known else _insert(session, district_id, notice, channel, aimed, now)
    id_ = known or made or _written(session, district_id, notice)
    assert id_ is not None
    return id_


def withdraw(session: Session, district_id: int, subject_kind: str, subject_id: int | str, now: datetime) -> int:
    """Cancel what was not sent yet about something that has ended; how many messages that were.

    Who was told of it already, or may have been, is in `told`. What is on its way just now is marked: where it fails,
    it is not tried again.
    """

    def those(state: str) -> tuple[sa.ColumnElement[bool], ...]:
        digest = (Message.district_id == district_id, Message.kind == DIGEST, Message.state == state)
        in_digest = sa.and_(Message.state == "merged", Message.digest_id.in_(sa.select(Message.id).where(*digest)))
        return (*_about(district_id, subject_kind, subject_id), sa.or_(Message.state == state, in_digest))

    session.execute(sa.update(Message).where(*those("sending")).values(last_error=ENDED))
    ended = sa.update(Message).where(*those("waiting")).values(state="cancelled", last_error=ENDED, due_at=now)
    return int(session.execute(ended).rowcount)  # type: ignore[attr-defined]


def told(session: Session, district_id: int, subject_kind: str, subject_id: int | str) -> set[int]:
    """The accounts that were told of something, or may have been: whom its end concerns."""
    mine = _about(district_id, subject_kind, subject_id)
    digest = aliased(Message)
    in_digest = sa.and_(digest.district_id == Message.district_id, digest.id == Message.digest_id)
    state = sa.case((Message.state == "merged", digest.state), else_=Message.state)
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


def _written(session: Session, district_id: int, notice: Notice) -> int | None:
    mine = (Message.district_id == district_id, Message.account_id == notice.account_id, Message.key == notice.key)
    return session.scalar(sa.select(Message.id).where(*mine))


def _insert(
    session: Session,
    district_id: int,
    notice: Notice,
    channel: ContactChannel | None,
    aimed: dict[str, Any],
    now: datetime,
) -> int | None:
    language = channel.language if channel else "ko"
    row = notice._asdict() | {"subject_id": str(notice.subject_id), "language": language, "created_at": now}
    written = row.pop("written")
    row |= {name: getattr(written, name).said(language) for name in Written._fields}
    row |= {"district_id": district_id, "tried": "", "attempts": 0} | aimed
    row["id"] = allocate(session, district_id, "message")[0]  # whoever puts the same at the same time waits here
    statement = upsert(session, Message).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=["district_id", "account_id", "key"])
    made: int | None = session.scalar(statement.returning(Message.id))
    return made


def _about(district_id: int, subject_kind: str, subject_id: int | str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Message.district_id == district_id,
        Message.subject_kind == subject_kind,
        Message.subject_id == str(subject_id),
    )
