"""Checks of what was weighed: discharges that do not count, records that could not be booked, unusual weights."""

import statistics
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.metering.models import (
    ComplexDay,
    Discharge,
    DischargeCorrection,
    HouseholdMonth,
    Quarantine,
    QuarantineDecision,
)
from app.registry.models import Gateway, Household, MeterAssignment, Tenancy
from app.statements.checks.asked import Asked, Query
from app.statements.models import StatementRun
from billing.days import DAY, midnight, month_after

UNDECIDED = ("unsettled", "negative")  # a household's weight that was not proven: staff re-weigh it, or leave it
TIMES = 3  # a jump is more than three times,
MORE_G = 10_000  # and 10 kg more, than a household's median
HISTORY = 12  # of the months of the last twelve in which it threw away anything,
LEAST_MONTHS = 3  # at least so many
ALWAYS = 6  # a household that used its bins in each of so many months before
SUSPENSE_PERCENT = 5
_KEY = (HouseholdMonth.district_id, HouseholdMonth.household_id, HouseholdMonth.tenancy_id)


def doubtful(asked: Asked) -> Query:
    """Households with discharges that were weighed but do not count, as their time may be of another tenancy."""
    m = HouseholdMonth
    count, grams = m.weighed_count - m.billable_count, m.weighed_g - m.billable_g
    found = _of_households(asked, m, count.label("count"), grams.label("grams"))
    return Query(asked, found.where(m.month == asked.month, m.weighed_count > m.billable_count))


def undecided(asked: Asked) -> Query:
    """Households with records whose weight was not proven, and about which nobody decided yet."""
    d, c, m = Discharge, DischargeCorrection, HouseholdMonth
    eventful = sa.select(m.household_id).where(
        m.district_id == asked.district_id, m.month == asked.month, m.event_count > 0
    )
    same = [getattr(c, name) == getattr(d, name) for name in ("district_id", "gateway_id", "epoch_no", "seq")]
    found = (
        sa.select(Household.complex_id, sa.func.coalesce(d.tenancy_id, 0).label("key"), d.household_id)
        .add_columns(sa.func.count().label("count"))
        .join(Household, sa.and_(Household.district_id == d.district_id, Household.id == d.household_id))
        .where(d.district_id == asked.district_id, d.household_id.in_(eventful), d.outcome.in_(UNDECIDED))
        .where(d.service_day >= asked.month, d.service_day < month_after(asked.month))
        # What the service day follows from; it lets an index narrow the search.
        .where(d.occurred_at >= asked.first - DAY, d.occurred_at < asked.end + DAY)
        .where(asked.within(Household.complex_id), ~sa.exists().where(*same))
    )
    return Query(asked, found.group_by(Household.complex_id, d.tenancy_id, d.household_id))


def quarantined(asked: Asked) -> Query:
    """Records of the complex's gateways that could not be booked, received in the month or the one after it.

    Only for those who see the whole district: a record that could not be read may be of another complex.
    """
    q, a, decided = Quarantine, MeterAssignment, QuarantineDecision
    ran = (a.district_id == q.district_id, a.gateway_id == q.gateway_id, a.valid_from <= q.received_at)
    until = sa.or_(a.valid_to.is_(None), a.valid_to > q.received_at)
    waits = ~sa.exists().where(decided.district_id == q.district_id, decided.quarantine_id == q.id)
    one_month_on = midnight(month_after(asked.month, 2))
    found = (
        sa.select(a.complex_id, q.id.label("key"), q.code, q.received_at, Gateway.code.label("gateway"))
        .distinct()
        .join(a, sa.and_(*ran, until))
        .join(Gateway, sa.and_(Gateway.district_id == q.district_id, Gateway.id == q.gateway_id))
        .where(q.district_id == asked.district_id, q.kind == "discharge", waits, asked.within(a.complex_id))
        .where(sa.literal(asked.reach.whole), q.received_at >= asked.first, q.received_at < one_month_on)
    )
    return Query(asked, found)


def jumps(asked: Asked) -> Query:
    """Households far above their own past: more than three times, and 10 kg more, than their median.

    The median is that of the tenancy's months of the last twelve in which it threw away anything, three at least; of
    an even number of months the higher of the two in the middle. So: in more than half of them it was that far below.
    """
    m, before, known = HouseholdMonth, aliased(HouseholdMonth), aliased(HouseholdMonth)
    past = (month_after(asked.month, -HISTORY), month_after(asked.month, -1))
    months = (
        sa.select(sa.func.count())
        .where(*_same_tenancy(known, m), known.billable_g > 0, known.month.between(*past))
        .correlate(m)
        .scalar_subquery()
    )
    # Joined to the months far below it alone, hardly a household is left whose other months have to be counted.
    far_below = (before.billable_g * TIMES < m.billable_g, before.billable_g + MORE_G < m.billable_g)
    found = (
        _of_households(asked, m, m.billable_g.label("grams"))
        .join(before, sa.and_(*_same_tenancy(before, m), before.billable_g > 0, *far_below))
        .where(m.month == asked.month, m.billable_g > MORE_G, before.month.between(*past))
        .group_by(Household.complex_id, *_KEY, m.billable_g)
        .having(sa.and_(2 * sa.func.count() > months, months >= LEAST_MONTHS))
    )
    return Query(asked, found)


def gone(asked: Asked) -> Query:
    """Households that threw away nothing in a month that is over, and something in each of the six before."""
    m, now, before = HouseholdMonth, aliased(HouseholdMonth), aliased(HouseholdMonth)
    last = month_after(asked.month, -1)
    nothing = ~sa.exists().where(*_same_tenancy(now, m), now.month == asked.month, now.weighed_count > 0)
    used = sa.select(sa.func.count()).where(
        *_same_tenancy(before, m), before.billable_g > 0, before.month.between(month_after(asked.month, -ALWAYS), last)
    )
    stays = sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to >= asked.end)
    found = (
        _of_households(asked, m, m.billable_g.label("last_g"))
        .join(Tenancy, sa.and_(Tenancy.district_id == m.district_id, Tenancy.id == m.tenancy_id, stays))
        .where(sa.literal(asked.over), m.month == last, m.billable_g > 0, nothing)
        # Grouped so that the months before are counted of those alone that have nothing now.
        .group_by(Household.complex_id, *_KEY, m.billable_g)
        .having(used.correlate(m).scalar_subquery() == ALWAYS)
    )
    return Query(asked, found)


def suspense(asked: Asked) -> Query:
    """Complexes with more than 5 per cent of the weight nobody's."""
    d = ComplexDay
    suspense_g, weighed_g = (sa.cast(sa.func.sum(column), sa.BigInteger) for column in (d.suspense_g, d.weighed_g))
    found = sa.select(d.complex_id, sa.literal(0).label("key"), suspense_g.label("suspense_g")).add_columns(
        weighed_g.label("weighed_g")
    )
    month = (d.service_day >= asked.month, d.service_day < month_after(asked.month))
    found = found.where(d.district_id == asked.district_id, *month, asked.within(d.complex_id)).group_by(d.complex_id)
    return Query(asked, found.having(sa.func.sum(d.suspense_g) * 100 > sa.func.sum(d.weighed_g) * SUSPENSE_PERCENT))


def since_preview(asked: Asked) -> Query:
    """Complexes with more or fewer discharges that count than their preview was made from."""
    r, m = StatementRun, HouseholdMonth
    now = sa.cast(sa.func.coalesce(sa.func.sum(m.billable_count), 0), sa.BigInteger)
    found = (
        sa.select(r.complex_id, sa.literal(0).label("key"), r.count.label("then"), now.label("count"))
        .select_from(r)
        .join(Household, sa.and_(Household.district_id == r.district_id, Household.complex_id == r.complex_id))
        .outerjoin(m, sa.and_(m.district_id == r.district_id, m.household_id == Household.id, m.month == r.month))
        .where(r.district_id == asked.district_id, r.month == asked.month, r.version == 1, r.state == "preview")
        .where(asked.within(r.complex_id))
    )
    return Query(asked, found.group_by(r.complex_id, r.count).having(now != r.count))


def medians(asked: Asked, tenancy_ids: Sequence[int]) -> dict[int, int]:
    """By tenancy, the median in grams that `jumps` holds a month against."""
    m = HouseholdMonth
    rows = asked.session.execute(
        sa.select(m.tenancy_id, m.billable_g).where(
            *(m.district_id == asked.district_id, m.tenancy_id.in_(tenancy_ids), m.billable_g > 0),
            *(m.month >= month_after(asked.month, -HISTORY), m.month < asked.month),
            m.household_id.in_(_households(asked, tenancy_ids)),
        )
    )
    found: dict[int, list[int]] = {}
    for tenancy_id, grams in rows:
        found.setdefault(tenancy_id, []).append(grams)
    return {tenancy_id: statistics.median_high(months) for tenancy_id, months in found.items()}


def _households(asked: Asked, tenancy_ids: Sequence[int]) -> Any:
    return sa.select(Tenancy.household_id).where(Tenancy.district_id == asked.district_id, Tenancy.id.in_(tenancy_ids))


def _of_households(asked: Asked, m: Any, *facts: Any) -> sa.Select[Any]:
    """Rows of `household_month`: complex_id, key (the tenancy), household_id and facts."""
    return (
        sa.select(Household.complex_id, m.tenancy_id.label("key"), m.household_id, *facts)
        .select_from(m)
        .join(Household, sa.and_(Household.district_id == m.district_id, Household.id == m.household_id))
        .where(m.district_id == asked.district_id, asked.within(Household.complex_id))
    )


def _same_tenancy(one: Any, other: Any) -> list[sa.ColumnElement[bool]]:
    return [getattr(one, name) == getattr(other, name) for name in ("district_id", "household_id", "tenancy_id")]
