"""What people do with faults on pages and by the API, each within what they may see, each with a name on it."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access import accounts
from app.access.models import Account, AccountComplex, AuditEntry
from app.db import Database
from app.fleet.faults.answering import Duties, Duty
from app.fleet.messages.models import Message
from app.times import now
from tests.access.people import PASSWORD
from tests.faults.fleet import DAY, MINUTE, Fleet


class Caller:
    """Somebody's program: JSON to and from /api/v1."""

    def __init__(self, app: Flask, fleet: Fleet, login: str) -> None:
        self.client = app.test_client()
        with fleet.database.begin() as session:
            account = session.scalars(sa.select(Account).where(Account.login == login)).one()
            scopes = accounts.scopes_of(account)
            token = accounts.add_token(session, account, "desk", scopes, now(), now() + DAY)
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/api/v1{path}", headers=self.headers, json=body)

    def page(self, path: str, **form: str) -> Any:
        """A page, or what it answers to a form."""
        headers = self.headers | {"Accept": "text/html", "Accept-Language": "en"}
        return self.client.post(path, headers=headers, data=form) if form else self.client.get(path, headers=headers)


@pytest.fixture
def fleet(database: Database) -> Fleet:
    """Three gateways at three complexes; a lock and a scale are broken; kim heads, lee manages the second complex."""
    made = Fleet(database, 3, complexes=3)
    made.person("kim", "administrator", password=PASSWORD)
    made.person("lee", "manager", complex_ids=(2,), password=PASSWORD)
    made.person("park", "contractor", complex_ids=(1, 2), password=PASSWORD)
    made.duty(1)
    made.minutes(now() - 12 * MINUTE, 12, 3, faults={1: ["lock"], 2: ["weighing"]})
    return made


@pytest.fixture
def kim(app: Flask, fleet: Fleet) -> Caller:
    return Caller(app, fleet, "kim")


@pytest.fixture
def lee(app: Flask, fleet: Fleet) -> Caller:
    return Caller(app, fleet, "lee")


def audited(database: Database) -> list[str]:
    with database.session() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def told(database: Database) -> list[tuple[str, int]]:
    with database.session() as session:
        return [tuple(row) for row in session.execute(sa.select(Message.key, Message.account_id).order_by(Message.id))]


def events(caller: Caller, fault_id: int) -> list[tuple[str, str | None]]:
    return [(event["kind"], event["actor"]) for event in caller.get(f"/faults/{fault_id}").json["events"]]


def test_a_fault_is_taken_noted_reclassified_given_away_and_closed(kim: Caller, fleet: Fleet) -> None:
    due = (now() + 2 * DAY).isoformat()
    steps = [
        ("taking", None),
        ("notes", {"note": "part ordered"}),
        ("class", {"fault_class": "power", "note": "adapter"}),
        ("due", {"due_at": due, "note": "part comes on Friday"}),
        ("owner", {"owner": "park"}),
        ("closing", {"note": "adapter replaced"}),
    ]
    for path, body in steps:
        answer = kim.post(f"/faults/1/{path}", body)
        assert answer.status_code == 204, answer.text
    row = kim.get("/faults/1").json
    assert (row["state"], row["fault_class"], row["condition"]) == ("closed", "power", "reported:lock")
    assert (row["owner"], row["closed_by"], row["closing_note"]) == ("park", "kim/desk", "adapter replaced")
    assert events(kim, 1) == [("opened", None)] + [
        (kind, "kim/desk") for kind in ("taken", "noted", "reclassified", "due_changed", "assigned", "closed")
    ]
    kinds = ("taken", "noted", "reclassified", "due_changed", "assigned", "closed")
    assert audited(fleet.database) == [f"fault.{kind}" for kind in kinds]
    assert [account_id for key, account_id in told(fleet.database) if "/assigned/" in key] == [3]
    answer = kim.post("/faults/1/closing", {"note": "again"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/fault-closed")


def test_a_manager_sees_and_reports_only_what_is_at_their_complex(kim: Caller, lee: Caller, fleet: Fleet) -> None:
    assert [row["id"] for row in kim.get("/faults").json["items"]] == [1, 2], "by their due times, then as they came"
    assert [row["id"] for row in lee.get("/faults").json["items"]] == [2]
    for path in ("/faults/1", "/faults/999"):
        assert lee.get(path).status_code == 404
    assert lee.post("/faults/1/closing", {"note": "x"}).status_code == 404
    assert lee.page("/faults/1").status_code == 404
    foreign = {"meter": "M-0001", "fault_class": "lock", "words": "stuck"}
    assert lee.post("/faults", foreign).status_code == 422
    made = lee.post("/faults", foreign | {"meter": "M-0002"})
    assert made.status_code == 201, made.text
    row = kim.get(f"/faults/{made.json['id']}").json
    assert (row["source"], row["condition"], row["complex"], row["owner"]) == ("person", "by_person", "W0G002", "kim")
    assert (f"fault/{row['id']}/1/opened", 1) in told(fleet.database)
    for path in ("owner", "due"):
        assert lee.post(f"/faults/2/{path}", {}).status_code == 403, "staff say who answers and until when"
    assert lee.get("/faults/rules").status_code == 403
    assert lee.get("/faults/counts").json == {"open": 2, "overdue": 0, "unowned": 0, "mine": 0}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_another_districts_faults_are_not_there(app: Flask, fleet: Fleet, database: Database) -> None:
    other = Fleet(database, 1, code="W0H")
    other.person("choi", "administrator", password=PASSWORD)
    choi = Caller(app, other, "choi")
    assert choi.get("/faults").json["items"] == []
    assert choi.get("/faults/1").status_code == 404
    assert choi.post("/faults/1/taking").status_code == 404
    assert choi.get("/faults?after=1").status_code == 404


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_a_person_reported_ends_by_a_person_alone(kim: Caller, lee: Caller, fleet: Fleet) -> None:
    made = lee.post("/faults", {"meter": "M-0002", "fault_class": "user", "words": "thrown beside the bin"}).json["id"]
    fleet.minutes(now(), 30, 3)
    assert kim.get(f"/faults/{made}").json["state"] == "open"
    assert kim.get("/faults/2").json["state"] == "closed", "the scale is well again"
    assert lee.post(f"/faults/{made}/closing", {"note": "cleaned"}).status_code == 204


def test_the_list_is_paged_and_narrowed(kim: Caller, fleet: Fleet) -> None:
    for number in range(5):
        kim.post("/faults", {"meter": "M-0003", "fault_class": "card", "words": f"card {number}"})
    seen, after = [], ""
    while after is not None:
        page = kim.get(f"/faults?limit=2{after and f'&after={after}'}").json
        seen += [row["id"] for row in page["items"]]
        after = page["next_after"]
    assert sorted(seen) == list(range(1, 8))
    assert len(kim.get("/faults?fault_class=card").json["items"]) == 5
    assert [row["id"] for row in kim.get("/faults?complex=W0G001").json["items"]] == [1]
    assert kim.get("/faults?which=overdue").json["items"] == []
    assert kim.get("/faults?mine=true&which=all").json["items"] != []
    assert kim.get("/faults?which=everything").status_code == 422


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_setting_of_the_district_counts_at_the_next_check(kim: Caller, fleet: Fleet) -> None:
    assert kim.post("/faults/rules", {"name": "card.open_after_minutes", "value": 0}).status_code == 204
    assert kim.post("/faults/rules", {"name": "card.open_after_minutes", "value": 0}).status_code == 409
    assert kim.post("/faults/rules", {"name": "card.open_after_minutes", "value": 10**6}).status_code == 422
    fleet.minutes(now(), 1, faults={3: ["card"]})
    assert [row["fault_class"] for row in kim.get("/faults?complex=W0G003").json["items"]] == ["card"]
    assert kim.post("/faults/rules", {"name": "card.open_after_minutes", "value": None}).status_code == 204
    (rule,) = [row for row in kim.get("/faults/rules").json["items"] if row["name"] == "card.open_after_minutes"]
    assert (rule["value"], rule["default"]) == (10, 10)
    assert audited(fleet.database) == ["fault.rule_set", "fault.rule_set"]


def test_a_duty_is_set_replaced_and_taken_back(kim: Caller, fleet: Fleet) -> None:
    wanted = {"complex": "W0G002", "fault_class": None, "owner": "park", "escalate_to": "kim"}
    first = kim.post("/faults/duties", wanted).json["id"]
    assert kim.post("/faults/duties", wanted | {"escalate_to": None}).json["id"] == first
    assert [(row["complex"], row["owner"], row["escalate_to"]) for row in kim.get("/faults/duties").json["items"]] == [
        (None, "kim", None),
        ("W0G002", "park", None),
    ]
    for wrong in ({"complex": "W0G003"}, {"owner": "nobody"}, {"complex": "W0G999"}, {"escalate_to": "lee2"}):
        assert kim.post("/faults/duties", wanted | wrong).status_code == 422, wrong
    path, headers = f"/api/v1/faults/duties/{first}", kim.headers
    assert kim.client.delete(path, headers=headers).status_code == 204
    assert kim.client.delete(path, headers=headers).status_code == 404
    assert audited(fleet.database) == ["fault.duty_set", "fault.duty_set", "fault.duty_removed"]


def test_the_most_specific_duty_answers_and_the_ladder_goes_up() -> None:
    duties = [Duty(None, None, 1, 9), Duty(None, "lock", 2, 8), Duty(7, None, 3, 6), Duty(7, "lock", 4, None)]
    people = {number: f"person {number}" for number in range(1, 10)}
    found = Duties(duties, people, fallback_id=5)
    assert [found.answer(*at).owner_id for at in ((7, "lock"), (7, "card"), (8, "lock"), (8, "card"))] == [4, 3, 2, 1]
    assert found.answer(7, "lock").ladder == (6, 8, 9)
    assert found.answer(7, "lock", owner_id=8).ladder == (6, 9), "nobody is escalated to themselves"
    assert Duties(duties, {5: "left alone"}, fallback_id=5).answer(7, "lock") == (5, ())


def test_faults_are_counted_by_month_and_class(kim: Caller, fleet: Fleet) -> None:
    rows = kim.get("/faults/statistics").json["items"]
    assert sum(row["total"] for row in rows) == 2
    assert sum(row["by_class"]["lock"] for row in rows) == 1
    assert {row["devices"] for row in rows} == {3}
    lines = kim.page("/faults/statistics.csv").text.splitlines()
    assert lines[0] == "\ufeffmonth,devices,total,comm,power,weighing,lock,card,volume,user"
    assert len(lines) == 1 + len(rows)
    assert kim.get("/faults/statistics?year=1999").status_code == 422


def test_an_open_outage_is_one_line_of_the_desk(kim: Caller, lee: Caller, fleet: Fleet) -> None:
    fleet.duty(1)
    kim.post("/faults/rules", {"name": "network.least_gateways", "value": 2})
    moment = fleet.minutes(now(), 24, 3, without=fleet.numbers)
    assert kim.get("/faults").json["items"][0]["condition"].startswith("reported")
    assert kim.get("/faults/counts").json["open"] == 2
    (incident,) = kim.get("/incidents").json["items"]
    assert (incident["silent"], incident["faults"], incident["closed_at"]) == (3, 3, None)
    assert lee.get("/incidents/1").json["faults"] == 1
    assert len(kim.get("/faults?incident=1").json["items"]) == 3
    page = kim.page("/faults").text
    assert "Outage of the network" in page
    assert "gateway silent" not in page
    fleet.minutes(moment, 15, 3)
    assert kim.get("/incidents/1").json["open_faults"] == 0
    assert kim.get("/incidents/2").status_code == 404


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_pages_show_what_can_be_done_and_say_what_was_wrong(kim: Caller, lee: Caller) -> None:
    page = lee.page("/faults/2").text
    assert "Take it over" in page
    assert "Put somebody in charge" not in page
    assert "Put somebody in charge" in kim.page("/faults/2").text
    assert kim.page("/faults/2", action="close", close_note="").status_code == 422
    assert lee.page("/faults/2", action="owner", owner_owner="park").status_code == 403
    assert kim.page("/faults/2", action="due", due_due_at="tomorrow", due_note="x").status_code == 422
    assert kim.page("/faults/2", action="due", due_due_at="2040-01-01T10:00", due_note="x").status_code == 302
    assert kim.page("/faults/2", action="class", class_fault_class="power", class_note="x").status_code == 302
    assert lee.page("/faults/2", action="take").status_code == 302
    assert lee.page("/faults/2", action="note", note_note="we look").status_code == 302
    assert lee.page("/faults/2", action="dance").status_code == 422
    assert "M-0001" not in lee.page("/faults/new").text
    assert lee.page("/faults/new", meter="M-0002", fault_class="lock", words="").status_code == 422
    assert lee.page("/faults/new", meter="M-0002", fault_class="lock", words="stuck").status_code == 302
    assert kim.page("/faults/rules", action="rules", **{"lock.due_hours": "x"}).status_code == 422
    assert kim.page("/faults/rules", action="rules", **{"lock.due_hours": "9"}).status_code == 302
    assert kim.page("/faults/rules", action="rules", **{"lock.due_hours": ""}).status_code == 302
    duty = {"duty_complex": "W0G001", "duty_fault_class": "", "duty_owner": "park", "duty_escalate_to": ""}
    assert kim.page("/faults/rules", action="duty", **duty).status_code == 302
    assert kim.page("/faults/rules", action="duty", **duty | {"duty_owner": "lee"}).status_code == 422
    assert kim.page("/faults/rules", action="remove", duty_id="2").status_code == 302
    assert kim.page("/faults/rules", action="remove", duty_id="2").status_code == 404
    assert kim.page("/faults/statistics?year=2020").status_code == 200


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_who_may_only_look_changes_nothing(app: Flask, fleet: Fleet) -> None:
    fleet.person("han", "viewer", password=PASSWORD)
    han = Caller(app, fleet, "han")
    assert han.get("/faults/1").status_code == 200
    assert "Take it over" not in han.page("/faults/1").text
    assert han.post("/faults/1/taking").status_code == 403
    assert han.page("/faults/1", action="take").status_code == 403


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_nothing_is_open_to_strangers(client: FlaskClient, fleet: Fleet) -> None:
    assert client.get("/api/v1/faults").status_code == 401


def test_whoever_sees_a_complex_no_more_answers_for_it_no_more(kim: Caller, fleet: Fleet) -> None:
    assert kim.post("/faults/duties", {"complex": "W0G002", "owner": "lee", "escalate_to": "lee"}).status_code == 201
    wanted = {"meter": "M-0002", "fault_class": "lock", "words": "stuck"}
    before = kim.post("/faults", wanted).json["id"]
    with fleet.database.begin() as session:
        session.execute(sa.update(AccountComplex).where(AccountComplex.account_id == 2).values(complex_id=3))
    after = kim.post("/faults", wanted).json["id"]
    assert [account_id for key, account_id in told(fleet.database) if f"/{before}/" in key] == [2]
    assert [account_id for key, account_id in told(fleet.database) if f"/{after}/" in key] == [1]


def test_the_next_page_tells_nothing_of_a_fault_elsewhere(app: Flask, fleet: Fleet) -> None:
    lee = Caller(app, fleet, "lee")
    assert lee.get("/faults?after=1").status_code == lee.get("/faults?after=99").status_code == 404
