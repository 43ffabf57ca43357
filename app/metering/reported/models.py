"""What others reported. Rows are only added: a later import of the same figure counts, an undone import does not."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big

SOURCES = ("keco", "jeju")
LEVELS = ("nation", "city", "dong", "site")
PERIOD_OF = {"nation": "day", "city": "day", "dong": "day", "site": "month"}  # as the known forms publish them
UNLOCATED = "알수없음"  # Jeju's name for devices without a location


class ReportedRow(Base):
    """Grams, discharges and won of one place and period; null is "nothing reported", which is not zero.

    Levels overlap (a city holds its sites), so only one is ever added up. `dong_name` is where a site stands.
    """

    __tablename__ = "reported_volume"
    __table_args__ = (
        sa.CheckConstraint("source IN ('keco', 'jeju')", name="source"),
        sa.CheckConstraint("level IN ('nation', 'city', 'dong', 'site')", name="level"),
        sa.CheckConstraint("period IN ('day', 'month')", name="period"),
        sa.CheckConstraint("grams >= 0 AND count >= 0 AND won >= 0", name="amounts"),
        sa.ForeignKeyConstraint(["district_id", "batch_id"], ["import_batch.district_id", "import_batch.id"]),
        sa.Index("ix_reported_volume_batch", "district_id", "batch_id"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    dong_name: Mapped[str | None]
    grams: Mapped[Big | None]
    count: Mapped[Big | None]
    won: Mapped[Big | None]
