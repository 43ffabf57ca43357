"""What is final never changes: the databases refuse it, whoever closes at once or again closes the same, and verify
tells of whatever was changed past them."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.reach import WHOLE
from app.db import Database
from app.problems import Problem
from app.statements import queries, runs
from app.statements.models import Statement, StatementLine, StatementRun
from app.statements.verify import verify
from tests.statements.town import CLERK, BilledTown, instant, month_named

OCTOBER = month_named("2026-10")
FROZEN = ("statement_run", "statement", "statement_line", "discharge")


@pytest.fixture
def closed(town: BilledTown) -> BilledTown:
    """October of W0G001 is closed: a household with 24 kg, one with 2, and a kilogram that is nobody's."""
    town.discharge(town.home("101", "1203"), "2026-10-05", 24_000)
    town.discharge(town.home("101", "1204"), "2026-10-06", 2_000)
    town.discharge(None, "2026-10-07", 1_005)
    town.final("2026-10")
    return town


@pytest.mark.parametrize("table", FROZEN)
@pytest.mark.parametrize("change", ["UPDATE {} SET district_id = district_id", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_or_delete(closed: BilledTown, table: str, change: str) -> None:
    with pytest.raises(sa.exc.DBAPIError), closed.database.engine.begin() as connection:
        connection.execute(sa.text(change.format(table)))


@pytest.mark.parametrize("table", ["statement", "statement_line"])
def test_the_database_itself_refuses_a_further_row_in_a_final_run(closed: BilledTown, table: str) -> None:
    columns = {"statement": Statement, "statement_line": StatementLine}[table].__table__.columns
    names = ", ".join(column.name for column in columns)
    other = ", ".join("serial + 100" if column.name == "serial" else column.name for column in columns)
    for run in ("run_id", "run_id + 100"):  # final, and not there at all
        source = other.replace("run_id", run)
        with pytest.raises(sa.exc.DBAPIError), closed.database.engine.begin() as connection:
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) SELECT {source} FROM {table}"))


@pytest.mark.parametrize("dialect", ["postgresql"])
@pytest.mark.parametrize("table", FROZEN)
def test_postgresql_refuses_to_truncate(closed: BilledTown, table: str) -> None:
    with pytest.raises(sa.exc.DBAPIError), closed.database.engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {table} CASCADE"))


def test_a_preview_may_be_made_anew_and_says_whether_anything_changed(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 24_000)
    first, same = town.preview("2026-10"), town.preview("2026-10")
    assert (first.changed, same.changed, first.content_hash) == (True, False, same.content_hash)
    town.discharge(home, "2026-10-31", 1_000, booked="2026-11-01")
    again = town.preview("2026-10", now="2026-11-03")
    assert again.changed
    assert (again.grams, again.won) == (25_000, 3250)


def test_what_is_booked_after_the_position_is_not_in_the_statement(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 24_000)
    number = town.discharge(home, "2026-10-06", 1_000)
    town.correct(number, "void", "2026-11-05")
    town.discharge(home, "2026-10-07", 3_000, booked="2026-11-06")
    assert town.preview("2026-10", now="2026-11-02").grams == 25_000
    assert town.preview("2026-10", now="2026-11-07").grams == 27_000


def test_a_hash_stays_whatever_comes_later(closed: BilledTown) -> None:
    before = seen(closed)
    home = closed.home("101", "1205")
    closed.discharge(home, "2026-10-08", 5_000, booked="2026-12-01")
    closed.final("2026-11")
    assert set(before) < set(seen(closed))
    with closed.database.session() as session:
        assert verify(session, closed.id).differences == []


def test_closing_again_changes_nothing(closed: BilledTown) -> None:
    before = seen(closed)
    with pytest.raises(Problem) as refused:
        closed.finalise("2026-10")
    assert refused.value.slug == "already-final"
    how = (closed.id, OCTOBER, ["W0G001"], CLERK, instant("2026-11-20"))
    for act in (runs.preview_month, runs.finalise_month):
        (outcome,) = act(closed.database, *how)
        assert (outcome.state, outcome.changed) == ("final", False)
    assert seen(closed) == before


def seen(town: BilledTown) -> list[tuple[str, bytes]]:
    """Numbers and hashes of all runs and statements, in their order."""
    with town.database.session() as session:
        found = session.execute(sa.select(StatementRun.number, StatementRun.content_hash).order_by(StatementRun.id))
        each = session.execute(sa.select(Statement.serial, Statement.content_hash).order_by(Statement.run_id))
        return [(str(name), hash_) for name, hash_ in (*found, *each)]


def test_of_two_who_close_at_once_one_wins_and_both_see_the_same(town: BilledTown) -> None:
    town.discharge(town.home("101", "1203"), "2026-10-05", 24_000)
    town.preview("2026-10")
    told = at_once(lambda: town.finalise("2026-10").number)
    assert sorted(told) == ["202610-W0G001", "already-final"]
    with town.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Statement)) == 1


def test_two_previews_at_once_make_one_set(town: BilledTown) -> None:
    town.discharge(town.home("101", "1203"), "2026-10-05", 24_000)
    told = at_once(lambda: town.preview("2026-10").content_hash.hex())
    assert len(told) == 2
    assert len(set(told)) == 1
    with town.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StatementRun)) == 1


def at_once(act: Callable[[], str]) -> list[str]:
    """What two who begin at the same moment hear: a result, or the name of a Problem."""
    told, start = list[str](), threading.Barrier(2)

    def run() -> None:
        start.wait()
        try:
            told.append(act())
        except Problem as problem:
            told.append(problem.slug)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return told


CLOSE = """
import sys, time
from datetime import date, datetime
from app.db import Database
from app.statements import runs
url, act, moment, slow = sys.argv[1:]
def told(outcome):
    print(outcome.complex, flush=True)
    time.sleep(float(slow))
getattr(runs, act)(Database(url), 1, date(2026, 10, 1), None, "kim", datetime.fromisoformat(moment), told=told)
"""


@pytest.mark.parametrize("act", ["preview_month", "finalise_month"])
def test_killed_in_the_middle_and_repeated_a_month_has_one_set_with_the_same_hashes(
    database: Database, database_url: str, act: str
) -> None:
    town = BilledTown(database, complexes=40)
    for code in town.complexes:
        town.discharge(town.home("101", "1", complex=code), "2026-10-05", 1_000 * len(code), complex=code)
    assert town.id == 1
    moment = instant("2026-11-02")
    expected = {
        each.complex: each.content_hash for each in runs.preview_month(database, 1, OCTOBER, None, CLERK, moment)
    }
    if act == "preview_month":
        remove_previews(town)
    closing = moment if act == "preview_month" else instant("2026-11-10")
    kill_after_the_first(database_url, act, closing.isoformat())
    outcomes = getattr(runs, act)(database, 1, OCTOBER, None, CLERK, closing)
    assert {each.complex: each.content_hash for each in outcomes} == expected
    with database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StatementRun)) == 40
        assert session.scalar(sa.select(sa.func.count()).select_from(Statement)) == 40
        assert verify(session, 1).differences == []


def remove_previews(town: BilledTown) -> None:
    with town.database.engine.begin() as connection:
        for table in ("statement_line", "statement", "statement_run"):
            connection.execute(sa.text(f"DELETE FROM {table}"))


def kill_after_the_first(url: str, act: str, moment: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", CLOSE, url, act, moment, "0.05"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline(), "it ended before anything was done"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    time.sleep(0.2)  # the server notices that its client is gone


COLUMNS = {
    "statement": ("household_id", "tenancy_id", "grams", "count", "won"),
    "statement_line": ("grams", "count", "won", "tenancy_id"),
    "statement_run": ("grams", "count", "suspense_g", "statements"),
}


@pytest.mark.parametrize(("table", "column"), [(table, name) for table, names in COLUMNS.items() for name in names])
def test_verify_finds_what_was_changed_past_the_database(closed: BilledTown, table: str, column: str) -> None:
    with closed.database.session() as session:
        assert verify(session, closed.id).differences == []
    tamper(closed, f"UPDATE {table} SET {column} = {column} + 1")
    with closed.database.session() as session:
        found = verify(session, closed.id, OCTOBER)
    assert found.differences
    assert (found.runs, {each.run for each in found.differences}) == (1, {"202610-W0G001"})


def test_verify_finds_a_line_that_was_put_in_or_taken_away(closed: BilledTown) -> None:
    tamper(closed, "DELETE FROM statement_line WHERE serial = 2 AND line = 1")
    with closed.database.session() as session:
        told = {each.subject for each in verify(session, closed.id).differences}
    assert "202610-W0G001-0002" in told


def tamper(town: BilledTown, statement: str) -> None:
    """Change what is final as only the owner of the database could."""
    with town.database.engine.begin() as connection:
        if town.database.is_sqlite:
            for name in (
                connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            ):
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(statement))


@settings(max_examples=15)
@given(order=st.permutations(range(6)), booked=st.lists(st.integers(0, 27), min_size=6, max_size=6))
def test_order_and_batches_of_arrival_change_nothing(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, order: list[int], booked: list[int]
) -> None:
    path = shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("order") / "town.db")
    database = Database(f"sqlite:///{path}")
    try:
        town = BilledTown(database)
        homes = [town.home("101", str(1201 + place)) for place in range(3)]
        for index in order:
            moment = instant("2026-11-01") + timedelta(hours=booked[index])
            town.discharge(homes[index % 3], f"2026-10-{index + 5:02d}", 1_000 + 777 * index, booked=moment)
        made = town.preview("2026-10", now="2026-11-04")
        with database.session() as session:
            rows = queries.statement_page(session, town.id, made.number, WHOLE)
        assert [row["grams"] for row in rows] == [4_331, 5_885, 7_439]
        assert [row["won"] for row in rows] == [563, 765, 967]  # 130 won/kg, fractions dropped
    finally:
        database.dispose()
