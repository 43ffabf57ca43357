"""The ledger follows moves that were entered late, and reads as if they had been entered in time."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.metering.moves import PREFIX, follow
from app.problems import Problem
from app.registry import card_changes, moves
from app.registry.card_changes import CardHash, Moved
from app.registry.models import Complex
from app.registry.moves import Stay
from app.registry.places import add_household, home_of
from app.times import now
from tests.builders import Box, Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.reading import agrees, rows_of
from tests.metering.staff import Staff

OLD, NEW = "0D00319CD0", "0D0031AAA1"
EFFECTIVE = """
    SELECT d.seq,
           CASE WHEN c.revision IS NULL THEN d.household_id ELSE c.household_id END,
           CASE WHEN c.revision IS NULL THEN d.tenancy_id ELSE c.tenancy_id END,
           CASE WHEN c.revision IS NULL THEN d.billable ELSE c.billable END
    FROM discharge d LEFT JOIN discharge_correction c
      ON c.district_id = d.district_id AND c.gateway_id = d.gateway_id AND c.epoch_no = d.epoch_no AND c.seq = d.seq
     AND c.revision = (SELECT max(l.revision) FROM discharge_correction l WHERE l.district_id = d.district_id
                       AND l.gateway_id = d.gateway_id AND l.epoch_no = d.epoch_no AND l.seq = d.seq)
    WHERE d.district_id = :district ORDER BY d.seq
"""


class Office:
    """Somebody who enters moves into a town, as late as they like."""

    def __init__(self, town: Town) -> None:
        self.town, self.database, self.district_id = town, town.database, town.district.id

    def household(self, unit: str) -> int:
        with self.database.begin() as session:
            complex_ = session.get_one(Complex, (self.district_id, self.town.complex.id))
            return add_household(session, self.district_id, complex_, "101", unit, "kim", now())

    def card(self, number: str) -> CardHash:
        return CardHash(bytes.fromhex(self.town.card(number)["hash"]), number[-4:])

    def move(self, use_case: Any, household_id: int, *arguments: Any) -> int:
        """Enter a move, and let the ledger follow; how many discharges did."""
        with self.database.begin() as session:
            home = home_of(session, self.district_id, household_id)
            moved: Moved = use_case(session, self.district_id, home, *arguments, "kim", now())
            return follow(session, self.district_id, moved, "kim", "late", now())

    def move_in(self, household_id: int, at: datetime, number: str | None = None) -> int:
        return self.move(moves.move_in, household_id, Stay(at, card=self.card(number) if number else None))

    def reads(self) -> list[tuple[Any, ...]]:
        """Each discharge as it reads today: number, household, tenancy, whether it is billed."""
        found = rows_of(self.database, EFFECTIVE, district=self.district_id)
        return [(*row[:3], bool(row[3])) for row in found]


@pytest.fixture
def office(town: Town) -> Office:
    return Office(town)


def ago(hours: float) -> datetime:
    return now() - timedelta(hours=hours)


def corrections(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, "SELECT seq, kind, household_id, reason, actor FROM discharge_correction ORDER BY seq")


def test_what_was_weighed_after_a_move_entered_late_belongs_to_who_lived_there(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = office.household("1203")
    office.move_in(home, ago(100), OLD)
    card = town.card(OLD)
    box.post([box.weighing(1, 500, card=card, ago=timedelta(hours=50))])
    box.post([box.weighing(2, 300, card=card, ago=timedelta(hours=5))])
    assert office.reads() == [(1, home, 1, True), (2, home, 1, True)]
    assert office.move(moves.change_tenant, home, Stay(ago(10))) == 1
    assert office.reads() == [(1, home, 1, True), (2, home, 2, True)]
    assert corrections(database) == [(2, "re_attribute", home, f"{PREFIX}late", "kim")]
    assert agrees(database)


def test_a_card_enrolled_back_to_a_day_gives_its_suspense_to_the_household(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = office.household("1203")
    office.move_in(home, ago(100))
    numbers = enumerate((60, 20, 5), 1)
    box.post([box.weighing(seq, 100, card=town.card(OLD), ago=timedelta(hours=hours)) for seq, hours in numbers])
    with database.begin() as session:
        card, at = office.card(OLD), ago(30)
        made = card_changes.enrol(session, town.district.id, card, "household", home, at, "kim", now())
        assert follow(session, town.district.id, Moved(at, frozenset({made.card_id})), "kim", "late", now()) == 2
    assert office.reads() == [(1, None, None, False), (2, home, 1, True), (3, home, 1, True)]
    assert agrees(database)


def test_what_an_abandoned_household_s_cards_weigh_is_nobody_s_until_it_is_back(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = office.household("1203")
    office.move_in(home, ago(100), OLD)
    box.post([box.weighing(1, 500, card=town.card(OLD), ago=timedelta(hours=5))])
    assert office.move(moves.abandon, home, ago(10), "the flat is empty") == 1
    assert office.reads() == [(1, None, None, False)]
    assert rows_of(database, "SELECT blocked_reason FROM card") == [("the flat is empty",)]
    assert office.move(moves.come_back, home) == 1
    assert office.reads() == [(1, home, 1, True)]
    assert rows_of(database, "SELECT blocked_reason FROM card") == [(None,)]
    assert agrees(database)


def test_what_a_person_re_attributed_is_never_touched_again(
    office: Office, box: Box, town: Town, database: Database, app: Any
) -> None:
    home, other = office.household("1203"), office.household("1204")
    office.move_in(home, ago(100), OLD)
    office.move_in(other, ago(100))
    box.post([box.weighing(1, 500, card=town.card(OLD), ago=timedelta(hours=5))])
    body = {"kind": "re_attribute", "household_id": other, "reason": "borrowed the card"}
    assert Staff(app).post("/discharges/1-1-1/corrections", body).status_code == 201
    assert office.move(moves.move_out, home, ago(10), "returned") == 0
    assert office.reads() == [(1, other, 2, True)]
    assert agrees(database)


def test_a_weight_that_a_person_gave_and_a_void_outlive_a_late_move(
    office: Office, box: Box, town: Town, database: Database, app: Any
) -> None:
    home = office.household("1203")
    office.move_in(home, ago(100))
    unsettled = {"outcome": "unsettled", "gross_after_g": None, "net_g": None}
    box.post([box.record(1, card=town.card(OLD), ago=timedelta(hours=5), **unsettled)])
    box.post([box.weighing(2, 400, card=town.card(OLD), ago=timedelta(hours=5))])
    staff = Staff(app)
    staff.post("/discharges/1-1-1/corrections", {"kind": "re_weigh", "net_g": 700, "reason": "seen"})
    staff.post("/discharges/1-1-2/corrections", {"kind": "void", "reason": "bricks"})
    with database.begin() as session:
        card, at = office.card(OLD), ago(30)
        made = card_changes.enrol(session, town.district.id, card, "household", home, at, "kim", now())
        follow(session, town.district.id, Moved(at, frozenset({made.card_id})), "kim", "late", now())
    assert office.reads() == [(1, home, 1, True), (2, home, 1, False)]
    assert rows_of(database, "SELECT sum(billable_g), sum(weighed_g) FROM household_month") == [(700, 700)]
    assert agrees(database)


def test_a_recovered_weight_follows_its_household_but_is_not_billed(office: Office, box: Box, town: Town) -> None:
    home = office.household("1203")
    box.post([box.weighing(1, 400, card=town.card(OLD), ago=timedelta(hours=5), outcome="recovered")])
    office.move_in(home, ago(10), OLD)
    assert office.reads() == [(1, home, 1, False)]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("in", "in_with", "out", "kept", "blocked", "change", "change_with", "abandon", "back")),
        st.integers(0, 1),  # which household
        st.integers(0, 2),  # which card
    ),
    max_size=8,
)
DISCHARGES = st.lists(
    st.tuples(st.integers(0, 90), st.integers(0, 2), st.integers(0, 8), st.sampled_from(("settled", "recovered"))),
    max_size=6,
)
codes = (f"P{number:04}" for number in itertools.count())
NUMBERS = (OLD, NEW, "0D0031AAA2")


def entered(office: Office, homes: list[int], move: tuple[str, int, int], at: datetime) -> None:
    """One move at a time; one that cannot be is refused whatever was weighed meanwhile."""
    kind, home, number = move
    card = office.card(NUMBERS[number]) if kind.endswith("_with") else None
    calls: dict[str, tuple[Any, ...]] = {
        "in": (moves.move_in, Stay(at, card=card)),
        "out": (moves.move_out, at, "returned"),
        "kept": (moves.move_out, at, "kept"),
        "blocked": (moves.move_out, at, "blocked"),
        "change": (moves.change_tenant, Stay(at, card=card)),
        "abandon": (moves.abandon, at, "left"),
        "back": (moves.come_back,),
    }
    use_case, *arguments = calls[kind.removesuffix("_with")]
    try:
        office.move(use_case, homes[home], *arguments)
    except Problem as problem:
        assert problem.kind.status in (409, 422)  # noqa: PT017


def story(database: Database, client: Any, moved: list[Any], weighed: list[Any], *, late: bool) -> Any:
    """How the ledger of a new town reads: each discharge booked before the move of its third number, or after all."""
    code = next(codes)
    office = Office(Town(database, code=code))
    box = Box(client, district=code)
    homes = [office.household("1"), office.household("2")]
    start = now() - timedelta(hours=100)
    records = [
        (position, box.weighing(seq, 100, card=office.town.card(NUMBERS[card]), ago=timedelta(hours=99.5 - hour)))
        for seq, (hour, card, position, _outcome) in enumerate(weighed, 1)
    ]
    for (_, record), (*_rest, outcome) in zip(records, weighed, strict=True):
        record["outcome"] = outcome
    for index in range(len(moved) + 1):
        due = [record for position, record in records if (min(position, len(moved)) if late else len(moved)) == index]
        if index == len(moved) or late:
            assert not due or box.post(due).status_code == 200
        if index < len(moved):
            entered(office, homes, moved[index], start + timedelta(hours=10 * index))
    assert agrees(database, office.district_id)
    first = office.district_id
    assert first
    return office.reads()


@pytest.mark.parametrize("dialect", ["sqlite"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moved=MOVES, weighed=DISCHARGES)
def test_moves_entered_late_read_as_if_entered_in_time(
    database: Database, client: Any, moved: list[Any], weighed: list[Any]
) -> None:
    in_time = story(database, client, moved, weighed, late=False)
    assert sorted(story(database, client, moved, weighed, late=True)) == sorted(in_time)


EXAMPLE = [("in_with", 0, 0), ("kept", 0, 0), ("in", 0, 0), ("abandon", 0, 0), ("in_with", 1, 1), ("change_with", 1, 2)]


def test_a_month_of_moves_entered_late_reads_as_if_entered_in_time(database: Database, client: Any) -> None:
    weighed = [(hour, card, hour % 7, "settled") for hour in range(3, 70, 9) for card in (0, 1)]
    in_time = story(database, client, EXAMPLE, weighed, late=False)
    assert story(database, client, EXAMPLE, weighed, late=True) == in_time
    assert {household for _, household, *_ in in_time} == {None, 1, 2}
