"""How a complex's maintenance-fee file looks."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, one_of
from app.registry.models import in_district

FORMATS = ("csv", "csv-cp949", "xlsx")


class FeeLayout(Base):
    """Columns (JSON: [{"field", "title"}]) and format of a complex's file; without a row the usual layout."""

    __tablename__ = "fee_layout"
    __table_args__ = (
        in_district("complex", "complex_id"),
        sa.CheckConstraint(one_of("format", FORMATS), name="format"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    columns: Mapped[str]
    format: Mapped[str]
    actor: Mapped[str]
    changed_at: Mapped[datetime]
