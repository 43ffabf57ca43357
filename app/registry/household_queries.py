"""Reads of households, always of one district and within a reach. Personal details come masked unless asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.reach import WHOLE, Reach
from app.registry.masking import MASKS
from app.registry.models import (
    Building,
    Card,
    CardAssignment,
    Complex,
    EarlierMonth,
    Household,
    OpeningBalance,
    Resident,
    Tenancy,
)
from app.registry.places import Home, plain
from app.registry.residents import FIELDS

STATES = ("lived_in", "empty", "abandoned")
MONTHS = 36

Row = dict[str, Any]


class Asked(NamedTuple):
    """Which households: of a complex (code), of a building, one unit, with a card that ends so, in a state."""

    complex: str = ""
    building: str = ""
    unit: str = ""
    last4: str = ""
    state: str = ""


def household_page(
    session: Session,
    district_id: int,
    asked: Asked,
    now: datetime,
    after: int | None = None,
    limit: int = 100,
    reach: Reach = WHOLE,
) -> list[Row]:
    """Households by complex code, building and unit, those after the one of this id.

    Each: id, complex, complex_name, building, unit, state, since (when who lives there moved in), resident (masked
    name), cards (how many open now).
    """
    place = (Complex.code, Building.name, Household.unit)
    statement = _placed(Household.id, *place).where(Household.district_id == district_id)
    statement = statement.where(reach.within(Household.complex_id), *_conditions(asked, now))
    if after is not None:
        last = session.execute(
            _placed(*place).where(
                Household.district_id == district_id, Household.id == after, reach.within(Household.complex_id)
            )
        ).first()
        if last is None:
            return []
        statement = statement.where(sa.tuple_(*place) > sa.tuple_(*map(sa.literal, last)))
    ids = [row.id for row in session.execute(statement.order_by(*place).limit(limit))]
    return _described(session, district_id, ids, now)


def household_detail(session: Session, home: Home, now: datetime, revealed: bool = False) -> Row:
    """One household as in the list, with its tenancies, the cards that it held or keeps, earlier months and balances.

    Names, phone numbers, addresses and last four digits are masked unless `revealed`.
    """
    district_id, household_id = home.row.district_id, home.row.id
    (row,) = _described(session, district_id, [household_id], now)
    found = row | {
        "complex_id": home.row.complex_id,
        "abandoned_at": home.row.abandoned_at,
        "abandoned_by": home.row.abandoned_by,
        "abandoned_reason": home.row.abandoned_reason,
        "tenancies": _tenancies(session, district_id, household_id, now),
        "held_cards": _cards(session, district_id, household_id, now),
        "earlier_months": _earlier_months(session, district_id, household_id),
        "opening_balances": _balances(session, district_id, household_id),
        "revealed": revealed,
    }
    if not revealed:
        for each in (*found["tenancies"], *found["held_cards"]):
            each |= {name: MASKS[name](each[name]) for name in MASKS.keys() & each.keys()}
    return found


def current_tenancy(session: Session, home: Home, now: datetime) -> int | None:
    """The tenancy that lasts now, else the newest one; None where nobody ever lived."""
    mine = (Tenancy.district_id == home.row.district_id, Tenancy.household_id == home.row.id)
    newest = sa.select(Tenancy.id).where(*mine).order_by(_at(Tenancy, now).desc(), Tenancy.valid_from.desc())
    return session.scalar(newest.limit(1))


def card_home(session: Session, district_id: int, card_id: int) -> int | None:
    """The household that holds the card, held it last, or keeps it."""
    same = sa.and_(Tenancy.district_id == CardAssignment.district_id, Tenancy.id == CardAssignment.tenancy_id)
    held = (
        sa.select(Tenancy.household_id)
        .join(CardAssignment, same)
        .where(CardAssignment.district_id == district_id, CardAssignment.card_id == card_id)
    )
    return session.scalar(held.order_by(CardAssignment.valid_from.desc()).limit(1))


def _placed(*columns: Any) -> sa.Select[Any]:
    return (
        sa.select(*columns)
        .select_from(Household)
        .join(Complex, sa.and_(Complex.district_id == Household.district_id, Complex.id == Household.complex_id))
        .join(Building, sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id))
    )


def _conditions(asked: Asked, now: datetime) -> list[sa.ColumnElement[bool]]:
    wanted = []
    if asked.complex:
        wanted.append(Complex.code == asked.complex)
    if asked.building:
        wanted.append(Building.name == plain(asked.building))
    if asked.unit:
        wanted.append(Household.unit == plain(asked.unit))
    if asked.last4:
        wanted.append(Household.id.in_(_with_card(asked.last4.upper())))
    if asked.state:
        wanted.append(_state(now) == asked.state)
    return wanted


def _with_card(last4: str) -> sa.Select[Any]:
    a, t = CardAssignment, Tenancy
    return (
        sa.select(t.household_id)
        .join(a, sa.and_(a.district_id == t.district_id, a.tenancy_id == t.id))
        .join(Card, sa.and_(Card.district_id == a.district_id, Card.id == a.card_id))
        .where(t.district_id == Household.district_id, Card.last4 == last4)
    )


def _state(now: datetime) -> Any:
    t = aliased(Tenancy)
    lives = sa.exists().where(t.district_id == Household.district_id, t.household_id == Household.id, _at(t, now))
    return sa.case((lives, "lived_in"), (Household.abandoned_at.is_not(None), "abandoned"), else_="empty")


def _at(dated: Any, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(dated.valid_from <= now, sa.or_(dated.valid_to.is_(None), dated.valid_to > now))


def _described(session: Session, district_id: int, ids: Sequence[int], now: datetime) -> list[Row]:
    lives = sa.and_(
        Tenancy.district_id == Household.district_id, Tenancy.household_id == Household.id, _at(Tenancy, now)
    )
    known = sa.and_(Resident.district_id == Tenancy.district_id, Resident.tenancy_id == Tenancy.id)
    shown = (
        *(Household.id, Complex.code.label("complex"), Complex.name.label("complex_name")),
        *(Building.name.label("building"), Household.unit, _state(now).label("state")),
        *(Tenancy.valid_from.label("since"), Resident.name.label("resident"), _open_cards(now).label("cards")),
    )
    statement = _placed(*shown).outerjoin(Tenancy, lives).outerjoin(Resident, known)
    statement = statement.where(Household.district_id == district_id, Household.id.in_(ids))
    rows = {row["id"]: dict(row) for row in session.execute(statement).mappings()}
    return [rows[id_] | {"resident": MASKS["name"](rows[id_]["resident"])} for id_ in ids]


def _open_cards(now: datetime) -> Any:
    a = CardAssignment
    opens = sa.and_(Card.district_id == a.district_id, Card.id == a.card_id, Card.blocked_at.is_(None))
    held = sa.select(sa.func.count()).select_from(a).join(Card, opens)
    held = held.where(a.district_id == Tenancy.district_id, a.tenancy_id == Tenancy.id, _at(a, now))
    return held.correlate(Tenancy).scalar_subquery()


def _tenancies(session: Session, district_id: int, household_id: int, now: datetime) -> list[Row]:
    """The newest first: id, from, until, current, name, phone, email."""
    known = sa.and_(Resident.district_id == Tenancy.district_id, Resident.tenancy_id == Tenancy.id)
    columns = [getattr(Resident, name) for name in FIELDS]
    statement = (
        sa.select(Tenancy.id, Tenancy.valid_from, Tenancy.valid_to, _at(Tenancy, now).label("current"), *columns)
        .outerjoin(Resident, known)
        .where(Tenancy.district_id == district_id, Tenancy.household_id == household_id)
    )
    rows = session.execute(statement.order_by(Tenancy.valid_from.desc())).mappings()
    return [dict(row) | {"current": bool(row["current"])} for row in rows]


def _cards(session: Session, district_id: int, household_id: int, now: datetime) -> list[Row]:
    """Cards that the household held or keeps, each once with its newest assignment here, those that open first.

    `state`: `open`, `lost`, `replaced`, `blocked`, `kept` (waits for the next tenancy), `gone` (no more this unit's).
    """
    a, t = CardAssignment, Tenancy
    shown = (Card.id, Card.last4, Card.blocked_at, Card.blocked_by, Card.blocked_reason, Card.lost_at)
    statement = (
        sa.select(*shown, Card.replaced_by_id, Card.kept_household_id, a.valid_from, a.valid_to)
        .select_from(Card)
        .join(a, sa.and_(a.district_id == Card.district_id, a.card_id == Card.id))
        .join(t, sa.and_(t.district_id == a.district_id, t.id == a.tenancy_id))
        .where(t.district_id == district_id, t.household_id == household_id)
    )
    rows: dict[int, Row] = {}
    for row in session.execute(statement.order_by(a.valid_from)).mappings():
        rows[row["id"]] = dict(row) | {"state": _card_state(row, household_id, now)}
    last4s = {id_: row["last4"] for id_, row in rows.items()}
    cards = [row | {"replaced_by": MASKS["last4"](last4s.get(row["replaced_by_id"]))} for row in rows.values()]
    return sorted(cards, key=lambda row: (row["state"] != "open", row["state"] != "kept", -row["id"]))


def _card_state(row: Any, household_id: int, now: datetime) -> str:
    if row["replaced_by_id"] is not None:
        return "replaced"
    if row["lost_at"] is not None:
        return "lost"
    if row["kept_household_id"] == household_id:
        return "kept"
    if row["valid_to"] is not None and row["valid_to"] <= now:
        return "blocked" if row["blocked_at"] is not None else "gone"
    return "blocked" if row["blocked_at"] is not None else "open"


def _earlier_months(session: Session, district_id: int, household_id: int) -> list[Row]:
    m = EarlierMonth
    statement = sa.select(m.month, m.grams, m.count, m.won).where(
        m.district_id == district_id, m.household_id == household_id
    )
    return [dict(row) for row in session.execute(statement.order_by(m.month.desc()).limit(MONTHS)).mappings()]


def _balances(session: Session, district_id: int, household_id: int) -> list[Row]:
    b = OpeningBalance
    statement = sa.select(b.as_of, b.won).where(b.district_id == district_id, b.household_id == household_id)
    return [dict(row) for row in session.execute(statement.order_by(b.as_of.desc())).mappings()]
