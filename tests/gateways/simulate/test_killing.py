"""A gateway dies exactly where its plan says, and what it had committed by then is there."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateways.simulate.killing import LOG_VARIABLE, PLAN_VARIABLE, SEEN_VARIABLE, killer_of

VICTIM = """
import os, sqlite3, sys
from gateways.simulate.killing import install, killer_of
install(killer_of(os.environ))
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript("BEGIN; CREATE TABLE IF NOT EXISTS t (n); CREATE TABLE IF NOT EXISTS u (n); COMMIT;")
for n in range(3):
    for table in "tu":
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"INSERT INTO {table} (n) VALUES (?)", (n,))
        db.execute("COMMIT")
"""


def live(folder: Path) -> int:
    environment = {name: str(folder / name) for name in (PLAN_VARIABLE, LOG_VARIABLE, SEEN_VARIABLE)}
    done = subprocess.run([sys.executable, "-c", VICTIM, str(folder / "db")], env=environment, check=False)
    return done.returncode


def kept(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "db")) as db:
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in "tu"}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("commit INSERT t|1|before", {"t": 0, "u": 0}),
        ("commit INSERT t|1|after", {"t": 1, "u": 0}),
        ("commit INSERT u|2|before", {"t": 2, "u": 1}),
        ("commit INSERT u|2|after", {"t": 2, "u": 2}),
        ("commit schema|1|after", {"t": 0, "u": 0}),
    ],
)
def test_a_kill_falls_before_or_after_the_appointed_commit(tmp_path: Path, line: str, left: dict[str, int]) -> None:
    (tmp_path / PLAN_VARIABLE).write_text(line + "\n")
    assert live(tmp_path) == -signal.SIGKILL
    assert kept(tmp_path) == left
    assert (tmp_path / LOG_VARIABLE).read_text() == line + "\n"


def test_each_life_takes_the_next_line_of_the_plan_and_the_last_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / PLAN_VARIABLE).write_text("commit INSERT t|1|after\ncommit INSERT u|1|before\n")
    assert [live(tmp_path) for _ in range(3)] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert kept(tmp_path) == {"t": 1 + 1 + 3, "u": 3}
    seen = (tmp_path / SEEN_VARIABLE).read_text().splitlines()
    assert set(seen) == {"commit schema", "commit INSERT t", "commit INSERT u"}


def test_without_a_plan_nobody_dies() -> None:
    assert killer_of({}).around("commit INSERT t", lambda: 7) == 7
