"""Fleet: keys that rotate, commands, events, cards for the bins, refused cards, display rates and releases.

Accounts that may change the registry may now run the fleet, and those that may read volumes may see it. API tokens keep
what they were given.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0006_fleet"
down_revision = "0005_reported_volumes"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
GRANTS = {"metering:read": {"fleet:read"}, "registry:write": {"fleet:read", "fleet:write"}}
CARD_COLUMNS = ("role", "complex_id", "blocked_at", "blocked_by", "blocked_reason")


def upgrade() -> None:
    rotate_keys()
    let_cards_have_roles()
    op.create_table(
        "gateway_event",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=True),
        sa.Column("clock", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Text(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("booked_at", INSTANT, nullable=False),
        of_gateway("gateway_event"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_gateway_event"),
        sa.UniqueConstraint(
            *("district_id", "gateway_id", "epoch", "notice_id"),
            name="uq_gateway_event_district_id_gateway_id_epoch_notice_id",
        ),
    )
    op.create_index("ix_gateway_event_gateway", "gateway_event", ["district_id", "gateway_id", "id"])
    refuse_changes("gateway_event")
    op.create_table(
        "gateway_command",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('open_lid', 'rotate_key', 'sync_cards', 'update', 'roll_back')", name="ck_gateway_command_kind"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'refused', 'failed', 'expired')", name="ck_gateway_command_state"
        ),
        of_gateway("gateway_command"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_gateway_command"),
    )
    op.create_index("ix_gateway_command_gateway", "gateway_command", ["district_id", "gateway_id", "created_at"])
    op.create_index("ix_gateway_command_waiting", "gateway_command", ["state", "expires_at"])
    op.create_table(
        "unknown_touch",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("card_hash", sa.LargeBinary(), nullable=False),
        sa.Column("meter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.CheckConstraint("reason IN ('card_unknown', 'card_blocked')", name="ck_unknown_touch_reason"),
        sa.ForeignKeyConstraint(
            ["district_id", "meter_id"], ["meter.district_id", "meter.id"], name="fk_unknown_touch_district_id_meter_id"
        ),
        sa.PrimaryKeyConstraint("district_id", "card_hash", "meter_id", name="pk_unknown_touch"),
    )
    op.create_index("ix_unknown_touch_last_seen", "unknown_touch", ["district_id", "last_seen_at"])
    op.create_table(
        "gateway_card_list",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        of_gateway("gateway_card_list"),
        sa.PrimaryKeyConstraint("district_id", "gateway_id", "version", name="pk_gateway_card_list"),
    )
    op.create_table(
        "display_rate",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("won_per_kg", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_display_rate_district_id"),
        sa.PrimaryKeyConstraint("district_id", "first_day", name="pk_display_rate"),
    )
    op.create_table(
        "gateway_release",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_gateway_release_district_id"),
        sa.PrimaryKeyConstraint("district_id", "version", name="pk_gateway_release"),
    )
    change_scopes(lambda scopes: scopes.union(*(GRANTS[scope] for scope in scopes & GRANTS.keys())))


def downgrade() -> None:
    change_scopes(lambda scopes: scopes - {"fleet:read", "fleet:write"}, ("account", "api_token"))
    for table in (
        "gateway_release",
        "display_rate",
        "gateway_card_list",
        "unknown_touch",
        "gateway_command",
        "gateway_event",
    ):
        op.drop_table(table)
    op.drop_index("ix_card_role", "card")
    with op.batch_alter_table("card") as batch:
        batch.drop_constraint("fk_card_district_id_complex_id", type_="foreignkey")
        batch.drop_constraint("ck_card_role", type_="check")
        batch.drop_constraint("ck_card_complex", type_="check")
        for column in CARD_COLUMNS:
            batch.drop_column(column)
    with op.batch_alter_table("gateway_key") as batch:
        batch.drop_column("retires_at")
        batch.drop_column("confirmed_at")


def rotate_keys() -> None:
    op.add_column("gateway_key", sa.Column("confirmed_at", INSTANT, nullable=True))
    op.add_column("gateway_key", sa.Column("retires_at", INSTANT, nullable=True))
    # Until now a key was alone, made by the claim of the box that uses it.
    op.execute("UPDATE gateway_key SET confirmed_at = created_at")


def let_cards_have_roles() -> None:
    with op.batch_alter_table("card") as batch:
        batch.add_column(sa.Column("role", sa.Text(), server_default="household", nullable=False))
        batch.add_column(sa.Column("complex_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("blocked_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("blocked_by", sa.Text(), nullable=True))
        batch.add_column(sa.Column("blocked_reason", sa.Text(), nullable=True))
        batch.create_check_constraint("ck_card_role", "role IN ('household', 'collector', 'service')")
        batch.create_check_constraint("ck_card_complex", "complex_id IS NULL OR role <> 'household'")
        batch.create_foreign_key(
            "fk_card_district_id_complex_id", "complex", ["district_id", "complex_id"], ["district_id", "id"]
        )
    op.create_index("ix_card_role", "card", ["district_id", "role"])


def of_gateway(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["district_id", "gateway_id"],
        ["gateway.district_id", "gateway.id"],
        name=f"fk_{table}_district_id_gateway_id",
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


def change_scopes(changed: Callable[[set[str]], set[str]], tables: tuple[str, ...] = ("account",)) -> None:
    for name in tables:
        table = sa.table(name, *map(sa.column, ("district_id", "id", "scopes")))
        for district_id, id_, scopes in op.get_bind().execute(sa.select(table)).all():
            held = " ".join(sorted(changed(set(scopes.split()))))
            mine = sa.and_(table.c.district_id == district_id, table.c.id == id_)
            op.execute(sa.update(table).where(mine).values(scopes=held))
