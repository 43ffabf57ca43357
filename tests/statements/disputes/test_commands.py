"""`jongnyang billing dispute …` and `… estimate …` in a terminal."""

import json

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.statements.estimates.test_estimates import every_day
from tests.statements.town import BilledTown

# The same statements run on both databases in the tests of the domain.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
NUMBER = "202610-W0G001-0001"


@pytest.fixture(autouse=True)
def billed(town: BilledTown, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    home = town.home("101", "1203")
    every_day(town, home, "2026-09-01", 34, 500)
    town.discharge(home, "2026-10-20", 8000, gross_before_g=12_000)
    town.final("2026-10")


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["--lang", "en", "billing", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_dispute_is_opened_listed_shown_noted_decided_and_reopened() -> None:
    told = run("dispute", "open", NUMBER, "1", "--words", "nobody was home", "--held", "900")
    assert "Dispute #1 was opened." in told
    assert "900 won held" in run("dispute", "list")
    assert json.loads(run("dispute", "list", "--json"))[0]["statement"] == NUMBER
    run("dispute", "note", "1", "--words", "asked the office")
    assert "Write an amount above 0" in run("dispute", "decide", "1", "partly", "--words", "so", code=2)
    decided = run("dispute", "decide", "1", "partly", "--credit", "400", "--words", "the scale drifted")
    assert "Dispute #1: Accepted in part." in decided
    shown = run("dispute", "show", "1")
    for word in ("400 won credited", "answered", "nobody was home", "the scale drifted", "12000 → 20000 g"):
        assert word in shown
    evidence = json.loads(run("dispute", "show", "1", "--json"))["evidence"]
    assert evidence["line"]["words"][0]["en"]
    assert len(evidence["weighings"]) == 5
    assert "The objection is closed already." in run("dispute", "withdraw", "1", "--words", "no", code=2)
    run("dispute", "reopen", "1", "--words", "new photos")
    assert "Dispute #1: Withdrawn." in run("dispute", "withdraw", "1", "--words", "never mind")
    assert "There is no such dispute." in run("dispute", "list", "--which", "overdue")


def test_an_estimate_is_suggested_entered_shown_and_settled() -> None:
    suggested = run("estimate", "suggest", "2026-10")
    assert "W0G001 단지 W0G001  2026-10-05 to 2026-10-19  0.00 kg weighed" in suggested
    assert "M-W0G001 0 of 360 h  (final: becomes an adjustment)" in suggested
    assert json.loads(run("estimate", "suggest", "2026-10", "--json"))[0]["meters"][0]["hours"] == 0
    assert "No day looks as if" in run("estimate", "suggest", "2026-08")
    days = ("W0G001", "2026-10-05", "2026-10-08")
    assert "Estimate #1 was entered." in run("estimate", "add", *days, "--reason", "no power")
    assert "estimate: 1" in run("estimate", "add", *days, "--reason", "again", code=2)
    assert "1 households  2.00 kg expected  counts" in run("estimate", "list")
    assert "still estimated 2.00 kg. Reason: no power" in run("estimate", "show", "1")
    assert json.loads(run("estimate", "show", "1", "--json"))["estimated_g"] == 2000
    assert "Estimate #1 was settled." in run("estimate", "settle", "1", "--reason", "all came")
    assert "There is no such estimate." in run("estimate", "list")
    assert json.loads(run("estimate", "list", "--which", "settled", "--json"))[0]["settled_reason"] == "all came"
