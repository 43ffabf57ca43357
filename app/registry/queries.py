"""Reads of the registry that other domains need. Rows come back plain."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Executor, fetch, is_sqlite
from app.registry.models import Card, CardAssignment, Complex, Household, Meter, MeterAssignment, Tenancy

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


def hold_still(connection: sa.Connection, district_ids: Iterable[int]) -> None:
    """Keep the registries of these districts from changing until the transaction ends (on SQLite it is alone anyway).

    A back-dated move and a discharge of the same moment so never miss each other.
    """
    if is_sqlite(connection):
        return
    for district_id in sorted(set(district_ids)):
        fetch(connection, "SELECT pg_advisory_xact_lock_shared(?, ?)", REGISTRY_LOCK, district_id)


def versions(connection: sa.Connection) -> dict[int, int]:
    """The registry version of each district."""
    return {
        district_id: version for district_id, version in fetch(connection, "SELECT id, registry_version FROM district")
    }


def card_holdings(connection: Executor, district_id: int, hashes: Sequence[bytes]) -> dict[bytes, list[Holding]]:
    """Who held these cards, and when; a hash that the registry does not know is missing from the answer."""
    statement = (
        sa.select(
            Card.card_hash,
            CardAssignment.valid_from,
            CardAssignment.valid_to,
            Tenancy.valid_from,
            Tenancy.valid_to,
            Tenancy.household_id,
            Tenancy.id,
        )
        .select_from(Card)
        .outerjoin(CardAssignment, _same(CardAssignment, CardAssignment.card_id, Card))
        .outerjoin(Tenancy, _same(Tenancy, Tenancy.id, CardAssignment, CardAssignment.tenancy_id))
        .where(Card.district_id == district_id, Card.card_hash.in_(hashes))
    )
    found: dict[bytes, list[Holding]] = {}
    for card_hash, card_from, card_to, from_, to, household_id, tenancy_id in connection.execute(statement):
        holdings = found.setdefault(bytes(card_hash), [])
        if household_id is not None:
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


def complex_names(session: Session, district_id: int) -> dict[int, str]:
    """Names of the district's complexes by id."""
    rows = session.execute(sa.select(Complex.id, Complex.name).where(Complex.district_id == district_id))
    return dict(rows.tuples().all())


def household_of(session: Session, district_id: int, household_id: int) -> Household | None:
    """One household of the district, or None."""
    return session.get(Household, (district_id, household_id))


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


def _same(table: Any, column: Any, other: Any, reference: Any = None) -> sa.ColumnElement[bool]:
    return sa.and_(table.district_id == other.district_id, column == (other.id if reference is None else reference))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((end for end in (one, other) if end is not None), default=None)
