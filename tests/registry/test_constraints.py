"""What the database itself refuses, whoever writes: two at one time. Half-open intervals may touch."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.registry.imports.changes import table_of
from app.registry.models import Complex
from app.registry.service import add_gateway, install_meter
from tests.registry.support import NOW, Registry, households

DAY = timedelta(days=1)
FIRST = (NOW, NOW + 10 * DAY)
OVERLAPPING = {
    "the same": FIRST,
    "within": (NOW + DAY, NOW + 2 * DAY),
    "around": (NOW - DAY, NOW + 11 * DAY),
    "into its beginning": (NOW - DAY, NOW + timedelta(microseconds=1)),
    "out of its end": (NOW + 10 * DAY - timedelta(microseconds=1), None),
    "open from before": (NOW - DAY, None),
}
TOUCHING = {
    "just before": (NOW - DAY, NOW),
    "just after": (NOW + 10 * DAY, None),
    "long after": (NOW + 20 * DAY, NOW + 21 * DAY),
}
DATED = ["tenancy", "card_assignment", "meter_assignment"]


@pytest.fixture
def held(settled: Registry) -> Registry:
    """One household, card and meter, each dated FIRST."""
    settled.households(households({}, {"unit": "1204", "card_number": "1111111111"}))
    with settled.database.begin() as session:
        gateway = add_gateway(session, 1, "GW-1", NOW)
        complex_ = session.scalars(sa.select(Complex).where(Complex.code == "T0X001")).one()
        install_meter(session, gateway, complex_, "M-1", NOW)
        for name in DATED:
            table = table_of(name)
            session.execute(sa.update(table).values(valid_from=FIRST[0], valid_to=FIRST[1]))
    return settled


def add_another(registry: Registry, name: str, start: datetime, end: datetime | None, **other: Any) -> None:
    """A second row for the same household, card or meter."""
    table = table_of(name)
    with registry.database.begin() as session:
        row = dict(session.execute(sa.select(table).where(table.c.id == 1)).mappings().one())
        session.execute(table.insert().values(row | {"id": 90, "valid_from": start, "valid_to": end} | other))


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("how", OVERLAPPING)
def test_two_at_one_time_are_refused(held: Registry, name: str, how: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=f"ex_{name}_overlap"):
        add_another(held, name, *OVERLAPPING[how])


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("how", TOUCHING)
def test_one_after_the_other_is_allowed(held: Registry, name: str, how: str) -> None:
    add_another(held, name, *TOUCHING[how])


@pytest.mark.parametrize("name", DATED)
def test_an_end_cannot_be_moved_over_the_next(held: Registry, name: str) -> None:
    add_another(held, name, NOW + 10 * DAY, None)
    table = table_of(name)
    statement = sa.update(table).where(table.c.id == 1).values(valid_to=NOW + 11 * DAY)
    with pytest.raises(sa.exc.IntegrityError, match=f"ex_{name}_overlap"), held.database.begin() as session:
        session.execute(statement)


@pytest.mark.parametrize("name", DATED)
def test_an_end_is_after_its_beginning(held: Registry, name: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="dated"):
        add_another(held, name, NOW + 20 * DAY, NOW + 20 * DAY)


def test_another_household_or_card_is_free_at_that_time(held: Registry) -> None:
    held.households(households({"unit": "1205", "card_number": ""}))
    ids = [id_ for (id_,) in held.rows("household", "id")]
    assert len(ids) == 3
    add_another(held, "card_assignment", NOW + 10 * DAY, None, card_id=2)


def test_a_reference_cannot_leave_its_district(held: Registry) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        add_another(held, "tenancy", *TOUCHING["long after"], district_id=2)
