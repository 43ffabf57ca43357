"""Access: accounts, tokens, gateway keys, claims and nonces."""

import sqlalchemy as sa
from alembic import op

revision = "0002_access"
down_revision = "0001_registry"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_account_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_account"),
        sa.UniqueConstraint("district_id", "login", name="uq_account_district_id_login"),
    )
    op.create_table(
        "api_token",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["district_id", "account_id"],
            ["account.district_id", "account.id"],
            name="fk_api_token_district_id_account_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_api_token"),
        sa.UniqueConstraint("district_id", "token_hash", name="uq_api_token_district_id_token_hash"),
    )
    op.create_index("ix_api_token_hash", "api_token", ["token_hash"], unique=False)
    op.create_table(
        "gateway_key",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("hardware_id", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["district_id", "gateway_id"],
            ["gateway.district_id", "gateway.id"],
            name="fk_gateway_key_district_id_gateway_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "key_id", name="pk_gateway_key"),
    )
    op.create_index("ix_gateway_key_key_id", "gateway_key", ["key_id"], unique=False)
    op.create_table(
        "gateway_claim",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["district_id", "gateway_id"],
            ["gateway.district_id", "gateway.id"],
            name="fk_gateway_claim_district_id_gateway_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "code_hash", name="pk_gateway_claim"),
    )
    op.create_index("ix_gateway_claim_hash", "gateway_claim", ["code_hash"], unique=False)
    op.create_table(
        "gateway_nonce",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("district_id", "key_id", "nonce", name="pk_gateway_nonce"),
    )
    op.create_index("ix_gateway_nonce_created_at", "gateway_nonce", ["created_at"], unique=False)


def downgrade() -> None:
    for table in ("gateway_nonce", "gateway_claim", "gateway_key", "api_token", "account"):
        op.drop_table(table)
