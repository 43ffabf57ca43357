"""Faults, who answers for them, and messages."""

import sqlalchemy as sa
from alembic import op

revision = "0009_faults"
down_revision = "0008_registry_work"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
CLASSES = ("comm", "power", "weighing", "lock", "card", "volume", "user")
CONDITIONS = (
    *(f"reported:{name}" for name in CLASSES),
    *("gateway_silent", "meter_silent", "no_discharges", "by_person"),
)
EVENT_KINDS = (
    *("opened", "reopened", "assigned", "taken", "noted", "due_changed", "reclassified", "escalated", "closed"),
    *("joined", "left"),
)


def upgrade() -> None:
    faults()
    messages()


def downgrade() -> None:
    remove_messages()
    remove_faults()


def faults() -> None:
    op.create_table(
        "incident",
        *identity(),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("calm_since", INSTANT, nullable=True),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("gateways", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        of_district("incident"),
        within("incident", "account", "owner_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_incident"),
    )
    op.create_index("ix_incident_open", "incident", ["district_id", "closed_at"])
    op.create_table(
        "fault",
        *identity(),
        sa.Column("fault_class", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=True),
        sa.Column("meter_id", sa.Integer(), nullable=True),
        sa.Column("complex_id", sa.Integer(), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("first_opened_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("opened_day", sa.Date(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=True),
        sa.CheckConstraint(one_of("fault_class", CLASSES), name="ck_fault_fault_class"),
        sa.CheckConstraint(one_of("condition", CONDITIONS), name="ck_fault_condition"),
        sa.CheckConstraint("source IN ('detected', 'person')", name="ck_fault_source"),
        sa.CheckConstraint("state IN ('open', 'taken', 'closed')", name="ck_fault_state"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="ck_fault_closed"),
        of_district("fault"),
        within("fault", "gateway", "gateway_id"),
        within("fault", "meter", "meter_id"),
        within("fault", "complex", "complex_id"),
        within("fault", "incident", "incident_id"),
        within("fault", "account", "owner_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_fault"),
    )
    op.create_index("ix_fault_due", "fault", ["district_id", "state", "due_at", "id"])
    op.create_index("ix_fault_complex", "fault", ["district_id", "complex_id", "id"])
    op.create_index("ix_fault_meter", "fault", ["district_id", "meter_id", "id"])
    op.create_index("ix_fault_gateway", "fault", ["district_id", "gateway_id", "id"])
    op.create_index("ix_fault_incident", "fault", ["district_id", "incident_id"])
    op.create_index("ix_fault_day", "fault", ["district_id", "opened_day"])
    op.create_index("ix_fault_closed", "fault", ["district_id", "closed_at"])
    op.create_table(
        "fault_event",
        *identity(),
        sa.Column("fault_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(one_of("kind", EVENT_KINDS), name="ck_fault_event_kind"),
        of_district("fault_event"),
        within("fault_event", "fault", "fault_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_fault_event"),
    )
    op.create_index("ix_fault_event_fault", "fault_event", ["district_id", "fault_id", "id"])
    refuse_changes("fault_event")
    remember_what_the_watch_saw()
    hold_policy()


def remember_what_the_watch_saw() -> None:
    op.create_table(
        "fault_watch",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("bad_since", INSTANT, nullable=True),
        sa.Column("good_since", INSTANT, nullable=True),
        sa.Column("fault_id", sa.Integer(), nullable=True),
        of_district("fault_watch"),
        within("fault_watch", "fault", "fault_id"),
        sa.PrimaryKeyConstraint("district_id", "device", "condition", name="pk_fault_watch"),
    )
    op.create_table(
        "fault_mark",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        of_district("fault_mark"),
        sa.PrimaryKeyConstraint("district_id", "name", name="pk_fault_mark"),
    )


def hold_policy() -> None:
    op.create_table(
        "fault_rule",
        sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        of_district("fault_rule"),
        sa.PrimaryKeyConstraint("district_id", "name", name="pk_fault_rule"),
    )
    op.create_table(
        "fault_duty",
        *identity(),
        sa.Column("complex_id", sa.Integer(), nullable=True),
        sa.Column("fault_class", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("escalate_to_id", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            f"fault_class IS NULL OR {one_of('fault_class', CLASSES)}", name="ck_fault_duty_fault_class"
        ),
        of_district("fault_duty"),
        within("fault_duty", "complex", "complex_id"),
        within("fault_duty", "account", "owner_id"),
        within("fault_duty", "account", "escalate_to_id"),
        sa.PrimaryKeyConstraint("district_id", "id", name="pk_fault_duty"),
    )


def remove_faults() -> None:
    for table in ("fault_duty", "fault_rule", "fault_mark", "fault_watch", "fault_event", "fault", "incident"):
        op.drop_table(table)


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"


def of_district(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=f"fk_{table}_district_id")


def within(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["district_id", column],
        [f"{other}.district_id", f"{other}.id"],
        name=f"fk_{table}_district_id_{column}",
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
