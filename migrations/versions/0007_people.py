"""People: roles with their reach, second factor, sessions, links, vendors; the audit log.

An account gets the narrowest role that could do all that it could. One that could do exactly that may from now on do
what the role may; one that could do less keeps its scopes, so that nobody gains a right that was not given.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_people"
down_revision = "0006_fleet"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ROLES = ("administrator", "operator", "viewer", "manager", "contractor", "vendor", "auditor")
COLUMNS = (
    *("role", "vendor_id", "all_complexes", "email", "phone", "totp_secret", "totp_confirmed_at", "totp_last_step"),
    *("failed_log_ins", "locked_until", "last_log_in_at"),
)
# What an account of each role could do before there were roles, the narrowest first.
SCOPES_BEFORE = {
    "viewer": "fleet:read metering:read",
    "operator": "fleet:read fleet:write metering:correct metering:read registry:write",
    "administrator": "access:admin fleet:read fleet:write metering:correct metering:read registry:write",
}


def upgrade() -> None:
    op.create_table(
        "vendor",
        *identity(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("business_number", sa.Text(), nullable=True),
        sa.Column("representative", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("designated_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('manufacturer', 'sales_point')", name="ck_vendor_kind"),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_vendor_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_vendor"),
        sa.UniqueConstraint("district_id", "code", name="uq_vendor_district_id_code"),
    )
    give_roles()
    op.create_table(
        "account_complex",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
        of_account("account_complex"),
        sa.ForeignKeyConstraint(
            ["district_id", "complex_id"],
            ["complex.district_id", "complex.id"],
            name="fk_account_complex_district_id_complex_id",
        ),
        sa.PrimaryKeyConstraint("district_id", "account_id", "complex_id", name="pk_account_complex"),
    )
    op.create_index("ix_account_complex_complex", "account_complex", ["district_id", "complex_id"])
    op.create_table(
        "account_session",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        of_account("account_session"),
        sa.PrimaryKeyConstraint("district_id", "id_hash", name="pk_account_session"),
    )
    op.create_index("ix_account_session_account", "account_session", ["district_id", "account_id", "started_at"])
    op.create_index("ix_account_session_hash", "account_session", ["id_hash"])
    op.create_table(
        "account_link",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint("purpose IN ('invitation', 'recovery')", name="ck_account_link_purpose"),
        of_account("account_link"),
        sa.PrimaryKeyConstraint("district_id", "token_hash", name="pk_account_link"),
    )
    op.create_index("ix_account_link_account", "account_link", ["district_id", "account_id"])
    op.create_index("ix_account_link_hash", "account_link", ["token_hash"])
    keep_an_audit_log()


def downgrade() -> None:
    for table in ("audit_entry", "account_link", "account_session", "account_complex"):
        op.drop_table(table)
    for role, scopes in SCOPES_BEFORE.items():
        op.execute(f"UPDATE account SET scopes = '{scopes}' WHERE scopes IS NULL AND role = '{role}'")
    # Before, every scope was of the whole district: who saw less than that keeps none.
    narrow = "role IN ('manager', 'contractor', 'vendor')"
    op.execute(f"UPDATE account SET scopes = '' WHERE scopes IS NULL OR {narrow}")
    with op.batch_alter_table("account") as batch:
        batch.drop_constraint("ck_account_role", type_="check")
        batch.drop_constraint("ck_account_vendor", type_="check")
        batch.drop_constraint("fk_account_district_id_vendor_id", type_="foreignkey")
        for column in COLUMNS:
            batch.drop_column(column)
        batch.alter_column("scopes", existing_type=sa.Text(), nullable=False)
    op.drop_table("vendor")


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


def give_roles() -> None:
    with op.batch_alter_table("account") as batch:
        batch.add_column(sa.Column("role", sa.Text(), nullable=False, server_default="viewer"))
        batch.add_column(sa.Column("vendor_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("all_complexes", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("email", sa.Text(), nullable=True))
        batch.add_column(sa.Column("phone", sa.Text(), nullable=True))
        batch.add_column(sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("totp_confirmed_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("totp_last_step", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("failed_log_ins", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("locked_until", INSTANT, nullable=True))
        batch.add_column(sa.Column("last_log_in_at", INSTANT, nullable=True))
    with op.batch_alter_table("account") as batch:
        batch.alter_column("scopes", existing_type=sa.Text(), nullable=True)
        batch.alter_column("role", existing_type=sa.Text(), server_default=None)
        batch.create_check_constraint("ck_account_role", f"role IN ({', '.join(map(repr, ROLES))})")
        batch.create_check_constraint("ck_account_vendor", "(role = 'vendor') = (vendor_id IS NOT NULL)")
        batch.create_foreign_key(
            "fk_account_district_id_vendor_id", "vendor", ["district_id", "vendor_id"], ["district_id", "id"]
        )
    account = sa.table("account", *map(sa.column, ("district_id", "id", "scopes", "role")))
    for district_id, id_, scopes in (
        op.get_bind().execute(sa.select(account.c.district_id, account.c.id, account.c.scopes)).all()
    ):
        role = role_of(scopes)
        left = None if scopes == SCOPES_BEFORE[role] else scopes
        mine = sa.and_(account.c.district_id == district_id, account.c.id == id_)
        op.execute(sa.update(account).where(mine).values(role=role, scopes=left))


def role_of(scopes: str) -> str:
    return next(role for role, before in SCOPES_BEFORE.items() if set(scopes.split()) <= set(before.split()))


def keep_an_audit_log() -> None:
    op.create_table(
        "audit_entry",
        *identity(),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("complex_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name="fk_audit_entry_district_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["district_id", "subject_kind", "subject_id", "id"])
    op.create_index("ix_audit_entry_actor", "audit_entry", ["district_id", "actor", "id"])
    op.create_index("ix_audit_entry_complex", "audit_entry", ["district_id", "complex_id", "id"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["district_id", "at"])
    refuse_changes("audit_entry")


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
