"""Sends what is due, so that nothing is sent twice, whatever happens to the process on the way.

Each message is claimed in a transaction of its own before it is sent, and its outcome is recorded after. A process that
ends in between leaves `sending`: nobody can know whether the message arrived, so after a while it is called `unknown`
and only a person sends it again.
"""

import os
import secrets
import socket
import time
from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from app.db import Database
from app.fleet.messages import digests
from app.fleet.messages.models import ContactChannel, Message
from app.fleet.messages.outbox import DIGEST, ENDED, TEST, aim, channels_of
from app.fleet.messages.senders import Outcome, Parcel, deliver
from app.settings import Settings

log = structlog.get_logger()

LEASE = timedelta(minutes=10)  # far longer than a sending may take (senders.SECONDS)
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
LOST = "lost"


def send_due(database: Database, settings: Settings, now: datetime, limit: int = 1000) -> Counter[str]:
    """Send what is due in every district, the urgent first; how many attempts ended in which state.

    `now` is when it starts: later instants are counted from it. Several processes may do this at once.
    """
    started = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    outcomes: Counter[str] = Counter()
    give_up_lost(database, clock())
    digests.gather(database, now)
    for _ in range(limit):
        claimed = claim(database, clock())
        if claimed is None:
            break
        outcome = _delivered(settings, claimed)
        outcomes[record(database, claimed, outcome, clock())] += 1
    return outcomes


def _delivered(settings: Settings, claimed: "Claimed") -> Outcome:
    """What became of a sending; an error of this program must not hold up what comes after."""
    try:
        return deliver(settings, claimed.parcel)
    except Exception:
        log.exception("message", id=claimed.id, channel=claimed.parcel.channel)
        return Outcome("unknown", "error")


class Claimed:
    """A message that this process alone may send now."""

    def __init__(self, row: Message) -> None:
        self.district_id, self.id, self.claimed_by = row.district_id, row.id, row.claimed_by
        self.parcel = Parcel(
            key=f"{row.district_id}-{row.id}",
            channel=row.channel or "",
            address=row.address or "",
            kind=row.kind,
            subject=row.subject or "",
            body=row.body or "",
            short=row.short or "",
            path=row.path,
        )


def claim(database: Database, now: datetime) -> Claimed | None:
    """Take the next message that is due, or None. It is `sending` before anything leaves this process."""
    due = (
        sa.select(Message)
        .where(Message.state == "waiting", Message.due_at <= now)
        .order_by(Message.urgent.desc(), Message.due_at, Message.district_id, Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while True:
        with database.begin() as session:
            row = session.scalars(due).first()
            if row is None:
                return None
            if _ready(session, row, now):
                row.state, row.claimed_at, row.attempts = "sending", now, row.attempts + 1
                row.last_error = None
                row.claimed_by = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
                return Claimed(row)


def record(database: Database, claimed: Claimed, outcome: Outcome, now: datetime) -> str:
    """Write down what became of it, and what comes next; the state that it is in now.

    A message that was called `unknown` meanwhile is this claim's still: now it is known.
    """
    mine = (Message.district_id == claimed.district_id, Message.id == claimed.id)
    held = (Message.claimed_by == claimed.claimed_by, Message.state.in_(("sending", "unknown")))
    with database.begin() as session:
        row = session.scalars(sa.select(Message).where(*mine, *held).with_for_update()).first()
        if row is None:
            return "lost"
        ended = row.last_error == ENDED
        row.last_error = outcome.error
        if outcome.state == "sent":
            row.state, row.sent_at = "sent", now
        elif outcome.state == "unknown":
            row.state = "unknown"
        elif ended:
            row.state, row.last_error = "cancelled", ENDED
        else:
            _try_later(session, row, outcome, now)
        log.info("message", id=row.id, kind=row.kind, channel=row.channel, state=row.state, error=row.last_error)
        return row.state


def give_up_lost(database: Database, now: datetime) -> None:
    """Call unknown what a process was sending when it ended."""
    lost = sa.update(Message).where(Message.state == "sending", Message.claimed_at < now - LEASE)
    with database.begin() as session:
        session.execute(lost.values(state="unknown", last_error=LOST))


def _ready(session: Session, row: Message, now: datetime) -> bool:
    """Whether the message can go out as it is; if not, it was changed: another channel, or no reason any more."""
    if row.kind == DIGEST and not digests.compose(session, row):
        return False
    channels = _channels(session, row)
    current = next((channel for channel in channels if channel.id == row.channel_id), None)
    if current is None:  # its owner took it away
        _set(row, aim(next(iter(channels), None), row.urgent, now))
        return False
    row.address = current.address
    return True


def _try_later(session: Session, row: Message, outcome: Outcome, now: datetime) -> None:
    """Wait before the next attempt; after the last, go on to the person's next channel, or end as failed."""
    channels = _channels(session, row)
    if outcome.state == "failed" and row.attempts <= len(BACK_OFF) and row.kind != TEST:
        current = next((channel for channel in channels if channel.id == row.channel_id), None)
        later = now + BACK_OFF[row.attempts - 1]
        row.state = "waiting"
        row.due_at = aim(current, row.urgent, later)["due_at"]
        return
    row.tried = f"{row.tried} {row.channel_id}".strip()
    following = next((channel for channel in channels if channel.id != row.channel_id), None)
    if following is None or row.kind == TEST:
        row.state = "failed"
    else:
        _set(row, aim(following, row.urgent, now))


def _channels(session: Session, row: Message) -> list[ContactChannel]:
    found = channels_of(session, row.district_id, row.account_id, map(int, row.tried.split()))
    return [channel for channel in found if row.kind != TEST or channel.id == row.channel_id]


def _set(row: Message, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
