"""Payments, arrears and revenue for programs, within the reach of their account."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask

from app.access.reach import WHOLE
from app.statements.payments import service
from app.statements.payments.lines import Line
from tests.access.people import database_of
from tests.metering.staff import Staff
from tests.statements.town import CLERK, BilledTown, Home, instant

ONE = "202610-W0G001-0001"


@pytest.fixture
def town(app: Flask) -> BilledTown:
    return BilledTown(database_of(app))


@pytest.fixture
def home(town: BilledTown) -> Home:
    """Somebody who owes 1,300 won for October; what is due is due since December 2026."""
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    return home


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what day it is for the API of payments."""

    def set_day(day: str) -> None:
        for module in ("payments.api", "checks.api"):
            monkeypatch.setattr(f"app.statements.{module}.now", lambda: instant(day))

    return set_day


def read(staff: Staff, path: str) -> Any:
    return staff.get(path).json


def refusal(staff: Staff, wanted: dict[str, Any]) -> Any:
    return staff.post("/billing/payments", wanted).get_json()["type"]


def test_a_program_pays_looks_and_takes_back(
    app: Flask, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    staff = Staff(app)
    at("2026-12-31")
    (late,) = read(staff, "/billing/arrears")["items"]
    assert (late["unit"], late["arrears_won"], late["oldest_due_on"], late["days"]) == ("1203", 1_300, "2026-12-10", 21)
    wanted = {"statement": ONE, "won": 1_300, "paid_on": "2026-12-20", "reference": "R-7"}
    made = staff.post("/billing/payments", wanted)
    assert made.status_code == 201
    paid_id = made.get_json()["id"]
    assert refusal(staff, wanted) == "/problems/payment-known"
    paid = read(staff, f"/billing/payments/{paid_id}")
    assert (paid["complex"], paid["month"], paid["reference"], paid["actor"]) == (
        *("W0G001", "2026-10-01", "R-7", staff.actor),
    )
    assert read(staff, "/billing/arrears") == {"items": [], "next_after": None}
    back = staff.post(f"/billing/payments/{paid_id}/reversal", {"reason": "잘못 입력"})
    assert back.status_code == 201
    (account,) = read(staff, f"/billing/households/{home.household_id}/account")["items"]
    assert [(item["kind"], item["won"]) for item in account["items"]] == [
        ("statement", 1_300),
        ("payment", -1_300),
        ("payment", 1_300),
    ]
    assert staff.post("/billing/payments", wanted | {"statement": "x"}).status_code == 422


def test_a_program_checks_a_file_then_books_it(
    app: Flask, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    staff = Staff(app)
    at("2026-12-01")
    text = "building,unit,month,won,paid_on\n101,1203,2026-10,300,2026-11-25\n101,9,2026-10,1,2026-11-25\n"

    def send(**query: Any) -> Any:
        address = "/api/v1/billing/payments/files"
        return staff.client.post(
            address,
            query_string=query | {"complex": "W0G001"},
            headers=staff.headers,
            data=text,
            content_type="text/csv",
        )

    checked = send(dry_run="true").json
    assert [(line["line"], line["payer"], line["won"]) for line in checked["good"]] == [
        (2, "단지 W0G001 101-1203", 300)
    ]
    assert [line["line"] for line in checked["bad"]] == [3]
    assert send().json["type"] == "/problems/import-refused"
    assert send(skip_bad="true").json["booked"] is True
    again = send(skip_bad="true").json
    assert (again["won"], len(again["known"])) == (0, 1)
    assert [row["won"] for row in read(staff, "/billing/payments?complex=W0G001&month=2026-10-05")["items"]] == [300]


def test_revenue_adds_up_by_month_and_complex(
    app: Flask, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    staff = Staff(app)
    at("2026-12-31")
    town.tariff("2020-01-01", 30, "prepaid")
    town.terms("W0G002", "prepaid")
    town.discharge(town.home("1", "1", complex="W0G002"), "2026-10-05", 10_000)
    town.final("2026-10", "W0G002")
    with town.database.begin() as session:
        for statement, won in ((ONE, 500), ("202610-W0G001", 1_000)):
            line = Line(0, won, date(2026, 11, 25), statement=statement)
            service.pay(session, town.id, WHOLE, line, CLERK, instant("2026-11-26"))
    found = read(staff, "/billing/revenue?first=2026-10-01&last=2026-10-31")
    post, prepaid = found["items"]
    assert (post["won"], post["paid_won"], post["owed_won"]) == (1_300, 1_000, 300)
    assert (post["households_paid_won"], post["households_owed_won"]) == (500, 800)
    assert (prepaid["scheme"], prepaid["won"], prepaid["paid_won"], prepaid["owed_won"]) == ("prepaid", 300, 300, 0)
    assert (found["total"]["won"], found["total"]["grams"], found["total"]["owed_won"]) == (1_600, 20_000, 300)
    balances = {row["complex"]: row["balance_won"] for row in read(staff, "/billing/balances")["items"]}
    assert balances == {"W0G001": 300, "W0G002": 0}


def test_a_program_reads_the_board_and_its_warnings(
    app: Flask, town: BilledTown, home: Home, at: Callable[[str], None]
) -> None:
    staff = Staff(app)
    at("2026-12-31")
    town.discharge(home, "2026-10-06", 500, billable=False)
    board = read(staff, "/billing/months/2026-10/board")
    assert [(row["complex"], row["state"], row["blocks"]) for row in board["items"]] == [
        ("W0G001", "final", []),
        ("W0G002", "open", ["no-preview"]),
    ]
    assert [row["complex"] for row in read(staff, "/billing/months/2026-10/board?blocked=true")["items"]] == ["W0G002"]
    page = read(staff, "/billing/months/2026-10/warnings/doubtful?complex=W0G001")
    assert [(row["unit"], row["grams"]) for row in page["items"]] == [("1203", 500)]
    assert staff.get("/billing/months/2026-10/warnings/nothing").status_code == 404
    assert staff.get("/billing/months/2026-1/board").status_code == 404
