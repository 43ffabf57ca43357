"""The boxes as the office sees them: how far each spool is known, what each reported, what it is told to do."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, one_of
from app.registry.models import in_district

COMMAND_KINDS = ("open_lid", "rotate_key", "sync_cards", "update", "roll_back")
COMMAND_STATES = ("waiting", "done", "refused", "failed", "expired")
TOUCH_REASONS = ("card_unknown", "card_blocked")


class GatewayEpoch(Base):
    """The cursor of one spool: the highest number seen and the missing ranges below it, as JSON [[from, to], …]."""

    __tablename__ = "gateway_epoch"
    __table_args__ = (sa.UniqueConstraint("district_id", "gateway_id", "epoch"),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[str]
    high_seq: Mapped[Big]
    missing: Mapped[str]
    missing_merged: Mapped[bool]
    last_occurred_at: Mapped[datetime | None]
    first_contact_at: Mapped[datetime]
    last_contact_at: Mapped[datetime]


class GatewayStatus(Base):
    """The newest status report of a gateway, as JSON; what it carries is booked elsewhere and is not in it."""

    __tablename__ = "gateway_status"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    received_at: Mapped[datetime]
    report: Mapped[str]


class GatewayCommand(Base):
    """What a gateway is told to do: repeated in the replies to it until its result has come or it expires.

    `text` is the JSON that is signed and sent. Nobody writes down that one expired unheard: it waits beyond its time.
    """

    __tablename__ = "gateway_command"
    __table_args__ = (
        in_district("gateway", "gateway_id"),
        sa.CheckConstraint(one_of("kind", COMMAND_KINDS), name="kind"),
        sa.CheckConstraint(one_of("state", COMMAND_STATES), name="state"),
        sa.Index("ix_gateway_command_gateway", "district_id", "gateway_id", "created_at"),
        sa.Index("ix_gateway_command_waiting", "state", "expires_at"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[int]
    kind: Mapped[str]
    arguments: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    state: Mapped[str]
    detail: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class UnknownTouch(Base):
    """A card that a bin refused or did not know, by meter: when first and last, and why. Staff may enrol it."""

    __tablename__ = "unknown_touch"
    __table_args__ = (
        in_district("meter", "meter_id"),
        sa.CheckConstraint(one_of("reason", TOUCH_REASONS), name="reason"),
        sa.Index("ix_unknown_touch_last_seen", "district_id", "last_seen_at"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    card_hash: Mapped[bytes] = mapped_column(primary_key=True)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last4: Mapped[str]
    gateway_id: Mapped[int]
    complex_id: Mapped[int]
    reason: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class GatewayCardList(Base):
    """A list of cards that a gateway has been given: 17 bytes a card, its hash and what it may (`app.fleet.cards`)."""

    __tablename__ = "gateway_card_list"
    __table_args__ = (in_district("gateway", "gateway_id"),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime]
    content: Mapped[bytes]


class DisplayRate(Base):
    """What the display at the bin estimates a fee from, by first day in Korea; won a kilogram, a decimal number.

    It bills nothing: the tariffs of statements come with billing.
    """

    __tablename__ = "display_rate"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    first_day: Mapped[date] = mapped_column(primary_key=True)
    won_per_kg: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class GatewayRelease(Base):
    """Software for the boxes: the wheel itself, so that a backup holds it, and the maker's signature over it."""

    __tablename__ = "gateway_release"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    version: Mapped[str] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    signature: Mapped[str]
    content: Mapped[bytes]
    added_at: Mapped[datetime]
    added_by: Mapped[str]
