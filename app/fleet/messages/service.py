"""What staff do with messages that did not arrive. Callers commit."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.access.models import Account
from app.fleet.messages.models import Message
from app.fleet.messages.outbox import TEST, aim, channels_of
from app.problems import Problem

KEPT = timedelta(days=400)
AGAIN = ("failed", "unknown", "cancelled")
OPEN = ("waiting", "failed", "unknown")
BY_HAND = "by-hand"


def send_again(session: Session, district_id: int, message_id: int, actor: str, now: datetime) -> None:
    """Send a message once more, to the person's first channel and without regard to quiet hours.

    Raises the Problem `message-settled` where it is on its way or arrived, `no-channel` where there is still none.
    """
    row = _message(session, district_id, message_id)
    if row.state not in AGAIN or row.body is None or row.digest_id is not None:
        raise Problem("message-settled", state=row.state)
    channels = channels_of(session, district_id, row.account_id)
    own = [channel for channel in channels if row.kind != TEST or channel.id == row.channel_id]
    if not own:
        raise Problem("no-channel")
    before = {"state": row.state, "last_error": row.last_error}
    values = aim(own[0], row.urgent, now) | {"due_at": now, "held": False, "tried": "", "last_error": None}
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    _book(session, row, "message.sent_again", actor, now, before)


def cancel(session: Session, district_id: int, message_id: int, actor: str, now: datetime) -> None:
    """Do not send a message, or no longer ask for one that did not arrive. Raises `message-settled` otherwise."""
    row = _message(session, district_id, message_id)
    if row.state not in OPEN:
        raise Problem("message-settled", state=row.state)
    before = {"state": row.state, "last_error": row.last_error}
    row.state, row.last_error, row.due_at = "cancelled", BY_HAND, now
    session.flush()
    _book(session, row, "message.cancelled", actor, now, before)


def prune(session: Session, district_id: int, actor: str, now: datetime, kept: timedelta = KEPT) -> int:
    """Forget texts and addresses of messages older than `kept`; that they were sent, and their keys, stay."""
    old = sa.update(Message).where(
        Message.district_id == district_id,
        Message.created_at < now - kept,
        Message.body.is_not(None),
        Message.state.not_in(("waiting", "sending")),
    )
    result = session.execute(old.values(subject=None, body=None, short=None, path=None, address=None))
    count = int(result.rowcount)  # type: ignore[attr-defined]
    if count:
        entry = audit.Entry("message.pruned", "message", "", f"{count}", after={"older_than_days": kept.days})
        audit.book(session, district_id, entry, actor, now)
    return count


def _message(session: Session, district_id: int, message_id: int) -> Message:
    mine = (Message.district_id == district_id, Message.id == message_id)
    found = session.scalar(sa.select(Message).where(*mine).with_for_update())
    if found is None:
        raise Problem("not-found")
    return found


def _book(
    session: Session, row: Message, action: str, actor: str, now: datetime, before: dict[str, str | None]
) -> None:
    mine = (Account.district_id == row.district_id, Account.id == row.account_id)
    login = session.scalars(sa.select(Account.login).where(*mine)).one()
    entry = audit.Entry(action, "message", row.id, f"{login} #{row.id}", before=before, after={"state": row.state})
    audit.book(session, row.district_id, entry, actor, now)
