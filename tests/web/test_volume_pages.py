"""The pages of volumes: every figure with its coverage, the same answer as the API, and a way on from each row."""

import csv
import io
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from app.web import volume_pages
from tests.access.people import PAGE, add_person, log_in
from tests.metering.reported.support import Desk, jeju
from tests.web.town import Town


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


def show(client: FlaskClient, path: str, language: str = "en", status: int = 200, **arguments: Any) -> str:
    """A page as HTML."""
    wanted = {"from" if name == "from_" else name: value for name, value in arguments.items()}
    asked = f"?{urlencode(wanted)}" if wanted else ""
    answer = client.get(path + asked, headers={**PAGE, "Accept-Language": language})
    assert answer.status_code == status
    return answer.text


def words(html: str) -> str:
    """What people read of it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(html: str) -> list[str]:
    """The rows of the table, as people read them, the total last."""
    table = html.split("<tbody>")[1].split("</table>")[0]
    return [words("<tr" + row) for row in table.split("<tr")[1:]]


def grams(html: str) -> list[int]:
    """The weight of each row of the table, the total last."""
    table = html.split("<tbody>")[1].split("</table>")[0]
    return [int(row.split('data-value="')[1].split('"')[0] or 0) for row in table.split("<tr")[1:]]


def link(html: str, text: str) -> str:
    """Where the link with this text leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>(?:<[^>]+>)*{re.escape(text)}', html)
    assert found, text
    return unescape(found[1])


@pytest.mark.parametrize(
    ("language", "outage", "silence", "fall", "normal"),
    [
        ("en", "Gateway out", "Meter silent", "Real fall", "Normal"),
        ("ko", "게이트웨이 두절", "종량기 무응답", "실제 감소", "정상"),
    ],
)
def test_an_outage_a_silent_meter_and_a_real_fall_are_told_apart(
    client: FlaskClient, town: Town, language: str, outage: str, silence: str, fall: str, normal: str
) -> None:
    shown = rows(show(client, "/volumes", language, from_=town.day(10), to=town.day(0), by="day"))
    conditions = [next(word for word in (outage, silence, fall, normal) if f" {word} " in row) for row in shown[:-1]]
    assert conditions == [normal, outage, normal, silence, normal, fall, *[normal] * 5]


def test_a_day_says_weight_usual_count_and_who_was_listening(client: FlaskClient, town: Town) -> None:
    shown = rows(show(client, "/volumes", from_=town.day(9), to=town.day(0), by="day"))
    assert "Gateway out 10.0 kg 20.0 kg 1" in shown[0]
    assert shown[0].endswith("2 of 3 66%")
    assert "Normal 20.0 kg 20.0 kg 2 666.7 10.0 kg 3 of 3 100%" in shown[1]


def test_the_rows_add_up_to_the_total(client: FlaskClient, town: Town) -> None:
    for arguments in ({"by": "day"}, {"per": "complex"}, {"by": "week"}, {"by": "day", "per": "dong"}):
        *parts, total = grams(show(client, "/volumes", from_=town.day(20), to=town.day(0), **arguments))
        assert sum(parts) == total == 21 * 20_000 - 10_000 - 18_000, arguments


def test_every_row_leads_further_in(client: FlaskClient, town: Town) -> None:
    district = show(client, "/volumes", per="dong", from_=town.day(9), to=town.day(0))
    dong = show(client, link(district, "가양동"))
    assert "<h1>가양동" in dong
    complex_ = show(client, link(show(client, "/volumes/dongs/1150010300", per="complex"), "가양1단지"))
    assert "<h1>가양1단지" in complex_
    homes = show(client, f"/volumes/complexes/{town.near.id}", per="household")
    home = show(client, link(homes, "101-1402"))
    assert "가양1단지 101-1402" in words(home)
    assert link(home, "가양1단지") == f"/volumes/complexes/{town.near.id}"


def test_a_period_leads_to_what_is_inside(client: FlaskClient, town: Town) -> None:
    months = show(client, "/volumes", by="month", from_=town.day(0).replace(day=1), to=town.day(0))
    inside = re.search(r'<th scope="row"[^>]*><a href="([^"]+)"', months)
    assert inside
    assert "by=day" in inside[1]
    day = re.search(r'<th scope="row"[^>]*><a href="([^"]+)"', show(client, unescape(inside[1])))
    assert day
    assert "by=hour" in day[1]
    assert len(rows(show(client, unescape(day[1])))) == 25  # hours and their total


def test_without_arguments_a_place_shows_its_last_days_and_a_household_its_months(
    client: FlaskClient, town: Town
) -> None:
    assert len(rows(show(client, "/volumes"))) == 32
    assert len(rows(show(client, f"/volumes/households/{town.household}"))) == 14


def test_a_day_in_which_nothing_was_heard_is_not_zero(client: FlaskClient, town: Town) -> None:
    path = f"/volumes/complexes/{town.far.id}"
    row, _total = rows(show(client, path, by="day", from_=town.day(9), to=town.day(9)))
    assert "–" in row
    assert "Nothing heard – " in row
    assert row.endswith("0 of 1 0%")


def test_the_csv_holds_the_same(client: FlaskClient, town: Town) -> None:
    html = show(client, "/volumes", by="day", from_=town.day(9), to=town.day(0))
    answer = client.get(link(html, "Download as CSV"))
    assert answer.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [int(line["grams"]) for line in lines] == grams(html)[:-1]
    assert {line["condition"] for line in lines} == {"complete", "outage", "silent_meter", "fall"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"from": "2026-13-01"}, "날짜를 2026-10-31처럼 적으십시오."),
        ({"from": "2026-10-02", "to": "2026-10-01"}, "시작일이"),
        ({"by": "hour", "from": "2020-01-01"}, "기간을 줄이거나"),
        ({"by": "hour", "per": "household", "from": "2026-10-01", "to": "2026-10-31"}, "세대"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_form_keeps_it(
    client: FlaskClient, town: Town, arguments: dict[str, str], told: str
) -> None:
    answer = client.get("/volumes", query_string=arguments, headers={**PAGE, "Accept-Language": "ko"})
    assert answer.status_code == 422
    hint = re.search(r'<p class="form-hint-invalid" id="(\w+)-error">([^<]+)</p>', answer.text)
    assert hint, words(answer.text)
    assert told in hint[2]
    assert f'aria-describedby="{hint[1]}-error"' in answer.text
    assert f'value="{arguments.get("from", "")}"' in answer.text


def test_an_argument_that_nobody_knows_is_named(client: FlaskClient, town: Town) -> None:
    assert "Unknown field." in words(show(client, "/volumes", status=422, colour="red"))


@pytest.mark.parametrize("path", ["/volumes/dongs/0", "/volumes/complexes/99", "/volumes/households/99"])
def test_a_place_that_is_not_there_is_not_found(client: FlaskClient, town: Town, path: str) -> None:
    show(client, path, status=404)


def test_another_district_reaches_no_place_of_this_one(app: Flask, town: Town, database: Database) -> None:
    add_person(database, "park", code="W0K")
    stranger = app.test_client()
    log_in(stranger, "park")
    for path in ("dongs/1150010300", f"complexes/{town.near.id}", f"households/{town.household}"):
        show(stranger, f"/volumes/{path}", status=404)
    assert "가양" not in show(stranger, "/complexes")
    assert "no place lies here" in words(show(stranger, "/volumes", per="complex"))


def test_long_answers_come_in_pages(client: FlaskClient, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_pages, "PAGE", 4)
    html = show(client, "/volumes", by="day", from_=town.day(9), to=town.day(0))
    seen = rows(html)[:-1]
    while "More rows" in html:
        html = show(client, link(html, "More rows"))
        seen += rows(html)[:-1]
    assert len(seen) == len(set(seen)) == 10
    assert len(rows(show(client, link(html, "To the first rows")))) == 5


def test_a_place_without_meters_says_so(client: FlaskClient, town: Town) -> None:
    empty = town.city.add_complex("W0G009", name="빈 단지")
    assert "No meter stood here" in words(show(client, f"/volumes/complexes/{empty.id}"))


def test_days_to_come_have_nothing_to_show(client: FlaskClient, town: Town) -> None:
    assert "they have not begun yet" in words(show(client, "/volumes", by="day", from_="2099-01-01", to="2099-01-31"))


def test_complexes_are_found_by_name_and_code(client: FlaskClient, town: Town) -> None:
    assert [row.split()[0] for row in rows(show(client, "/complexes"))] == ["가양1단지", "등촌3단지"]
    assert rows(show(client, "/complexes", search="등촌")) == ["등촌3단지 W0G002 – 20 1"]
    assert rows(show(client, "/complexes", search="G001")) == ["가양1단지 W0G001 가양동 10 2"]
    assert "“100%”이(가) 들어 있는 단지가 없습니다." in words(show(client, "/complexes", "ko", search="100%"))


def test_what_others_reported_is_shown_apart_and_blank_is_not_zero(
    client: FlaskClient, town: Town, database: Database, tmp_path: Path
) -> None:
    assert "Where the figures come from" not in show(client, "/volumes")
    days = [("2018-02-01", "노형동"), ("2018-02-01", "이도1동"), ("2018-02-03", "노형동")]
    Desk(database, tmp_path).take_in(jeju(*((*day, 100, 250_000, 7_500) for day in days)), district="W0G")
    html = show(client, "/volumes")
    reported = show(client, link(html, "Reported by Jeju") + "&by=day")
    assert [row.split(", 2018 ")[1] for row in rows(reported)] == [
        "All reported 500.0 kg 200 15,000 2 / 2 100%",
        "Nothing heard – – – 0 / 2 0%",
        "In part 250.0 kg 100 7,500 1 / 2 50%",
    ]
    assert "By household" not in reported
    assert "노형동 In part 500.0 kg" in rows(show(client, "/volumes", source="jeju", per="dong"))[0]
