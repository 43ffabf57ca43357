"""Registry work: residents, earlier months, certificates, installations."""

revision = "0008_registry_work"
down_revision = "0007_people"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
