"""How people are reached, and the outbox of what they are told."""

from datetime import datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, one_of
from app.registry.models import in_district
from app.texts import LANGUAGES

CHANNEL_KINDS = ("email", "sms", "webhook")
STATES = ("waiting", "sending", "sent", "failed", "unknown", "cancelled", "merged")


class ContactChannel(Base):
    """A way to reach an account. What is told goes to the active one with the lowest `position`, then to the next.

    Between `quiet_from` and `quiet_to` (times of day in Asia/Seoul, the same twice for never) nothing is sent, but what
    is urgent where `urgent_breaks_quiet`.
    """

    __tablename__ = "contact_channel"
    __table_args__ = (
        in_district("account", "account_id"),
        sa.UniqueConstraint("district_id", "account_id", "kind", "address"),
        sa.CheckConstraint(one_of("kind", CHANNEL_KINDS), name="kind"),
        sa.CheckConstraint(one_of("language", LANGUAGES), name="language"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    kind: Mapped[str]
    address: Mapped[str]
    language: Mapped[str]
    position: Mapped[int]
    active: Mapped[bool]
    quiet_from: Mapped[time] = mapped_column(sa.Time())
    quiet_to: Mapped[time] = mapped_column(sa.Time())
    urgent_breaks_quiet: Mapped[bool]
    created_at: Mapped[datetime]


class Message(Base):
    """What one person is told, once for ever by its `key`.

    waiting → sending → sent; a failure waits again until `due_at`, moves on to the next channel, or ends as failed.
    unknown: the process that sent it ended before it could tell, so it may have arrived. cancelled: what it tells of
    had ended, or somebody decided so. merged: told in the message `digest_id`, whose fate is its own.
    `channel` and `address` are those of its last attempt, or of the next; `tried` are the ids of channels that finally
    failed, between blanks. Texts are null where `prune` removed them.
    """

    __tablename__ = "message"
    __table_args__ = (
        in_district("account", "account_id"),
        sa.UniqueConstraint("district_id", "account_id", "key"),
        sa.CheckConstraint(one_of("state", STATES), name="state"),
        sa.Index("ix_message_due", "state", "due_at"),
        sa.Index("ix_message_account", "district_id", "account_id", "id"),
        sa.Index("ix_message_subject", "district_id", "subject_kind", "subject_id"),
        sa.Index("ix_message_digest", "district_id", "digest_id"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    key: Mapped[str]
    kind: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    urgent: Mapped[bool]
    language: Mapped[str]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    short: Mapped[str | None]
    path: Mapped[str | None]
    channel_id: Mapped[int | None]
    channel: Mapped[str | None]
    address: Mapped[str | None]
    state: Mapped[str]
    held: Mapped[bool]
    digest_id: Mapped[int | None]
    tried: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
