"""A card held at the bin is given to a household; what it threw away as nobody's today may follow, by correction."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.db import Database
from app.fleet.service import enrol
from app.problems import Problem
from app.registry import card_changes
from app.registry.card_changes import CardHash
from app.times import now
from tests.builders import Box, Town
from tests.fleet.reports import moment, told, touch
from tests.metering.reading import agrees, problem, rows_of, statuses
from tests.metering.staff import Staff

NUMBER = "0D00319CD0"


@pytest.fixture
def home(town: Town) -> int:
    town.move_in("1001", "0D0031AAA1")
    return town.households["1001"]


def give(staff: Staff, card: dict[str, str], household_id: int | None, **more: Any) -> Any:
    return staff.post("/enrolments", {"card_hash": card["hash"], "household_id": household_id} | more)


def test_a_card_that_is_held_at_the_bin_is_seen_enrolled_and_opens(
    box: Box, town: Town, staff: Staff, home: int, database: Database
) -> None:
    card = town.card(NUMBER)
    told(box, touches=[touch(box, card)])
    (seen,) = staff.get("/touches?minutes=5&meter=W0G-M1").json["items"]
    assert (seen["card_hash"], seen["last4"], seen["card"], seen["complex"]) == (
        card["hash"],
        "9CD0",
        "unknown",
        "W0G001",
    )
    answer = give(staff, card, home)
    assert answer.status_code == 201, answer.text
    assert answer.json["tenancy_id"] == town.tenancies["1001"]
    assert rows_of(database, "SELECT last4 FROM card WHERE id = 2") == [("9CD0",)]
    assert staff.get("/touches").json["items"][0]["card"] == "held"
    assert statuses(box.post([box.record(1, card=card, ago=timedelta(0))])) == [(1, "stored", None)]
    assert rows_of(database, "SELECT household_id, billable FROM discharge") == [(home, True)]
    events = rows_of(database, "SELECT detail, actor FROM gateway_event WHERE kind = 'card_enrolled'")
    assert events == [(f"card 2: household {home}", "kim/desk")]


def test_touches_are_listed_by_time_meter_and_complex(box: Box, town: Town, staff: Staff) -> None:
    told(
        box, touches=[touch(box, town.card(NUMBER), **moment(box, 1200)), touch(box, town.card("AAAAAAAA01"), "W0G-M2")]
    )

    def last4s(query: str) -> list[str]:
        return [each["last4"] for each in staff.get(f"/touches{query}").json["items"]]

    assert last4s("") == ["AA01"]
    assert last4s("?minutes=60") == ["AA01", "9CD0"]
    assert last4s("?minutes=60&meter=W0G-M1") == ["9CD0"]
    assert last4s("?minutes=60&complex=W0G001") == ["AA01", "9CD0"]
    assert last4s("?minutes=60&complex=W0G002") == []


def test_a_card_of_somebody_or_blocked_is_not_given_away(
    town: Town, staff: Staff, home: int, database: Database
) -> None:
    mine = town.move_in("1002", NUMBER)
    assert problem(give(staff, mine, home)) == (409, "card-taken")
    assert problem(give(staff, mine, None, role="collector")) == (409, "card-taken")
    town.move_in("1003", "0D0031AAA9", valid_to=now() - timedelta(days=1))
    with database.begin() as session:
        card_changes.block(session, 1, 3, "lost", "kim", now())
    assert problem(give(staff, town.card("0D0031AAA9"), home)) == (409, "card-blocked")
    collector = town.card("AAAAAAAA01")
    assert give(staff, collector, None, role="collector").status_code == 201
    assert problem(give(staff, collector, home)) == (409, "card-taken")


def test_a_card_given_back_may_be_given_to_another(town: Town, staff: Staff, home: int, database: Database) -> None:
    returned = town.move_in("1002", NUMBER, valid_to=now() - timedelta(days=1))
    assert give(staff, returned, home).status_code == 201
    assert rows_of(database, "SELECT count(*) FROM card") == [(2,)]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_an_enrolment_that_cannot_be_is_refused(town: Town, staff: Staff, home: int) -> None:
    town.move_in("1002", "0D0031AAA2", valid_to=now() - timedelta(days=1))
    card = town.card(NUMBER)
    assert problem(give(staff, card, town.households["1002"])) == (409, "household-empty")
    assert problem(give(staff, card, 999)) == (404, "not-found")
    assert problem(give(staff, card, None)) == (422, "invalid")
    assert problem(give(staff, card, home, role="service")) == (422, "invalid")
    assert problem(give(staff, {"hash": NUMBER}, home)) == (422, "invalid")


def test_two_who_enrol_the_same_card_at_once_do_not_share_it(town: Town, home: int, database: Database) -> None:
    town.move_in("1002", "0D0031AAA2")
    card, start = CardHash(bytes.fromhex(town.card(NUMBER)["hash"]), "9CD0"), Barrier(2)

    def take(household_id: int) -> str:
        start.wait()
        try:
            with database.begin() as session:
                enrol(session, 1, card, "household", household_id, "kim", now())
        except Problem as found:
            return found.slug
        return "enrolled"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(take, [home, town.households["1002"]]))
    assert sorted(answers) == ["card-taken", "enrolled"]


@time_machine.travel("2026-11-22T09:30:00Z", tick=True)
def test_what_the_card_threw_away_today_is_offered_and_given_by_correction(
    box: Box, town: Town, app: Flask, database: Database
) -> None:
    staff = Staff(app)
    town.move_in("1001", "0D0031AAA1")
    home, card = town.households["1001"], town.card(NUMBER)
    yesterday = box.record(1, card=card, ago=timedelta(days=1))
    others = [box.record(2, card=town.card("AAAAAAAA01")), box.record(3, card=card, outcome="aborted", net_g=None)]
    box.post([yesterday, *others, box.record(4, card=card), box.record(5, card=card)])
    give(staff, card, home)
    path = f"/cards/{card['hash']}/suspense"
    assert staff.get(path).json == {"numbers": ["1-1-4", "1-1-5"]}
    wanted = {"household_id": home, "reason": "새 카드"}
    assert staff.post(path, wanted).json == {"numbers": ["1-1-4", "1-1-5"]}
    assert staff.post(path, wanted).json == {"numbers": []}
    told_by = rows_of(
        database, "SELECT seq, kind, household_id, billable, actor FROM discharge_correction ORDER BY seq"
    )
    assert told_by == [(seq, "re_attribute", home, True, "kim/desk") for seq in (4, 5)]
    assert staff.get(f"{path}?since=2026-11-20T00:00:00Z").json == {"numbers": ["1-1-1"]}
    assert agrees(database)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_another_district_sees_no_touch_and_gives_no_card(box: Box, town: Town, app: Flask, home: int) -> None:
    told(box, touches=[touch(box, town.card(NUMBER))])
    other = Town(town.database, code="W0H")
    stranger = Staff(app, login="lee", district=other.code)
    assert stranger.get("/touches").json == {"items": []}
    assert problem(give(stranger, town.card(NUMBER), home)) == (404, "not-found")
    assert stranger.get(f"/cards/{town.card(NUMBER)['hash']}/suspense").json == {"numbers": []}
