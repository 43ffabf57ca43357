"""Accounts, API tokens, gateway keys with their claims, the nonces that were used, and what happened to gateways."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big


class Account(Base):
    """A person who may log in. The full role model comes with people and scopes."""

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("district_id", "login"),)

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    login: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class ApiToken(Base):
    """A program's key: only its hash is stored. `scopes` are separated by spaces."""

    __tablename__ = "api_token"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "token_hash"),
        sa.ForeignKeyConstraint(["district_id", "account_id"], ["account.district_id", "account.id"]),
        sa.Index("ix_api_token_hash", "token_hash"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    name: Mapped[str]
    token_hash: Mapped[bytes]
    scopes: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class GatewayKey(Base):
    """A secret shared with one gateway. `key_id` is DISTRICT/GATEWAY/N and so unique everywhere.

    It lives until it is revoked, or from the moment at `retires_at` on; its first use confirms that the box has it.
    """

    __tablename__ = "gateway_key"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "gateway_id"], ["gateway.district_id", "gateway.id"]),
        sa.Index("ix_gateway_key_key_id", "key_id"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[int]
    secret: Mapped[bytes]
    hardware_id: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    retires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class GatewayClaim(Base):
    """A one-time code with which a box fetches its key; only the code's hash is stored."""

    __tablename__ = "gateway_claim"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "gateway_id"], ["gateway.district_id", "gateway.id"]),
        sa.Index("ix_gateway_claim_hash", "code_hash"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    gateway_id: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class GatewayNonce(Base):
    """Nonces seen within the signature window; older rows are purged, being refused by `created` anyway."""

    __tablename__ = "gateway_nonce"
    __table_args__ = (sa.Index("ix_gateway_nonce_created_at", "created_at"),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class GatewayEvent(Base):
    """What happened to a gateway, when and by whom; never changed. `actor` is null for what the box did or told.

    A notice of the box carries the `epoch` and `notice_id` that name it for ever; `claimed_at` is what its clock said.
    The table lies this low because claims and keys book into it; everything else about gateways is of `app.fleet`.
    """

    __tablename__ = "gateway_event"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "gateway_id", "epoch", "notice_id"),
        sa.ForeignKeyConstraint(["district_id", "gateway_id"], ["gateway.district_id", "gateway.id"]),
        sa.Index("ix_gateway_event_gateway", "district_id", "gateway_id", "id"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int]
    kind: Mapped[str]
    detail: Mapped[str]
    actor: Mapped[str | None]
    at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    clock: Mapped[str | None]
    epoch: Mapped[str | None]
    notice_id: Mapped[Big | None]
    booked_at: Mapped[datetime]
