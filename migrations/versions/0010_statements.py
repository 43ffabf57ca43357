"""Billing: terms, monthly runs with their statements, and what follows them."""

import sqlalchemy as sa
from alembic import op

revision = "0010_statements"
down_revision = "0009_faults"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
APPEND_ONLY = (
    *("tariff", "complex_terms", "tenancy_class", "complex_weight"),
    *("statement_void", "manual_adjustment", "late_decision", "estimate_share", "dispute_event", "payment"),
)
TABLES = (
    *("fee_layout", "payment", "estimate_share", "estimate", "late_decision", "manual_adjustment"),
    *("dispute_event", "dispute", "statement_void", "statement_line", "statement", "statement_run"),
    *("billing_policy", "complex_weight", "tenancy_class", "complex_terms", "tariff", "payer_class"),
)
OF_A_RUN = ("statement", "statement_line")


def upgrade() -> None:
    terms()
    runs()
    what_follows()
    for table in APPEND_ONLY:
        refuse_changes(table)
    if op.get_bind().dialect.name == "sqlite":
        freeze_final_runs_on_sqlite()
    else:
        freeze_final_runs_on_postgresql()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in ("refuse_final_run", "refuse_final_statement", "refuse_statement_outside_preview"):
            op.execute(f"DROP FUNCTION {name}()")


def terms() -> None:
    op.create_table(
        "payer_class",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_ko", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_payer_class_district_id"),
        sa.PrimaryKeyConstraint("district_id", "code", name="pk_payer_class"),
    )
    op.create_table(
        "tariff",
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("payer_class", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("scheme IN ('household', 'complex', 'prepaid')", name="ck_tariff_scheme"),
        sa.CheckConstraint("length(reference) > 0", name="ck_tariff_reference"),
        sa.ForeignKeyConstraint(
            ["district_id", "payer_class"],
            ["payer_class.district_id", "payer_class.code"],
            name="fk_tariff_district_id_payer_class",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_tariff_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_tariff"),
        sa.UniqueConstraint(
            "district_id",
            "scheme",
            "payer_class",
            "first_day",
            "revision",
            name="uq_tariff_district_id_scheme_payer_class_first_day_revision",
        ),
    )
    op.create_table(
        "complex_terms",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("suspense", sa.Text(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("scheme IN ('household', 'complex', 'prepaid')", name="ck_complex_terms_scheme"),
        sa.CheckConstraint("sharing IN ('equal', 'weight')", name="ck_complex_terms_sharing"),
        sa.CheckConstraint("suspense IN ('shared', 'not_billed', 'held')", name="ck_complex_terms_suspense"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_complex_terms_district_id_complex_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "complex_id", "first_month", "revision", name="pk_complex_terms"),
    )
    op.create_table(
        "tenancy_class",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenancy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payer_class", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id", "payer_class"],
            ["payer_class.district_id", "payer_class.code"],
            name="fk_tenancy_class_district_id_payer_class",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_tenancy_class_district_id_tenancy_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "tenancy_id", "first_month", "revision", name="pk_tenancy_class"),
    )
    op.create_table(
        "complex_weight",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weighed_g", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("weighed_g >= 0", name="ck_complex_weight_weight"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_complex_weight_district_id_complex_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "complex_id", "month", "revision", name="pk_complex_weight"),
    )
    op.create_table(
        "billing_policy",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("late_months", sa.Integer(), nullable=False),
        sa.Column("review_days", sa.Integer(), nullable=False),
        sa.Column("reply_days", sa.Integer(), nullable=False),
        sa.Column("pay_days", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "late_months >= 0 AND review_days >= 0 AND reply_days > 0 AND pay_days > 0", name="ck_billing_policy_sizes"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_billing_policy_district_id"),
        sa.PrimaryKeyConstraint("district_id", name="pk_billing_policy"),
    )


def runs() -> None:
    op.create_table(
        "statement_run",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ledger_at", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("review_until", INSTANT, nullable=False),
        sa.Column("reviewed_at", INSTANT, nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("finalised_at", INSTANT, nullable=True),
        sa.Column("finalised_by", sa.Text(), nullable=True),
        sa.Column("early_reason", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("suspense", sa.Text(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("lines_won", sa.BigInteger(), nullable=False),
        sa.Column("suspense_g", sa.BigInteger(), nullable=False),
        sa.Column("suspense_count", sa.Integer(), nullable=False),
        sa.Column("suspense_won", sa.BigInteger(), nullable=False),
        sa.Column("residue_won", sa.BigInteger(), nullable=False),
        sa.Column("reissued_won", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("(state = 'final') = (finalised_at IS NOT NULL)", name="ck_statement_run_finalised"),
        sa.CheckConstraint("scheme IN ('household', 'complex', 'prepaid')", name="ck_statement_run_scheme"),
        sa.CheckConstraint("sharing IN ('equal', 'weight')", name="ck_statement_run_sharing"),
        sa.CheckConstraint("state IN ('preview', 'final')", name="ck_statement_run_state"),
        sa.CheckConstraint("suspense IN ('shared', 'not_billed', 'held')", name="ck_statement_run_suspense"),
        sa.CheckConstraint("won = lines_won + suspense_won + residue_won + reissued_won", name="ck_statement_run_sum"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_statement_run_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_statement_run_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_statement_run"),
        sa.UniqueConstraint(
            "district_id",
            "complex_id",
            "month",
            "version",
            name="uq_statement_run_district_id_complex_id_month_version",
        ),
        sa.UniqueConstraint("district_id", "number", name="uq_statement_run_district_id_number"),
    )
    op.create_index("ix_statement_run_month", "statement_run", ["district_id", "month"])
    op.create_table(
        "statement",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), nullable=False),
        sa.Column("payer_class", sa.Text(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "run_id", "serial", name="pk_statement"),
    )
    op.create_index("ix_statement_household", "statement", ["district_id", "household_id", "month"])
    op.create_table(
        "statement_line",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("usage_month", sa.Date(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("adjustment_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('usage', 'estimated', 'suspense_share', 'complex_share', 'adjustment', 'manual')",
            name="ck_statement_line_kind",
        ),
        sa.PrimaryKeyConstraint("district_id", "run_id", "serial", "line", name="pk_statement_line"),
    )
    op.create_index("ix_statement_line_usage", "statement_line", ["district_id", "usage_month", "household_id"])
    adjusted = sa.text("kind = 'adjustment'")  # few, and asked for by month: without them no line is touched
    op.create_index(
        "ix_statement_line_adjusted",
        "statement_line",
        ["district_id", "usage_month", "run_id"],
        postgresql_where=adjusted,
        sqlite_where=adjusted,
    )
    op.create_table(
        "statement_void",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("credit_note", sa.Text(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("without_reissue", sa.Boolean(), nullable=False),
        sa.Column("reissued_by_run_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("voided_at", INSTANT, nullable=False),
        sa.CheckConstraint("(reissued_by_run_id IS NULL) = without_reissue", name="ck_statement_void_reissue"),
        sa.CheckConstraint("length(reason) > 0", name="ck_statement_void_reason"),
        sa.ForeignKeyConstraint(
            ["district_id", "reissued_by_run_id"],
            ["statement_run.district_id", "statement_run.id"],
            name="fk_statement_void_district_id_reissued_by_run_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "run_id", "serial"],
            ["statement.district_id", "statement.run_id", "statement.serial"],
            name="fk_statement_void_district_id_run_id_serial",
        ),
        sa.PrimaryKeyConstraint("district_id", "run_id", "serial", name="pk_statement_void"),
        sa.UniqueConstraint("district_id", "credit_note", name="uq_statement_void_district_id_credit_note"),
    )


def what_follows() -> None:
    op.create_table(
        "dispute",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_won", sa.BigInteger(), nullable=False),
        sa.Column("credit_won", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="ck_dispute_decided"),
        sa.CheckConstraint("state IN ('open', 'accepted', 'partly', 'refused', 'withdrawn')", name="ck_dispute_state"),
        sa.CheckConstraint("held_won >= 0 AND credit_won >= 0 AND credit_won <= held_won", name="ck_dispute_amounts"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_dispute_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "household_id"],
            ["household.district_id", "household.id"],
            name="fk_dispute_district_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "run_id"],
            ["statement_run.district_id", "statement_run.id"],
            name="fk_dispute_district_id_run_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_dispute_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_dispute"),
    )
    op.create_index("ix_dispute_complex", "dispute", ["district_id", "complex_id", "id"])
    op.create_index("ix_dispute_state", "dispute", ["district_id", "state", "due_on", "id"])
    op.create_index("ix_dispute_statement", "dispute", ["district_id", "run_id", "serial"])
    op.create_table(
        "dispute_event",
        sa.Column("dispute_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint(
            "kind IN ('opened', 'noted', 'decided', 'withdrawn', 'reopened')", name="ck_dispute_event_kind"
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "dispute_id"],
            ["dispute.district_id", "dispute.id"],
            name="fk_dispute_event_district_id_dispute_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_dispute_event_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_dispute_event"),
    )
    op.create_index("ix_dispute_event_dispute", "dispute_event", ["district_id", "dispute_id", "id"])
    op.create_table(
        "manual_adjustment",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), nullable=False),
        sa.Column("usage_month", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("dispute_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("kind IN ('manual', 'dispute')", name="ck_manual_adjustment_kind"),
        sa.CheckConstraint("won <> 0 AND length(reason) > 0", name="ck_manual_adjustment_said"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_manual_adjustment_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "dispute_id"],
            ["dispute.district_id", "dispute.id"],
            name="fk_manual_adjustment_district_id_dispute_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "household_id"],
            ["household.district_id", "household.id"],
            name="fk_manual_adjustment_district_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_manual_adjustment_district_id_tenancy_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_manual_adjustment_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_manual_adjustment"),
    )
    op.create_index("ix_manual_adjustment_complex", "manual_adjustment", ["district_id", "complex_id"])
    op.create_index("ix_manual_adjustment_household", "manual_adjustment", ["district_id", "household_id"])
    op.create_table(
        "late_decision",
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), nullable=False),
        sa.Column("usage_month", sa.Date(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("decision IN ('bill', 'write_off')", name="ck_late_decision_decision"),
        sa.CheckConstraint("length(reason) > 0", name="ck_late_decision_reason"),
        sa.ForeignKeyConstraint(
            ["district_id", "household_id"],
            ["household.district_id", "household.id"],
            name="fk_late_decision_district_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_late_decision_district_id_tenancy_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_late_decision_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_late_decision"),
    )
    op.create_index("ix_late_decision_usage", "late_decision", ["district_id", "usage_month", "household_id"])
    op.create_table(
        "estimate",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("basis_first_day", sa.Date(), nullable=False),
        sa.Column("basis_last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_reason", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="ck_estimate_settled"),
        sa.CheckConstraint("last_day >= first_day", name="ck_estimate_days"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_estimate_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_estimate_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_estimate"),
    )
    op.create_index("ix_estimate_complex", "estimate", ["district_id", "complex_id", "first_day"])
    op.create_table(
        "estimate_share",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("estimate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenancy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("expected_g", sa.BigInteger(), nullable=False),
        sa.Column("basis_g", sa.BigInteger(), nullable=False),
        sa.Column("basis_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id", "estimate_id"],
            ["estimate.district_id", "estimate.id"],
            name="fk_estimate_share_district_id_estimate_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_estimate_share_district_id_tenancy_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "estimate_id", "tenancy_id", name="pk_estimate_share"),
    )
    op.create_table(
        "payment",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=True),
        sa.Column("tenancy_id", sa.Integer(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("source IN ('hand', 'file')", name="ck_payment_source"),
        sa.CheckConstraint("won <> 0", name="ck_payment_won"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_payment_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "household_id"],
            ["household.district_id", "household.id"],
            name="fk_payment_district_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "reverses_id"],
            ["payment.district_id", "payment.id"],
            name="fk_payment_district_id_reverses_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_payment_district_id_tenancy_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_payment_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_payment"),
        sa.UniqueConstraint("district_id", "reference", name="uq_payment_district_id_reference"),
        sa.UniqueConstraint("district_id", "reverses_id", name="uq_payment_district_id_reverses_id"),
    )
    op.create_index("ix_payment_complex", "payment", ["district_id", "complex_id", "month"])
    op.create_index("ix_payment_household", "payment", ["district_id", "household_id", "month"])
    op.create_table(
        "fee_layout",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("format IN ('csv', 'csv-cp949', 'xlsx')", name="ck_fee_layout_format"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_fee_layout_district_id_complex_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "complex_id", name="pk_fee_layout"),
    )


def refuse_changes(table: str) -> None:
    """As for the ledger (0003): the database itself refuses to change or delete a row."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    for name, events, each in (("append_only", "UPDATE OR DELETE", "ROW"), ("no_truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {events} ON {table} FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )


def freeze_final_runs_on_sqlite() -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER statement_run_final_{event.lower()} BEFORE {event} ON statement_run "
            "WHEN OLD.state = 'final' BEGIN SELECT RAISE(ABORT, 'a final statement_run never changes: adjust it'); END"
        )
    for table in OF_A_RUN:
        run = "statement_run WHERE district_id = {row}.district_id AND id = {row}.run_id"
        state = f"coalesce((SELECT state FROM {run}), '')"
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} never changes: make the preview anew, or adjust it'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} "
            f"WHEN {state.format(row='OLD')} = 'final' "
            f"BEGIN SELECT RAISE(ABORT, 'a final {table} is never deleted: void it'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_frozen_insert BEFORE INSERT ON {table} "
            f"WHEN {state.format(row='NEW')} <> 'preview' "
            f"BEGIN SELECT RAISE(ABORT, '{table} belongs to a preview: its run is final or missing'); END"
        )


def freeze_final_runs_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_final_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'a final statement_run never changes: adjust it' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER statement_run_final BEFORE UPDATE OR DELETE ON statement_run "
        "FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION refuse_final_run()"
    )
    # Once for each statement of SQL, over all of its rows: for each row it would double the time of a run.
    for name, condition, said in (
        ("refuse_final_statement", "r.state = 'final'", "is never deleted once final: void it"),
        (
            "refuse_statement_outside_preview",
            "r.state IS DISTINCT FROM 'preview'",
            "belongs to a preview: its run is final or missing",
        ),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF EXISTS (SELECT 1 FROM (SELECT DISTINCT district_id, run_id FROM touched) t LEFT JOIN statement_run r "
            f"ON r.district_id = t.district_id AND r.id = t.run_id WHERE {condition}) THEN "
            f"RAISE EXCEPTION '% {said}', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END IF; "
            "RETURN NULL; END $$"
        )
    for table in OF_A_RUN:
        op.execute(
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_frozen_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS touched "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_final_statement()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_frozen_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS touched "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_statement_outside_preview()"
        )
    for table in ("statement_run", *OF_A_RUN):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
