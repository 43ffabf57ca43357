"""Certificates of scales (계량기 검정). Rows are never changed; a wrong one is withdrawn by a row of its own."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, one_of
from app.registry.models import InDistrict, in_district

RESULTS = ("passed", "failed")


class ScaleCertificate(InDistrict, Base):
    """An inspection of a meter's scale by a `body`; the next one is due by the end of `due_on`."""

    __tablename__ = "scale_certificate"
    __table_args__ = (
        in_district("meter", "meter_id"),
        sa.CheckConstraint(one_of("result", RESULTS), name="result"),
        sa.CheckConstraint("due_on > inspected_on", name="period"),
        sa.Index("ix_scale_certificate_meter", "district_id", "meter_id", "inspected_on"),
    )

    meter_id: Mapped[int]
    number: Mapped[str]
    inspected_on: Mapped[date]
    due_on: Mapped[date]
    body: Mapped[str]
    result: Mapped[str]
    remark: Mapped[str | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class ScaleCertificateWithdrawal(Base):
    """A certificate that was recorded wrongly counts no longer, and why."""

    __tablename__ = "scale_certificate_withdrawal"
    __table_args__ = (
        in_district("scale_certificate", "certificate_id"),
        sa.CheckConstraint("length(reason) > 0", name="reason"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    certificate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    withdrawn_by: Mapped[str]
    withdrawn_at: Mapped[datetime]
