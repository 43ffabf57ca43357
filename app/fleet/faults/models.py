"""Faults with their history, incidents, what the watch remembers, policy and duties."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, one_of
from app.fleet.faults.policy import CLASSES, CONDITIONS
from app.registry.models import InDistrict, in_district

SOURCES = ("detected", "person")
STATES = ("open", "taken", "closed")
EVENT_KINDS = (
    *("opened", "reopened", "assigned", "taken", "noted", "due_changed", "reclassified", "escalated", "closed"),
    *("joined", "left"),
)


class Incident(InDistrict, Base):
    """An outage of the network: `silent` of `gateways` when it opened. `calm_since`: few enough are silent since."""

    __tablename__ = "incident"
    __table_args__ = (
        in_district("account", "owner_id"),
        sa.Index("ix_incident_open", "district_id", "closed_at"),
    )

    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    calm_since: Mapped[datetime | None]
    silent: Mapped[int]
    gateways: Mapped[int]
    owner_id: Mapped[int | None]
    due_at: Mapped[datetime]
    escalation_level: Mapped[int]


class Fault(InDistrict, Base):
    """Something broken at a bin or gateway. `opened_at` is of its last opening, `first_opened_at` of its first.

    `condition` is what was seen and stays; `fault_class` is what it is held for and may be corrected. `closed_by` is
    null where it ended by itself. `opened_day` is the service day of the first opening, by which faults are counted.
    """

    __tablename__ = "fault"
    __table_args__ = (
        in_district("gateway", "gateway_id"),
        in_district("meter", "meter_id"),
        in_district("complex", "complex_id"),
        in_district("incident", "incident_id"),
        in_district("account", "owner_id"),
        sa.CheckConstraint(one_of("fault_class", CLASSES), name="fault_class"),
        sa.CheckConstraint(one_of("condition", CONDITIONS), name="condition"),
        sa.CheckConstraint(one_of("source", SOURCES), name="source"),
        sa.CheckConstraint(one_of("state", STATES), name="state"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        sa.Index("ix_fault_due", "district_id", "state", "due_at", "id"),
        sa.Index("ix_fault_complex", "district_id", "complex_id", "id"),
        sa.Index("ix_fault_meter", "district_id", "meter_id", "id"),
        sa.Index("ix_fault_gateway", "district_id", "gateway_id", "id"),
        sa.Index("ix_fault_incident", "district_id", "incident_id"),
        sa.Index("ix_fault_day", "district_id", "opened_day"),
        sa.Index("ix_fault_closed", "district_id", "closed_at"),
    )

    fault_class: Mapped[str]
    condition: Mapped[str]
    gateway_id: Mapped[int | None]
    meter_id: Mapped[int | None]
    complex_id: Mapped[int | None]
    incident_id: Mapped[int | None]
    source: Mapped[str]
    state: Mapped[str]
    words: Mapped[str | None]
    first_opened_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str | None]
    opened_day: Mapped[date]
    openings: Mapped[int]
    owner_id: Mapped[int | None]
    due_at: Mapped[datetime]
    escalation_level: Mapped[int]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closing_note: Mapped[str | None]


class FaultEvent(InDistrict, Base):
    """What happened to a fault; never changed. `actor` is null for the watch."""

    __tablename__ = "fault_event"
    __table_args__ = (
        in_district("fault", "fault_id"),
        sa.CheckConstraint(one_of("kind", EVENT_KINDS), name="kind"),
        sa.Index("ix_fault_event_fault", "district_id", "fault_id", "id"),
    )

    fault_id: Mapped[int]
    kind: Mapped[str]
    actor: Mapped[str | None]
    at: Mapped[datetime]
    before: Mapped[str | None]
    after: Mapped[str | None]
    note: Mapped[str | None]


class FaultWatch(Base):
    """What the watch remembers of a condition of a device, so that a restart forgets nothing; no row: all is well.

    `device` is gateway/ID or meter/ID. `fault_id` is set while the condition holds, by its fault.
    """

    __tablename__ = "fault_watch"
    __table_args__ = (in_district("fault", "fault_id"),)

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    device: Mapped[str] = mapped_column(primary_key=True)
    condition: Mapped[str] = mapped_column(primary_key=True)
    bad_since: Mapped[datetime | None]
    good_since: Mapped[datetime | None]
    fault_id: Mapped[int | None]


class FaultMark(Base):
    """When something ran: `service` and `watch`, both from `since` on, the watch last `at`; `traffic` judged `at`."""

    __tablename__ = "fault_mark"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    at: Mapped[datetime]


class FaultRule(Base):
    """A setting that the district has set itself (`app.fleet.faults.policy`)."""

    __tablename__ = "fault_rule"
    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class FaultDuty(InDistrict, Base):
    """Who answers for faults: at a complex or anywhere, of a class or any; and whom to turn to when one is overdue."""

    __tablename__ = "fault_duty"
    __table_args__ = (
        in_district("complex", "complex_id"),
        in_district("account", "owner_id"),
        in_district("account", "escalate_to_id"),
        sa.CheckConstraint(f"fault_class IS NULL OR {one_of('fault_class', CLASSES)}", name="fault_class"),
    )

    complex_id: Mapped[int | None]
    fault_class: Mapped[str | None]
    owner_id: Mapped[int]
    escalate_to_id: Mapped[int | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
