"""Tariffs and terms, each row in force from its first day or month until the next begins: no gap, no overlap.

They are never changed: a later revision of the same first day counts instead, and none may begin in a month of which a
statement is final.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, one_of
from app.registry.models import InDistrict, in_district
from app.statements.models import SCHEMES, SHARING, SUSPENSE


class PayerClass(Base):
    """Who pays by a tariff of their own, as basic-livelihood households (기초생활수급); `general` is everybody else."""

    __tablename__ = "payer_class"
    __table_args__ = (sa.ForeignKeyConstraint(["district_id"], ["district.id"]),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(primary_key=True)
    name_ko: Mapped[str]
    name_en: Mapped[str]


class Tariff(InDistrict, Base):
    """Won per kilogram for a scheme and payer class from `first_day` on; of several revisions the highest counts.

    `terms` is JSON as `billing.tariffs.Tariff.as_json` writes it: tiers, tiering, rounding, unit, free weight, relief.
    `withdrawn` revisions take the row out again. `reference` names the ordinance (조례) or decision.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "payer_class"], ["payer_class.district_id", "payer_class.code"]),
        sa.UniqueConstraint("district_id", "scheme", "payer_class", "first_day", "revision"),
        sa.CheckConstraint(one_of("scheme", SCHEMES), name="scheme"),
        sa.CheckConstraint("length(reference) > 0", name="reference"),
    )

    scheme: Mapped[str]
    payer_class: Mapped[str]
    first_day: Mapped[date]
    revision: Mapped[int]
    withdrawn: Mapped[bool]
    terms: Mapped[str]
    reference: Mapped[str]
    actor: Mapped[str]
    made_at: Mapped[datetime]


class ComplexTerms(Base):
    """How a complex is billed from `first_month` on: scheme, what happens to suspense, how shared won are shared."""

    __tablename__ = "complex_terms"
    __table_args__ = (
        in_district("complex", "complex_id"),
        sa.CheckConstraint(one_of("scheme", SCHEMES), name="scheme"),
        sa.CheckConstraint(one_of("suspense", SUSPENSE), name="suspense"),
        sa.CheckConstraint(one_of("sharing", SHARING), name="sharing"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_month: Mapped[date] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scheme: Mapped[str]
    suspense: Mapped[str]
    sharing: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    made_at: Mapped[datetime]


class TenancyClass(Base):
    """Which payer class a tenancy belongs to from `first_month` on; `general` where there is no row."""

    __tablename__ = "tenancy_class"
    __table_args__ = (
        in_district("tenancy", "tenancy_id"),
        sa.ForeignKeyConstraint(["district_id", "payer_class"], ["payer_class.district_id", "payer_class.code"]),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenancy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_month: Mapped[date] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payer_class: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    made_at: Mapped[datetime]


class ComplexWeight(Base):
    """A complex's weight of a month as weighed elsewhere, as by the truck (Guro's way); else its meters count."""

    __tablename__ = "complex_weight"
    __table_args__ = (in_district("complex", "complex_id"), sa.CheckConstraint("weighed_g >= 0", name="weight"))

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weighed_g: Mapped[Big]
    source: Mapped[str]
    actor: Mapped[str]
    made_at: Mapped[datetime]


class BillingPolicy(Base):
    """The district's limits and windows; without a row the defaults of `terms.policy`."""

    __tablename__ = "billing_policy"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id"], ["district.id"]),
        sa.CheckConstraint("late_months >= 0 AND review_days >= 0 AND reply_days > 0 AND pay_days > 0", name="sizes"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    late_months: Mapped[int]
    review_days: Mapped[int]
    reply_days: Mapped[int]
    pay_days: Mapped[int]
