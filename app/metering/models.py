"""The ledger and what is derived from it. Rows of discharge, correction, quarantine and decision are never changed.

Ledger rows carry no foreign keys: ingest has proven each reference, a check per row would cost a third of the speed,
and a closed month can be detached as a whole.
"""

from datetime import date, datetime
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, one_of
from app.metering.records import Clock, Outcome

OUTCOMES: tuple[str, ...] = get_args(Outcome)
CLOCKS: tuple[str, ...] = get_args(Clock)
CORRECTIONS = ("void", "re_weigh", "re_attribute")


class Discharge(Base):
    """One record as first booked. `epoch_no` 0 holds what was released from quarantine, numbered by quarantine id."""

    __tablename__ = "discharge"
    __table_args__ = (
        sa.CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        sa.CheckConstraint(one_of("clock", CLOCKS), name="clock"),
        sa.Index("ix_discharge_household", "district_id", "household_id", "occurred_at"),
        {"postgresql_partition_by": "RANGE (service_day)"},
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    service_day: Mapped[date] = mapped_column(primary_key=True)  # last: the key also finds a number
    meter_id: Mapped[int]
    complex_id: Mapped[int]
    household_id: Mapped[int | None]
    tenancy_id: Mapped[int | None]
    card_hash: Mapped[bytes | None]
    occurred_at: Mapped[datetime]
    earliest_at: Mapped[datetime | None]
    latest_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime]
    clock: Mapped[str]
    outcome: Mapped[str]
    gross_before_g: Mapped[int | None]
    gross_after_g: Mapped[int | None]
    net_g: Mapped[int | None]
    billable: Mapped[bool]
    flags: Mapped[str]
    evidence: Mapped[str]
    content_hash: Mapped[bytes]
    received_at: Mapped[datetime]
    booked_at: Mapped[datetime]


class DischargeCorrection(Base):
    """How a discharge reads from `revision` on: the state after, why and by whom. The highest revision counts."""

    __tablename__ = "discharge_correction"
    __table_args__ = (
        sa.CheckConstraint(one_of("kind", CORRECTIONS), name="kind"),
        sa.CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        sa.CheckConstraint("length(reason) > 0", name="reason"),
        sa.Index("ix_discharge_correction_household", "district_id", "household_id", "service_day"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_day: Mapped[date]
    kind: Mapped[str]
    outcome: Mapped[str]
    net_g: Mapped[int | None]
    household_id: Mapped[int | None]
    tenancy_id: Mapped[int | None]
    billable: Mapped[bool]
    voided: Mapped[bool]
    reason: Mapped[str]
    actor: Mapped[str]
    booked_at: Mapped[datetime]


class Quarantine(Base):
    """A record that could not be accepted, as it came. `seq` is null where none could be read."""

    __tablename__ = "quarantine"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('discharge', 'alive')", name="kind"),
        sa.Index("ix_quarantine_number", "district_id", "gateway_id", "epoch_no", "seq"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    gateway_id: Mapped[int]
    epoch_no: Mapped[int]
    seq: Mapped[Big | None]
    code: Mapped[str]
    detail: Mapped[str]
    raw: Mapped[bytes]
    envelope: Mapped[str]
    content_hash: Mapped[bytes]
    received_at: Mapped[datetime]


class QuarantineDecision(Base):
    """What staff decided about a quarantined record: released, with the fields they `corrected`, or discarded."""

    __tablename__ = "quarantine_decision"
    __table_args__ = (
        sa.ForeignKeyConstraint(["district_id", "quarantine_id"], ["quarantine.district_id", "quarantine.id"]),
        sa.CheckConstraint("decision IN ('released', 'discarded')", name="decision"),
        sa.CheckConstraint("length(note) > 0", name="note"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quarantine_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    decision: Mapped[str]
    note: Mapped[str]
    corrected: Mapped[str | None]
    actor: Mapped[str]
    decided_at: Mapped[datetime]


class UnknownCard(Base):
    """A card seen at a meter that the registry does not know; its discharges are suspense until it is registered."""

    __tablename__ = "unknown_card"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    card_hash: Mapped[bytes] = mapped_column(primary_key=True)
    last4: Mapped[str]
    first_seen_at: Mapped[datetime]


class Measures:
    """What a rollup counts. Weighed: settled, late_close and recovered, not voided. Suspense: weighed, no household."""

    weighed_count: Mapped[int]
    weighed_g: Mapped[Big]
    billable_count: Mapped[int]
    billable_g: Mapped[Big]
    suspense_count: Mapped[int]
    suspense_g: Mapped[Big]
    event_count: Mapped[int]


class MeterHour(Measures, Base):
    """By the complex where the meter stood, UTC hour and meter."""

    __tablename__ = "meter_hour"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class ComplexDay(Measures, Base):
    """By the complex where the meter stands and service day (Asia/Seoul)."""

    __tablename__ = "complex_day"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_day: Mapped[date] = mapped_column(primary_key=True)


class HouseholdMonth(Measures, Base):
    """By household, tenancy and calendar month of the service day (its first day)."""

    __tablename__ = "household_month"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    household_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    tenancy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class MeterAlive(Base):
    """From `started_at` until `ended_at` reader and scale of the meter answered; where it stood then, and at which box.

    Named by boot and monotonic milliseconds of its end: the estimated times differ a little whenever it is sent again.
    """

    __tablename__ = "meter_alive"
    __table_args__ = (
        sa.CheckConstraint("ended_at > started_at", name="length"),
        sa.Index("ix_meter_alive_started", "district_id", "meter_id", "started_at"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    boot_id: Mapped[str] = mapped_column(primary_key=True)
    mono_ms: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    received_at: Mapped[datetime]
    gateway_id: Mapped[int]
    complex_id: Mapped[int]


class Alive:
    """How long a meter was alive, in milliseconds: the sum of its intervals, cut at the full hours."""

    alive_ms: Mapped[Big]


class AliveHour(Alive, Base):
    """By complex, UTC hour, gateway and meter."""

    __tablename__ = "alive_hour"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class AliveDay(Alive, Base):
    """By complex, service day (Asia/Seoul), gateway and meter."""

    __tablename__ = "alive_day"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_day: Mapped[date] = mapped_column(primary_key=True)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class AliveMonth(Alive, Base):
    """By complex, calendar month (its first day), gateway and meter."""

    __tablename__ = "alive_month"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    complex_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
