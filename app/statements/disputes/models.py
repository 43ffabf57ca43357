"""Objections to a line of a final statement; history is append-only."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.db import Base, Big, one_of
from app.registry.models import InDistrict, in_district

STATES = ("open", "accepted", "partly", "refused", "withdrawn")
EVENTS = ("opened", "noted", "decided", "withdrawn", "reopened")


class Dispute(InDistrict, Base):
    """An objection to one line. While it is open `held_won` of the line are not asked for; reply is due on `due_on`."""

    __tablename__ = "dispute"
    __table_args__ = (
        in_district("statement_run", "run_id"),
        in_district("complex", "complex_id"),
        in_district("household", "household_id"),
        sa.CheckConstraint(one_of("state", STATES), name="state"),
        sa.CheckConstraint("held_won >= 0 AND credit_won >= 0 AND credit_won <= held_won", name="amounts"),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
        sa.Index("ix_dispute_state", "district_id", "state", "due_on", "id"),
        sa.Index("ix_dispute_statement", "district_id", "run_id", "serial"),
        sa.Index("ix_dispute_complex", "district_id", "complex_id", "id"),
    )

    complex_id: Mapped[int]
    household_id: Mapped[int]
    run_id: Mapped[int]
    serial: Mapped[int]
    line: Mapped[int]
    state: Mapped[str]
    held_won: Mapped[Big]
    credit_won: Mapped[Big]
    due_on: Mapped[date]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class DisputeEvent(InDistrict, Base):
    """What happened to a dispute, in whose words."""

    __tablename__ = "dispute_event"
    __table_args__ = (
        in_district("dispute", "dispute_id"),
        sa.CheckConstraint(one_of("kind", EVENTS), name="kind"),
        sa.Index("ix_dispute_event_dispute", "district_id", "dispute_id", "id"),
    )

    dispute_id: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    words: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
