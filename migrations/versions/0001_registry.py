"""Registry: who lives where with which card, and which meter stands there."""

import sqlalchemy as sa
from alembic import op

revision = "0001_registry"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# What may not overlap: table, the thing that can be in one place only, and what to say.
NO_OVERLAP = (
    ("tenancy", "household_id", "two tenancies of a household at one time"),
    ("card_assignment", "card_id", "two tenancies of a card at one time"),
    ("meter_assignment", "meter_id", "two places of a meter at one time"),
)


def upgrade() -> None:
    op.create_table(
        "district",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("card_key", sa.LargeBinary(), nullable=False),
        sa.Column("registry_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_district"),
        sa.UniqueConstraint("code", name="uq_district_code"),
    )
    op.create_table(
        "id_counter",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "kind", name="pk_id_counter"),
    )
    op.create_table(
        "dong",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_dong_district_id"),
        sa.PrimaryKeyConstraint("district_id", "code", name="pk_dong"),
    )
    op.create_table(
        "complex",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dong_code", sa.Text(), nullable=True),
        sa.Column("declared_households", sa.Integer(), nullable=True),
        sa.Column("road_address", sa.Text(), nullable=True),
        sa.Column("address_detail", sa.Text(), nullable=True),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("equipment", sa.Text(), nullable=True),
        sa.Column("charging", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Text(), nullable=True),
        sa.Column("longitude", sa.Text(), nullable=True),
        sa.Column("registered_at", INSTANT, nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("declared_households >= 0", name="ck_complex_declared"),
        sa.ForeignKeyConstraint(
            ["district_id", "dong_code"], ["dong.district_id", "dong.code"], name="fk_complex_district_id_dong_code"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_complex_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_complex"),
        sa.UniqueConstraint("district_id", "code", name="uq_complex_district_id_code"),
    )
    op.create_table(
        "building",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_building_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_building_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_building"),
        sa.UniqueConstraint("district_id", "complex_id", "name", name="uq_building_district_id_complex_id_name"),
    )
    op.create_table(
        "household",
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id", "building_id"],
            ["building.district_id", "building.id"],
            name="fk_household_district_id_building_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_household_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_household_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_household"),
        sa.UniqueConstraint("district_id", "building_id", "unit", name="uq_household_district_id_building_id_unit"),
    )
    op.create_table(
        "tenancy",
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT, nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ck_tenancy_dated"),
        sa.ForeignKeyConstraint(
            ["district_id", "household_id"],
            ["household.district_id", "household.id"],
            name="fk_tenancy_district_id_household_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_tenancy_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_tenancy"),
    )
    op.create_index("ix_tenancy_household", "tenancy", ["district_id", "household_id"], unique=False)
    op.create_table(
        "card",
        sa.Column("card_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("length(card_hash) = 16", name="ck_card_hash_length"),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_card_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_card"),
        sa.UniqueConstraint("district_id", "card_hash", name="uq_card_district_id_card_hash"),
    )
    op.create_table(
        "card_assignment",
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("tenancy_id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT, nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ck_card_assignment_dated"),
        sa.ForeignKeyConstraint(
            ["district_id", "card_id"], ["card.district_id", "card.id"], name="fk_card_assignment_district_id_card_id"
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "tenancy_id"],
            ["tenancy.district_id", "tenancy.id"],
            name="fk_card_assignment_district_id_tenancy_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_card_assignment_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_card_assignment"),
    )
    op.create_index("ix_card_assignment_card", "card_assignment", ["district_id", "card_id"], unique=False)
    op.create_index("ix_card_assignment_tenancy", "card_assignment", ["district_id", "tenancy_id"], unique=False)

    op.create_table(
        "meter",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_meter_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_meter"),
        sa.UniqueConstraint("district_id", "code", name="uq_meter_district_id_code"),
    )
    op.create_table(
        "reducer",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_reducer_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_reducer_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_reducer"),
        sa.UniqueConstraint("district_id", "code", name="uq_reducer_district_id_code"),
    )
    op.create_table(
        "gateway",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_gateway_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_gateway"),
        sa.UniqueConstraint("district_id", "code", name="uq_gateway_district_id_code"),
    )
    op.create_table(
        "meter_assignment",
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT, nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ck_meter_assignment_dated"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_meter_assignment_district_id_complex_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "gateway_id"],
            ["gateway.district_id", "gateway.id"],
            name="fk_meter_assignment_district_id_gateway_id",
        ),
        sa.ForeignKeyConstraint(
            ["district_id", "meter_id"],
            ["meter.district_id", "meter.id"],
            name="fk_meter_assignment_district_id_meter_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_meter_assignment_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_meter_assignment"),
    )
    op.create_index("ix_meter_assignment_gateway", "meter_assignment", ["district_id", "gateway_id"], unique=False)
    op.create_index("ix_meter_assignment_meter", "meter_assignment", ["district_id", "meter_id"], unique=False)
    op.create_table(
        "import_batch",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("imported_at", INSTANT, nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_import_batch_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_import_batch"),
    )
    op.create_table(
        "import_change",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.CheckConstraint("action IN ('created', 'updated')", name="ck_import_change_action"),
        sa.ForeignKeyConstraint(
            ["district_id", "batch_id"],
            ["import_batch.district_id", "import_batch.id"],
            name="fk_import_change_district_id_batch_id",
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_import_change_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_import_change"),
    )
    op.create_index("ix_import_change_batch", "import_change", ["district_id", "batch_id"], unique=False)

    for table, column, message in NO_OVERLAP:
        if op.get_bind().dialect.name == "sqlite":
            forbid_overlap_by_trigger(table, column, message)
        else:
            forbid_overlap_by_exclusion(table, column)


def downgrade() -> None:
    for table in (
        "import_change",
        "import_batch",
        "meter_assignment",
        "gateway",
        "reducer",
        "meter",
        "card_assignment",
        "card",
        "tenancy",
        "household",
        "building",
        "complex",
        "dong",
        "id_counter",
        "district",
    ):
        op.drop_table(table)


def forbid_overlap_by_exclusion(table: str, column: str) -> None:
    # Whole numbers as ranges of one: GiST then needs no btree_gist, which not every server has.
    op.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_overlap EXCLUDE USING gist ("
        f"int4range(district_id, district_id, '[]') WITH &&, int4range({column}, {column}, '[]') WITH &&, "
        "tstzrange(valid_from, valid_to) WITH &&)"
    )


def forbid_overlap_by_trigger(table: str, column: str, message: str) -> None:
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER ex_{table}_overlap_{event.lower()} AFTER {event} ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} other WHERE other.district_id = NEW.district_id "
            f"AND other.{column} = NEW.{column} AND other.id <> NEW.id "
            "AND (other.valid_to IS NULL OR other.valid_to > NEW.valid_from) "
            "AND (NEW.valid_to IS NULL OR NEW.valid_to > other.valid_from)) "
            f"BEGIN SELECT RAISE(ABORT, 'ex_{table}_overlap: {message}'); END"
        )
