"""What staff learn late about households: the registry can be put right, and the ledger follows."""

from datetime import date, timedelta

import pytest

from app.db import Database
from app.metering.households.service import Desk
from app.problems import Problem
from app.registry import moves
from app.registry.household_queries import household_detail
from app.registry.moves import Stay
from app.registry.places import home_of
from app.times import now
from billing.days import service_day
from tests.builders import Box, Town
from tests.metering.reading import agrees, rows_of
from tests.metering.test_moves import NEW, OLD, Office, ago


@pytest.fixture
def office(town: Town) -> Office:
    return Office(town)


def lived_in(office: Office) -> int:
    """A household with a card since a week."""
    home = office.household("1203")
    office.move_in(home, ago(7 * 24), OLD)
    return home


def at_desk(office: Office, what: str, *arguments: object) -> object:
    with office.database.begin() as session:
        return getattr(Desk(session, office.district_id, "kim", now()), what)(*arguments)


def state_of(office: Office, home: int) -> str:
    with office.database.begin() as session:
        state: str = household_detail(session, home_of(session, office.district_id, home), now())["state"]
        return state


def refusal(office: Office, what: str, *arguments: object) -> tuple[str, list[str]]:
    """The slug of the refusal and the fields that it names."""
    with pytest.raises(Problem) as caught:
        at_desk(office, what, *arguments)
    return caught.value.slug, list(caught.value.extra.get("errors", {}))


def test_a_change_of_tenant_entered_after_a_card_was_reissued_takes_both_cards_along(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = lived_in(office)
    box.post([box.weighing(1, 500, card=town.card(OLD), ago=timedelta(hours=60))])
    at_desk(office, "reissue_card", home, 1, office.card(NEW))
    assert office.move(moves.change_tenant, home, Stay(ago(80))) == 1
    box.post([box.weighing(2, 300, card=town.card(NEW), ago=timedelta(0))])
    assert office.reads() == [(1, home, 2, True), (2, home, 2, True)]
    assert agrees(database)


def test_people_move_out_before_a_card_was_given_once_that_card_is_taken_back_from_its_day(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = lived_in(office)
    at_desk(office, "reissue_card", home, 1, office.card(NEW))
    box.post([box.weighing(1, 300, card=town.card(NEW), ago=timedelta(0))])
    last_week = service_day(ago(4 * 24))
    assert refusal(office, "move_out", home, last_week, "returned") == ("card-given-later", [])
    assert at_desk(office, "take_card_back", home, 2, service_day(now()), "returned") == 1
    at_desk(office, "move_out", home, last_week, "returned")
    assert office.reads() == [(1, None, None, False)]
    assert agrees(database)


def test_who_moved_out_before_being_found_gone_did_not_leave_without_notice(office: Office) -> None:
    home = lived_in(office)
    at_desk(office, "abandon", home, service_day(ago(24)), "the flat is empty")
    at_desk(office, "move_out", home, service_day(ago(72)), "returned")
    assert state_of(office, home) == "empty"
    assert refusal(office, "come_back", home) == ("nothing-changes", [])


def test_a_card_lost_meanwhile_is_the_households_until_then_when_it_is_back(
    office: Office, box: Box, town: Town, database: Database
) -> None:
    home = lived_in(office)
    box.post([box.weighing(1, 500, card=town.card(OLD), ago=timedelta(hours=5))])
    at_desk(office, "lose_card", home, 1, "lost")
    at_desk(office, "abandon", home, service_day(ago(48)), "the flat is empty")
    assert office.reads() == [(1, None, None, False)]
    at_desk(office, "come_back", home)
    assert office.reads() == [(1, home, 1, True)]
    assert rows_of(database, "SELECT blocked_reason FROM card") == [("lost",)]
    assert agrees(database)


def test_cards_that_are_used_until_a_day_to_come_are_not_blocked_now(office: Office, database: Database) -> None:
    home = lived_in(office)
    next_week = service_day(ago(-7 * 24))
    assert refusal(office, "move_out", home, next_week, "blocked") == ("invalid", ["cards"])
    assert refusal(office, "take_card_back", home, 1, next_week, "blocked") == ("invalid", ["cards"])
    assert refusal(office, "abandon", home, next_week, "gone") == ("invalid", ["on"])
    at_desk(office, "move_out", home, next_week, "kept")
    assert rows_of(database, "SELECT blocked_at FROM card") == [(None,)]
    assert state_of(office, home) == "lived_in"


@pytest.mark.parametrize("day", [date.min, date(1989, 12, 31), date(2200, 1, 1), date.max])
def test_a_day_that_cannot_be_meant_is_refused_by_field(office: Office, day: date) -> None:
    home = lived_in(office)
    assert refusal(office, "move_out", home, day, "kept") == ("invalid", ["on"])
    assert refusal(office, "give_card", home, office.card(NEW), day) == ("invalid", ["on"])
    assert refusal(office, "take_card_back", home, 1, day, "kept") == ("invalid", ["on"])


def test_the_end_of_a_stay_cannot_lie_before_its_beginning(office: Office) -> None:
    home = office.household("1204")
    for until in (date.min, service_day(now())):
        assert refusal(office, "move_in", home, service_day(now()), until, None, None) == ("invalid", ["until"])
