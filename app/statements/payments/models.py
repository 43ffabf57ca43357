"""What was paid, as complexes and the city report it. Append-only: a mistake is reversed by another row."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.db import Base, Big, one_of
from app.registry.models import InDistrict, in_district

SOURCES = ("hand", "file")


class Payment(InDistrict, Base):
    """Won paid on a day for the statement of a household and month, or (household null) of the complex.

    Negative where it reverses another (`reverses_id`) or was paid back. `reference` names the line of the file, or the
    receipt; the same one counts once, so that a file may be taken in twice.
    """

    __tablename__ = "payment"
    __table_args__ = (
        in_district("complex", "complex_id"),
        in_district("household", "household_id"),
        in_district("tenancy", "tenancy_id"),
        in_district("payment", "reverses_id"),
        sa.UniqueConstraint("district_id", "reference"),
        sa.UniqueConstraint("district_id", "reverses_id"),
        sa.CheckConstraint(one_of("source", SOURCES), name="source"),
        sa.CheckConstraint("won <> 0", name="won"),
        sa.Index("ix_payment_household", "district_id", "household_id", "month"),
        sa.Index("ix_payment_complex", "district_id", "complex_id", "month"),
    )

    complex_id: Mapped[int]
    household_id: Mapped[int | None]
    tenancy_id: Mapped[int | None]
    month: Mapped[date]
    won: Mapped[Big]
    paid_on: Mapped[date]
    source: Mapped[str]
    reference: Mapped[str | None]
    note: Mapped[str | None]
    reverses_id: Mapped[int | None]
    actor: Mapped[str]
    booked_at: Mapped[datetime]
