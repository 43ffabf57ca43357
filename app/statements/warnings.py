"""What may be wrong with a month before it is billed, by kind: how many rows each complex has, and the rows themselves.

Only `no_tariff` keeps a month from being closed; all others warn: whoever closes the month has seen them.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import Building, Complex, Household, Meter
from app.statements.checks import devices, terms, weighed
from app.statements.checks.asked import After, Asked, Check, Row

KINDS: dict[str, Callable[[Asked], Check]] = {
    "no_tariff": terms.no_tariff,
    "no_households": terms.no_households,
    "no_payers": terms.no_payers,
    "since_preview": weighed.since_preview,
    "doubtful": weighed.doubtful,
    "undecided": weighed.undecided,
    "quarantined": weighed.quarantined,
    "suspense": weighed.suspense,
    "jumps": weighed.jumps,
    "gone": weighed.gone,
    "silent": devices.silent,
    "faulty": devices.faulty,
    "uncertified": devices.uncertified,
}


def counts(asked: Asked) -> dict[int, dict[str, int]]:
    """By complex, how many rows each kind of warning has; kinds without any are left out."""
    found: dict[int, dict[str, int]] = {}
    for kind, check in KINDS.items():
        for complex_id, count in check(asked).counts().items():
            found.setdefault(complex_id, {})[kind] = count
    return found


def rows(asked: Asked, kind: str, after: After | None = None, limit: int = 100) -> list[Row]:
    """The rows of one kind, by complex: complex_id and key to go on after, complex, complex_name, and by kind
    household_id, building and unit, meter (code), and the facts that the check tells (see `checks`)."""
    found = KINDS[kind](asked).rows(after, limit)
    if kind in ("jumps", "gone"):
        usual = weighed.medians(asked, [row["key"] for row in found])
        found = [row | {"usual_g": usual.get(row["key"])} for row in found]
    return _named(asked.session, asked.district_id, found)


def _named(session: Session, district_id: int, found: list[Row]) -> list[Row]:
    """Rows with what staff call the places and things in them."""
    complexes = _names(session, district_id, Complex, Complex.code, Complex.name)(row["complex_id"] for row in found)
    meters = _names(session, district_id, Meter, Meter.code)(row.get("meter_id") for row in found)
    homes = _homes(session, district_id, {row["household_id"] for row in found if row.get("household_id")})
    return [
        row
        | dict(zip(("complex", "complex_name"), complexes[row["complex_id"]], strict=True))
        | ({"meter": meters[row["meter_id"]][0] if row["meter_id"] else None} if "meter_id" in row else {})
        | (dict(zip(("building", "unit"), homes[row["household_id"]], strict=True)) if "household_id" in row else {})
        for row in found
    ]


def _names(
    session: Session, district_id: int, table: Any, *columns: Any
) -> Callable[[Iterable[int | None]], dict[int, tuple[str, ...]]]:
    def read(ids: Iterable[int | None]) -> dict[int, tuple[str, ...]]:
        wanted = sorted({id_ for id_ in ids if id_})
        asked = sa.select(table.id, *columns).where(table.district_id == district_id, table.id.in_(wanted))
        return {row[0]: tuple(row[1:]) for row in session.execute(asked)}

    return read


def _homes(session: Session, district_id: int, ids: set[int]) -> dict[int, tuple[str, str]]:
    of_building = (Building.district_id == Household.district_id, Building.id == Household.building_id)
    asked = sa.select(Household.id, Building.name, Household.unit).join(Building, sa.and_(*of_building))
    rows = session.execute(asked.where(Household.district_id == district_id, Household.id.in_(sorted(ids))))
    return {id_: (building, unit) for id_, building, unit in rows}
