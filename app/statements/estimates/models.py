"""Estimates for days on which a complex's meters failed. Never changed but for their settlement."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big
from app.registry.models import InDistrict, in_district


class Estimate(InDistrict, Base):
    """Service days `first_day` … `last_day` (of one month, both included) of a complex, estimated from the days before.

    It counts until it is settled: what arrives for these days in the meantime is taken off what was estimated.
    """

    __tablename__ = "estimate"
    __table_args__ = (
        in_district("complex", "complex_id"),
        sa.CheckConstraint("last_day >= first_day", name="days"),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="settled"),
        sa.Index("ix_estimate_complex", "district_id", "complex_id", "first_day"),
    )

    complex_id: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date]
    basis_first_day: Mapped[date]
    basis_last_day: Mapped[date]
    reason: Mapped[str]
    actor: Mapped[str]
    made_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_reason: Mapped[str | None]


class EstimateShare(Base):
    """What is expected of a tenancy on the days of an estimate: `basis_g` in `basis_days`, carried over to them."""

    __tablename__ = "estimate_share"
    __table_args__ = (in_district("estimate", "estimate_id"), in_district("tenancy", "tenancy_id"))

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    estimate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenancy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    household_id: Mapped[int]
    expected_g: Mapped[Big]
    basis_g: Mapped[Big]
    basis_days: Mapped[int]
