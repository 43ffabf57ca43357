"""Reads of the registry that other domains need. Rows come back plain."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Executor, Statement, fetch, from_driver, is_sqlite
from app.registry.models import Building, Card, Complex, Household, Meter, MeterAssignment, Tenancy

REGISTRY_LOCK = 0x4A4E  # first key of the advisory lock; the second is the district


class Holding(NamedTuple):
    """A card belonged to a tenancy of a household from `start` until just before `end` (open when None)."""

    start: datetime
    end: datetime | None
    household_id: int
    tenancy_id: int


class Place(NamedTuple):
    """A meter stood at a complex and was run by a gateway from `start` until just before `end`."""

    start: datetime
    end: datetime | None
    gateway_id: int
    complex_id: int
    meter_id: int


def holding_still(connection: sa.Connection, district_ids: Iterable[int]) -> list[Statement]:
    """Statements that keep the registries of these districts from changing until the transaction ends.

    A back-dated move and a discharge of the same moment so never miss each other. On SQLite a writer is alone anyway.
    """
    if is_sqlite(connection):
        return []
    lock = "SELECT pg_advisory_xact_lock_shared(?, ?)"
    return [(lock, (REGISTRY_LOCK, district_id)) for district_id in sorted(set(district_ids))]


# Rows of district id and registry version.
VERSIONS: Statement = ("SELECT id, registry_version FROM district", ())


_HOLDINGS = (
    "SELECT c.card_hash, a.valid_from, a.valid_to, t.valid_from, t.valid_to, t.household_id, t.id FROM card c "
    "LEFT JOIN card_assignment a ON a.district_id = c.district_id AND a.card_id = c.id "
    "LEFT JOIN tenancy t ON t.district_id = a.district_id AND t.id = a.tenancy_id "
    "WHERE c.district_id = ? AND c.card_hash {among}"
)


def card_holdings(connection: sa.Connection, district_id: int, hashes: Sequence[bytes]) -> dict[bytes, list[Holding]]:
    """Who held these cards, and when; a hash that the registry does not know is missing from the answer."""
    if is_sqlite(connection):
        rows = fetch(connection, _HOLDINGS.format(among=f"IN ({', '.join('?' * len(hashes))})"), district_id, *hashes)
    else:
        rows = fetch(connection, _HOLDINGS.format(among="= ANY(?)"), district_id, list(hashes))
    found: dict[bytes, list[Holding]] = {}
    for card_hash, *bounds, household_id, tenancy_id in rows:
        holdings = found.setdefault(card_hash, [])
        if household_id is not None:
            card_from, card_to, from_, to = map(from_driver, bounds)
            assert card_from is not None
            assert from_ is not None
            holdings.append(Holding(max(card_from, from_), _earlier(card_to, to), household_id, tenancy_id))
    return found


def meter_places(connection: Executor, district_id: int) -> dict[str, list[Place]]:
    """By meter code, every place where each meter of the district stood."""
    statement = (
        sa.select(
            Meter.code,
            MeterAssignment.valid_from,
            MeterAssignment.valid_to,
            MeterAssignment.gateway_id,
            MeterAssignment.complex_id,
            Meter.id,
        )
        .join(MeterAssignment, _same(MeterAssignment, MeterAssignment.meter_id, Meter))
        .where(Meter.district_id == district_id)
    )
    places: dict[str, list[Place]] = defaultdict(list)
    for code, start, end, gateway_id, complex_id, meter_id in connection.execute(statement):
        places[code].append(Place(start, end, gateway_id, complex_id, meter_id))
    return dict(places)


def tenancy_at(session: Session, district_id: int, household_id: int, instant: datetime) -> int | None:
    """The tenancy of a household at an instant, or None when it stood empty."""
    return session.scalar(
        sa.select(Tenancy.id).where(
            Tenancy.district_id == district_id,
            Tenancy.household_id == household_id,
            Tenancy.valid_from <= instant,
            sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to > instant),
        )
    )


def households_of(
    session: Session, district_id: int, complex_code: str, building: str | None = None, unit: str | None = None
) -> list[dict[str, Any]]:
    """Households of a complex, of one building or one unit: id, building, unit, in the order of both."""
    statement = (
        sa.select(Household.id, Building.name.label("building"), Household.unit)
        .join(Building, _same(Building, Building.id, Household, Household.building_id))
        .join(Complex, _same(Complex, Complex.id, Household, Household.complex_id))
        .where(Household.district_id == district_id, Complex.code == complex_code)
    )
    if building is not None:
        statement = statement.where(Building.name == building)
    if unit is not None:
        statement = statement.where(Household.unit == unit)
    return [dict(row) for row in session.execute(statement.order_by(Building.name, Household.unit)).mappings()]


def staff_and_blocked_cards(session: Session, district_id: int) -> list[dict[str, Any]]:
    """Cards of collectors and service, and blocked ones: card_hash (hex), last4, role, complex, blocked_…"""
    shown = (Card.card_hash, Card.last4, Card.role, Complex.code.label("complex"))
    statement = (
        sa.select(*shown, Card.blocked_at, Card.blocked_by, Card.blocked_reason)
        .outerjoin(Complex, _same(Complex, Complex.id, Card, Card.complex_id))
        .where(Card.district_id == district_id, sa.or_(Card.role != "household", Card.blocked_at.is_not(None)))
    )
    rows = session.execute(statement.order_by(Card.role, Card.last4, Card.id)).mappings()
    return [dict(row) | {"card_hash": bytes(row["card_hash"]).hex()} for row in rows]


def _same(table: Any, column: Any, other: Any, reference: Any = None) -> sa.ColumnElement[bool]:
    return sa.and_(table.district_id == other.district_id, column == (other.id if reference is None else reference))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((end for end in (one, other) if end is not None), default=None)
