"""The pages of late usage, adjustments by hand, and voids: shown, done, refused with the form as it was typed."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db import Database
from app.statements.terms import policy
from tests.access.people import PAGE, add_person, csrf_token, log_in
from tests.statements.corrections.reading import adjustments, lines_of, number_of, queue
from tests.statements.town import CLERK, BilledTown, Home, instant

# What they read and write is held to both databases by the tests beside.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])


@pytest.fixture
def home(town: BilledTown) -> Home:
    """A household with 500 g too old to be billed and 1,000 g billed for September."""
    with town.database.begin() as session:
        policy.change(session, town.id, policy.Policy(late_months=1), CLERK, instant("2026-01-01"))
    home = town.home("101", "1203")
    town.discharge(home, "2026-09-05", 1_000)
    for month in ("2026-07", "2026-08", "2026-09"):
        town.final(month)
    town.discharge(home, "2026-07-05", 500, booked="2026-11-05")
    town.discharge(home, "2026-09-06", 100, booked="2026-11-05")
    return home


@pytest.fixture
def desk(client: FlaskClient, database: Database, home: Home) -> FlaskClient:
    """A clerk's browser, in English."""
    add_person(database)
    log_in(client)
    client.get("/language/en")
    return client


def see(client: FlaskClient, path: str) -> str:
    """The page, in English."""
    answer = client.get(path, headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return answer.text


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    """A form of the page sent."""
    data = form | {"csrf_token": csrf_token(client, path)}
    return client.post(path, data=data, headers=PAGE | {"Accept-Language": "en"})


def test_late_usage_is_shown_and_decided(desk: FlaskClient, town: BilledTown, home: Home) -> None:
    page = see(desk, "/billing/late")
    assert "Older than the late limit" in page
    assert "101-1203" in page
    (row,) = queue(town)
    path = f"/billing/late?cause=old&decide={row['key']}"
    assert "Book the decision" in see(desk, path)
    refused = send(desk, path, decide=row["key"], decision="bill", reason=" ")
    assert refused.status_code == 422
    assert "Write 1 to 300 characters." in refused.text
    done = send(desk, path, decide=row["key"], decision="bill", reason="결정")
    assert (done.status_code, done.location) == (302, "/billing/late?cause=old")
    assert "The decision is booked." in see(desk, "/billing/late")
    assert [each["decision"] for each in queue(town)] == ["bill"]
    assert send(desk, path, decide="nonsense", decision="bill", reason="결정").status_code == 422


@pytest.mark.parametrize("cause", ["voided", "held", "doubtful", "no_tariff", "none"])
def test_each_cause_has_its_list(desk: FlaskClient, town: BilledTown, home: Home, cause: str) -> None:
    town.discharge(home, "2026-10-05", 700, billable=False)
    page = see(desk, f"/billing/late?cause={cause}&complex=W0G001")
    assert ("0.70 kg" in page or "700 g" in page) is True  # among the sums of every page
    assert ("Nothing waits for this reason." in page) is (cause in ("voided", "held", "no_tariff"))


def test_an_adjustment_is_added_on_its_page(desk: FlaskClient, town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-09")
    assert number in see(desk, f"/billing/adjustments?statement={number}")
    for typed, said in (
        ({"statement": number, "won": "-131", "reason": "사과"}, "At most 130 won."),
        ({"statement": number, "won": "much", "reason": "사과"}, "Write an amount in won"),
        ({"statement": "nonsense", "won": "5", "reason": "사과"}, "There is no statement of this number."),
    ):
        refused = send(desk, "/billing/adjustments", **typed)
        assert refused.status_code == 422
        assert said in refused.text
        assert f'value="{typed["won"]}"' in refused.text
    assert send(desk, "/billing/adjustments", statement=number, won="-1,30", reason="사과").status_code == 302
    page = see(desk, "/billing/adjustments")
    assert "The adjustment is added." in page
    assert "-130" in page
    assert "waits for the next statement" in page
    town.final("2026-10")
    assert "No adjustment waits for a statement." in see(desk, "/billing/adjustments")
    assert "on a statement" in see(desk, "/billing/adjustments?which=all")


def test_a_statement_is_compared_and_issued_anew_on_its_page(desk: FlaskClient, town: BilledTown, home: Home) -> None:
    path = f"/billing/statements/{number_of(town, home, '2026-09')}/void"
    assert path in see(desk, path.removesuffix("/void"))
    page = see(desk, path)
    assert "130 won" in page
    assert "143 won" in page
    refused = send(desk, path, reissue="1", reason="")
    assert refused.status_code == 422
    assert lines_of(town, home)[-1].won == 130
    done = send(desk, path, reissue="1", reason="무게 정정")
    assert (done.status_code, done.location) == (302, "/billing/statements/202609-W0G001-R2-0001")
    assert desk.get(path, headers=PAGE).status_code == 409


def test_a_statement_is_voided_alone(desk: FlaskClient, town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-09")
    done = send(desk, f"/billing/statements/{number}/void", reissue="", reason="다른 세대")
    assert (done.status_code, done.location) == (302, f"/billing/statements/{number}")
    assert [row["grams"] for row in queue(town, "voided")] == [1_100]
    assert "1.10 kg" in see(desk, "/billing/late?cause=voided")


def test_managers_see_their_complexes_and_cannot_decide(
    app: Flask, database: Database, town: BilledTown, home: Home
) -> None:
    client = app.test_client()
    add_person(database, "park", role="manager", complex_ids=(town.complexes["W0G001"],))
    log_in(client, "park")
    page = see(client, "/billing/late")
    assert "101-1203" in page
    assert "decide=" not in page
    assert "<details" not in see(client, "/billing/adjustments")
    number = number_of(town, home, "2026-09")
    assert client.get(f"/billing/statements/{number}/void", headers=PAGE).status_code == 403
    assert adjustments(town, home) == []
