"""Reads of estimates, always of one district; those for people within a reach. Rows come back plain."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.problems import Problem
from app.registry.models import Building, Complex, Household, Tenancy
from app.statements.estimates import weighing
from app.statements.estimates.expecting import Days, expected_of, missing
from app.statements.estimates.models import Estimate, EstimateShare
from billing.days import month_after
from billing.statements import Basis, Estimated
from billing.tariffs import Span

Row = dict[str, Any]
LISTS = ("active", "settled", "all")


class Wanted(NamedTuple):
    """Which estimates: `which` of LISTS, of a complex (code), of a month (its first day)."""

    which: str = "active"
    complex: str | None = None
    month: date | None = None


def active(
    session: Session,
    district_id: int,
    complex_ids: Sequence[int] | None,
    month: date,
    at: datetime,
    spans: Sequence[Span],
) -> dict[int, tuple[Estimated, ...]]:
    """By tenancy, what is estimated of its month in each of `spans`, which cut the month for all of these complexes.

    Of the estimates that were there and not settled at `at`: grams = what was expected less what the ledger then read
    as weighed on these days; spans without any are left out. Of a tenancy that is known by now to have ended before
    those days, or within them, no more is expected than of the days that it lived there. One statement where there is
    no estimate, else three. `complex_ids` None asks for the whole district.
    """
    e, s = Estimate, EstimateShare
    asked = (
        sa.select(*(e.id, e.complex_id, e.first_day, e.last_day, e.basis_first_day, e.basis_last_day))
        .add_columns(*(s.tenancy_id, s.expected_g, s.basis_g, s.basis_days), Tenancy.valid_from, Tenancy.valid_to)
        .join(s, sa.and_(s.district_id == e.district_id, s.estimate_id == e.id))
        .join(Tenancy, sa.and_(Tenancy.district_id == s.district_id, Tenancy.id == s.tenancy_id))
        .where(*_counting(district_id, at), e.first_day >= month, e.first_day < month_after(month))
    )
    if complex_ids is not None:
        asked = asked.where(e.complex_id.in_(complex_ids))
    rows = session.execute(asked.order_by(e.first_day, e.id, s.tenancy_id)).all()
    return _estimated(session, district_id, month, at, spans, rows) if rows else {}


def estimate_page(
    session: Session,
    district_id: int,
    reach: Reach,
    wanted: Wanted = Wanted(),  # noqa: B008 - immutable
    after: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Estimates, the newest first; `after` is the id of the last one of the page before.

    Each with `complex`, `complex_name`, `households` (those with a share) and `expected_g`.
    """
    asked = _estimates(district_id, reach)
    if wanted.which != "all":
        settled = Estimate.settled_at.is_not(None)
        asked = asked.where(settled if wanted.which == "settled" else ~settled)
    if wanted.complex is not None:
        asked = asked.where(Complex.code == wanted.complex)
    if wanted.month is not None:
        asked = asked.where(Estimate.first_day >= wanted.month, Estimate.first_day < month_after(wanted.month))
    if after is not None:
        asked = asked.where(Estimate.id < after)
    return _rows(session, asked.order_by(Estimate.id.desc()).limit(limit))


def estimate_detail(session: Session, district_id: int, reach: Reach, estimate_id: int, at: datetime) -> Row:
    """One estimate with `weighed_g` and `estimated_g` of all its shares as the ledger reads at `at`; else `not-found`.

    A settled one estimates nothing any more.
    """
    found = _rows(session, _estimates(district_id, reach).where(Estimate.id == estimate_id))
    if not found:
        raise Problem("not-found")
    (row,) = found
    weighed = weighing.weighed(session, district_id, [row["complex_id"]], (row["first_day"], row["last_day"]), at)
    s = EstimateShare
    asked = sa.select(s.tenancy_id, s.expected_g).where(s.district_id == district_id, s.estimate_id == estimate_id)
    shares = session.execute(asked).all()
    missing_g = sum(max(0, expected_g - weighed.get(tenancy_id, 0)) for tenancy_id, expected_g in shares)
    return row | {
        "weighed_g": sum(weighed.get(tenancy_id, 0) for tenancy_id, _ in shares),
        "estimated_g": 0 if row["settled_at"] else missing_g,
        "weighed": weighed,
    }


def share_page(
    session: Session, district_id: int, estimate: Row, after: int | None = None, limit: int = 100
) -> list[Row]:
    """The shares of an estimate as `estimate_detail` returns it, by household number; `after` is a tenancy's id.

    Each: tenancy_id, household_id, building, unit, basis_g, basis_days, expected_g, weighed_g and estimated_g.
    """
    s, h = EstimateShare, Household
    asked = (
        sa.select(*(s.tenancy_id, s.household_id, Building.name.label("building"), h.unit))
        .add_columns(*(s.basis_g, s.basis_days, s.expected_g))
        .join(h, sa.and_(h.district_id == s.district_id, h.id == s.household_id))
        .join(Building, sa.and_(Building.district_id == h.district_id, Building.id == h.building_id))
        .where(s.district_id == district_id, s.estimate_id == estimate["id"])
        .order_by(s.tenancy_id)
        .limit(limit)
    )
    if after is not None:
        asked = asked.where(s.tenancy_id > after)
    return [_share(row, estimate) for row in _rows(session, asked)]


def _share(row: Row, estimate: Row) -> Row:
    weighed_g = estimate["weighed"].get(row["tenancy_id"], 0)
    estimated_g = 0 if estimate["settled_at"] else max(0, row["expected_g"] - weighed_g)
    return row | {"weighed_g": weighed_g, "estimated_g": estimated_g}


def _estimated(
    session: Session,
    district_id: int,
    month: date,
    at: datetime,
    spans: Sequence[Span],
    rows: Sequence[Any],
) -> dict[int, tuple[Estimated, ...]]:
    """Each share's grams by span. The ledger is read once, cut wherever a tariff or an estimate begins or ends."""
    cuts = {day for row in rows for day in (row.first_day, Days(row.first_day, row.last_day).end)}
    parts = list(weighing.cut(month, cuts | {span.first_day for span in spans}))
    places = sorted({row.complex_id for row in rows})
    weighed = weighing.by_tenancy(session, district_id, places, month, at, parts)
    found: dict[int, tuple[Estimated, ...]] = {}
    for row in rows:
        by_part = dict(zip(parts, weighed.get(row.tenancy_id, [0] * len(parts)), strict=True))
        found[row.tenancy_id] = (*found.get(row.tenancy_id, ()), *_of_share(row, spans, by_part))
    return {tenancy_id: each for tenancy_id, each in found.items() if each}


def _of_share(row: Any, spans: Sequence[Span], weighed: Mapping[Span, int]) -> list[Estimated]:
    days = Days(row.first_day, row.last_day)
    within = {part: grams for part, grams in weighed.items() if days.first <= part.first_day <= days.last}
    by_span = [
        sum(grams for part, grams in within.items() if span.first_day <= part.first_day < span.end) for span in spans
    ]
    expected_g = min(row.expected_g, expected_of(row, days, row.basis_g, row.basis_days))
    basis = Basis(
        *(*days, row.basis_first_day, row.basis_last_day, row.basis_g, row.basis_days, expected_g),
        sum(by_span),
    )
    grams = missing(expected_g, days, spans, by_span)
    return [Estimated(row.id, span, each, basis) for span, each in enumerate(grams) if each]


def _counting(district_id: int, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of estimates that count at a moment."""
    unsettled = sa.or_(Estimate.settled_at.is_(None), Estimate.settled_at > at)
    return Estimate.district_id == district_id, Estimate.made_at <= at, unsettled


def _estimates(district_id: int, reach: Reach) -> sa.Select[Any]:
    e, s = Estimate, EstimateShare
    shares = (
        sa.select(s.estimate_id, sa.func.count().label("households"), sa.func.sum(s.expected_g).label("expected_g"))
        .where(s.district_id == district_id)
        .group_by(s.estimate_id)
        .subquery()
    )
    sums = (sa.func.coalesce(shares.c.households, 0), sa.cast(sa.func.coalesce(shares.c.expected_g, 0), sa.BigInteger))
    return (
        sa.select(*(e.id, e.complex_id, e.first_day, e.last_day, e.basis_first_day, e.basis_last_day, e.reason))
        .add_columns(*(e.actor, e.made_at, e.settled_at, e.settled_by, e.settled_reason))
        .add_columns(Complex.code.label("complex"), Complex.name.label("complex_name"))
        .add_columns(sums[0].label("households"), sums[1].label("expected_g"))
        .join(Complex, sa.and_(Complex.district_id == e.district_id, Complex.id == e.complex_id))
        .outerjoin(shares, shares.c.estimate_id == e.id)
        .where(e.district_id == district_id, reach.within(e.complex_id))
    )


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
