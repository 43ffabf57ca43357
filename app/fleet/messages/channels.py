"""How a person is reached, as they set it themselves. Callers commit; all raise the Problem `not-found` for a channel
that is not the account's, and Refused for what cannot be used.
"""

from datetime import datetime, time, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.fleet.messages import addresses, outbox
from app.fleet.messages.models import CHANNEL_KINDS, ContactChannel, Message
from app.fleet.messages.words import TEST
from app.ids import allocate
from app.problems import Problem
from app.texts import LANGUAGES, Refused, Text

MOST = 10
MOST_TESTS = 10  # in an hour: an address may be anybody's, and an SMS costs money
QUIET_FROM, QUIET_TO = time(22), time(7)

TOO_MANY = Text(
    "연락처는 {most}개까지 둘 수 있습니다. 쓰지 않는 것을 먼저 지우십시오.",
    "There may be {most} channels. Remove one that you do not use first.",
)
TRIED_OFTEN = Text(
    "시험 메시지는 한 시간에 {most}개까지 보낼 수 있습니다. 나중에 다시 보내십시오.",
    "There may be {most} test messages in an hour. Try again later.",
)
TWICE = Text("이미 등록한 연락처입니다: {address}.", "You have this channel already: {address}.")


class Channel(NamedTuple):
    """What a person writes of a channel; times of day in Asia/Seoul."""

    kind: str
    address: str
    language: str = "ko"
    active: bool = True
    quiet_from: time = QUIET_FROM
    quiet_to: time = QUIET_TO
    urgent_breaks_quiet: bool = True


def add_channel(
    session: Session,
    district_id: int,
    account_id: int,
    channel: Channel,
    actor: str,
    now: datetime,
    webhook_hosts: tuple[str, ...] = (),
) -> ContactChannel:
    """A further way to reach an account, tried after those that there are."""
    channel = _checked(channel, webhook_hosts)
    mine = (ContactChannel.district_id == district_id, ContactChannel.account_id == account_id)
    others = session.scalars(sa.select(ContactChannel).where(*mine)).all()
    if len(others) >= MOST:
        raise Refused(TOO_MANY.fill(most=MOST))
    _refuse_twice(channel, list(others))
    row = ContactChannel(
        district_id=district_id,
        id=allocate(session, district_id, "contact_channel")[0],
        account_id=account_id,
        position=max((other.position for other in others), default=0) + 1,
        created_at=now,
        **channel._asdict(),
    )
    session.add(row)
    session.flush()
    _book(session, row, "channel.added", actor, now, after=_shown(row))
    return row


def change_channel(
    session: Session,
    district_id: int,
    account_id: int,
    channel_id: int,
    channel: Channel,
    actor: str,
    now: datetime,
    webhook_hosts: tuple[str, ...] = (),
) -> ContactChannel:
    """Write a channel anew. What waits to be sent by it goes to its new address."""
    row = channel_of(session, district_id, account_id, channel_id)
    channel = _checked(channel, webhook_hosts)
    mine = (ContactChannel.district_id == district_id, ContactChannel.account_id == account_id)
    _refuse_twice(channel, list(session.scalars(sa.select(ContactChannel).where(*mine, ContactChannel.id != row.id))))
    before = _shown(row)
    for name, value in channel._asdict().items():
        setattr(row, name, value)
    session.flush()
    _book(session, row, "channel.changed", actor, now, before=before, after=_shown(row))
    return row


def prefer_channel(
    session: Session, district_id: int, account_id: int, channel_id: int, actor: str, now: datetime
) -> None:
    """Try this channel before all others of the account."""
    row = channel_of(session, district_id, account_id, channel_id)
    mine = (ContactChannel.district_id == district_id, ContactChannel.account_id == account_id)
    row.position = session.scalars(sa.select(sa.func.min(ContactChannel.position)).where(*mine)).one() - 1
    session.flush()
    _book(session, row, "channel.preferred", actor, now)


def remove_channel(
    session: Session, district_id: int, account_id: int, channel_id: int, actor: str, now: datetime
) -> None:
    """Forget a channel. What waits to be sent by it goes to the next one."""
    row = channel_of(session, district_id, account_id, channel_id)
    _book(session, row, "channel.removed", actor, now, before=_shown(row))
    session.delete(row)
    session.flush()


def send_test(session: Session, district_id: int, account_id: int, channel_id: int, actor: str, now: datetime) -> int:
    """Put a test message for this channel alone, quiet hours or not; the id of the message. Raises Refused for the
    eleventh within an hour.
    """
    row = channel_of(session, district_id, account_id, channel_id)
    mine = (Message.district_id == district_id, Message.account_id == account_id, Message.kind == outbox.TEST)
    recent = sa.select(sa.func.count()).where(*mine, Message.created_at > now - timedelta(hours=1))
    if session.scalars(recent).one() >= MOST_TESTS:
        raise Refused(TRIED_OFTEN.fill(most=MOST_TESTS))
    key = f"test:{channel_id}:{now:%Y-%m-%dT%H:%M}"  # pressed again and again it is one a minute
    notice = outbox.Notice(key, account_id, outbox.TEST, "contact_channel", channel_id, TEST, "/account/channels", True)
    message_id = outbox.put_by(session, district_id, notice, row, now)
    _book(session, row, "channel.tested", actor, now)
    return message_id


def channel_of(session: Session, district_id: int, account_id: int, channel_id: int) -> ContactChannel:
    """A channel of this account."""
    found = session.scalar(
        sa.select(ContactChannel).where(
            ContactChannel.district_id == district_id,
            ContactChannel.account_id == account_id,
            ContactChannel.id == channel_id,
        )
    )
    if found is None:
        raise Problem("not-found")
    return found


def _checked(channel: Channel, webhook_hosts: tuple[str, ...]) -> Channel:
    if channel.kind not in CHANNEL_KINDS or channel.language not in LANGUAGES:
        raise Problem("invalid", errors={"kind": channel.kind[:40], "language": channel.language[:40]})
    return channel._replace(address=addresses.normal(channel.kind, channel.address, webhook_hosts))


def _refuse_twice(channel: Channel, others: list[ContactChannel]) -> None:
    if any((other.kind, other.address) == (channel.kind, channel.address) for other in others):
        raise Refused(TWICE.fill(address=addresses.masked(channel.kind, channel.address)))


def _shown(row: ContactChannel) -> dict[str, object]:
    names = ("kind", "language", "active", "quiet_from", "quiet_to", "urgent_breaks_quiet")
    return {name: getattr(row, name) for name in names} | {"address": addresses.masked(row.kind, row.address)}


def _book(
    session: Session,
    row: ContactChannel,
    action: str,
    actor: str,
    now: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    subject = addresses.masked(row.kind, row.address)
    entry = audit.Entry(action, "contact_channel", row.id, subject, before=before, after=after)
    audit.book(session, row.district_id, entry, actor, now)
