"""Monthly runs with their statements and lines, and what voids or adjusts them afterwards.

A run is one complex and month. While it is a preview it may be made anew; once final, the database itself refuses to
change or delete it, its statements and its lines. Statements and lines carry no foreign keys: the database checks once
for each statement of SQL that their run is there and not final, for a check per row would double a run's time.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, one_of
from app.registry.models import InDistrict, in_district

RUN_STATES = ("preview", "final")
SCHEMES = ("household", "complex", "prepaid")  # who owes: each household; the complex, shared; paid at the bin already
SUSPENSE = ("shared", "not_billed", "held")
SHARING = ("equal", "weight")
LINE_KINDS = ("usage", "estimated", "suspense_share", "complex_share", "adjustment", "manual")
CREDIT_KINDS = ("manual", "dispute")
ADJUSTED = sa.text("kind = 'adjustment'")


class StatementRun(InDistrict, Base):
    """A complex's month as billed. Version 1 closes the month, higher ones reissue one voided statement each.

    `ledger_at`: only what was booked until then was read. `won` is the complex's statement: `lines_won` (all lines of
    its households but shares of suspense) + `suspense_won` (those shares) + `residue_won` (the complex's total is
    rounded once, its lines each for themselves; changes of earlier months' residues included) + `reissued_won` (what
    reissues changed since the run before). `detail` is JSON: what suspense and residue follow from. `content_hash`
    covers these and the statements' hashes, but no ids of runs nor who made it when: the same reading, the same hash.
    """

    __tablename__ = "statement_run"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "complex_id", "month", "version"),
        sa.UniqueConstraint("district_id", "number"),
        in_district("complex", "complex_id"),
        sa.CheckConstraint(one_of("state", RUN_STATES), name="state"),
        sa.CheckConstraint("(state = 'final') = (finalised_at IS NOT NULL)", name="finalised"),
        sa.CheckConstraint(one_of("scheme", SCHEMES), name="scheme"),
        sa.CheckConstraint(one_of("suspense", SUSPENSE), name="suspense"),
        sa.CheckConstraint(one_of("sharing", SHARING), name="sharing"),
        sa.CheckConstraint("won = lines_won + suspense_won + residue_won + reissued_won", name="sum"),
        sa.Index("ix_statement_run_month", "district_id", "month"),
    )

    complex_id: Mapped[int]
    month: Mapped[date]
    version: Mapped[int]
    number: Mapped[str]
    state: Mapped[str]
    ledger_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    review_until: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    finalised_at: Mapped[datetime | None]
    finalised_by: Mapped[str | None]
    early_reason: Mapped[str | None]
    scheme: Mapped[str]
    suspense: Mapped[str]
    sharing: Mapped[str]
    statements: Mapped[int]
    grams: Mapped[Big]
    count: Mapped[int]
    lines_won: Mapped[Big]
    suspense_g: Mapped[Big]
    suspense_count: Mapped[int]
    suspense_won: Mapped[Big]
    residue_won: Mapped[Big]
    reissued_won: Mapped[Big]
    won: Mapped[Big]
    detail: Mapped[str]
    content_hash: Mapped[bytes]


class Statement(Base):
    """What one tenancy of a household owes by a run; numbered by the run's number and `serial`, from 1 by unit.

    `grams` and `count` are of the month itself; `won` is the sum of its lines, those of earlier months included, and
    may be negative: a credit.
    """

    __tablename__ = "statement"
    __table_args__ = (sa.Index("ix_statement_household", "district_id", "household_id", "month"),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date]
    household_id: Mapped[int]
    tenancy_id: Mapped[int]
    payer_class: Mapped[str]
    grams: Mapped[Big]
    count: Mapped[int]
    won: Mapped[Big]
    content_hash: Mapped[bytes]


class StatementLine(Base):
    """One line of a statement. Usage of `usage_month` billed so far = the sum of its lines on statements not voided.

    On an adjustment grams, count and won are differences to what was billed before. `adjustment_id` is the manual
    adjustment that a line carries. `detail` is JSON: what the won follow from, by which the line is explained for ever.
    """

    __tablename__ = "statement_line"
    __table_args__ = (
        sa.CheckConstraint(one_of("kind", LINE_KINDS), name="kind"),
        sa.Index("ix_statement_line_usage", "district_id", "usage_month", "household_id"),
        sa.Index(
            "ix_statement_line_adjusted",
            *("district_id", "usage_month", "run_id"),
            postgresql_where=ADJUSTED,
            sqlite_where=ADJUSTED,
        ),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    usage_month: Mapped[date]
    household_id: Mapped[int]
    tenancy_id: Mapped[int]
    grams: Mapped[Big]
    count: Mapped[int]
    won: Mapped[Big]
    adjustment_id: Mapped[int | None]
    detail: Mapped[str]


class StatementVoid(Base):
    """A final statement that no longer counts: its credit note, why, and the run that reissued it (null: none yet)."""

    __tablename__ = "statement_void"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["district_id", "run_id", "serial"], ["statement.district_id", "statement.run_id", "statement.serial"]
        ),
        in_district("statement_run", "reissued_by_run_id"),
        sa.UniqueConstraint("district_id", "credit_note"),
        sa.CheckConstraint("length(reason) > 0", name="reason"),
        sa.CheckConstraint("(reissued_by_run_id IS NULL) = without_reissue", name="reissue"),
    )

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    credit_note: Mapped[str]
    won: Mapped[Big]
    without_reissue: Mapped[bool]
    reissued_by_run_id: Mapped[int | None]
    reason: Mapped[str]
    actor: Mapped[str]
    voided_at: Mapped[datetime]


class ManualAdjustment(InDistrict, Base):
    """Won that staff add to (or, negative, take off) a tenancy's next statement; pending until a line carries it."""

    __tablename__ = "manual_adjustment"
    __table_args__ = (
        in_district("household", "household_id"),
        in_district("tenancy", "tenancy_id"),
        in_district("complex", "complex_id"),
        in_district("dispute", "dispute_id"),
        sa.CheckConstraint(one_of("kind", CREDIT_KINDS), name="kind"),
        sa.CheckConstraint("won <> 0 AND length(reason) > 0", name="said"),
        sa.Index("ix_manual_adjustment_household", "district_id", "household_id"),
        sa.Index("ix_manual_adjustment_complex", "district_id", "complex_id"),
    )

    complex_id: Mapped[int]
    household_id: Mapped[int]
    tenancy_id: Mapped[int]
    usage_month: Mapped[date]
    kind: Mapped[str]
    won: Mapped[Big]
    reason: Mapped[str]
    dispute_id: Mapped[int | None]
    actor: Mapped[str]
    made_at: Mapped[datetime]


class LateDecision(InDistrict, Base):
    """What staff decided about usage older than the late limit: billed after all, or written off as it stood then."""

    __tablename__ = "late_decision"
    __table_args__ = (
        in_district("household", "household_id"),
        in_district("tenancy", "tenancy_id"),
        sa.CheckConstraint("decision IN ('bill', 'write_off')", name="decision"),
        sa.CheckConstraint("length(reason) > 0", name="reason"),
        sa.Index("ix_late_decision_usage", "district_id", "usage_month", "household_id"),
    )

    household_id: Mapped[int]
    tenancy_id: Mapped[int]
    usage_month: Mapped[date]
    decision: Mapped[str]
    grams: Mapped[Big]
    count: Mapped[int]
    won: Mapped[Big]
    reason: Mapped[str]
    actor: Mapped[str]
    decided_at: Mapped[datetime]
