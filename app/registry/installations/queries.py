"""Reads of the programme: applications with their steps, and the table of what was installed by year and kind."""

from collections import defaultdict
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.registry.installations.models import (
    KINDS,
    NEXT,
    InstallationApplication,
    InstallationCount,
    InstallationStep,
    InstallationTarget,
)
from app.registry.installations.service import ENOUGH_HOUSEHOLDS
from app.registry.models import Complex

Row = dict[str, Any]


class Year(NamedTuple):
    """What was installed in a year (`until`: and before), in all until then, and what was to be installed in it."""

    year: int
    until: bool
    installed: int
    cumulative: int
    target: int | None

    @property
    def share(self) -> float | None:
        """Of the target, from 0; None without one."""
        return self.installed / self.target if self.target else None


def table(session: Session, district_id: int) -> dict[str, list[Year]]:
    """By kind, the years in order: opening counts of an earlier system and what the programme installed, added up."""
    opening = _of_years(session, district_id, InstallationCount, InstallationCount.until)
    targets = _of_years(session, district_id, InstallationTarget, sa.false())
    installed = _installed(session, district_id)
    return {kind: list(_years(opening[kind], installed[kind], targets[kind])) for kind in KINDS}


def _years(opening: dict[int, Any], installed: dict[int, int], targets: dict[int, Any]) -> list[Year]:
    rows: list[Year] = []
    for year in sorted(opening.keys() | installed.keys() | targets.keys()):
        before, until = opening.get(year, (0, False))
        units = before + installed.get(year, 0)
        sum_ = units + (rows[-1].cumulative if rows else 0)
        rows.append(Year(year, until, units, sum_, targets[year][0] if year in targets else None))
    return rows


def _of_years(session: Session, district_id: int, model: Any, flag: Any) -> dict[str, dict[int, tuple[int, bool]]]:
    statement = sa.select(model.kind, model.year, model.units, flag).where(model.district_id == district_id)
    found: dict[str, dict[int, tuple[int, bool]]] = defaultdict(dict)
    for kind, year, units, until in session.execute(statement):
        found[kind][year] = (units, bool(until))
    return found


def _installed(session: Session, district_id: int) -> dict[str, dict[int, int]]:
    a, s = InstallationApplication, InstallationStep
    year = sa.cast(sa.extract("year", s.on_day), sa.Integer)
    statement = (
        sa.select(a.kind, year, sa.func.sum(s.units))
        .join(s, sa.and_(s.district_id == a.district_id, s.application_id == a.id))
        .where(a.district_id == district_id, s.state == "installed")
        .group_by(a.kind, year)
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for kind, of_year, units in session.execute(statement):
        found[kind][of_year] = units or 0
    return found


def application_page(
    session: Session,
    district_id: int,
    reach: Reach = WHOLE,
    state: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Applications, the newest first, numbered below `before`: id, complex, complex_name, kind, units, households,
    few (fewer than 60 households), applicant, applied_on, recorded_by, and their newest step: state, on_day.
    """
    statement = _applications(district_id, reach)
    if state:
        statement = statement.where(InstallationStep.state == state)
    if before is not None:
        statement = statement.where(InstallationApplication.id < before)
    found = session.execute(statement.order_by(InstallationApplication.id.desc()).limit(limit)).mappings()
    return [dict(row) for row in found]


def application(session: Session, district_id: int, application_id: int, reach: Reach = WHOLE) -> Row:
    """One application as in the list, with its `steps` in order and what may be `next`. Raises `not-found`."""
    statement = _applications(district_id, reach).where(InstallationApplication.id == application_id)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise Problem("not-found")
    s = InstallationStep
    columns = [column for column in s.__table__.c if column.name not in ("district_id", "application_id")]
    steps = sa.select(*columns).where(s.district_id == district_id, s.application_id == application_id)
    told = [dict(step) for step in session.execute(steps.order_by(s.step)).mappings()]
    for step in told:
        step["meters"] = (step["meters"] or "").split()
    return dict(row) | {"steps": told, "next": list(NEXT[row["state"]])}


def state_counts(session: Session, district_id: int, reach: Reach = WHOLE) -> dict[str, int]:
    """How many applications stand in each state."""
    each = _applications(district_id, reach).subquery()
    statement = sa.select(each.c.state, sa.func.count().label("number")).group_by(each.c.state)
    return {row.state: row.number for row in session.execute(statement)}


def _applications(district_id: int, reach: Reach) -> Any:
    """Applications within reach with their complex and newest step."""
    a, s = InstallationApplication, InstallationStep
    newest = (
        sa.select(sa.func.max(s.step))
        .where(s.district_id == a.district_id, s.application_id == a.id)
        .correlate(a)
        .scalar_subquery()
    )
    step = sa.and_(s.district_id == a.district_id, s.application_id == a.id, s.step == newest)
    return (
        sa.select(
            *(a.id, Complex.code.label("complex"), Complex.name.label("complex_name"), a.kind, a.units, a.households),
            (a.households < ENOUGH_HOUSEHOLDS).label("few"),
            *(a.applicant, a.applied_on, a.recorded_by, a.recorded_at, s.state, s.on_day),
        )
        .join(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .join(s, step)
        .where(a.district_id == district_id, reach.within(a.complex_id))
    )
