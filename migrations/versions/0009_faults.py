"""Faults, who answers for them, and messages."""

revision = "0009_faults"
down_revision = "0008_registry_work"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
