"""Applications of complexes and their steps, which are never changed; counts of earlier years and targets."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, one_of
from app.registry.models import InDistrict, in_district

KINDS = ("meter", "reducer")

# What may follow each state.
NEXT: dict[str, tuple[str, ...]] = {
    "applied": ("selected", "rejected", "withdrawn"),
    "selected": ("installed", "withdrawn"),
    "rejected": (),
    "withdrawn": (),
    "installed": ("trial",),
    "trial": ("trained",),
    "trained": ("surveyed",),
    "surveyed": ("closed",),
    "closed": (),
}
STATES = tuple(NEXT)


class InstallationApplication(InDistrict, Base):
    """A complex of so many `households` asks for so many `units`. How it stands is its newest step's state."""

    __tablename__ = "installation_application"
    __table_args__ = (
        in_district("complex", "complex_id"),
        sa.CheckConstraint(one_of("kind", KINDS), name="kind"),
        sa.CheckConstraint("units > 0 AND households >= 0", name="counts"),
        sa.Index("ix_installation_application_complex", "district_id", "complex_id"),
    )

    complex_id: Mapped[int]
    kind: Mapped[str]
    units: Mapped[int]
    households: Mapped[int]
    applicant: Mapped[str]
    applied_on: Mapped[date]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class InstallationStep(Base):
    """An application reached `state` on a day; `step` counts from 1.

    `units` and `meters` (codes, with blanks between) say what was installed; `score` of 100 and how many `answers` it
    rests on are of the survey.
    """

    __tablename__ = "installation_step"
    __table_args__ = (
        in_district("installation_application", "application_id"),
        sa.CheckConstraint(one_of("state", STATES), name="state"),
        sa.CheckConstraint("(state = 'installed') = (units IS NOT NULL)", name="units"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    application_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    on_day: Mapped[date]
    units: Mapped[int | None]
    meters: Mapped[str | None]
    score: Mapped[int | None]
    answers: Mapped[int | None]
    note: Mapped[str | None]
    actor: Mapped[str]
    booked_at: Mapped[datetime]


class OfYear:
    """Key of what is said of a kind and a year."""

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    units: Mapped[int]


class InstallationCount(OfYear, Base):
    """Installed in a year (`until`: in it and all before), as counted before the programme was kept here."""

    __tablename__ = "installation_count"
    __table_args__ = (
        sa.CheckConstraint(one_of("kind", KINDS), name="kind"),
        sa.CheckConstraint("units >= 0", name="units"),
    )

    until: Mapped[bool]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class InstallationTarget(OfYear, Base):
    """How many are to be installed in a year."""

    __tablename__ = "installation_target"
    __table_args__ = (
        sa.CheckConstraint(one_of("kind", KINDS), name="kind"),
        sa.CheckConstraint("units >= 0", name="units"),
    )

    set_by: Mapped[str]
    set_at: Mapped[datetime]
