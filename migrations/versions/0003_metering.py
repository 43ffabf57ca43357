"""Metering: ledger, corrections, quarantine, rollups and liveness."""

import sqlalchemy as sa
from alembic import op

revision = "0003_metering"
down_revision = "0002_access"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")

OUTCOMES = (
    "outcome IN ('settled', 'late_close', 'recovered', 'unsettled', 'empty_open', 'negative', 'collection', "
    "'unattended_step', 'refused_full', 'aborted')"
)
ROLLUPS = ("meter_hour", "complex_day", "household_month")
APPEND_ONLY = ("discharge", "discharge_correction", "quarantine", "quarantine_decision")


def upgrade() -> None:
    op.create_table(
        "gateway_epoch",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("high_seq", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("missing_merged", sa.Boolean(), nullable=False),
        sa.Column("last_occurred_at", INSTANT, nullable=True),
        sa.Column("first_contact_at", INSTANT, nullable=False),
        sa.Column("last_contact_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("district_id", "gateway_id", "epoch_no", name="pk_gateway_epoch"),
        sa.UniqueConstraint("district_id", "gateway_id", "epoch", name="uq_gateway_epoch_district_id_gateway_id_epoch"),
    )
    op.create_table(
        "discharge",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=True),
        sa.Column("tenancy_id", sa.Integer(), nullable=True),
        sa.Column("card_hash", sa.LargeBinary(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("earliest_at", INSTANT, nullable=True),
        sa.Column("latest_at", INSTANT, nullable=True),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("gross_before_g", sa.Integer(), nullable=True),
        sa.Column("gross_after_g", sa.Integer(), nullable=True),
        sa.Column("net_g", sa.Integer(), nullable=True),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.CheckConstraint("clock IN ('synced', 'holdover', 'unset')", name="ck_discharge_clock"),
        sa.CheckConstraint(
            OUTCOMES,
            name="ck_discharge_outcome",
        ),
        sa.PrimaryKeyConstraint("district_id", "gateway_id", "epoch_no", "seq", "service_day", name="pk_discharge"),
        postgresql_partition_by="RANGE (service_day)",
    )
    op.create_index("ix_discharge_household", "discharge", ["district_id", "household_id", "occurred_at"], unique=False)
    op.create_table(
        "discharge_correction",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("net_g", sa.Integer(), nullable=True),
        sa.Column("household_id", sa.Integer(), nullable=True),
        sa.Column("tenancy_id", sa.Integer(), nullable=True),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("voided", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.CheckConstraint(OUTCOMES, name="ck_discharge_correction_outcome"),
        sa.CheckConstraint("kind IN ('void', 're_weigh', 're_attribute')", name="ck_discharge_correction_kind"),
        sa.CheckConstraint("length(reason) > 0", name="ck_discharge_correction_reason"),
        sa.PrimaryKeyConstraint(
            "district_id", "gateway_id", "epoch_no", "seq", "revision", name="pk_discharge_correction"
        ),
    )
    op.create_table(
        "quarantine",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("epoch_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('discharge', 'alive')", name="ck_quarantine_kind"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_quarantine"),
    )
    op.create_index(
        "ix_quarantine_number", "quarantine", ["district_id", "gateway_id", "epoch_no", "seq"], unique=False
    )
    op.create_table(
        "quarantine_decision",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quarantine_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("corrected", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.CheckConstraint("decision IN ('released', 'discarded')", name="ck_quarantine_decision_decision"),
        sa.CheckConstraint("length(note) > 0", name="ck_quarantine_decision_note"),
        sa.ForeignKeyConstraint(
            ["district_id", "quarantine_id"],
            ["quarantine.district_id", "quarantine.id"],
            name="fk_quarantine_decision_district_id_quarantine_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "quarantine_id", name="pk_quarantine_decision"),
    )
    op.create_table(
        "unknown_card",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("card_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("district_id", "card_hash", name="pk_unknown_card"),
    )
    op.create_table(
        "meter_hour",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("weighed_count", sa.Integer(), nullable=False),
        sa.Column("weighed_g", sa.BigInteger(), nullable=False),
        sa.Column("billable_count", sa.Integer(), nullable=False),
        sa.Column("billable_g", sa.BigInteger(), nullable=False),
        sa.Column("suspense_count", sa.Integer(), nullable=False),
        sa.Column("suspense_g", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "meter_id", "hour", name="pk_meter_hour"),
    )
    op.create_table(
        "complex_day",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("weighed_count", sa.Integer(), nullable=False),
        sa.Column("weighed_g", sa.BigInteger(), nullable=False),
        sa.Column("billable_count", sa.Integer(), nullable=False),
        sa.Column("billable_g", sa.BigInteger(), nullable=False),
        sa.Column("suspense_count", sa.Integer(), nullable=False),
        sa.Column("suspense_g", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "complex_id", "service_day", name="pk_complex_day"),
    )
    op.create_table(
        "household_month",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("household_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weighed_count", sa.Integer(), nullable=False),
        sa.Column("weighed_g", sa.BigInteger(), nullable=False),
        sa.Column("billable_count", sa.Integer(), nullable=False),
        sa.Column("billable_g", sa.BigInteger(), nullable=False),
        sa.Column("suspense_count", sa.Integer(), nullable=False),
        sa.Column("suspense_g", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "household_id", "month", "tenancy_id", name="pk_household_month"),
    )
    op.create_table(
        "meter_alive",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("ended_at > started_at", name="ck_meter_alive_length"),
        sa.PrimaryKeyConstraint("district_id", "meter_id", "boot_id", "mono_ms", name="pk_meter_alive"),
    )
    op.create_index("ix_meter_alive_started", "meter_alive", ["district_id", "meter_id", "started_at"], unique=False)
    op.create_table(
        "gateway_status",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "gateway_id", name="pk_gateway_status"),
    )

    if op.get_bind().dialect.name == "sqlite":
        refuse_changes_on_sqlite()
    else:
        refuse_changes_on_postgresql()
        for table in ROLLUPS:
            # Room on each page lets an update stay there, without a new entry in the index.
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def downgrade() -> None:
    for table in (
        "gateway_status",
        "meter_alive",
        "household_month",
        "complex_day",
        "meter_hour",
        "unknown_card",
        "quarantine_decision",
        "quarantine",
        "discharge_correction",
        "discharge",
        "gateway_epoch",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def refuse_changes_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: write a correction'); END"
            )


def refuse_changes_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only: write a correction', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; "
        "END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
