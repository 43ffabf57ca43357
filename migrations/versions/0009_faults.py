"""Faults, who answers for them, and messages."""

import sqlalchemy as sa
from alembic import op

revision = "0009_faults"
down_revision = "0008_registry_work"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    faults()
    messages()


def downgrade() -> None:
    remove_messages()
    remove_faults()


def faults() -> None:
    pass


def remove_faults() -> None:
    pass


def messages() -> None:
    op.create_table(
        "contact_channel",
        *identity(),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_to", sa.Time(), nullable=False),
        sa.Column("urgent_breaks_quiet", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('email', 'sms', 'webhook')", name="ck_contact_channel_kind"),
        sa.CheckConstraint("language IN ('ko', 'en')", name="ck_contact_channel_language"),
        of_account("contact_channel"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_contact_channel"),
        sa.UniqueConstraint(
            "district_id",
            "account_id",
            "kind",
            "address",
            name="uq_contact_channel_district_id_account_id_kind_address",
        ),
    )
    op.create_table(
        "message",
        *identity(),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("short", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=True),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'unknown', 'cancelled', 'merged')",
            name="ck_message_state",
        ),
        of_account("message"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_message"),
        sa.UniqueConstraint("district_id", "account_id", "key", name="uq_message_district_id_account_id_key"),
    )
    op.create_index("ix_message_due", "message", ["state", "due_at"])
    op.create_index("ix_message_account", "message", ["district_id", "account_id", "id"])
    op.create_index("ix_message_subject", "message", ["district_id", "subject_kind", "subject_id"])
    op.create_index("ix_message_digest", "message", ["district_id", "digest_id"])


def remove_messages() -> None:
    op.drop_table("message")
    op.drop_table("contact_channel")


def identity() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
    )


def of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["district_id", "account_id"],
        ["account.district_id", "account.id"],
        name=f"fk_{table}_district_id_account_id",
    )
