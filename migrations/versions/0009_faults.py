"""Faults, who answers for them, and messages."""

revision = "0009_faults"
down_revision = "0008_registry_work"


def upgrade() -> None:
    faults()
    messages()


def downgrade() -> None:
    remove_messages()
    remove_faults()


def faults() -> None:
    pass


def remove_faults() -> None:
    pass


def messages() -> None:
    pass


def remove_messages() -> None:
    pass
