"""The registry desk for programs: moves, cards, personal details and files, each within the caller's reach."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access.models import Account, AccountComplex, AuditEntry
from app.db import Database
from app.fleet.touches import Touch, book_touches
from app.registry.models import Building, Complex, Household
from app.times import now
from billing.days import service_day
from tests.builders import Box, Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.reading import agrees, problem, rows_of
from tests.metering.staff import Staff

NUMBER, OTHER = "0D00319CD0", "0D0031AAA1"
COLUMNS = "complex_code,building,unit,card_number,moved_in,moved_out,resident_name,phone,email"


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    town.move_in("1203", NUMBER)
    return Staff(app)


@pytest.fixture
def manager(app: Flask, town: Town, database: Database) -> Staff:
    """Somebody who sees the complex W0G099 and nothing else."""
    made = Staff(app, "lee", scopes=("household:read", "household:write", "household:reveal", "registry:read"))
    with database.begin() as session:
        key = {"district_id": town.district.id, "id": 99}
        session.add(Complex(**key, code="W0G099", name="다른 단지"))
        session.flush()
        session.add(Building(**key, complex_id=99, name="901"))
        session.flush()
        session.add(Household(**key, complex_id=99, building_id=99, unit="101"))
        account = session.scalars(sa.select(Account).where(Account.login == "lee")).one()
        account.role, account.totp_secret = "manager", None
        session.add(AccountComplex(district_id=town.district.id, account_id=account.id, complex_id=99))
    return made


def send(staff: Staff, body: str, kind: str = "households", **query: Any) -> Any:
    path = "/api/v1/imports"
    asked = {"kind": kind} | query
    return staff.client.post(path, headers=staff.headers, query_string=asked, data=body, content_type="text/csv")


def test_moves_entered_late_say_how_many_discharges_followed(
    staff: Staff, box: Box, town: Town, database: Database
) -> None:
    box.post([box.weighing(1, 500, card=town.card(NUMBER), ago=timedelta(hours=30))])
    box.post([box.weighing(2, 300, card=town.card(NUMBER), ago=timedelta(seconds=5))])
    yesterday = (service_day(now()) - timedelta(days=3)).isoformat()
    answer = staff.post("/households/1/change-of-tenant", {"on": yesterday, "name": "김철수", "phone": "010-1234-5678"})
    assert (answer.status_code, answer.json) == (201, {"re_attributed": 2})
    found = staff.get("/households/1").json
    assert [each["name"] for each in found["tenancies"]] == ["김*수", None]
    assert (found["state"], found["cards"], found["resident"]) == ("lived_in", 1, "김*수")
    assert agrees(database)


def test_personal_details_are_told_once_for_a_reason(staff: Staff, database: Database) -> None:
    body = {"name": "김철수", "phone": "010-1234-5678", "email": "kim@example.com"}
    path = "/api/v1/households/1/resident"
    assert staff.client.put(path, headers=staff.headers, json=body).status_code == 204
    assert "김철수" not in staff.get("/households/1").text
    assert problem(staff.post("/households/1/reveal", {"reason": " "}))[0] == 422
    told = staff.post("/households/1/reveal", {"reason": "a call"}).json
    assert (told["tenancies"][0]["name"], told["held_cards"][0]["last4"]) == ("김철수", "9CD0")
    with database.session() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "household.revealed")).one()
    assert (entry.reason, entry.actor) == ("a call", "kim/desk")


def test_a_lost_card_is_refused_and_replaced(staff: Staff, town: Town, database: Database) -> None:
    assert staff.post("/households/1/cards/1/lost", {"reason": "a call"}).status_code == 204
    answer = staff.post("/households/1/cards/1/reissue", {"card_hash": town.card(OTHER)["hash"]})
    assert answer.json == {"card_id": 2, "role": "household", "household_id": 1, "tenancy_id": 1}
    assert problem(staff.post("/households/1/cards/1/unblock", {})) == (409, "card-replaced")
    assert [card["state"] for card in staff.get("/households/1").json["held_cards"]] == ["open", "replaced"]
    assert problem(staff.post("/households/1/cards/9/lost", {"reason": "x"})) == (404, "not-found")


def test_a_card_that_was_lost_and_found_opens_again(staff: Staff, database: Database) -> None:
    staff.post("/households/1/cards/1/lost", {"reason": "a call"})
    assert staff.get("/households/1").json["cards"] == 0
    assert staff.post("/households/1/cards/1/unblock", {}).status_code == 204
    assert staff.get("/households/1").json["cards"] == 1


def test_a_common_area_card_opens_its_complex_and_belongs_to_nobody(
    staff: Staff, box: Box, town: Town, database: Database
) -> None:
    body = {"card_hash": town.card(OTHER)["hash"], "role": "common"}
    assert problem(staff.post("/enrolments", body))[0] == 422
    assert staff.post("/enrolments", body | {"complex": "W0G001"}).status_code == 201
    box.post([box.weighing(1, 500, card=town.card(OTHER))])
    assert rows_of(database, "SELECT household_id, billable FROM discharge")[0][0] is None
    role = "SELECT c.role FROM discharge d JOIN card c ON c.card_hash = d.card_hash"
    assert rows_of(database, role) == [("common",)]
    assert rows_of(database, "SELECT count(*) FROM unknown_card") == [(0,)]


def test_what_is_elsewhere_is_not_found_by_a_manager(staff: Staff, manager: Staff) -> None:
    assert [row["id"] for row in manager.get("/households").json["items"]] == [99]
    bodies: dict[str, Any] = {
        "move-in": {"on": "2026-01-01"},
        "move-out": {"on": "2026-01-01"},
        "change-of-tenant": {"on": "2026-01-01"},
        "abandoned": {"on": "2026-01-01", "reason": "x"},
        "reveal": {"reason": "x"},
        "cards/1/lost": {"reason": "x"},
        "cards/1/unblock": {},
    }
    for path, body in bodies.items():
        assert problem(manager.post(f"/households/1/{path}", body)) == (404, "not-found"), path
    assert problem(manager.get("/households/1")) == (404, "not-found")
    added = {"complex": "W0G001", "building": "101", "unit": "9"}
    assert problem(manager.post("/households", added)) == (404, "not-found")


def test_pages_of_households_follow_each_other(staff: Staff, town: Town) -> None:
    for unit in ("1204", "1205"):
        assert (
            staff.post("/households", {"complex": "W0G001", "building": "101동", "unit": f"{unit}호"}).status_code
            == 201
        )
    assert problem(staff.post("/households", {"complex": "W0G001", "building": "101", "unit": "1204"}))[0] == 409
    first = staff.get("/households?limit=2").json
    rest = staff.get(f"/households?limit=2&after={first['next_after']}").json
    assert [row["unit"] for row in first["items"] + rest["items"]] == ["1203", "1204", "1205"]
    assert rest["next_after"] is None


def test_a_file_is_checked_taken_in_and_taken_back(staff: Staff, box: Box, town: Town, database: Database) -> None:
    box.post([box.weighing(1, 500, card=town.card(OTHER), ago=timedelta(seconds=5))])
    body = "\n".join((COLUMNS, f"W0G001,101,1301,{OTHER},2026-03-02,,홍길동,,", "W0G777,1,1,,2026-03-02,,,,"))
    checked = send(staff, body, dry_run="true").json
    assert (checked["rows"], checked["re_attributed"]) == ({"read": 2, "used": 1, "skipped": 1}, 1)
    assert rows_of(database, "SELECT count(*) FROM household") == [(1,)]
    taken = send(staff, body, name="homes.csv").json
    assert (taken["batch"], taken["created"]["resident"]) == ("W0G/1", 1)
    assert rows_of(database, "SELECT reason FROM discharge_correction") == [("move: import",)]
    assert staff.get("/imports").json["items"][0]["name"] == "homes.csv"
    refused = staff.post("/imports/1/undo", {})
    assert problem(refused) == (409, "undo-refused")
    assert "in use since" in " ".join(refused.json["errors"]) or "쓰고 있습니다" in " ".join(refused.json["errors"])
    assert agrees(database)


def test_taking_back_an_end_gives_the_discharges_back(staff: Staff, box: Box, town: Town, database: Database) -> None:
    body = "\n".join((COLUMNS, f"W0G001,101,1301,{OTHER},2026-03-02,,,,"))
    send(staff, body)
    box.post([box.weighing(1, 500, card=town.card(OTHER), ago=timedelta(seconds=5))])
    ended = send(staff, body.replace("2026-03-02,", "2026-03-02,2026-06-01")).json
    assert ended["re_attributed"] == 1
    assert staff.post("/imports/2/undo", {}).status_code == 200
    household = "SELECT household_id FROM discharge_correction ORDER BY revision"
    assert rows_of(database, household) == [(None,), (2,)]
    assert agrees(database)


def test_an_unusable_file_is_refused_and_says_why(staff: Staff) -> None:
    answer = send(staff, "a;b\n1;2\n")
    assert problem(answer) == (422, "import-refused")
    assert answer.json["errors"]
    assert problem(send(staff, "x", kind="nonsense"))[0] == 422


def test_a_manager_takes_in_households_of_their_own_complexes(staff: Staff, manager: Staff) -> None:
    body = "\n".join((COLUMNS, "W0G099,901,102,,2026-03-02,,,,", "W0G001,101,1301,,2026-03-02,,,,"))
    taken = send(manager, body).json
    assert [note["reason"] for note in taken["skipped"]] == ["unknown_complex"]
    assert problem(send(manager, "x", kind="history")) == (403, "not-allowed")
    send(staff, "\n".join((COLUMNS, "W0G001,101,1301,,2026-03-02,,,,")))
    assert [each["batch"] for each in manager.get("/imports").json["items"]] == ["W0G/1"]
    assert problem(manager.post("/imports/2/undo", {})) == (404, "not-found")


def test_taking_back_a_card_takes_its_discharges_back(staff: Staff, box: Box, town: Town, database: Database) -> None:
    body = "\n".join((COLUMNS, f"W0G001,101,1301,{OTHER},2026-03-02,,,,"))
    send(staff, body)
    second = "0D0031BBB2"
    box.post([box.weighing(1, 500, card=town.card(second), ago=timedelta(seconds=5))])
    assert send(staff, body.replace(OTHER, second)).json["re_attributed"] == 1
    box.post([box.weighing(2, 300, card=town.card(second), ago=timedelta(seconds=5))])
    undone = staff.post("/imports/2/undo", {})
    assert undone.status_code == 200, undone.text
    reads = "SELECT seq, household_id FROM discharge_correction ORDER BY seq, revision"
    assert rows_of(database, reads) == [(1, 2), (1, None), (2, None)]
    assert agrees(database)


def test_a_household_that_keeps_a_card_stays(staff: Staff, town: Town, database: Database) -> None:
    body = "\n".join((COLUMNS, f"W0G001,101,1301,{OTHER},2026-03-02,2026-04-01,,,"))
    send(staff, body)
    send(staff, "\n".join((COLUMNS, "W0G001,101,1302,,2026-03-02,,,,")))
    (home,) = rows_of(database, "SELECT max(id) FROM household")[0]
    assert (
        staff.post(f"/households/{home}/cards", {"card_hash": town.card(OTHER)["hash"], "on": "2026-05-01"}).status_code
        == 201
    )
    card = rows_of(database, "SELECT max(id) FROM card")[0][0]
    back = staff.post(f"/households/{home}/cards/{card}/return", {"cards": "kept", "on": "2026-05-01"})
    assert back.status_code == 201, back.text
    refused = staff.post("/imports/2/undo", {})
    assert problem(refused) == (409, "undo-refused")
    assert "W0G001 101-1302" in " ".join(refused.json["errors"])


def test_a_manager_gives_only_cards_that_were_held_at_their_bins(
    manager: Staff, town: Town, database: Database
) -> None:
    (home,) = manager.get("/households").json["items"]
    assert manager.post(f"/households/{home['id']}/move-in", {"on": "2026-05-01"}).status_code == 201
    path, card = f"/households/{home['id']}/cards", town.card(OTHER)
    assert problem(manager.post(path, {"card_hash": card["hash"]})) == (422, "invalid")
    with database.begin() as session:
        meter = session.execute(sa.text("SELECT id FROM meter ORDER BY id LIMIT 1")).scalar_one()
        touch = Touch(bytes.fromhex(card["hash"]), card["last4"], meter, town.gateway.id, 99, "card_unknown", now())
        book_touches(session, town.district.id, [touch], now())
    assert manager.post(path, {"card_hash": card["hash"]}).status_code == 201
