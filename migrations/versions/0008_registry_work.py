"""Registry work: residents, earlier months, certificates, installations."""

import sqlalchemy as sa
from alembic import op

revision = "0008_registry_work"
down_revision = "0007_people"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
STATES = (
    *("applied", "selected", "rejected", "withdrawn", "installed"),
    *("trial", "trained", "surveyed", "closed"),
)


def upgrade() -> None:
    households()
    devices()


def downgrade() -> None:
    drop_devices()
    drop_households()


def households() -> None:
    with op.batch_alter_table("household") as batch:
        batch.add_column(sa.Column("abandoned_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("abandoned_by", sa.Text(), nullable=True))
        batch.add_column(sa.Column("abandoned_reason", sa.Text(), nullable=True))
    let_cards_be_lost()
    op.create_table(
        "resident",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenancy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        refers("resident", "tenancy", "tenancy_id"),
        sa.PrimaryKeyConstraint("district_id", "tenancy_id", name="pk_resident"),
    )
    op.create_table(
        "earlier_month",
        *of_household_and_batch("earlier_month"),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("grams >= 0 AND count >= 0 AND won >= 0", name="ck_earlier_month_amounts"),
        sa.UniqueConstraint(
            *("district_id", "household_id", "month"), name="uq_earlier_month_district_id_household_id_month"
        ),
    )
    op.create_table(
        "opening_balance",
        *of_household_and_batch("opening_balance"),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint(
            *("district_id", "household_id", "as_of"), name="uq_opening_balance_district_id_household_id_as_of"
        ),
    )
    op.create_table(
        "import_upload",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_import_upload_district_id"),
        sa.PrimaryKeyConstraint("district_id", "actor", "sha256", "kind", name="pk_import_upload"),
    )


def drop_households() -> None:
    for table in ("import_upload", "opening_balance", "earlier_month", "resident"):
        op.drop_table(table)
    op.execute("UPDATE card SET replaced_by_id = NULL")
    op.execute("DELETE FROM card WHERE role = 'common'")  # there is no other role in which it may open a bin
    op.drop_index("ix_card_kept_household", "card")
    op.drop_index("ix_card_replaced_by", "card")
    with op.batch_alter_table("card") as batch:
        batch.drop_constraint("fk_card_district_id_replaced_by_id", type_="foreignkey")
        batch.drop_constraint("fk_card_district_id_kept_household_id", type_="foreignkey")
        batch.drop_constraint("ck_card_common", type_="check")
        batch.drop_constraint("ck_card_role", type_="check")
        batch.create_check_constraint("ck_card_role", "role IN ('household', 'collector', 'service')")
        for column in ("lost_at", "replaced_by_id", "kept_household_id"):
            batch.drop_column(column)
    with op.batch_alter_table("household") as batch:
        for column in ("abandoned_at", "abandoned_by", "abandoned_reason"):
            batch.drop_column(column)


def let_cards_be_lost() -> None:
    with op.batch_alter_table("card") as batch:
        batch.add_column(sa.Column("lost_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("replaced_by_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("kept_household_id", sa.Integer(), nullable=True))
        batch.drop_constraint("ck_card_role", type_="check")
        batch.create_check_constraint("ck_card_role", "role IN ('household', 'collector', 'service', 'common')")
        batch.create_check_constraint("ck_card_common", "role <> 'common' OR complex_id IS NOT NULL")
        batch.create_foreign_key(
            "fk_card_district_id_replaced_by_id", "card", ["district_id", "replaced_by_id"], ["district_id", "id"]
        )
        batch.create_foreign_key(
            *("fk_card_district_id_kept_household_id", "household"),
            *(["district_id", "kept_household_id"], ["district_id", "id"]),
        )
    # Without them each card or household that is deleted would have all cards read.
    op.create_index("ix_card_replaced_by", "card", ["district_id", "replaced_by_id"])
    op.create_index("ix_card_kept_household", "card", ["district_id", "kept_household_id"])


def of_household_and_batch(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Key and references of what an import brought for a household."""
    return (
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=f"fk_{table}_district_id"),
        refers(table, "household", "household_id"),
        refers(table, "import_batch", "batch_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name=f"pk_{table}"),
    )


def refers(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["district_id", column], [f"{other}.district_id", f"{other}.id"], name=f"fk_{table}_district_id_{column}"
    )


def devices() -> None:
    op.add_column("meter_assignment", sa.Column("end_reason", sa.Text(), nullable=True))
    for column in (sa.Column("installed_on", sa.Date()), sa.Column("retired_on", sa.Date())):
        op.add_column("reducer", column)
    op.add_column("reducer", sa.Column("retired_reason", sa.Text(), nullable=True))
    keep_certificates()
    keep_the_programme()


def drop_devices() -> None:
    for table in (
        *("installation_target", "installation_count", "installation_step", "installation_application"),
        *("scale_certificate_withdrawal", "scale_certificate"),
    ):
        op.drop_table(table)
    for column in ("retired_reason", "retired_on", "installed_on"):
        op.drop_column("reducer", column)
    op.drop_column("meter_assignment", "end_reason")


def keep_certificates() -> None:
    op.create_table(
        "scale_certificate",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("inspected_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("result IN ('passed', 'failed')", name="ck_scale_certificate_result"),
        sa.CheckConstraint("due_on > inspected_on", name="ck_scale_certificate_period"),
        sa.ForeignKeyConstraint(
            ["district_id", "meter_id"],
            ["meter.district_id", "meter.id"],
            name="fk_scale_certificate_district_id_meter_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_scale_certificate_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_scale_certificate"),
    )
    op.create_index("ix_scale_certificate_meter", "scale_certificate", ["district_id", "meter_id", "inspected_on"])
    op.create_table(
        "scale_certificate_withdrawal",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("certificate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=False),
        sa.CheckConstraint("length(reason) > 0", name="ck_scale_certificate_withdrawal_reason"),
        sa.ForeignKeyConstraint(
            ["district_id", "certificate_id"],
            ["scale_certificate.district_id", "scale_certificate.id"],
            name="fk_scale_certificate_withdrawal_district_id_certificate_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "certificate_id", name="pk_scale_certificate_withdrawal"),
    )
    refuse_changes_of("scale_certificate", "scale_certificate_withdrawal")


def keep_the_programme() -> None:
    op.create_table(
        "installation_application",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("applicant", sa.Text(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('meter', 'reducer')", name="ck_installation_application_kind"),
        sa.CheckConstraint("units > 0 AND households >= 0", name="ck_installation_application_counts"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_installation_application_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_installation_application_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_installation_application"),
    )
    op.create_index("ix_installation_application_complex", "installation_application", ["district_id", "complex_id"])
    op.create_table(
        "installation_step",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("application_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.Column("meters", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("answers", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="ck_installation_step_state"),
        sa.CheckConstraint("(state = 'installed') = (units IS NOT NULL)", name="ck_installation_step_units"),
        sa.ForeignKeyConstraint(
            ["district_id", "application_id"],
            ["installation_application.district_id", "installation_application.id"],
            name="fk_installation_step_district_id_application_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "application_id", "step", name="pk_installation_step"),
    )
    for table, more in (("count", "recorded"), ("target", "set")):
        op.create_table(
            f"installation_{table}",
            sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("kind", sa.Text(), nullable=False),
            sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("units", sa.Integer(), nullable=False),
            *([sa.Column("until", sa.Boolean(), nullable=False)] if table == "count" else []),
            sa.Column(f"{more}_by", sa.Text(), nullable=False),
            sa.Column(f"{more}_at", INSTANT, nullable=False),
            sa.CheckConstraint("kind IN ('meter', 'reducer')", name=f"ck_installation_{table}_kind"),
            sa.CheckConstraint("units >= 0", name=f"ck_installation_{table}_units"),
            sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=f"fk_installation_{table}_district_id"),
            sa.PrimaryKeyConstraint("district_id", "kind", "year", name=f"pk_installation_{table}"),
        )
    refuse_changes_of("installation_application", "installation_step")


def refuse_changes_of(*tables: str) -> None:
    """As for the ledger (0003): the database itself refuses to change or delete a row."""
    for table in tables:
        if op.get_bind().dialect.name == "sqlite":
            for event in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            continue
        for name, events, each in (
            ("append_only", "UPDATE OR DELETE", "ROW"),
            ("no_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {events} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )
