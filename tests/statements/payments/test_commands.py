"""`jongnyang billing board|pay|payments|arrears|revenue` in a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.statements.town import BilledTown, instant

# The same statements run on both databases in the tests of the domain.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
ONE = "202610-W0G001-0001"


@pytest.fixture(autouse=True)
def billed(town: BilledTown, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    for module in ("payments.commands", "checks.commands"):
        monkeypatch.setattr(f"app.statements.{module}.now", lambda: instant("2026-12-31"))
    town.discharge(town.home("101", "1203"), "2026-10-05", 10_000)
    town.final("2026-10")


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["--lang", "en", "billing", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_payment_is_booked_listed_and_taken_back() -> None:
    assert "W0G001 단지 W0G001 101-1203  1,300 won  since 2026-12-10, 21 days" in run("arrears")
    assert "Payment #1 was booked." in run("pay", "1300", "--statement", ONE, "--on", "2026-12-20", "--receipt", "R-1")
    assert "booked already" in run("pay", "1300", "--statement", ONE, "--receipt", "R-1", code=2)
    assert "no such statement" in run("pay", "1300", "--statement", "x", code=2)
    assert "Nobody is in arrears." in run("arrears")
    assert json.loads(run("payments", "list", "--json"))[0]["reference"] == "R-1"
    assert "Payment #1 was taken back by #2." in run("payments", "reverse", "1", "--reason", "twice")
    assert "taken back by #2" in run("payments", "list", "--month", "2026-10", "--complex", "W0G001")
    assert json.loads(run("arrears", "--json"))[0]["arrears_won"] == 1_300
    assert "There is no such payment." in run("payments", "list", "--month", "2026-09")


def test_a_file_is_checked_then_taken_in_once(tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text("building,unit,month,won,paid_on\n101,1203,2026-10,300,2026-11-25\n9,9,2026-10,1,2026-11-25\n")
    take = ("payments", "import", str(file), "--complex", "W0G001")
    checked = run(*take, "--dry-run")
    assert "1 to book (300 won), 0 booked already, 1 lines of no use" in checked
    assert "line 3: Complex W0G001 has no household 9-9" in checked
    assert "nothing was booked" in run(*take, code=2)
    assert "1 booked (300 won)" in run(*take, "--skip-bad")
    assert json.loads(run(*take, "--skip-bad", "--json"))["known"][0]["won"] == 300


def test_the_board_and_revenue_are_told() -> None:
    board = run("board", "2026-10")
    assert "2026-10  open 1, final 1" in board
    assert "W0G002  단지 W0G002  open  0 households  - kg  - won  blocked: preview it" in board
    blocked = json.loads(run("board", "2026-10", "--blocked", "--json"))
    assert [row["complex"] for row in blocked["items"]] == ["W0G002"]
    assert "2026-11" in run("board")
    assert "2026-10  W0G001 단지 W0G001  10.00 kg  1,300 won  paid 0  owed 1,300" in run("revenue")
    assert json.loads(run("revenue", "--first", "2026-10", "--json"))["total"]["won"] == 1_300
