"""What accounts come to where ways of billing change, credits wait, or another office's balance comes later."""

from datetime import date
from typing import Any

import pytest

from app.access.reach import WHOLE
from app.registry.models import ImportBatch, OpeningBalance
from app.statements import queries
from app.statements.disputes import service as disputes
from app.statements.disputes.service import Decision, Wanted
from app.statements.payments import accounts, revenue, service
from app.statements.payments.lines import Line
from tests.statements.corrections.reading import number_of, void
from tests.statements.town import CLERK, BilledTown, Home, instant

SEPTEMBER, LATER = date(2026, 9, 1), date(2027, 3, 1)


@pytest.fixture
def home(town: BilledTown) -> Home:
    town.tariff("2020-01-01", 130, scheme="prepaid")
    return town.home("101", "1203")


def account(town: BilledTown, home: Home, today: date) -> dict[str, Any]:
    with town.database.session() as session:
        (row,) = accounts.household_account(session, town.id, home.household_id, today)
    return row


def balance(town: BilledTown, home: Home) -> int:
    with town.database.session() as session:
        rows = accounts.household_account(session, town.id, home.household_id, LATER)
    assert all(sum(item["won"] for item in row["items"]) == row["balance_won"] for row in rows)
    return sum(row["balance_won"] for row in rows)


def of_complex(town: BilledTown) -> int:
    with town.database.session() as session:
        return int(accounts.by_complex(session, town.id, WHOLE, LATER, "W0G001")[0]["balance_won"])


def owed_by_month(town: BilledTown) -> list[tuple[int, int]]:
    """What complex and households owe of October, November and December, as revenue has it."""
    with town.database.session() as session:
        rows = revenue.revenue(session, town.id, WHOLE, date(2026, 10, 1), date(2026, 12, 1), "W0G001")
    return [(row["owed_won"], row["households_owed_won"]) for row in reversed(rows)]


def accept(town: BilledTown, home: Home, when: str, credit_won: int | None = None) -> int:
    number, state = number_of(town, home, "2026-10"), "accepted" if credit_won is None else "partly"
    with town.database.begin() as session:
        id_ = disputes.open_dispute(session, town.id, WHOLE, Wanted(number, 1, "x"), CLERK, instant("2026-11-12"))
        disputes.decide(session, town.id, id_, Decision(state, "y", credit_won), CLERK, instant(when))
    return id_


def test_what_a_prepaid_month_carries_of_others_is_owed(town: BilledTown, home: Home) -> None:
    town.terms(scheme="prepaid", first_month="2026-11")
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    town.discharge(home, "2026-10-06", 2_000, booked="2026-11-20")
    town.discharge(home, "2026-11-06", 1_000)
    town.final("2026-11")
    assert balance(town, home) == of_complex(town) == 1_300 + 260
    accept(town, home, "2026-12-13")
    town.final("2026-12")
    assert balance(town, home) == of_complex(town) == 260
    assert owed_by_month(town) == [(1_300, 1_300), (260, 260), (-1_300, -1_300)]


def test_what_was_paid_at_the_bin_is_not_owed_whenever_it_becomes_known(town: BilledTown, home: Home) -> None:
    town.terms(scheme="prepaid", first_month="2026-10")
    town.terms(scheme="household", first_month="2026-11")
    number = town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    town.discharge(home, "2026-10-06", 2_000, booked="2026-11-20")
    town.discharge(home, "2026-11-06", 1_000)
    town.final("2026-11")
    assert balance(town, home) == of_complex(town) == 130
    town.correct(number, "re_weigh", "2026-12-14", net_g=7_000)
    town.final("2026-12")
    assert balance(town, home) == of_complex(town) == 130 - 390, "what was paid too much comes back"


def test_a_void_before_prepaid_months_reaches_the_complex(town: BilledTown, home: Home) -> None:
    town.terms(scheme="prepaid", first_month="2026-11")
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    void(town, number_of(town, home, "2026-10"), "2026-11-12", reissue=False)
    town.final("2026-11")
    assert of_complex(town) == balance(town, home) == 0


def test_a_decided_credit_is_not_in_arrears_while_it_waits_for_the_next_statement(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    late = date(2026, 12, 20)
    assert account(town, home, late)["arrears_won"] == 1_300
    accept(town, home, "2026-12-13", 500)
    assert account(town, home, late)["arrears_won"] == 800
    town.final("2026-11")
    assert account(town, home, late)["arrears_won"] == 800
    assert balance(town, home) == 800


def test_a_later_opening_balance_tells_of_all_that_was_billed_and_paid_before(town: BilledTown, home: Home) -> None:
    def opening(id_: int, as_of: date, won: int) -> None:
        with town.database.begin() as session:
            named = {"kind": "history", "file_name": "a.csv", "file_sha256": f"{id_:064}", "actor": CLERK}
            session.add(ImportBatch(district_id=town.id, id=id_, **named, imported_at=instant("2026-12-01")))
            session.flush()
            key = {"district_id": town.id, "id": id_, "batch_id": id_, "household_id": home.household_id}
            session.add(OpeningBalance(**key, as_of=as_of, won=won))

    opening(1, date(2026, 10, 1), 5_000)
    with town.database.begin() as session:
        line = Line(0, 5_000, date(2026, 10, 10), complex="W0G001", building="101", unit="1203", month=SEPTEMBER)
        service.pay(session, town.id, WHOLE, line, CLERK, instant("2026-10-10"))
    assert balance(town, home) == 0
    town.discharge(home, "2026-09-05", 10_000)
    town.final("2026-09")
    assert balance(town, home) == 1_300
    opening(2, date(2026, 11, 1), 700)
    assert balance(town, home) == 700
    town.discharge(home, "2026-10-05", 1_000)
    town.final("2026-10")
    assert balance(town, home) == 830


def test_a_month_that_was_issued_anew_counts_once(town: BilledTown, home: Home) -> None:
    number = town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    town.correct(number, "re_weigh", "2026-11-14", net_g=7_000)
    void(town, number_of(town, home, "2026-10"), "2026-11-15")
    town.final("2026-11")
    with town.database.session() as session:
        months = queries.months(session, town.id, WHOLE)
    assert [(row["grams"], row["count"], row["won"]) for row in months] == [(0, 0, -390), (10_000, 1, 1_300)]
