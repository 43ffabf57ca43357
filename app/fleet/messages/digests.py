"""What was held back for one person in the quiet hours becomes one message when they end."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.fleet.messages.models import Message
from app.fleet.messages.outbox import DIGEST, ENDED
from app.fleet.messages.words import digest_of
from app.ids import allocate

PAGE = "/account/messages"


def gather(database: Database, now: datetime) -> None:
    """Merge what was held and is due now, where one person would get two messages or more."""
    held = sa.select(Message).where(
        Message.state == "waiting", Message.due_at <= now, Message.held, Message.attempts == 0, Message.kind != DIGEST
    )
    ordered = held.order_by(Message.district_id, Message.account_id, Message.id)
    with database.begin() as session:
        found = session.scalars(ordered.with_for_update(skip_locked=True)).all()
        for _, group in groupby(found, key=lambda row: (row.district_id, row.account_id, row.channel_id)):
            members = list(group)
            if len(members) > 1:
                _merge(session, members, now)


def compose(session: Session, digest: Message) -> bool:
    """Write a digest from those of its messages whose reason has not ended since; False where none is left."""
    statement = sa.select(Message).where(
        Message.district_id == digest.district_id, Message.digest_id == digest.id, Message.state == "merged"
    )
    members = []
    for member in session.scalars(statement.order_by(Message.id)):
        if member.last_error == ENDED:  # while an attempt was under way that failed
            member.state = "cancelled"
        else:
            members.append(member)
    if not members:
        digest.state, digest.last_error = "cancelled", ENDED
        return False
    written = digest_of([(member.subject or "", member.body or "") for member in members])
    for name, text in written._asdict().items():
        setattr(digest, name, text.said(digest.language))
    return True


def _merge(session: Session, members: Sequence[Message], now: datetime) -> None:
    first = members[0]
    id_ = allocate(session, first.district_id, "message")[0]
    same = ("district_id", "account_id", "language", "channel_id", "channel", "address", "tried")
    digest = Message(
        **{name: getattr(first, name) for name in same},
        id=id_,
        key=f"{DIGEST}:{id_}",
        kind=DIGEST,
        subject_kind=DIGEST,
        subject_id=str(id_),
        urgent=any(member.urgent for member in members),
        path=PAGE,
        state="waiting",
        held=True,
        attempts=0,
        created_at=now,
        due_at=now,
    )
    session.add(digest)
    for member in members:
        member.state, member.digest_id = "merged", id_
    session.flush()
