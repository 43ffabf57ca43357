"""The board says how far each complex is, and of what blocks closing exactly what closing would refuse."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.statements import board, runs
from app.statements.board import Board
from app.statements.corrections import voids
from app.statements.disputes import service as disputing
from tests.statements.town import CLERK, BilledTown, instant, month_named

OCTOBER = date(2026, 10, 1)
SECOND = instant("2026-11-02")


def seen(town: BilledTown, now: datetime = SECOND, month: str = "2026-10", reach: Reach = WHOLE) -> Board:
    with town.database.session() as session:
        return board.board(session, town.id, month_named(month), reach, now)


def row(town: BilledTown, now: datetime = SECOND, month: str = "2026-10", code: str = "W0G001") -> dict[str, Any]:
    return next(row for row in seen(town, now, month).rows if row["complex"] == code)


def refusal(town: BilledTown, now: datetime, month: str = "2026-10") -> str:
    """What closing the month now is refused for."""
    with pytest.raises(Problem) as refused, town.database.begin() as session:
        runs.finalise(session, town.id, town.complexes["W0G001"], month_named(month), CLERK, now)
    return refused.value.slug


def test_a_month_goes_from_open_over_its_review_to_final(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 10_000)
    assert (row(town)["state"], row(town)["blocks"], row(town)["won"]) == ("open", ["no-preview"], None)
    assert refusal(town, SECOND) == "no-preview"
    town.preview("2026-10")
    found = row(town)
    assert (found["state"], found["blocks"], found["won"], found["households"]) == ("review", ["review-open"], 1_300, 1)
    assert refusal(town, SECOND) == "review-open"
    assert (row(town, instant("2026-11-08"))["state"], row(town, instant("2026-11-08"))["blocks"]) == ("preview", [])
    with town.database.begin() as session:
        runs.review(session, town.id, town.complexes["W0G001"], OCTOBER, "manager", SECOND)
    assert (row(town)["state"], row(town)["blocks"]) == ("reviewed", [])
    assert seen(town).ready == ["W0G001"]
    town.finalise("2026-10")
    found = row(town, instant("2026-11-10"))
    assert (found["state"], found["blocks"], found["run"]) == ("final", [], "202610-W0G001")
    assert seen(town, instant("2026-11-10")).states["final"] == 1


def test_a_preview_from_before_the_end_of_the_month_blocks(town: BilledTown) -> None:
    town.home("101", "1203")
    assert row(town, instant("2026-10-20"))["blocks"] == ["month-not-over"]
    town.preview("2026-10", now=instant("2026-10-20"))
    later = instant("2026-11-09")
    assert row(town, later)["blocks"] == [refusal(town, later)] == ["month-not-over"]


def test_a_preview_that_a_tariff_was_added_to_since_is_outdated(town: BilledTown) -> None:
    town.home("101", "1203")
    town.preview("2026-10")
    town.tariff("2026-10-01", 140)
    later = instant("2026-11-09")
    assert row(town, later)["blocks"] == [refusal(town, later)] == ["preview-outdated"]


def test_a_complex_without_a_tariff_is_blocked_and_says_so(town: BilledTown) -> None:
    town.home("101", "1203")
    town.terms("W0G001", "complex")
    found = row(town)
    assert (found["blocks"], found["warnings"]["no_tariff"]) == (["no-tariff", "no-preview"], 1)
    with pytest.raises(Problem) as refused:
        town.preview("2026-10")
    assert refused.value.slug == "no-tariff"


def test_the_change_is_held_against_the_month_before(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-09-05", 1_000)
    town.discharge(home, "2026-10-05", 3_000)
    town.final("2026-09")
    town.preview("2026-10")
    found = row(town)
    assert (found["before_won"], found["change_won"]) == (130, 260)
    assert row(town, code="W0G002")["change_won"] is None


def test_open_disputes_and_usage_that_waits_are_counted(town: BilledTown) -> None:
    home, other = town.home("101", "1203"), town.home("101", "1204")
    for each in (home, other):
        town.discharge(each, "2026-09-05", 1_000)
    town.final("2026-09")
    with town.database.begin() as session:
        wanted = disputing.Wanted("202609-W0G001-0001", 1, "집을 비웠습니다.", None)
        disputing.open_dispute(session, town.id, WHOLE, wanted, CLERK, instant("2026-10-12"))
        voids.void(session, town.id, WHOLE, "202609-W0G001-0002", "착오", False, CLERK, instant("2026-10-12"))
    found = row(town)
    assert (found["disputes"], found["late"]) == (1, 1)
    assert seen(town).sums["late"] == 1


def test_managers_see_their_complexes_alone(town: BilledTown) -> None:
    mine = Reach(frozenset({town.complexes["W0G002"]}))
    assert [row["complex"] for row in seen(town, reach=mine).rows] == ["W0G002"]


def test_the_newest_open_month_is_the_last_one_until_it_is_closed(town: BilledTown) -> None:
    def newest(day: str) -> date:
        with town.database.session() as session:
            return board.newest_open(session, town.id, WHOLE, instant(day))

    for code in town.complexes:
        town.home("101", "1203", complex=code)
    assert newest("2026-11-02") == OCTOBER
    town.final("2026-10", "W0G001")
    assert newest("2026-11-12") == OCTOBER
    town.final("2026-10", "W0G002")
    assert newest("2026-11-12") == date(2026, 11, 1)
    with town.database.session() as session:
        found = board.months(session, town.id, WHOLE, instant("2026-11-12"))
    assert [(each["month"].month, each["final"]) for each in found] == [(11, 0), (10, 2)]


def test_what_was_seen_changes_with_a_preview_that_can_be_closed(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-10-05", 1_000)
    town.preview("2026-10")
    after = instant("2026-11-09")
    before = seen(town, after).seen
    assert seen(town, after + timedelta(hours=1)).seen == before
    town.discharge(home, "2026-10-06", 1_000, booked="2026-11-09")
    town.preview("2026-10", now=instant("2026-11-10"))
    assert seen(town, instant("2026-11-20")).seen != before


def test_rows_are_sorted_with_what_is_unknown_last(town: BilledTown) -> None:
    town.home("101", "1203", complex="W0G002")
    town.preview("2026-10", "W0G002")
    found = seen(town).rows
    for falling in (False, True):
        assert [each["complex"] for each in board.sorted_rows(found, "won", falling)] == ["W0G002", "W0G001"]
    assert [each["complex"] for each in board.sorted_rows(found, "households", True)] == ["W0G002", "W0G001"]
    assert [each["complex"] for each in board.sorted_rows(found, "state", False)] == ["W0G001", "W0G002"]


def test_more_complexes_and_households_take_no_more_statements(town: BilledTown) -> None:
    def statements() -> int:
        counted: list[int] = []

        def count(*_args: Any) -> None:
            counted.append(1)

        sa.event.listen(town.database.engine, "before_cursor_execute", count)
        seen(town)
        sa.event.remove(town.database.engine, "before_cursor_execute", count)
        return len(counted)

    town.discharge(town.home("101", "1"), "2026-10-05", 1_000)
    town.preview("2026-10")
    few = statements()
    for number in range(2, 9):
        town.discharge(town.home("101", str(number)), "2026-10-05", 1_000)
        town.discharge(town.home("101", str(number), complex="W0G002"), "2026-10-05", 1_000)
    town.preview("2026-10")
    town.preview("2026-10", "W0G002")
    assert statements() == few <= 45
