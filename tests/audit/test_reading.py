"""The audit log as staff read it: the page, the API, the command, and the history on other pages."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from click.testing import CliRunner, Result
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access import audit, passwords
from app.access.audit_queries import history
from app.access.reach import WHOLE, Reach
from app.cli import main
from app.db import Database
from tests.access.people import PAGE, add_person, database_of, log_in, running_app
from tests.audit.log import START, Log
from tests.builders import Town
from tests.metering.staff import Staff

Run = Callable[..., Result]


@pytest.fixture(autouse=True, scope="module")
def quick_start() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with running_app(database_url) as app:
        yield app


@pytest.fixture
def database(app: Flask) -> Database:
    return database_of(app)


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    return Staff(app)


def book(town: Town, action: str, kind: str, id_: Any, subject: str, actor: str = "kim", **fields: Any) -> None:
    with town.database.begin() as session:
        now = fields.pop("now", START)
        audit.book(session, town.district.id, audit.Entry(action, kind, id_, subject, **fields), actor, now)


@pytest.fixture
def run(app: Flask, database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    url = sa.make_url(database_url).render_as_string(hide_password=False)
    environment = {"JONGNYANG_DATABASE_URL": url, "JONGNYANG_SECRET_KEY": "of the tests", "LC_ALL": "C.UTF-8"}

    def invoke(*arguments: str, code: int = 0, **changed: str) -> Result:
        result = CliRunner().invoke(main, ["audit", *arguments], env=environment | changed)
        assert result.exit_code == code, result.output
        return result

    return invoke


def read(staff: Staff, query: str = "", language: str = "en") -> TestResponse:
    return staff.client.get(f"/api/v1/audit?{query}", headers=staff.headers | {"Accept-Language": language})


def numbers(staff: Staff, query: str) -> list[int]:
    answer = read(staff, query)
    assert answer.status_code == 200, answer.json
    return [item["id"] for item in answer.json["items"]]


@pytest.fixture
def three(town: Town) -> Town:
    """Three entries of two people, kinds and days."""
    book(town, "card.blocked", "card", 3, "••34", complex_id=town.complex.id, reason="분실 신고")
    rate = {"before": {"won_per_kg": "130"}, "after": {"won_per_kg": "147.5"}}
    book(town, "display_rate.set", "display_rate", "2026-12-01", "2026-12-01", "kim/desk", **rate)
    book(
        town,
        "gateway.added",
        "gateway",
        1,
        "GW-1",
        "cli:root",
        after={"meters": ["M1", "M2"]},
        now=START.replace(day=4),
    )
    return town


def test_an_entry_is_one_sentence_with_what_differs_and_why(three: Town, staff: Staff) -> None:
    english = read(staff).json["items"]
    assert [item["sentence"] for item in english] == [
        "root at the command line added gateway GW-1.",
        "Kim (kim/desk) set what the displays estimate fees from, from 2026-12-01 on.",
        "Kim (kim) blocked card ••34.",
    ]
    assert english[0]["changes"] == [{"name": "meters", "before": None, "after": "M1, M2"}]
    assert english[1]["changes"] == [{"name": "won a kilogram", "before": "130", "after": "147.5"}]
    assert (english[2]["reason"], english[2]["via"], english[2]["changes"]) == ("분실 신고", "command", [])
    korean = read(staff, language="ko").json["items"]
    assert korean[2]["sentence"] == "Kim(kim) 님이 카드 ••34 사용을 정지했습니다."


ASKED = {
    "": [3, 2, 1],
    "actor=kim": [2, 1],  # their tokens too
    "actor=kim/desk": [2],
    "actor=cli:root": [3],
    "kind=card&subject_id=3": [1],
    "subject=gw": [3],
    "subject=%25": [],
    "action=display_rate.set": [2],
    "complex=W0G001": [1],
    "complex=W0G999": [],
    "from=2026-11-02&to=2026-11-02": [2, 1],
    "from=2026-11-03": [3],
    "to=2026-11-01": [],
    "via=page": [],
    "limit=2": [3, 2],
    "limit=2&before=2": [1],
}
REFUSED = [
    "from=yesterday",
    "from=0001-01-01",
    "to=9999-12-31",
    "via=post",
    "limit=0",
    "subject=%00",
    "x=1",
    "before=0",
]


def test_entries_are_filtered_and_paged_by_number(three: Town, staff: Staff) -> None:
    assert {query: numbers(staff, query) for query in ASKED} == ASKED


def test_what_cannot_be_asked_is_refused(town: Town, staff: Staff) -> None:
    assert {query: read(staff, query).status_code for query in REFUSED} == dict.fromkeys(REFUSED, 422)


def test_where_a_change_came_from_is_kept(staff: Staff, town: Town) -> None:
    answer = staff.client.post(
        "/api/v1/fleet/gateways/GW-1/claim-codes", headers=staff.headers | {"X-Request-Id": "r-1"}
    )
    assert answer.status_code == 201
    (entry,) = staff.get("/audit?kind=gateway").json["items"]
    assert (entry["via"], entry["address"], entry["request_id"]) == ("api", "127.0.0.1", "r-1")
    assert (entry["actor"], entry["complex_id"]) == ("kim/desk", town.complex.id)


def test_another_district_sees_nothing_of_it(three: Town, staff: Staff, app: Flask) -> None:
    other = Staff(app, "lee", "W0H")
    assert numbers(other, "") == []
    assert numbers(other, "complex=W0G001") == []


def test_the_table_holds_all_entries_and_no_formula(three: Town, staff: Staff) -> None:
    book(three, "card.unblocked", "card", 3, "••34", reason='=HYPERLINK("http://bad")')
    answer = read(staff, "format=csv&limit=1&kind=card")
    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("\ufeffid,at,")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == ["4", "1"]
    assert rows[0]["reason"] == '\'=HYPERLINK("http://bad")'
    assert rows[1]["sentence"] == "Kim (kim) blocked card ••34."


def page_of(app: Flask, role: str = "auditor") -> FlaskClient:
    add_person(database_of(app), "choi", role=role)
    client = app.test_client()
    log_in(client, "choi")
    return client


def test_staff_read_it_on_a_page_with_links_to_what_has_one(three: Town, app: Flask) -> None:
    client = page_of(app)
    page = client.get("/audit?lang=ko", headers=PAGE)
    assert page.status_code == 200
    assert "명령줄 사용자 root 님이 게이트웨이 GW-1 등록을 마쳤습니다." in page.text
    assert "사유: 분실 신고" in page.text
    assert "kg당 단가(원): 130 → 147.5" in page.text
    assert 'href="/gateways/GW-1"' in page.text
    filtered = client.get("/audit?lang=en&kind=card&from=2026-11-01", headers=PAGE).text
    assert "blocked card" in filtered
    assert "GW-1" not in filtered
    assert "format=csv&amp;kind=card&amp;from=2026-11-01" in filtered


def test_the_page_says_what_is_wrong_beside_the_field(three: Town, app: Flask) -> None:
    page = page_of(app).get("/audit?lang=en&from=yesterday", headers=PAGE)
    assert page.status_code == 422
    assert "Write a day as 2026-10-31." in page.text
    assert 'value="yesterday"' in page.text


def test_more_than_a_page_is_read_on_by_number(town: Town, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.audit_pages.PAGE", 2)
    for number in range(3):
        book(town, "card.blocked", "card", number, f"card-{number}")
    client = page_of(app)
    first = client.get("/audit?lang=en&kind=card", headers=PAGE).text
    assert ("card-2" in first, "card-1" in first, "card-0" in first) == (True, True, False)
    assert "kind=card&amp;before=2" in first or "before=2&amp;kind=card" in first
    assert "card-0" in client.get("/audit?lang=en&kind=card&before=2", headers=PAGE).text


def test_who_may_not_read_it_is_refused(town: Town, app: Flask) -> None:
    assert page_of(app, "viewer").get("/audit", headers=PAGE).status_code == 403


def test_a_history_shows_one_thing_and_what_belongs_to_it(three: Town, app: Flask) -> None:
    with three.database.session() as session, app.test_request_context("/?lang=en"):
        entries = history(session, three.district.id, WHOLE, "card", 3, also=[("gateway", 1)])
        template = '{% from "audit_history.html" import history %}{{ history(entries) }}'
        shown = render_template_string(template, entries=entries)
        nothing = render_template_string(template, entries=history(session, three.district.id, WHOLE, "card", 9))
    assert [entry.id for entry in entries] == [3, 1]
    assert "kim blocked card ••34." in shown
    assert "Reason: 분실 신고" in shown
    assert "Nothing was done yet." in nothing


def test_a_history_leaves_out_what_happened_at_another_complex(three: Town) -> None:
    with three.database.session() as session:
        mine = history(session, three.district.id, Reach(frozenset({three.complex.id})), "card", 3)
        others = history(session, three.district.id, Reach(frozenset({99})), "card", 3)
    assert ([entry.id for entry in mine], others) == ([1], [])


def test_the_command_lists_entries(three: Town, run: Run) -> None:
    told = run("list", "--kind", "card").output
    assert "1  2026-11-02 09:30:00  kim blocked card ••34.  [command]" in told
    assert "reason: 분실 신고" in told
    assert "kim 님이 카드 ••34 사용을 정지했습니다." in run("list", LC_ALL="ko_KR.UTF-8").output
    assert [row["id"] for row in json.loads(run("list", "--json", "--from", "2026-11-04").output)] == [3]
    assert "There is no such entry." in run("list", "--actor", "nobody").output


def test_the_command_proves_the_log_and_prints_what_to_note(three: Town, run: Run) -> None:
    told = run("verify").output
    assert "강서구 (W0G): all 3 entries are as they were booked." in told
    head = told.split("Head: ")[1].strip()
    assert "entries 3 to 3" in run("verify", "--since", "3", "--expect", head).output
    answer = json.loads(run("verify", "--json").output)
    assert answer[0]["findings"] == []
    assert f"{answer[0]['head']['number']}:{answer[0]['head']['hash']}" == head


def test_the_command_ends_with_1_and_names_the_entries(three: Town, run: Run, database: Database) -> None:
    log = Log.__new__(Log)
    log.database, log.district_id = database, three.district.id
    log.change(2, reason="forged")
    log.remove(3)
    told = run("verify", code=1).output
    assert "W0G: Entry 2 was changed." in told
    assert "W0G: Entry 3 was removed." in told
    korean = run("verify", code=1, LC_ALL="ko_KR.UTF-8").output
    assert "기록 2번의 내용이 바뀌었습니다." in korean
    answer = json.loads(run("verify", "--json", code=1).output)
    assert [(each["kind"], each["first"]) for each in answer[0]["findings"]] == [("changed", 2), ("removed", 3)]
    assert answer[0]["found"] == 2
    assert "hash that was noted" not in told


def test_what_was_noted_must_be_a_number_and_a_hash_of_one_district(three: Town, run: Run, app: Flask) -> None:
    assert "is no number and hash" in run("verify", "--expect", "3:abc", code=2).output
    Staff(app, "lee", "W0H")
    assert "District W0H (W0H): there is no entry yet." in run("verify").output
    assert "count in one district" in run("verify", "--since", "2", code=2).output
    assert "entries 2 to 3" in run("verify", "--since", "2", "--district", "W0G").output
