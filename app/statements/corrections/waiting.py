"""Usage that no statement bills, read from what is closed, billed and weighed: one reader for each group of causes."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.metering.models import HouseholdMonth
from app.problems import Problem
from app.registry.models import Household
from app.statements.corrections import detecting
from app.statements.corrections.adjusting import differing
from app.statements.corrections.billed import Pair
from app.statements.corrections.closed import closed_months
from app.statements.corrections.holding import Holding
from app.statements.models import SCHEMES, StatementRun
from app.statements.terms import policy
from app.statements.terms.closed import EVER
from app.statements.terms.tariffs import schedules
from app.statements.terms.terms import of_complexes
from billing.days import month_after, month_of, service_day
from billing.statements import GENERAL


class Key(NamedTuple):
    """What the queue is ordered by; household and tenancy are 0 where a complex's month waits as a whole."""

    month: date
    complex_id: int
    household_id: int = 0
    tenancy_id: int = 0

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}.{self.complex_id}.{self.household_id}.{self.tenancy_id}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read `2026-10.1.20.31`; raises `not-found` for anything else."""
        month, *numbers = text.split(".")
        try:
            return cls(date.fromisoformat(f"{month}-01"), *map(_id, numbers))
        except (ValueError, TypeError):
            raise Problem("not-found") from None


def _id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(text)
    return int(text)


class Waiting(NamedTuple):
    """Usage that waits. `won` where it is known what would be billed; `decision` where `bill` was decided already."""

    cause: str
    key: Key
    grams: int
    discharges: int
    won: int | None = None
    decision: str | None = None


def of_tenancies(
    session: Session, district_id: int, ids: Sequence[int], at: datetime, only: Pair | None = None
) -> list[Waiting]:
    """What is too old or of voided statements: closed months as they read at `at`, less what was billed of them."""
    late_months = policy.of(session, district_id).late_months
    holding = Holding(session, district_id, ids)
    closed = closed_months(session, district_id, ids, EVER)
    last = _last(closed)
    first = {complex_id: month_after(month, 1 - late_months) for complex_id, month in last.items()}  # of the next run
    too_old = {pair: each for pair, each in closed.items() if pair[1] < first[pair[0]]}
    if only is not None:
        too_old = {pair: each for pair, each in too_old.items() if pair == only}
    pairs = detecting.changed(session, district_id, too_old) | _voided(holding, closed, only)
    pairs |= too_old.keys() & holding.decided.keys()  # where a part was decided, sums no longer tell of the rest
    found = []
    for difference in differing(session, district_id, pairs, at):
        pair = difference.pair
        for line in difference.lines:
            void = holding.is_void(pair, line.tenancy_id)
            if void or pair in too_old:
                key = Key(pair[1], pair[0], line.household_id, line.tenancy_id)
                decision = "bill" if holding.is_let_go(pair, line.tenancy_id) else None
                amounts = (line.grams, line.discharges, line.won, decision)
                found.append(Waiting("voided" if void else "old", key, *amounts))
    return found


def _last(closed: Collection[Pair]) -> dict[int, date]:
    """The last closed month of each complex."""
    last: dict[int, date] = {}
    for complex_id, month in closed:
        last[complex_id] = max(month, last.get(complex_id, month))
    return last


def _voided(holding: Holding, closed: Collection[Pair], only: Pair | None) -> set[Pair]:
    return {
        pair
        for pair, tenancies in holding.voided.items()
        if only in (None, pair) and pair in closed and any(holding.is_void(pair, each) for each in tenancies)
    }


def held(session: Session, district_id: int, ids: Sequence[int]) -> list[Waiting]:
    """Suspense of closed months that was held, or had nobody to share it; as much as is still nobody's."""
    r = StatementRun
    mine = (r.district_id == district_id, r.complex_id.in_(ids), r.state == "final", r.version == 1)
    kept = sa.or_(r.suspense == "held", sa.and_(r.suspense == "shared", r.statements == 0))
    asked = sa.select(r.complex_id, r.month).where(*mine, kept).order_by(r.month)
    months = [(complex_id, month) for complex_id, month in session.execute(asked)]
    if not months:
        return []
    weighed = detecting.suspense(session, district_id, ids, months[0][1], month_after(months[-1][1]))
    return [
        Waiting("held", Key(month, complex_id), *weighed[complex_id, month])
        for complex_id, month in months
        if weighed.get((complex_id, month), (0, 0)) != (0, 0)
    ]


def of_open_months(session: Session, district_id: int, ids: Sequence[int], now: datetime) -> list[Waiting]:
    """Usage of months that are not closed: those of which a day has no tariff, and those that later ones went past."""
    closed = closed_months(session, district_id, ids, EVER)
    last = _last(closed)
    begins = {scheme: _begins(session, district_id, scheme) for scheme in SCHEMES}
    untariffed = min(max(begin or date.max for begin in begins.values()), month_after(month_of(service_day(now))))
    used = _used(session, district_id, ids, max([untariffed, *last.values()]), closed)
    terms = {month: of_complexes(session, district_id, ids, month) for month in {month for _, month, *_ in used}}
    found = []
    for complex_id, month, grams, count in used:
        begin = begins[terms[month][complex_id].scheme]
        if begin is None or month < begin:
            found.append(Waiting("no_tariff", Key(month, complex_id), grams, count))
        elif month < last.get(complex_id, EVER):
            found.append(Waiting("not_closed", Key(month, complex_id), grams, count))
    return found


def _used(
    session: Session, district_id: int, ids: Sequence[int], end: date, closed: Collection[Pair]
) -> list[tuple[int, date, int, int]]:
    """Complexes' months before `end` that have usage and are not closed: complex, month, grams, discharges."""
    m, h = HouseholdMonth, Household
    everywhere = [month for month, complexes in Counter(month for _, month in closed).items() if complexes == len(ids)]
    here = (m.district_id == district_id, m.month < end, m.month.not_in(everywhere), h.complex_id.in_(ids))
    sums = [sa.cast(sa.func.sum(column), sa.BigInteger) for column in (m.billable_g, m.billable_count)]
    asked = sa.select(h.complex_id, m.month, *sums).join_from(m, h, _OF_HOUSEHOLD).where(*here)
    rows = session.execute(asked.group_by(h.complex_id, m.month).order_by(m.month, h.complex_id))
    return [(complex_id, month, *of) for complex_id, month, *of in rows if of[1] and (complex_id, month) not in closed]


def _begins(session: Session, district_id: int, scheme: str) -> date | None:
    general = schedules(session, district_id, scheme).get(GENERAL)
    return general.first_days[0] if general else None


def doubtful(session: Session, district_id: int, ids: Sequence[int], after: Key | None, limit: int) -> list[Waiting]:
    """Discharges of known households that were weighed and do not count, by tenancy and month; those after a key."""
    m = HouseholdMonth
    order = (m.month, Household.complex_id, m.household_id, m.tenancy_id)
    asked = sa.select(*order, m.weighed_g - m.billable_g, m.weighed_count - m.billable_count)
    asked = asked.join(Household, _OF_HOUSEHOLD).where(*_is_doubtful(district_id, ids))
    if after is not None:
        values = (sa.literal(value, column.type) for value, column in zip(after, order, strict=True))
        asked = asked.where(sa.tuple_(*order) > sa.tuple_(*values))
    rows = session.execute(asked.order_by(*order).limit(limit))
    return [Waiting("doubtful", Key(*row[:4]), *row[4:]) for row in rows]


def doubtful_sums(session: Session, district_id: int, ids: Sequence[int]) -> list[int]:
    """The same in all: rows, grams, discharges."""
    m = HouseholdMonth
    totals = (sa.func.sum(m.weighed_g - m.billable_g), sa.func.sum(m.weighed_count - m.billable_count))
    asked = sa.select(sa.func.count(), *totals).join_from(m, Household, _OF_HOUSEHOLD)
    return [int(each or 0) for each in session.execute(asked.where(*_is_doubtful(district_id, ids))).one()]


_OF_HOUSEHOLD = sa.and_(
    Household.district_id == HouseholdMonth.district_id, Household.id == HouseholdMonth.household_id
)


def _is_doubtful(district_id: int, ids: Sequence[int]) -> list[sa.ColumnElement[bool]]:
    m = HouseholdMonth
    return [m.district_id == district_id, Household.complex_id.in_(ids), m.weighed_count > m.billable_count]
