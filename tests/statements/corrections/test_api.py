"""Programs and commands adjust, void, issue anew and decide; everybody sees no further than their complexes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from app.access import accounts
from app.access.models import Account
from app.cli import main
from app.db import Database
from app.statements.terms import policy
from app.times import now
from tests.access.people import add_person
from tests.metering.staff import Staff
from tests.statements.corrections.reading import lines_of, number_of
from tests.statements.town import CLERK, BilledTown, Home, instant

# What they read and write is held to both databases by the tests beside.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])


@pytest.fixture
def home(town: BilledTown) -> Home:
    """A household whose July and September are closed, with 500 g too old to be billed and 1,000 g billed."""
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
def staff(app: Flask, home: Home) -> Staff:
    """Somebody of the district office."""
    return Staff(app)


def manager(database: Database, *complex_ids: int) -> dict[str, str]:
    """The headers of a manager's program."""
    district_id, account_id = add_person(database, "park", role="manager", complex_ids=complex_ids)
    with database.begin() as session:
        account = session.get_one(Account, (district_id, account_id))
        token = accounts.add_token(session, account, "desk", ["billing:read"], now(), None)
    return {"Authorization": f"Bearer {token}"}


def read(staff: Staff, path: str, **query: str) -> Any:
    """What a route under /billing answers."""
    return staff.get(f"/billing{path}", query_string=query).json


def post(staff: Staff, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Status and answer of a change under /billing."""
    answer = staff.post(f"/billing{path}", body)
    return answer.status_code, answer.json


def test_an_adjustment_is_added_and_listed(staff: Staff, town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-09")
    wanted = {"statement": number, "won": -30, "reason": "사과"}
    assert post(staff, "/adjustments", wanted) == (201, {"id": 1})
    (row,) = read(staff, "/adjustments")["items"]
    assert (row["won"], row["usage_month"], row["pending"], row["actor"]) == (-30, "2026-09-01", True, "kim/desk")
    status, refused = post(staff, "/adjustments", wanted | {"won": -101})
    assert (status, refused["type"], refused["billed_won"]) == (409, "/problems/credit-too-large", 100)
    assert post(staff, "/adjustments", wanted | {"statement": "none"})[0] == 404


def test_a_statement_is_compared_voided_and_issued_anew(staff: Staff, town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-09")
    assert read(staff, f"/statements/{number}/reissue")["items"] == [
        {
            "kind": "usage",
            "usage_month": "2026-09-01",
            "old": {"grams": 1_000, "discharges": 1, "won": 130},
            "new": {"grams": 1_100, "discharges": 2, "won": 143},
        }
    ]
    _, made = post(staff, f"/statements/{number}/void", {"reason": "무게 정정"})
    assert made == {
        "credit_note": f"{number}-C",
        "won": -130,
        "reissued_as": "202609-W0G001-R2-0001",
        "reissued_won": 143,
    }
    status, again = post(staff, f"/statements/{number}/void", {"reason": "무게 정정"})
    assert (status, again["type"]) == (409, "/problems/statement-void")


def test_late_usage_is_listed_summed_and_decided(staff: Staff, home: Home) -> None:
    (row,) = read(staff, "/late")["items"]
    assert (row["month"], row["grams"], row["won"], row["decision"]) == ("2026-07-01", 500, 65, None)
    assert read(staff, "/late", after=row["key"])["items"] == []
    sums = {each["cause"]: each["grams"] for each in read(staff, "/late/sums")["items"]}
    assert sums == {"old": 500, "voided": 0, "held": 0, "doubtful": 0, "no_tariff": 0, "not_closed": 0}
    wanted = {"tenancy_id": home.tenancy_id, "usage_month": "2026-07-01", "decision": "bill", "reason": "결정"}
    assert post(staff, "/late/decisions", wanted)[0] == 201
    status, again = post(staff, "/late/decisions", wanted)
    assert (status, again["type"]) == (409, "/problems/already-decided")


def test_a_manager_reads_of_their_complexes_alone_and_decides_nothing(
    app: Flask, database: Database, town: BilledTown, home: Home
) -> None:
    client, headers = app.test_client(), manager(database, town.complexes["W0G002"])

    def get(path: str) -> Any:
        return client.get(f"/api/v1/billing{path}", headers=headers)

    assert get("/late").json["items"] == []
    assert {each["rows"] for each in get("/late/sums").json["items"]} == {0}
    assert get("/adjustments").json["items"] == []
    assert get(f"/statements/{number_of(town, home, '2026-09')}/reissue").status_code == 403
    body = {"tenancy_id": home.tenancy_id, "usage_month": "2026-07-01", "decision": "bill", "reason": "결정"}
    assert client.post("/api/v1/billing/late/decisions", headers=headers, json=body).status_code == 403


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, home: Home) -> Any:
    """Types a command and returns what it prints, read where it is JSON."""
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")

    def type_(*arguments: str, fails: bool = False) -> Any:
        result = CliRunner().invoke(main, ["--lang", "en", "billing", *arguments])
        assert (result.exit_code != 0) == fails, result.output
        return json.loads(result.output) if "--json" in arguments and not fails else result.output

    return type_


def test_commands_adjust_void_and_issue_anew(run: Any, town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-09")
    assert run("adjust", "add", number, "--won", "-30", "--reason", "sorry", "--json") == {"id": 1}
    assert "-30 won  pending" in run("adjust", "list")
    assert [row["won"] for row in run("adjust", "list", "--json")] == [-30]
    assert "usage 2026-09  1.00 kg 130 won → 1.10 kg 143 won" in run("reissue", number, "--dry-run")
    assert "--reason" in run("reissue", number, fails=True)
    assert "Issued anew as 202609-W0G001-R2-0001, 143 won." in run("reissue", number, "--reason", "weight")
    assert "void" in run("void", number, "--reason", "again", fails=True)
    told = run("reissue", "202609-W0G001-R2-0001", "--dry-run", "--json")
    assert [change["old"] == change["new"] for change in told["changes"]] == [True]
    assert "credit note 202608-W0G001-0001-C, 0 won" in run("void", "202608-W0G001-0001", "--reason", "wrong")
    assert len(lines_of(town, home)) == 2


def test_commands_show_and_decide_late_usage(run: Any, home: Home) -> None:
    (row,) = run("late", "list", "--json")
    assert "W0G001 단지 W0G001 101-1203  2026-07  0.50 kg  1 discharges  65 won" in run("late", "list")
    assert "Older than the late limit: 1 rows, 0.50 kg, 65 won" in run("late", "sums")
    assert run("late", "sums", "--json")[0]["rows"] == 1
    assert "There is none." in run("late", "list", "--after", row["key"])
    assert "Decision #1" in run("late", "decide", row["key"], "write_off", "--reason", "too old")
    assert "There is none." in run("late", "list")
