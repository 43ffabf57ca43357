"""The people's API: documented, open to whoever has the scope, and plain about what is wrong with a request."""

from typing import Any

import pytest
from flask import Flask

from app.db import Database
from app.metering.records import Record
from tests.builders import Box, Town
from tests.metering.reading import problem, rows_of
from tests.metering.staff import Staff

READS = ["/quarantine", "/discharges/1-1-1"]
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("/discharges/1-1-1/corrections", {"kind": "void", "reason": "why"}),
    ("/quarantine/1/release", {"note": "why", "corrected": {"net_g": 410}}),
    ("/quarantine/1/discard", {"note": "why"}),
]


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    return Staff(app)


@pytest.fixture
def filled(box: Box) -> None:
    """One discharge, and one record in quarantine."""
    box.post([box.record(1), box.record(2, net_g=400)])


def changed(database: Database) -> int:
    tables = ("discharge_correction", "quarantine_decision")
    return sum(rows_of(database, f"SELECT count(*) FROM {table}")[0][0] for table in tables)


def test_the_openapi_document_lists_every_route_with_its_methods(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document = answer.json
    assert document["openapi"].startswith("3.1")
    listed = {(path, method) for path, item in document["paths"].items() for method in item if method != "parameters"}
    assert {
        ("/api/v1/quarantine", "get"),
        ("/api/v1/quarantine/{quarantine_id}/release", "post"),
        ("/api/v1/quarantine/{quarantine_id}/discard", "post"),
        ("/api/v1/discharges/{number}", "get"),
        ("/api/v1/discharges/{number}/corrections", "post"),
    } <= listed


def test_the_openapi_document_describes_fields_and_limits_and_refuses_others(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    correction = document["components"]["schemas"]["Correction"]
    assert correction["additionalProperties"] is False
    assert set(correction["required"]) == {"kind", "reason"}
    assert set(correction["properties"]["kind"]["enum"]) == {"void", "re_weigh", "re_attribute"}
    assert correction["properties"]["net_g"]["maximum"] == 100_000
    parameters = {item["name"]: item["schema"] for item in document["paths"]["/api/v1/quarantine"]["get"]["parameters"]}
    assert parameters["limit"]["maximum"] == 500
    assert set(parameters["state"]["enum"]) == {"open", "decided", "all"}


@pytest.mark.usefixtures("filled")
def test_a_token_that_may_only_read_changes_nothing_and_is_told_what_it_lacks(app: Flask, database: Database) -> None:
    reader = Staff(app, scopes=("metering:read",))
    for path in READS:
        assert reader.get(path).status_code == 200
    for path, body in CHANGES:
        answer = reader.post(path, body)
        assert problem(answer) == (403, "not-allowed")
        assert answer.json["scope"] == "metering:correct"
    assert changed(database) == 0


@pytest.mark.usefixtures("filled")
def test_a_token_of_another_kind_may_not_even_read(app: Flask) -> None:
    clerk = Staff(app, scopes=("registry:write",))
    for path in READS:
        answer = clerk.get(path)
        assert problem(answer) == (403, "not-allowed")
        assert answer.json["scope"] == "metering:read"


@pytest.mark.usefixtures("filled")
def test_the_permission_to_correct_does_not_include_the_one_to_read(app: Flask) -> None:
    corrector = Staff(app, scopes=("metering:correct",))
    assert problem(corrector.get("/quarantine")) == (403, "not-allowed")
    assert corrector.post(*CHANGES[0]).status_code == 201


@pytest.mark.usefixtures("filled")
def test_whoever_brings_no_token_or_a_wrong_one_gets_nothing(app: Flask, database: Database) -> None:
    client = app.test_client()
    for headers in ({}, {"Authorization": "Bearer jn_made-up"}, {"Authorization": "Basic a2ltOnBhc3M="}):
        for path in READS:
            assert problem(client.get(f"/api/v1{path}", headers=headers)) == (401, "not-authenticated")
        for path, body in CHANGES:
            assert client.post(f"/api/v1{path}", json=body, headers=headers).status_code == 401
    assert changed(database) == 0


@pytest.mark.usefixtures("filled")
def test_a_gateways_signature_opens_no_route_of_people(box: Box, database: Database) -> None:
    for path in READS:
        target = f"/api/v1{path}"
        answer = box.client.get(target, headers=box.sign(target, b"", method="GET"))
        assert problem(answer) == (401, "not-authenticated")
    assert problem(box.post_body(b'{"note": "why"}', "/api/v1/quarantine/1/discard")) == (401, "not-authenticated")
    assert changed(database) == 0


WRONG: dict[str, tuple[str, Any]] = {
    "no kind": ("/discharges/1-1-1/corrections", {"reason": "why"}),
    "unknown kind": ("/discharges/1-1-1/corrections", {"kind": "erase", "reason": "why"}),
    "no reason": ("/discharges/1-1-1/corrections", {"kind": "void"}),
    "empty reason": ("/discharges/1-1-1/corrections", {"kind": "void", "reason": ""}),
    "a weight for a void": ("/discharges/1-1-1/corrections", {"kind": "void", "reason": "why", "net_g": 1}),
    "no weight": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why"}),
    "weight null": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": None}),
    "negative weight": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": -1}),
    "absurd weight": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": 100_001}),
    "weight as text": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": "410"}),
    "weight as fraction": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": 1.5}),
    "weight as truth": ("/discharges/1-1-1/corrections", {"kind": "re_weigh", "reason": "why", "net_g": True}),
    "no household": ("/discharges/1-1-1/corrections", {"kind": "re_attribute", "reason": "why"}),
    "both": (
        "/discharges/1-1-1/corrections",
        {"kind": "re_weigh", "reason": "why", "net_g": 1, "household_id": 1},
    ),
    "an actor of one's own": ("/discharges/1-1-1/corrections", {"kind": "void", "reason": "why", "actor": "lee"}),
    "a billable of one's own": ("/discharges/1-1-1/corrections", {"kind": "void", "reason": "why", "billable": True}),
    "unknown field of a release": ("/quarantine/1/release", {"note": "why", "force": True}),
    "corrected that is no object": ("/quarantine/1/release", {"note": "why", "corrected": [1]}),
    "unknown field of a discard": ("/quarantine/1/discard", {"note": "why", "corrected": {}}),
    "a list": ("/quarantine/1/discard", []),
    "nothing": ("/quarantine/1/discard", None),
}


@pytest.mark.parametrize(("path", "body"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.usefixtures("filled")
def test_a_request_that_cannot_be_used_changes_nothing(staff: Staff, database: Database, path: str, body: Any) -> None:
    answer = staff.post(path, body)
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"
    assert changed(database) == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=ten", "after=-1", "after=x", "state=closed"])
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_page_that_cannot_be_is_refused(staff: Staff, query: str) -> None:
    assert staff.get(f"/quarantine?{query}").status_code == 422


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/quarantine", "GET"), ("GET", "/quarantine/1/release", "POST"), ("DELETE", "/discharges/1-1-1", "GET")],
)
def test_nothing_is_replaced_or_deleted(staff: Staff, method: str, path: str, allowed: str) -> None:
    answer = staff.client.open(f"/api/v1{path}", method=method, headers=staff.headers)
    assert problem(answer) == (405, "method-not-allowed")
    assert allowed in answer.headers["Allow"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_refusal_speaks_the_readers_language(staff: Staff) -> None:
    told = {
        language: staff.client.get(
            "/api/v1/discharges/9-9-9", headers=staff.headers | {"Accept-Language": language}
        ).json["title"]
        for language in ("ko", "en")
    }
    assert told["en"] == "There is nothing here."
    assert told["ko"] != told["en"]


@pytest.mark.usefixtures("filled")
def test_what_a_token_changes_carries_the_account_and_the_tokens_name(staff: Staff, database: Database) -> None:
    for path, body in CHANGES[:2]:
        assert staff.post(path, body).status_code == 201
    assert rows_of(database, "SELECT actor FROM discharge_correction") == [("kim/desk",)]
    assert rows_of(database, "SELECT actor FROM quarantine_decision") == [("kim/desk",)]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_document_describes_what_gateways_send(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    post = document["paths"]["/api/v1/gateways/{gateway}/discharges"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Batch"}
    assert set(document["components"]["schemas"]["Record"]["required"]) == set(Record.__struct_fields__)


def test_an_argument_that_quarantine_does_not_know_is_refused(staff: Staff) -> None:
    answer = staff.get("/quarantine?stat=open")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["stat"])
