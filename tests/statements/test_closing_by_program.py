"""A month is previewed, closed, read, exported and verified by commands and by programs."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner
from flask import Flask

from app.cli import main
from app.statements import hashing
from app.statements.models import Statement, StatementRun
from tests.metering.staff import Staff
from tests.statements.town import BilledTown, instant

# What they read and write is held to both databases by the tests beside.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
NUMBER = "202610-W0G001-0001"
CLOSING = instant("2026-11-10")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")


@pytest.fixture
def october(town: BilledTown) -> BilledTown:
    """24 kg of one household."""
    town.discharge(town.home("101", "1203"), "2026-10-05", 24_000)
    return town


def run(*arguments: str, code: int = 0, language: str = "en") -> str:
    result = CliRunner().invoke(main, ["--lang", language, "billing", *arguments])
    assert result.exit_code == code, result.output
    return result.output


@time_machine.travel(CLOSING, tick=False)
def test_a_month_is_closed_by_commands(october: BilledTown, tmp_path: Path) -> None:
    told = run("preview", "2026-10")
    assert "202610-W0G001: preview, 1 statements, 3,120 won" in told
    assert "2 complexes: 2 done, 0 not. 1 statements, 24.00 kg, 3,120 won" in told
    assert "(unchanged)" in run("preview", "2026-10", "--complex", "W0G001")
    refused = run("finalise", "2026-10", code=1, language="ko")
    assert "검토 기간이 아직 끝나지 않았습니다" in refused
    run("review", "W0G001", "2026-10", "--reason", "소장 유선 동의")
    assert "202610-W0G001: final" in run("finalise", "2026-10", "--complex", "W0G001")
    (again,) = json.loads(run("finalise", "2026-10", "--complex", "W0G001", "--json"))
    assert (again["state"], again["changed"], again["won"]) == ("final", False, 3120)
    assert run("finalise", "2026-10", "--early", "관리사무소 요청")
    explained = run("statement", NUMBER, "--days")
    assert "24.00 kg × 130 won/kg = 3,120 won" in explained
    assert "2026-10-05   24,000 g" in explained
    assert "24.00 kg × 130원/kg = 3,120원" in run("statement", NUMBER, language="ko")
    assert json.loads(run("statement", NUMBER, "--json"))["days"][0]["grams"] == 24_000
    assert "2 final runs, 1 statements: all agree." in run("verify", "--month", "2026-10")
    file = tmp_path / "fees.xlsx"
    assert "1 rows, 3,120 won" in run("export", "W0G001", "2026-10", "--format", "xlsx", "--output", str(file))
    assert "All 1 rows agree" in run("check-file", "W0G001", "2026-10", str(file))
    changed = tmp_path / "fees.csv"
    run("export", "W0G001", "2026-10", "--output", str(changed))
    changed.write_bytes(changed.read_bytes().replace(b"3120", b"3000"))
    assert "3120 → 3000" in run("check-file", "W0G001", "2026-10", str(changed), code=1)


def test_commands_say_what_was_wrong(october: BilledTown) -> None:
    assert "Write a month as 2026-10." in run("preview", "2026-13", code=2)
    assert "NONE" in run("preview", "2026-10", "--complex", "NONE", code=2)
    assert "There is nothing here." in run("statement", "202610-W0G001-9999", code=2)
    assert "There is no preview of this month." in run("export", "W0G001", "2026-10", code=2)


def test_verify_tells_what_was_changed_and_ends_with_one(october: BilledTown) -> None:
    october.final("2026-10")
    with october.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER statement_line_frozen_update")
        connection.exec_driver_sql("UPDATE statement_line SET won = won + 1")
    assert f"{NUMBER}: its content is not what its hash says" in run("verify", code=1)
    found = json.loads(run("verify", "--json", code=1))
    assert found["differences"][0]["run"] == "202610-W0G001"


def test_verify_asks_the_audit_log_where_a_run_was_forged_with_its_hash(october: BilledTown) -> None:
    october.final("2026-10")
    with october.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER statement_run_final_update")
        connection.exec_driver_sql("UPDATE statement_run SET detail = '{}'")
    with october.database.begin() as session:
        run_ = session.scalars(sa.select(StatementRun)).one()
        hashes = session.scalars(sa.select(Statement.content_hash).order_by(Statement.serial)).all()
        run_.content_hash = hashing.of_run({name: getattr(run_, name) for name in hashing.RUN_FIELDS}, hashes)
    assert run("verify", code=1).splitlines()[1:] == [
        "  202610-W0G001: its hash is not the one that the audit log has of its closing"
    ]


def test_a_month_is_closed_by_a_program(app: Flask, october: BilledTown) -> None:
    with time_machine.travel(CLOSING, tick=False):
        staff = Staff(app)
        month, run_ = "/billing/months/2026-10", "/billing/complexes/W0G001/months/2026-10"
        outcomes = staff.post(f"{month}/preview", {"complexes": ["W0G001"]}).json["items"]
        assert [(each["state"], each["won"]) for each in outcomes] == [("preview", 3120)]
        (early,) = staff.post(f"{month}/finalise", {"complexes": ["W0G001"]}).json["items"]
        assert early["problem"] == "review-open"
        assert staff.post(f"{run_}/review", {}).status_code == 409
        lee = Staff(app, "lee", scopes=("billing:review",), role="manager", complex_ids=(october.complexes["W0G001"],))
        assert lee.post(f"{run_}/review", {}).status_code == 204
        (final,) = staff.post(f"{month}/finalise", {"complexes": ["W0G001"]}).json["items"]
        assert (final["state"], final["changed"]) == ("final", True)
        assert staff.get("/billing/months").json["items"][0]["won"] == 3120
        shown = staff.get(run_).json
        assert (shown["state"], shown["won"], shown["residue_won"]) == ("final", 3120, 0)
        (row,) = staff.get(f"{run_}/statements").json["items"]
        assert (row["number"], row["won"], row["unit"]) == (NUMBER, 3120, "1203")
        line = staff.get(f"/billing/statements/{NUMBER}").json["lines"][0]
        assert "24.00 kg × 130 won/kg = 3,120 won" in line["words"][0]["en"]
        (day,) = staff.get(f"/billing/statements/{NUMBER}/days").json["items"]
        assert (day["day"], day["grams"]) == ("2026-10-05", 24_000)
        assert staff.get(f"{month}/verify").json == {"runs": 1, "statements": 1, "differences": []}
        file = staff.get(f"{run_}/fees?format=csv-cp949")
        assert "3120" in file.data.decode("cp949")
        layout = staff.get("/billing/complexes/W0G001/fee-layout").json
        assert layout["format"] == "csv"
        assert staff.get(f"/billing/statements/{NUMBER[:-1]}9").status_code == 404
