"""Registry work: residents, earlier months, certificates, installations."""

revision = "0008_registry_work"
down_revision = "0007_people"


def upgrade() -> None:
    households()
    devices()


def downgrade() -> None:
    drop_devices()
    drop_households()


def households() -> None:
    pass


def drop_households() -> None:
    pass


def devices() -> None:
    pass


def drop_devices() -> None:
    pass
