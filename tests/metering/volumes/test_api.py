"""What the people's API of volumes takes, refuses and tells, in both languages."""

from typing import Any

import pytest
import time_machine
from flask import Flask

from app.db import Database
from tests.metering.reading import problem
from tests.metering.staff import Staff
from tests.metering.volumes.city import City, kst

NOW = kst("2026-11-22", hour=15)


class Pair(City):
    """Two complexes, one in a dong, with a household and a discharge today."""

    def __init__(self, database: Database, code: str = "W0G") -> None:
        super().__init__(database, code)
        self.dong = self.add_dong("1150010100" if code == "W0G" else "1132010100", "염창동")
        self.first = self.add_complex(f"{code}001", self.dong.code, 10, "두보하이츠")
        self.second = self.add_complex(f"{code}002")
        self.meter = self.add_meter(self.add_gateway(f"{code}-GW"), self.first)
        self.home = self.add_household(self.first, "1001")
        self.throw(self.meter, kst("2026-11-22", 9), 410, self.home)
        self.book()

    @property
    def paths(self) -> list[str]:
        return [
            f"/complexes/{self.first.id}/volumes",
            f"/households/{self.home}/volumes",
            f"/dongs/{self.dong.code}/volumes",
            f"/districts/{self.code}/volumes",
        ]


@pytest.fixture
def pair(app: Flask, database: Database) -> Pair:
    return Pair(database)


@pytest.fixture
def staff(app: Flask, pair: Pair) -> Staff:
    with time_machine.travel(NOW, tick=False):
        return Staff(app)


def asked(staff: Staff, path: str, language: str = "en", **headers: str) -> Any:
    with time_machine.travel(NOW, tick=False):
        return staff.client.get(f"/api/v1{path}", headers=staff.headers | {"Accept-Language": language} | headers)


def test_without_arguments_the_last_days_are_told_as_one(staff: Staff, pair: Pair) -> None:
    for path in pair.paths:
        answer = asked(staff, path)
        assert answer.status_code == 200, answer.text
        (item,) = answer.json["items"]
        assert (item["start"], item["end"]) == ("2026-10-23", "2026-11-23")
        assert (item["count"], item["grams"], item["usual_grams"]) == (1, 410, None)
        assert (answer.json["next_after"], answer.json["source"]) == (None, "ledger")


@pytest.mark.parametrize(
    ("by", "first", "rows"),
    [
        ("hour", "2026-11-21T00:00:00+09:00", 24 + 15),
        ("day", "2026-10-23", 31),
        ("week", "2026-05-25", 26),
        ("month", "2025-11-01", 13),
        ("year", "2022-01-01", 5),
    ],
)
def test_each_interval_has_a_range_of_its_own(staff: Staff, pair: Pair, by: str, first: str, rows: int) -> None:
    items = asked(staff, f"{pair.paths[0]}?by={by}").json["items"]
    assert (items[0]["start"], len(items)) == (first, rows)
    assert sum(item["grams"] for item in items) == 410


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("from=0001-01-01", "from"), ("to=9999-12-31", "to"), ("from=9999-12-31", "from"), ("to=0001-01-01", "to")),
        *(
            ("month=0000-01", "month"),
            ("month=9999-12", "month"),
            ("month=0001-01", "month"),
            ("month=2026-13", "month"),
        ),
        *(("from=2026-11-02&to=2026-11-01", "from"), ("month=2026-10&to=2026-10-02", "month")),
        *(("from=2026-02-30", "from"), ("by=minute", "by"), ("per=street", "per"), ("limit=0", "limit")),
        *(("limit=5001", "limit"), ("limit=1e3", "limit"), ("source=guess", "source"), ("format=xml", "format")),
        *(("compare=perhaps", "compare"), ("nonsense=1", "nonsense"), ("by=hour&from=2020-01-01", "from")),
        ("by=hour&from=1980-01-01&to=2199-12-31", "from"),
        ("by=day&from=1980-01-01&to=2199-12-31", "from"),
    ],
)
def test_arguments_that_cannot_be_are_named(staff: Staff, pair: Pair, query: str, field: str) -> None:
    for path in (pair.paths[0], pair.paths[3]):
        for language in ("ko", "en"):
            answer = asked(staff, f"{path}?{query}", language)
            assert problem(answer) == (422, "invalid"), answer.text
            told = answer.json["errors"]
            assert list(told) == [field]
            assert all(isinstance(text, str) and text for text in told[field])


OURS = {
    "from=0001-01-01": ("1980년부터 2199년까지", "from 1980 to 2199"),
    "from=2026-11-02&to=2026-11-01": ("시작일이 종료일보다 늦습니다", "first day comes after the last"),
    "after=x": ("next_after", "next_after"),
    "per=complex&after=x": ("next_after", "next_after"),
    "per=household&month=2026-10&after=-1": ("next_after", "next_after"),
    "per=household&month=2026-10&after=٣": ("next_after", "next_after"),
    "per=household&from=2026-10-02&to=2026-10-31": ("세대별", "whole months"),
    "per=household&month=2026-10&by=day": ("세대별", "by month or year"),
}


@pytest.mark.parametrize("query", OURS)
def test_what_is_wrong_is_told_in_the_readers_language(staff: Staff, pair: Pair, query: str) -> None:
    for language, text in zip(("ko", "en"), OURS[query], strict=True):
        for csv in ("", "&format=csv"):
            answer = asked(staff, f"{pair.paths[0]}?{query}{csv}", language)
            assert problem(answer) == (422, "invalid")
            assert text in str(answer.json["errors"])


@pytest.mark.parametrize("after", ["", "x", "2026-11-01", "2026-11-01T00:00:00", "9" * 64, "é", "%00", "NaN", "--"])
def test_an_after_that_no_page_gave_is_refused_or_names_no_row(staff: Staff, pair: Pair, after: str) -> None:
    for query in ("by=day", "per=complex", "per=dong", "per=household&month=2026-11"):
        assert asked(staff, f"{pair.paths[3]}?{query}&after={after}").status_code in (200, 422)
    assert problem(asked(staff, f"{pair.paths[3]}?by=day&after={after}")) == (422, "invalid")


def test_a_household_has_no_parts_and_shows_no_neighbour(staff: Staff, pair: Pair) -> None:
    for per in ("household", "complex", "dong"):
        answer = asked(staff, f"{pair.paths[1]}?per={per}&month=2026-11", "ko")
        assert problem(answer) == (422, "invalid")
        assert "세대는 더 나눌 수 없습니다" in answer.json["errors"]["per"][0]


@pytest.mark.parametrize(
    "path",
    [
        *("/complexes/0/volumes", "/complexes/99/volumes", "/complexes/2147483648/volumes", "/complexes/-1/volumes"),
        *("/complexes/x/volumes", "/households/0/volumes", "/households/99999999999999999999/volumes"),
        *("/dongs/none/volumes", "/dongs/%00/volumes", "/dongs/%F0%9F%97%91/volumes", "/dongs/'--/volumes"),
        *("/districts/none/volumes", "/districts/%00/volumes", "/districts/w0g/volumes", "/dongs/%25/volumes"),
    ],
)
def test_a_place_that_does_not_exist_is_not_found(staff: Staff, path: str) -> None:
    assert problem(asked(staff, path)) == (404, "not-found")


@pytest.mark.parametrize("search", ["%00", "%25", "_", "'", "%F0%9F%97%91", "x" * 100])
def test_a_search_takes_any_text_as_text(staff: Staff, search: str) -> None:
    answer = asked(staff, f"/complexes?search={search}")
    assert answer.status_code == 200, answer.text
    assert answer.json["items"] == []


def test_places_of_another_district_are_not_found(app: Flask, staff: Staff, pair: Pair, database: Database) -> None:
    other = Pair(database, "W0K")
    third = other.add_complex("W0K003")
    home = [other.add_household(third, unit) for unit in ("1", "2")][-1]
    hidden = [other.paths[2], other.paths[3], f"/complexes/{third.id}/volumes", f"/households/{home}/volumes"]
    for path in hidden:
        assert problem(asked(staff, path)) == (404, "not-found")
        assert problem(asked(staff, f"{path}?format=csv")) == (404, "not-found")
    (item,) = asked(staff, pair.paths[3]).json["items"]
    assert (item["count"], item["meters"]) == (1, 1)
    assert {item["code"] for item in asked(staff, "/complexes").json["items"]} == {"W0G001", "W0G002"}
    assert [item["code"] for item in asked(staff, "/dongs").json["items"]] == ["1150010100"]


def test_only_a_token_that_may_read_is_answered(app: Flask, staff: Staff, pair: Pair) -> None:
    with time_machine.travel(NOW, tick=False):
        other = Staff(app, login="lee", scopes=("metering:correct",))
    for path in (*pair.paths, "/complexes", "/dongs", f"{pair.paths[0]}?format=csv"):
        assert problem(asked(other, path)) == (403, "not-allowed")
        assert problem(app.test_client().get(f"/api/v1{path}"))[0] == 401


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        *(("text/csv", "text/csv"), ("application/json", "application/json"), ("*/*", "application/json")),
        *(("text/csv;q=0.5, application/json", "application/json"), ("text/csv, */*;q=0.1", "text/csv")),
        *(("text/html", "application/json"), ("", "application/json"), ("text/*", "text/csv")),
    ],
)
def test_accept_chooses_between_json_and_csv(staff: Staff, pair: Pair, accept: str, mimetype: str) -> None:
    for path in pair.paths:
        answer = asked(staff, path, Accept=accept)
        assert (answer.status_code, answer.mimetype) == (200, mimetype)
        assert asked(staff, f"{path}?format=json", Accept=accept).mimetype == "application/json"
        assert asked(staff, f"{path}?format=csv", Accept=accept).mimetype == "text/csv"


def test_a_cache_knows_that_the_form_depends_on_accept(staff: Staff, pair: Pair) -> None:
    for accept in ("text/csv", "application/json"):
        assert "Accept" in asked(staff, pair.paths[0], Accept=accept).headers.get("Vary", "")


def test_other_methods_are_answered_as_they_should(staff: Staff, pair: Pair) -> None:
    for path in (*pair.paths, f"{pair.paths[0]}?format=csv"):
        with time_machine.travel(NOW, tick=False):  # the token is of that day
            head, options, posted = (
                getattr(staff.client, method)(f"/api/v1{path}", headers=staff.headers)
                for method in ("head", "options", "post")
            )
        assert (head.status_code, head.get_data()) == (200, b"")
        assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert problem(posted) == (405, "method-not-allowed")


KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether a value is as described: types, references, lists and choices."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return any(fits(value, option, document) for option in schema[choice])
    if "$ref" in schema:
        return fits(value, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None:
        return "null" in kinds
    if isinstance(value, dict):
        properties = schema["properties"]
        return value.keys() <= properties.keys() and all(
            fits(item, properties[name], document) for name, item in value.items()
        )
    if isinstance(value, list):
        return all(fits(item, schema["items"], document) for item in value)
    return any(isinstance(value, KINDS[kind]) for kind in kinds if kind != "null") and value in schema.get(
        "enum", [value]
    )


def test_answers_are_as_the_document_describes_them(app: Flask, staff: Staff, pair: Pair) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    paths = {path for path in document["paths"] if path.startswith(("/api/v1/complexes", "/api/v1/dongs"))}
    assert {"/api/v1/complexes", "/api/v1/dongs", "/api/v1/complexes/{place}/volumes"} <= paths
    for template, path in zip(("complexes", "households", "dongs", "districts"), pair.paths, strict=True):
        described = document["paths"][f"/api/v1/{template}/{{place}}/volumes"]["get"]
        named = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "query"}
        assert {"by", "per", "month", "from", "to", "compare", "source", "format", "after", "limit"} <= named
        schema = described["responses"]["200"]["content"]["application/json"]["schema"]
        for query in ("", "?by=day&compare=true", "?by=hour", "?by=month"):
            body = asked(staff, f"{path}{query}").json
            assert body["items"]
            assert fits(body, schema, document), body["items"][0]
    for path in ("/complexes", "/dongs"):
        schema = document["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert fits(asked(staff, path).json, schema, document)


def test_the_document_says_that_there_is_csv(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    for path, item in document["paths"].items():
        if path.endswith("/volumes"):
            assert "text/csv" in item["get"]["responses"]["200"]["content"], path


def test_complexes_are_listed_with_the_meters_that_stand_there_now(staff: Staff, pair: Pair) -> None:
    pair.add_meter(pair.add_gateway("soon"), pair.first, since=kst("2026-12-01"))
    going = pair.add_meter(pair.add_gateway("going"), pair.second)
    pair.remove(going, kst("2026-12-01"))
    items = asked(staff, "/complexes").json["items"]
    assert [(item["code"], item["meters"], item["households"]) for item in items] == [
        ("W0G001", 1, 10),
        ("W0G002", 1, 0),
    ]
    page = asked(staff, "/complexes?limit=1").json
    assert (len(page["items"]), page["next_after"]) == (1, pair.first.id)
    assert [item["id"] for item in asked(staff, f"/complexes?after={pair.first.id}").json["items"]] == [pair.second.id]
