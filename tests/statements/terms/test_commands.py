"""`jongnyang billing tariff|terms|class|weights|limits|what-if` in a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.statements.town import BilledTown

# What the databases do differently is tried with the services.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")


def run(*arguments: str, code: int = 0, language: str = "en") -> str:
    result = CliRunner().invoke(main, ["--lang", language, "billing", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_tariff_is_checked_added_listed_and_withdrawn(town: BilledTown) -> None:
    draft = ("tariff", "add", "2099-01-01", "--won-per-kg", "80", "--tier", "10:120", "--reference", "조례 제10조")
    checked = run(*draft, "--dry-run")
    assert "A month of 12.4 kg costs 1,088 won" in checked
    assert "2.40 kg × 120 won/kg" in checked
    assert "2099" not in run("tariff", "list")
    assert "Tariff #2 was added." in run(*draft)
    assert "2020-01-01 – 2098-12-31" in run("tariff", "list")
    assert "80원/kg, 10.00 kg부터 120원/kg" in run("tariff", "list", language="ko")
    added = json.loads(run("tariff", "list", "--json"))[1]
    assert added["terms"]["tiers"][1] == {"from_g": 10_000, "won_per_kg": "120"}
    assert (added["first_day"], added["until"], added["open"]) == ("2099-01-01", None, True)
    assert "The tariffs of that day are other than you saw them." in run(*draft, code=2)
    assert "#2" in run("tariff", "withdraw", "2", "--reason", "공포 연기")
    assert len(json.loads(run("tariff", "list", "--json"))) == 1


def test_what_cannot_be_a_tariff_is_told_in_both_languages(town: BilledTown) -> None:
    falling = ("tariff", "add", "2099-01-01", "--won-per-kg", "80", "--tier", "10:70", "--reference", "조례")
    assert "더 버릴수록 싸지지 않게" in run(*falling, code=2, language="ko")
    assert "Let more waste never become cheaper." in run(*falling, code=2)
    assert "no whole number" not in run(*falling[:5], "--tier", "x:90", "--reference", "조례", code=2)
    town.final("2026-10")
    early = run("tariff", "add", "2026-10-02", "--won-per-kg", "1", "--reference", "조례", code=2)
    assert "earliest: 2026-11-01" in early


def test_terms_classes_and_limits_are_set_and_shown(town: BilledTown) -> None:
    town.home("101", "1203")
    setting = ("--from", "2026-12", "--scheme", "complex", "--sharing", "weight", "--reason", "협약")
    assert "Complexes changed: 1" in run("terms", "set", "W0G001", *setting)
    assert "Complexes changed: 1" in run("terms", "set", "--all", *setting)
    assert "from 2026-12: the complex, shared by its households" in run("terms", "show", "W0G002")
    shown = json.loads(run("terms", "show", "--month", "2026-12", "--json"))
    assert [(row["code"], row["scheme"]) for row in shown] == [("W0G001", "complex"), ("W0G002", "complex")]
    assert json.loads(run("terms", "show", "W0G001", "--json"))[0]["reason"] == "협약"
    assert "There is nothing here." in run("terms", "show", "W0G009", code=2)
    chosen = ("basic_livelihood", "--from", "2026-12", "--reason", "수급자 증명서")
    assert "The payer class is set." in run("class", "set", "W0G001", "101동", "1203호", *chosen)
    assert "There is no such household" in run("class", "set", "W0G001", "101", "9999", *chosen, code=2)
    assert "기초생활수급" in run("class", "list")
    assert json.loads(run("class", "list", "--json"))[1]["used"] is True
    assert "review 7 days" in run("limits", "--review-days", "7")
    assert json.loads(run("limits", "--json"))["review_days"] == 7


def test_a_file_of_weights_is_checked_and_then_applied(town: BilledTown, tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("complex,kg\nW0G001,1234.5\nW0G009,1\n")
    assert "Line 3, complex W0G009, 1: cannot be used." in run("weights", "2026-10", str(path), code=2)
    path.write_text("complex,kg\nW0G001,1234.5\n")
    assert "Lines that can be used: 1." in run("weights", "2026-10", str(path))
    assert "Complexes changed: 1" in run("weights", "2026-10", str(path), "--apply")
    assert "This changes nothing." in run("weights", "2026-10", str(path), "--apply", code=2)


def test_a_draft_is_compared_with_the_tariffs_in_force(town: BilledTown) -> None:
    town.discharge(town.home("101", "101"), "2026-10-05", 10_000)
    asked = ("what-if", "--won-per-kg", "140", "--month", "2026-10")
    found = json.loads(run(*asked, "--json"))
    assert found["total"] == {"before": 1_300, "after": 1_400, "difference": 100}
    assert found["complexes"][0]["complex"] == "W0G001"
    told = run(*asked)
    assert "now 1,300 won → draft 1,400 won (+100 won)" in told
    assert "1 pay more, 0 less" in told
    assert "not assessed: W0G001" in run(*asked[:3], "--month", "2019-10")
    assert "There is nothing here." in run(*asked, "--complex", "W0G009", code=2)
