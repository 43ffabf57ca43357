"""Reported volumes: totals that others published, apart from our own ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0005_reported_volumes"
down_revision = "0004_volumes"


def upgrade() -> None:
    op.create_table(
        "reported_volume",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dong_name", sa.Text(), nullable=True),
        sa.Column("grams", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=True),
        sa.Column("won", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("source IN ('keco', 'jeju')", name="ck_reported_volume_source"),
        sa.CheckConstraint("level IN ('nation', 'city', 'dong', 'site')", name="ck_reported_volume_level"),
        sa.CheckConstraint("period IN ('day', 'month')", name="ck_reported_volume_period"),
        sa.CheckConstraint("grams >= 0 AND count >= 0 AND won >= 0", name="ck_reported_volume_amounts"),
        sa.ForeignKeyConstraint(
            ["district_id", "batch_id"],
            ["import_batch.district_id", "import_batch.id"],
            name="fk_reported_volume_district_id_batch_id",
        ),
        sa.PrimaryKeyConstraint(
            *("district_id", "source", "level", "period", "starts_on", "place", "batch_id"), name="pk_reported_volume"
        ),
    )
    op.create_index("ix_reported_volume_batch", "reported_volume", ["district_id", "batch_id"])


def downgrade() -> None:
    op.execute("DELETE FROM import_change WHERE table_name = 'reported_volume'")
    op.execute("DELETE FROM import_batch WHERE kind = 'volumes'")
    op.drop_table("reported_volume")
