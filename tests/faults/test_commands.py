"""`jongnyang fault …` in a terminal, and the watch as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.cli import main
from app.db import Database
from app.fleet.faults.models import Fault, FaultWatch
from app.times import now
from tests.faults.fleet import MINUTE, Fleet

JONGNYANG = Path(sys.executable).with_name("jongnyang")


@pytest.fixture
def fleet(database: Database, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Fleet:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    made = Fleet(database, 2)
    made.duty(made.person("kim"))
    made.minutes(now() - 12 * MINUTE, 12, 3, faults={1: ["lock"]})
    return made


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["--lang", "en", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_faults_are_listed_shown_reported_taken_noted_and_closed(fleet: Fleet) -> None:
    assert "#1  Open  Lock or lid  단지 1 M-0001  in charge kim" in run("fault", "list")
    assert "Fault #2 was reported." in run("fault", "report", "M-0002", "--class", "card", "--words", "card stuck")
    assert "kim took fault #2 over." in run("fault", "take", "2", "--login", "kim")
    assert "There is no account han." in run("fault", "take", "2", "--login", "han", code=2)
    run("fault", "note", "2", "--note", "on my way")
    run("fault", "close", "2", "--note", "card removed")
    shown = run("fault", "show", "2")
    assert all(word in shown for word in ("Closed  Card", "Taken", "on my way", "card removed"))
    assert "The fault is closed already." in run("fault", "close", "2", "--note", "again", code=2)
    assert json.loads(run("fault", "list", "--which", "closed", "--json"))[0]["closing_note"] == "card removed"
    assert [event["kind"] for event in json.loads(run("fault", "show", "2", "--json"))["events"]] == [
        *("opened", "taken", "noted", "closed"),
    ]
    assert "There is no such fault." in run("fault", "list", "--class", "user")


def test_a_check_says_what_it_did(fleet: Fleet) -> None:
    fleet.hear(now(), faults={1: ["lock"]})
    assert "Checked: 0 faults opened, 0 closed, 0 escalated." in run("fault", "check")
    assert json.loads(run("fault", "check", "--json"))[0]["opened"] == []


def test_the_watch_checks_alone_until_it_is_stopped(fleet: Fleet, tmp_path: Path) -> None:
    fleet.hear(now())  # the lid is well again
    run_by = {
        "env": os.environ | {"LANG": "C"},
        "cwd": tmp_path,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
    }
    with subprocess.Popen([JONGNYANG, "fault", "watch", "--send"], text=True, **run_by) as watch:
        assert watch.stdout is not None
        assert "Checking for faults every 60 s." in watch.stdout.readline()
        assert "A watch runs on this database already." in run("fault", "watch", code=2)
        _wait_for_check(fleet)
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(15) == 0
    with subprocess.Popen([JONGNYANG, "fault", "watch"], text=True, **run_by) as watch:
        assert watch.stdout is not None
        assert "Checking" in watch.stdout.readline(), "whoever held the lock took it along"
        watch.kill()


def _wait_for_check(fleet: Fleet) -> None:
    """Until the watch has seen that the lid is well: it begins to count the time."""
    until = time.monotonic() + 20
    asked = sa.select(FaultWatch.good_since).join(Fault, Fault.id == FaultWatch.fault_id)
    while True:
        with fleet.database.session() as session:
            if session.scalar(asked) is not None:
                return
        assert time.monotonic() < until
        time.sleep(0.1)
