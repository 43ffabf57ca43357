"""Accounts with sessions and links, the audit log, API tokens; keys, claims, nonces and events of gateways."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.access.rules import ROLES
from app.db import Base, Big, one_of


class Account(Base):
    """A person who may log in. What they may do is their role's, or the part of it that `scopes` leaves them.

    An invited person has an empty `password_hash`, which no password fits. `totp_secret` is encrypted by the service's
    secret key; `totp_last_step` is the last 30-second step whose code was used, for none works twice.
    """

    __tablename__ = "account"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "login"),
        sa.CheckConstraint(one_of("role", tuple(ROLES)), name="role"),
        sa.CheckConstraint("(role = 'vendor') = (vendor_id IS NOT NULL)", name="vendor"),
        sa.ForeignKeyConstraint(["district_id", "vendor_id"], ["vendor.district_id", "vendor.id"]),
    )

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    scopes: Mapped[str | None]
    vendor_id: Mapped[int | None]
    all_complexes: Mapped[bool] = mapped_column(server_default=sa.false())
    email: Mapped[str | None]
    phone: Mapped[str | None]
    password_hash: Mapped[str]
    totp_secret: Mapped[bytes | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[Big | None]
    failed_log_ins: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]
    last_log_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AccountComplex(Base):
    """A complex that a manager or contractor sees."""

    __tablename__ = "account_complex"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "account_id"], ["account.district_id", "account.id"]),
        sa.ForeignKeyConstraint(["district_id", "complex_id"], ["complex.district_id", "complex.id"]),
        sa.Index("ix_account_complex_complex", "district_id", "complex_id"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class AccountSession(Base):
    """A log-in: the cookie holds a random id, the table its hash. It ends by itself, by log-out or by somebody."""

    __tablename__ = "account_session"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "account_id"], ["account.district_id", "account.id"]),
        sa.Index("ix_account_session_account", "district_id", "account_id", "started_at"),
        sa.Index("ix_account_session_hash", "id_hash"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    address: Mapped[str | None]
    agent: Mapped[str | None]


LINK_PURPOSES = ("invitation", "recovery")


class AccountLink(Base):
    """A one-time link by which somebody sets their password; only the hash of its token is stored."""

    __tablename__ = "account_link"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "account_id"], ["account.district_id", "account.id"]),
        sa.CheckConstraint(one_of("purpose", LINK_PURPOSES), name="purpose"),
        sa.Index("ix_account_link_account", "district_id", "account_id"),
        sa.Index("ix_account_link_hash", "token_hash"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    purpose: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who changed, or looked at, what; from where and why. Never changed: `hash` covers the row and the one before.

    `before` and `after` are JSON objects of the fields that differ. `complex_id` is the complex that it concerns.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index("ix_audit_entry_subject", "district_id", "subject_kind", "subject_id", "id"),
        sa.Index("ix_audit_entry_actor", "district_id", "actor", "id"),
        sa.Index("ix_audit_entry_complex", "district_id", "complex_id", "id"),
        sa.Index("ix_audit_entry_at", "district_id", "at"),
    )

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    subject: Mapped[str]
    complex_id: Mapped[int | None]
    before: Mapped[str | None]
    after: Mapped[str | None]
    reason: Mapped[str | None]
    via: Mapped[str]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


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
