"""Lists of cards: who is on a gateway's, what a gateway is told of changes, and when its version is made anew."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.fleet import cards, service
from app.fleet.cards import CardVersions
from app.registry import card_changes
from app.registry.card_changes import CardHash
from app.registry.models import Card, CardAssignment, Complex, MeterAssignment, Tenancy
from app.registry.service import changing
from app.times import now
from tests.builders import LONG_AGO, Box, Town
from tests.fleet.reports import get, told
from tests.metering.reading import rows_of

NUMBERS = ("0D00319CD0", "0D0031AAA1", "0D0031AAA2", "0D0031AAA3")


def fetched(box: Box, since: str | None = None) -> dict[str, Any]:
    answer = get(box, f"/cards?since={since}" if since is not None else "/cards")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json
    return content


def listed(box: Box) -> dict[str, tuple[str, str]]:
    """The whole list: by hash, state and role."""
    return {each["hash"]: (each["state"], each["role"]) for each in fetched(box)["set"]}


def hashed(town: Town, number: str) -> CardHash:
    return CardHash(bytes.fromhex(town.card(number)["hash"]), number[-4:])


def staff_card(town: Town, number: str, role: str = "collector", complex_code: str | None = None) -> str:
    with town.database.begin() as session:
        by = {"actor": "kim", "now": now(), "complex_code": complex_code}
        service.enrol(session, town.district.id, hashed(town, number), role, None, **by)
    return town.card(number)["hash"]


def card_id(town: Town, number: str) -> int:
    with town.database.session() as session:
        return session.scalars(sa.select(Card.id).where(Card.card_hash == hashed(town, number).value)).one()


def block(town: Town, number: str) -> None:
    with town.database.begin() as session:
        card_changes.block(session, town.district.id, card_id(town, number), "lost", "kim", now())


@pytest.mark.parametrize("name", ["cards_response_full", "cards_response_changes"])
def test_the_answer_is_as_in_the_contract(box: Box, town: Town, name: str) -> None:
    golden = json.loads((Path(__file__).parents[1] / "contract" / f"{name}.json").read_text())
    town.move_in("1001", NUMBERS[0])
    since = None if golden["complete"] else fetched(box)["version"]
    town.move_in("1002", NUMBERS[1])
    answer = fetched(box, since)
    assert answer.keys() == golden.keys()
    assert (answer["complete"], answer["valid_for_s"]) == (golden["complete"], golden["valid_for_s"])
    assert answer["set"][0].keys() == golden["set"][0].keys()
    assert len(answer["set"]) == (2 if golden["complete"] else 1)


def test_households_of_the_complex_and_staff_of_the_district_are_on_the_list(box: Box, town: Town) -> None:
    home = town.move_in("1001", NUMBERS[0])["hash"]
    town.move_in("1002", NUMBERS[1], valid_to=now() - timedelta(days=1))
    town.move_in("1003", NUMBERS[2], valid_from=now() + timedelta(days=1))
    collector, mechanic = staff_card(town, "AAAAAAAA01"), staff_card(town, "AAAAAAAA02", "service")
    assert listed(box) == {
        home: ("allowed", "household"),
        collector: ("allowed", "collector"),
        mechanic: ("allowed", "service"),
    }


def test_other_complexes_cards_are_not_on_the_list(box: Box, client: FlaskClient, town: Town) -> None:
    town.move_in("1001", NUMBERS[0])
    with town.database.begin() as session:
        elsewhere = Complex(district_id=town.district.id, id=99, code="W0G099", name="다른 단지")
        session.add(elsewhere)
    there = staff_card(town, "AAAAAAAA01", complex_code="W0G099")
    gateway = town.add_gateway("GW-2", ["W0G-M3"])
    with town.database.begin() as session:
        changing(session, town.district.id)
        moved = sa.update(MeterAssignment).where(MeterAssignment.gateway_id == gateway.id)
        session.execute(moved.values(complex_id=99))
    assert listed(Box(client, code="GW-2")) == {there: ("allowed", "collector")}
    assert set(listed(box)) == {town.card(NUMBERS[0])["hash"]}


def test_a_blocked_card_stays_on_the_list_as_blocked_after_its_household_has_gone(box: Box, town: Town) -> None:
    card = town.move_in("1001", NUMBERS[0], valid_to=now() + timedelta(days=1))["hash"]
    block(town, NUMBERS[0])
    assert listed(box) == {card: ("blocked", "household")}
    with time_machine.travel(now() + timedelta(days=2)):
        assert listed(box) == {card: ("blocked", "household")}


def test_another_district_is_never_on_the_list(box: Box, town: Town, database: Database) -> None:
    other = Town(database, code="W0H")
    other.move_in("1001", NUMBERS[0])
    staff_card(other, "AAAAAAAA01")
    assert listed(box) == {}


def test_an_unknown_version_gets_the_whole_list_and_the_current_one_gets_nothing(box: Box, town: Town) -> None:
    town.move_in("1001", NUMBERS[0])
    whole = fetched(box, "0123456789abcdef")
    assert (whole["complete"], len(whole["set"]), whole["removed"]) == (True, 1, [])
    again = fetched(box, whole["version"])
    assert (again["complete"], again["set"], again["removed"], again["version"]) == (False, [], [], whole["version"])


def test_only_the_newest_five_lists_are_kept(box: Box, town: Town, database: Database) -> None:
    versions = [fetched(box)["version"]]
    for unit in range(6):
        town.move_in(f"10{unit}", f"0D0031AA{unit:02d}")
        versions.append(fetched(box)["version"])
    assert len(rows_of(database, "SELECT version FROM gateway_card_list")) == 5
    assert [fetched(box, version)["complete"] for version in (versions[0], versions[-5])] == [True, False]


def test_the_status_tells_the_version_of_the_list_that_is_fetched(box: Box, town: Town) -> None:
    empty = told(box)["cards_version"]
    assert empty == fetched(box)["version"]
    town.move_in("1001", NUMBERS[0])
    version = told(box)["cards_version"]
    assert version == fetched(box)["version"] != empty


def test_the_version_is_made_anew_after_a_change_or_ten_minutes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    made, clock = [], [0.0]
    original = cards.card_list
    monkeypatch.setattr(cards, "card_list", lambda *arguments: made.append(1) or original(*arguments))
    versions = CardVersions(lambda: clock[0])

    def ask(at: Any) -> str:
        with town.database.engine.begin() as connection:
            return versions.version(connection, town.district.id, town.gateway.id, at)

    town.move_in("1001", NUMBERS[0], valid_from=now() + timedelta(minutes=5))
    later = now() + timedelta(minutes=10)
    first = ask(now())
    assert (ask(later), len(made)) == (first, 1)
    town.move_in("1002", NUMBERS[1])
    second = ask(now())
    assert second != first
    assert len(made) == 2
    clock[0] += 600
    assert ask(later) not in (first, second)
    assert len(made) == 3


def _grow(town: Town, number: str, what: str) -> None:
    """One change of the registry that concerns one card."""
    with town.database.begin() as session:
        changing(session, town.district.id)
        found = session.scalar(sa.select(Card).where(Card.card_hash == hashed(town, number).value))
        if what == "block" and found is not None and found.blocked_at is None:
            card_changes.block(session, town.district.id, found.id, "lost", "kim", now())
        elif what == "unblock" and found is not None and found.blocked_at is not None:
            card_changes.unblock(session, town.district.id, found.id, "kim", now())
        elif what == "return" and found is not None:
            session.execute(sa.delete(CardAssignment).where(CardAssignment.card_id == found.id))
        elif what == "collector" and found is None:
            card_changes.enrol(
                session, town.district.id, hashed(town, number), "collector", None, LONG_AGO, "kim", now()
            )
    if what == "move in" and found is None:
        town.move_in(f"unit {number}", number)


CHANGES = st.tuples(
    st.sampled_from(NUMBERS), st.sampled_from(["move in", "block", "unblock", "return", "collector"]), st.booleans()
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHANGES, min_size=1, max_size=10))
def test_changes_applied_one_after_the_other_give_the_whole_list(
    box: Box, town: Town, database: Database, changes: list[tuple[str, str, bool]]
) -> None:
    with database.begin() as session:
        for table in (CardAssignment, Tenancy, Card):
            session.execute(sa.delete(table))
    kept: dict[str, tuple[str, str]] = {}
    version = None
    for number, what, syncs in [*changes, (NUMBERS[0], "nothing", True)]:
        _grow(town, number, what)
        if not syncs:
            continue
        answer = fetched(box, version)
        kept = {} if answer["complete"] else kept
        kept |= {each["hash"]: (each["state"], each["role"]) for each in answer["set"]}
        assert answer["complete"] or set(answer["removed"]) <= kept.keys()
        for gone in answer["removed"]:
            del kept[gone]
        version = answer["version"]
    assert kept == listed(box)
    assert told(box)["cards_version"] == version
