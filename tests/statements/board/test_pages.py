"""The month's board, payments, arrears and revenue in a browser without scripts."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.access.people import add_person, csrf_token, database_of, log_in
from tests.statements.town import BilledTown, Home, instant

# The same statements run on both databases in the tests of the domain.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
ONE = "202610-W0G001-0001"
PAGES = ("board_pages", "billing_pages", "payment_pages", "owed_pages")


@pytest.fixture
def town(app: Flask) -> BilledTown:
    return BilledTown(database_of(app))


@pytest.fixture
def home(town: BilledTown) -> Home:
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 10_000)
    town.discharge(home, "2026-10-06", 500, billable=False)
    return home


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what day it is for these pages."""

    def set_day(day: str) -> None:
        for module in PAGES:
            monkeypatch.setattr(f"app.web.{module}.now", lambda: instant(day))

    set_day("2026-11-12")
    return set_day


@pytest.fixture
def client(app: Flask, town: BilledTown, at: Callable[[str], None]) -> FlaskClient:
    add_person(database_of(app))
    client = app.test_client()
    log_in(client)
    client.set_cookie("language", "en")
    return client


def manager_of(app: Flask, town: BilledTown, code: str) -> FlaskClient:
    add_person(database_of(app), "choi", role="manager", complex_ids=(town.complexes[code],))
    client = app.test_client()
    log_in(client, "choi")
    client.set_cookie("language", "en")
    return client


def send(client: FlaskClient, path: str, form: str = "/billing/2026-10", **fields: Any) -> TestResponse:
    """Fill in a form of a page and send it to a path."""
    page = client.get(form).text
    seen = re.search(r'name="seen" value="(\w+)"', page)
    fields = ({"seen": seen[1]} if seen else {}) | fields | {"csrf_token": csrf_token(client, form)}
    return client.post(path, data=fields, headers={"Accept": "text/html"})


def test_a_month_is_previewed_reviewed_and_closed_from_the_board(
    client: FlaskClient, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    assert client.get("/billing").location == "/billing/2026-10"
    board = client.get("/billing/2026-10").text
    for word in ("0 of 2", "No preview", "Preview 2 complexes", "Discharges that do not count 1", "단지 W0G001"):
        assert word in board
    told = send(client, "/billing/2026-10/preview").text
    assert "2 previews are made, 0 not." in told
    assert "1,300 won in all" in told
    board = client.get("/billing/2026-10").text
    assert "In review" in board
    assert "until Nov 17, 2026 12:00" in board
    assert "that are ready" not in board
    assert "are over" not in board
    assert "Close before the review is over" in board
    refused = send(client, "/billing/2026-10/W0G001/agree", "/billing/2026-10/W0G001")
    assert refused.status_code == 422
    assert "agree to its preview, not the district" in refused.text
    own = "/billing/2026-10/W0G001"
    manager = manager_of(client.application, town, "W0G001")
    agreed = send(manager, f"{own}/agree", own)
    assert "You agreed" in manager.get(agreed.location).text
    assert "Close 1 complex that is ready" in client.get("/billing/2026-10").text
    at("2026-11-20")
    assert "2 closed, 0 not." in send(client, "/billing/2026-10/finalise").text
    board = client.get("/billing/2026-10").text
    assert "2 of 2" in board
    assert client.get("/billing").location == "/billing/2026-11"


def test_one_complex_is_previewed_and_closed_alone(
    client: FlaskClient, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    done = send(client, "/billing/2026-10/preview", one="W0G001")
    assert "The preview is made." in client.get(done.location).text
    at("2026-11-20")
    refused = send(client, "/billing/2026-10/finalise", one="W0G002")
    assert refused.status_code == 422
    assert "There is no preview of this month." in refused.text
    done = send(client, "/billing/2026-10/finalise", one="W0G001")
    assert "The month is closed." in client.get(done.location).text
    assert "1 of 2" in client.get("/billing/2026-10").text


def test_nothing_is_closed_that_looks_otherwise_by_then(
    client: FlaskClient, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    send(client, "/billing/2026-10/preview")
    at("2026-11-20")
    before = re.search(r'name="seen" value="(\w+)"', client.get("/billing/2026-10").text)
    assert before is not None
    town.discharge(home, "2026-10-07", 1_000, booked="2026-11-13")
    town.preview("2026-10", now="2026-11-14")
    at("2026-11-25")
    refused = send(client, "/billing/2026-10/finalise", seen=before[1])
    assert refused.status_code == 422
    assert "has changed since you opened the page" in refused.text
    assert "0 of 2" in client.get("/billing/2026-10").text


def test_the_board_is_narrowed_and_sorted_by_its_address(client: FlaskClient, town: BilledTown, home: Home) -> None:
    town.final("2026-10")
    blocked = client.get("/billing/2026-10?blocked=1").text
    assert "/billing/2026-10/W0G002" in blocked
    assert "/billing/2026-10/W0G001" not in blocked
    rows = re.findall(r'href="/billing/2026-10/(W0G00\d)"', client.get("/billing/2026-10?sort=-won").text)
    assert rows == ["W0G001", "W0G002"]
    page = client.get("/billing/2026-10?sort=-complex").text
    assert re.findall(r'href="/billing/2026-10/(W0G00\d)"', page) == ["W0G002", "W0G001"]
    assert 'aria-sort="descending"' in page
    assert client.get("/billing/2026-10?sort=nonsense&warning=nonsense").status_code == 200
    assert client.get("/billing/2026-13").status_code == 404
    assert client.get("/billing/2027-01").status_code == 404


def test_every_kind_of_warning_has_its_page(client: FlaskClient, town: BilledTown, home: Home) -> None:
    page = client.get("/billing/2026-10/warnings/doubtful").text
    assert "101-1203" in page
    assert "1 discharge, 0.50 kg" in page
    for kind in ("no_tariff", "silent", "uncertified", "jumps", "no_households", "suspense"):
        assert client.get(f"/billing/2026-10/warnings/{kind}?complex=W0G002").status_code == 200
    assert client.get("/billing/2026-10/warnings/nothing").status_code == 404


def test_managers_see_and_pay_for_their_complex_alone(
    app: Flask, client: FlaskClient, town: BilledTown, home: Home
) -> None:
    town.final("2026-10")
    mine = manager_of(app, town, "W0G002")
    board = mine.get("/billing/2026-10").text
    assert "W0G002" in board
    assert "W0G001" not in board
    assert send(mine, "/billing/2026-10/preview").status_code == 403
    assert "There is nothing of this kind." in mine.get("/billing/2026-10/warnings/doubtful?complex=W0G001").text
    refused = send(mine, "/billing/payments", "/billing/payments", statement=ONE, won="100", paid_on="2026-11-11")
    assert refused.status_code == 422
    assert "There is no such statement" in refused.text
    assert mine.get(f"/billing/payments/households/{home.household_id}").status_code == 404
    theirs = send(mine, "/billing/payments", "/billing/payments", complex="W0G002", month="2026-10", won="5")
    assert theirs.status_code == 422


def test_a_payment_is_entered_shown_and_taken_back(client: FlaskClient, town: BilledTown, home: Home) -> None:
    town.final("2026-10")
    wanted = {"statement": ONE, "won": "1,300", "paid_on": "2026-11-11", "reference": "R-1"}
    poor = send(client, "/billing/payments", "/billing/payments", **(wanted | {"won": "many"}))
    assert poor.status_code == 422
    assert "Write whole won" in poor.text
    assert 'value="R-1"' in poor.text
    made = send(client, "/billing/payments", "/billing/payments", **wanted)
    assert "The payment is booked." in client.get(made.location).text
    assert "R-1" in client.get("/billing/payments?complex=W0G001&month=2026-10").text
    assert "No payment fits" in client.get("/billing/payments?month=2026-09").text
    account = client.get(f"/billing/payments/households/{home.household_id}").text
    assert "billed 1,300, paid 1,300" in account
    again = {"statement": ONE, "won": "9", "paid_on": "2026-11-11", "paid_back": "1"}
    back = send(client, "/billing/payments", "/billing/payments", **again)
    assert "-9 won" in client.get(back.location).text
    twice = send(client, "/billing/payments", "/billing/payments", **again)
    assert "The same was booked a moment ago." in twice.text
    more = send(client, "/billing/payments", "/billing/payments", **(again | {"won": "1,300"}))
    assert "No more than 1,291 won was paid." in more.text
    missing = send(client, made.location, made.location)
    assert missing.status_code == 422
    done = send(client, made.location, made.location, reason="typed twice")
    assert "It was taken back by" in client.get(done.location).text


def test_a_file_is_checked_then_booked(client: FlaskClient, town: BilledTown, home: Home) -> None:
    town.final("2026-10")
    text = "동,호,월,금액,납부일\n101,1203,2026-10,300,2026-11-10\n9,9,2026-10,1,2026-11-10\n".encode("cp949")

    def upload(content: bytes) -> TestResponse:
        file = (io.BytesIO(content), "11월.csv")
        form = ("/billing/payments/files", "/billing/payments")
        return send(client, *form, file=file, default_complex="W0G001")

    checked = upload(text).location
    page = client.get(checked).text
    for word in ("CP949", "has no household 9-9", "Book 1 payment, leave the others out"):
        assert word in page
    assert "No payment fits" in client.get("/billing/payments").text
    alone = send(client, checked.partition("?")[0], checked, complex="W0G001")
    assert alone.status_code == 422
    assert "nothing was booked" in alone.text
    done = send(client, checked.partition("?")[0], checked, complex="W0G001", skip_bad="1")
    assert "1 payments are booked (300 won); 0 were booked already, 1 left out." in client.get(done.location).text
    assert client.get(checked).status_code == 404
    assert "Booked already" in client.get(upload(text).location).text
    assert send(client, "/billing/payments/files", "/billing/payments").status_code == 422
    assert client.get(upload(b"PK\x03\x04").location).status_code == 422


def test_arrears_and_revenue_are_shown_and_taken_out(
    client: FlaskClient, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    assert "Nobody is in arrears." in client.get("/billing/arrears").text
    town.final("2026-10")
    at("2026-12-31")
    page = client.get("/billing/arrears?complex=W0G001").text
    assert "1,300" in page
    assert "Dec 10, 2026" in page
    file = client.get("/billing/arrears.csv").text.splitlines()
    assert file[1].split(",")[2:6] == ["101", "1203", "1300", "1300"]
    assert "Choose a month" not in client.get("/billing/revenue").text
    page = client.get("/billing/revenue?first=2026-10&last=2026-10").text
    assert "/billing/2026-10/W0G001" in page
    file = client.get("/billing/revenue.csv?first=2026-10&last=2026-10").text.splitlines()
    assert len(file) == 2
    assert file[1].split(",")[:2] == ["2026-10", "W0G001"]
