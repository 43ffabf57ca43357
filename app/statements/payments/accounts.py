"""What is owed: of each tenancy and of each complex, from what was billed, what was paid and what is disputed.

Two levels that never mix. A household owes its opening balance and its final statements that are not void, less what it
paid. A complex owes the district its runs (reissues come in with the next one), less what it paid. What was paid at the
bin is not owed. A statement is due `pay_days` after the day on which its month was closed; what an open dispute holds
of it, or a decided credit will take off, is not in arrears. An opening balance says what is owed when its day begins.
Payments and credits settle the oldest statements first, whichever month they name.

    balance = opening + statements - payments        arrears = the due part of it, less what disputes hold, or nothing
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.reach import WHOLE, Reach
from app.registry.models import Building, Complex, Household, OpeningBalance, Tenancy
from app.statements.composing import statement_number
from app.statements.corrections.manual import is_pending
from app.statements.disputes.models import Dispute
from app.statements.disputes.queries import VOIDED
from app.statements.models import ManualAdjustment, Statement, StatementLine, StatementRun, StatementVoid
from app.statements.payments.models import Payment
from app.statements.prepaid import at_the_bin
from app.statements.terms import policy
from billing.days import midnight, service_day

Row = dict[str, Any]
SUMS = ("opening_won", "billed_won", "paid_won", "due_won", "held_won")
DAY = timedelta(days=1)
WHOSE = ("complex_id", "household_id", "tenancy_id")


class After(NamedTuple):
    """The last row of the page before: arrears, household and tenancy (0: nobody's)."""

    won: int
    household_id: int
    tenancy_id: int


class Item(NamedTuple):
    """Something owed, or below zero credited, and when it is or was due."""

    due_on: date
    won: int


def unpaid(items: Iterable[Item], paid_won: int) -> list[Item]:
    """What is left of items, the oldest first, when payments and credits settle the oldest ones."""
    owed = sorted(items)
    left = paid_won - sum(item.won for item in owed if item.won < 0)
    found = []
    for item in owed:
        if item.won > 0:
            settled = min(max(left, 0), item.won)
            left -= settled
            if settled < item.won:
                found.append(Item(item.due_on, item.won - settled))
    return found


def arrears(
    session: Session,
    district_id: int,
    reach: Reach,
    today: date,
    complex_code: str = "",
    after: After | None = None,
    limit: int = 100,
) -> list[Row]:
    """Tenancies that owe what was due before today, the largest amounts first.

    Each: complex, complex_name, household_id, tenancy_id, building, unit, moved_out, balance_won, held_won,
    arrears_won, oldest_due_on and days (since then).
    """
    accounts = _accounts(session, district_id, _narrowed(session, district_id, reach, complex_code), today)
    asked = _with_names(accounts, district_id).where(accounts.c.arrears_won > 0)
    order = (accounts.c.arrears_won.desc(), accounts.c.household_id, sa.func.coalesce(accounts.c.tenancy_id, 0))
    if after is not None:
        place = sa.tuple_(-accounts.c.arrears_won, order[1], order[2])
        asked = asked.where(place > sa.tuple_(*map(sa.literal, (-after.won, after.household_id, after.tenancy_id))))
    rows = [dict(row) for row in session.execute(asked.order_by(*order).limit(limit)).mappings()]
    return _aged(session, district_id, rows, today)


def by_complex(session: Session, district_id: int, reach: Reach, today: date, complex_code: str = "") -> list[Row]:
    """Each complex by code, or the one with this code: what it owes the district itself (balance_won, arrears_won), and
    what its households owe: households_balance_won, households_arrears_won, late_households (how many tenancies)."""
    reach = _narrowed(session, district_id, reach, complex_code)
    a = _accounts(session, district_id, reach, today).c
    late = sa.func.count(sa.case((a.arrears_won > 0, 1)))
    households = sa.select(a.complex_id, _sum(a.balance_won), _sum(a.arrears_won), late).group_by(a.complex_id)
    found = {row[0]: row[1:] for row in session.execute(households)}
    own = {row[0]: row[1:] for row in session.execute(sa.select(_complex_accounts(session, district_id, today)))}
    names = ("households_balance_won", "households_arrears_won", "late_households")
    asked = sa.select(Complex.id, Complex.code, Complex.name).where(
        Complex.district_id == district_id, reach.within(Complex.id)
    )
    return [
        {"complex": code, "complex_name": name}
        | dict(zip(("balance_won", "arrears_won"), own.get(id_, (0, 0)), strict=True))
        | dict(zip(names, found.get(id_, (0, 0, 0)), strict=True))
        for id_, code, name in session.execute(asked.order_by(Complex.code))
    ]


def household_account(session: Session, district_id: int, household_id: int, today: date) -> list[Row]:
    """The accounts of a household's tenancies, the latest first; whoever asks has checked that it is within reach.

    Each: tenancy_id, moved_in, moved_out, opening_won, billed_won, paid_won, held_won, balance_won, arrears_won,
    oldest_due_on, and `items`: what it is made of, in the order of time: kind (`opening`, `statement`, `payment`),
    day, due_on, month, number (of the statement), payment_id, won (payments below zero).
    """
    accounts = _accounts(session, district_id, WHOLE, today, [household_id])
    t = Tenancy
    whose = sa.and_(t.district_id == district_id, t.id == accounts.c.tenancy_id)
    asked = sa.select(accounts, t.valid_from.label("moved_in"), t.valid_to.label("moved_out")).outerjoin(t, whose)
    rows = [dict(row) for row in session.execute(asked).mappings()]
    items = _items(session, district_id, [household_id])
    for row in _aged(session, district_id, rows, today):
        row["items"] = items.get((row["household_id"], row["tenancy_id"]), [])
    return sorted(rows, key=lambda row: row["tenancy_id"] or 0, reverse=True)


def _aged(session: Session, district_id: int, rows: list[Row], today: date) -> list[Row]:
    """Rows with the day since which something of them is overdue."""
    items = _items(session, district_id, {row["household_id"] for row in rows})
    for row in rows:
        those = items.get((row["household_id"], row["tenancy_id"]), [])
        owed = [Item(each["due_on"], each["won"]) for each in those if each["due_on"]]
        paid = -sum(each["won"] for each in those if not each["due_on"])
        late = [item for item in unpaid(owed, paid) if item.due_on < today] if row["arrears_won"] else []
        row["oldest_due_on"] = late[0].due_on if late else None
        row["days"] = (today - late[0].due_on).days if late else 0
    return rows


def _items(session: Session, district_id: int, household_ids: Iterable[int]) -> dict[tuple[int, int | None], list[Row]]:
    """What the accounts of households are made of, by household and tenancy, in the order of time."""
    ids = sorted(household_ids)
    wait = policy.of(session, district_id).pay_days * DAY
    found: dict[tuple[int, int | None], list[Row]] = {}

    def add(row: Any, kind: str, day: date, due_on: date | None, won: int, **said: Any) -> None:
        nothing = {"month": None, "number": None, "payment_id": None, "note": None}
        item = nothing | {"kind": kind, "day": day, "due_on": due_on, "won": won} | said
        found.setdefault((row.household_id, row.tenancy_id), []).append(item)

    for as_of in _opening_days(session, district_id):
        for row in session.execute(_openings(district_id, as_of, ids)):
            add(row, "opening", as_of, as_of, row.won)
    columns = (Statement.serial, Statement.month, Statement.won, StatementRun.number, StatementRun.finalised_at)
    asked = _statements(session, district_id, *columns, _of_statement(district_id).label("at_the_bin"))
    for row in session.execute(asked.where(Statement.household_id.in_(ids))):
        day, number = service_day(row.finalised_at), statement_number(row.number, row.serial)
        if row.won == 0 or row.won != row.at_the_bin:
            add(row, "statement", day, day + wait, row.won - row.at_the_bin, month=row.month, number=number)
    p = Payment
    paid_since = (p.household_id.in_(ids), ~_superseded(session, district_id, p.household_id, paid_on=p.paid_on))
    for paid in session.scalars(sa.select(p).where(p.district_id == district_id, *paid_since)):
        add(paid, "payment", paid.paid_on, None, -paid.won, month=paid.month, payment_id=paid.id, note=paid.note)
    for items in found.values():
        items.sort(key=lambda item: (item["day"], item["payment_id"] or 0))
    return found


def _accounts(
    session: Session, district_id: int, reach: Reach, today: date, household_ids: Sequence[int] | None = None
) -> sa.Subquery:
    """By complex, household and tenancy within reach: SUMS, balance_won and arrears_won."""
    cutoff = _cutoff(today, policy.of(session, district_id).pay_days)
    here = (session, district_id)
    legs = [_billed(*here, cutoff), _prepaid(*here, cutoff), _paid(*here), _held(district_id, cutoff)]
    legs.append(_credited(district_id))
    legs += [_opening(district_id, as_of, today) for as_of in _opening_days(session, district_id)]
    legs = [leg.where(reach.within(leg.selected_columns.complex_id)) for leg in legs]
    if household_ids is not None:
        legs = [leg.where(leg.selected_columns.household_id.in_(household_ids)) for leg in legs]
    every = sa.union_all(*legs).subquery()
    sums = [_sum(every.c[name]).label(name) for name in SUMS]
    whose = [every.c[name] for name in WHOSE]
    return _judged(sa.select(*whose, *sums).group_by(*whose).subquery())


def _complex_accounts(session: Session, district_id: int, today: date) -> sa.Subquery:
    """By complex, what it owes the district: SUMS, balance_won and arrears_won."""
    r, p = StatementRun, Payment
    cutoff = _cutoff(today, policy.of(session, district_id).pay_days)
    due = sa.case((sa.or_(r.won < 0, r.finalised_at < cutoff), r.won), else_=0)
    final = (r.district_id == district_id, r.version == 1, r.state == "final")
    runs = sa.select(r.complex_id, *_columns(billed_won=r.won, due_won=due)).where(*final)
    paid = (p.district_id == district_id, p.household_id.is_(None))
    payments = sa.select(p.complex_id, *_columns(paid_won=p.won)).where(*paid)
    # Rounding comes to something even where every household paid at the bin.
    left = sa.select(r.complex_id, *_columns(billed_won=-r.residue_won, due_won=-r.residue_won))
    left = left.where(*final, r.scheme == "prepaid")
    at_bin = _live_at_the_bin(district_id, StatementLine.won, cutoff)
    every = sa.union_all(runs, payments, left, at_bin).subquery()
    sums = [_sum(every.c[name]).label(name) for name in SUMS]
    found = _judged(sa.select(every.c.complex_id, *sums).group_by(every.c.complex_id).subquery())
    return sa.select(found.c.complex_id, found.c.balance_won, found.c.arrears_won).subquery()


def _judged(sums: sa.Subquery) -> sa.Subquery:
    c = sums.c
    late = c.due_won - c.held_won - c.paid_won
    return sa.select(
        sums,
        (c.opening_won + c.billed_won - c.paid_won).label("balance_won"),
        sa.case((late > 0, late), else_=0).label("arrears_won"),
    ).subquery()


def _statements(session: Session, district_id: int, *columns: Any) -> sa.Select[Any]:
    """Statements by which something is owed: final, not void, closed since the household's opening balance."""
    s, r, v = Statement, StatementRun, StatementVoid
    void = sa.exists().where(v.district_id == s.district_id, v.run_id == s.run_id, v.serial == s.serial)
    before = _superseded(session, district_id, s.household_id, moment=r.finalised_at)
    return (
        sa.select(r.complex_id, s.household_id, s.tenancy_id, *columns)
        .join(r, sa.and_(r.district_id == s.district_id, r.id == s.run_id))
        .where(s.district_id == district_id, r.state == "final", ~void, ~before)
    )


def _billed(session: Session, district_id: int, cutoff: datetime) -> sa.Select[Any]:
    s = Statement
    due = sa.case((sa.or_(s.won < 0, StatementRun.finalised_at < cutoff), s.won), else_=0)
    return _statements(session, district_id, *_columns(billed_won=s.won, due_won=due)).where(s.won != 0)


def _prepaid(session: Session, district_id: int, cutoff: datetime) -> sa.Select[Any]:
    """What of the statements was paid at the bin, below zero."""
    n, r = StatementLine, StatementRun
    found = _live_at_the_bin(district_id, n.won, cutoff, n.household_id, n.tenancy_id)
    return found.where(~_superseded(session, district_id, n.household_id, moment=r.finalised_at))


def _live_at_the_bin(district_id: int, won: Any, cutoff: datetime, *whose: Any) -> sa.Select[Any]:
    n, r, v = StatementLine, StatementRun, StatementVoid
    void = sa.exists().where(v.district_id == n.district_id, v.run_id == n.run_id, v.serial == n.serial)
    due = sa.case((r.finalised_at < cutoff, -won), else_=0)
    columns = (r.complex_id, *whose, *_columns(billed_won=-won, due_won=due))
    return at_the_bin(district_id, *columns).where(r.state == "final", ~void, won != 0)


def _of_statement(district_id: int) -> Any:
    """What of a statement was paid at the bin."""
    n, s = StatementLine, Statement
    mine = (n.run_id == s.run_id, n.serial == s.serial)
    return at_the_bin(district_id, _sum(n.won)).where(*mine).correlate(s).scalar_subquery()


def _superseded(session: Session, district_id: int, household_id: Any, paid_on: Any = None, moment: Any = None) -> Any:
    """Whether an opening balance of the household, of a later day, tells of it already."""
    o = OpeningBalance
    mine = (o.district_id == district_id, o.household_id == household_id)
    if paid_on is not None:
        return sa.exists().where(*mine, o.as_of > paid_on)
    days = _opening_days(session, district_id)
    later = [sa.and_(o.as_of == day, moment < midnight(day)) for day in days]
    return sa.exists().where(*mine, sa.or_(*later)) if later else sa.false()


def _paid(session: Session, district_id: int) -> sa.Select[Any]:
    p = Payment
    of_households = (p.district_id == district_id, p.household_id.is_not(None))
    before = _superseded(session, district_id, p.household_id, paid_on=p.paid_on)
    asked = sa.select(p.complex_id, p.household_id, p.tenancy_id, *_columns(paid_won=p.won))
    return asked.where(*of_households, ~before)


def _credited(district_id: int) -> sa.Select[Any]:
    """Credits that the next statement will carry: until then they are held."""
    m = ManualAdjustment
    asked = sa.select(m.complex_id, m.household_id, m.tenancy_id, *_columns(held_won=-m.won))
    return asked.where(m.district_id == district_id, m.won < 0, is_pending())


def _held(district_id: int, cutoff: datetime) -> sa.Select[Any]:
    """What open disputes hold of statements that are due."""
    d, s, r = Dispute, Statement, StatementRun
    return (
        sa.select(r.complex_id, s.household_id, s.tenancy_id, *_columns(held_won=d.held_won - d.credit_won))
        .join(s, sa.and_(s.district_id == d.district_id, s.run_id == d.run_id, s.serial == d.serial))
        .join(r, sa.and_(r.district_id == d.district_id, r.id == d.run_id))
        .where(d.district_id == district_id, d.state == "open", ~VOIDED)
        .where(r.scheme != "prepaid", r.finalised_at < cutoff)
    )


def _opening_days(session: Session, district_id: int) -> list[date]:
    asked = sa.select(OpeningBalance.as_of).where(OpeningBalance.district_id == district_id)
    return list(session.scalars(asked.distinct().order_by(OpeningBalance.as_of)))


def _opening(district_id: int, as_of: date, today: date) -> sa.Select[Any]:
    won = OpeningBalance.won
    due = won if as_of < today else sa.case((won < 0, won), else_=0)
    return _openings(district_id, as_of, None, *_columns(opening_won=won, due_won=due))


def _openings(district_id: int, as_of: date, household_ids: list[int] | None, *columns: Any) -> sa.Select[Any]:
    """The balances of a day that no later one took the place of, with the tenancy that lived there then, if any."""
    o, h, t, later = OpeningBalance, Household, Tenancy, aliased(OpeningBalance)
    began = midnight(as_of)
    there = sa.and_(
        *(t.district_id == o.district_id, t.household_id == o.household_id, t.valid_from <= began),
        sa.or_(t.valid_to.is_(None), t.valid_to > began),
    )
    replaced = sa.exists().where(
        later.district_id == o.district_id, later.household_id == o.household_id, later.as_of > o.as_of
    )
    asked = (
        sa.select(h.complex_id, o.household_id, t.id.label("tenancy_id"), *(columns or (o.won,)))
        .select_from(o)
        .join(h, sa.and_(h.district_id == o.district_id, h.id == o.household_id))
        .outerjoin(t, there)
        .where(o.district_id == district_id, o.as_of == as_of, ~replaced)
    )
    return asked if household_ids is None else asked.where(o.household_id.in_(household_ids))


def _narrowed(session: Session, district_id: int, reach: Reach, complex_code: str) -> Reach:
    """The reach within a complex, if one is named; nothing where that is not within it."""
    if not complex_code:
        return reach
    mine = (Complex.district_id == district_id, Complex.code == complex_code, reach.within(Complex.id))
    return Reach(frozenset(session.scalars(sa.select(Complex.id).where(*mine))))


def _with_names(accounts: sa.Subquery, district_id: int) -> sa.Select[Any]:
    a = accounts.c
    names = (Complex.code.label("complex"), Complex.name.label("complex_name"), Building.name.label("building"))
    return (
        sa.select(a.household_id, a.tenancy_id, a.balance_won, a.held_won, a.arrears_won, *names, Household.unit)
        .add_columns(Tenancy.valid_to.label("moved_out"))
        .join(Household, sa.and_(Household.district_id == district_id, Household.id == a.household_id))
        .join(Building, sa.and_(Building.district_id == district_id, Building.id == Household.building_id))
        .join(Complex, sa.and_(Complex.district_id == district_id, Complex.id == a.complex_id))
        .outerjoin(Tenancy, sa.and_(Tenancy.district_id == district_id, Tenancy.id == a.tenancy_id))
    )


def _columns(**given: Any) -> list[Any]:
    """SUMS in their order, nothing for those that are not given."""
    nothing = sa.literal(0, sa.BigInteger)
    return [sa.type_coerce(given.get(name, nothing), sa.BigInteger).label(name) for name in SUMS]


def _sum(column: Any) -> Any:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


def _cutoff(today: date, pay_days: int) -> datetime:
    """What was closed before this moment was due before today."""
    return midnight(today - pay_days * DAY)
