"""Statements that are voided, issued anew, and what of that reaches household and complex."""

import pytest
import sqlalchemy as sa

from app.access.reach import WHOLE
from app.problems import Problem
from app.statements.corrections import manual, voids
from app.statements.corrections.voids import Change, Figures
from app.statements.models import StatementVoid
from billing.statements import Line
from tests.statements.corrections.reading import (
    Shown,
    adjustments,
    billed,
    decide,
    lines_of,
    number_of,
    queue,
    run_of,
    void,
)
from tests.statements.town import CLERK, BilledTown, Home, instant, month_named


@pytest.fixture
def home(town: BilledTown) -> Home:
    """A household whose August is closed with 1,000 g, to which 500 g came afterwards."""
    home = town.home("101", "1203")
    town.home("101", "1204")
    town.discharge(home, "2026-08-05", 1_000)
    town.final("2026-08")
    town.discharge(home, "2026-08-06", 500, booked="2026-09-05")
    return home


def test_a_reissue_bills_what_is_known_now_and_is_not_adjusted_afterwards(town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-08")
    voided = void(town, number, "2026-09-08")
    assert voided == (f"{number}-C", -130, "202608-W0G001-R2-0001", 195)
    assert lines_of(town, home) == [Shown("202608-W0G001-R2", "usage", "2026-08", 1_500, 2, 195)]
    town.final("2026-09")
    assert adjustments(town, home) == []
    assert run_of(town, "202609-W0G001").reissued_won == 65
    town.final("2026-10")
    assert run_of(town, "202610-W0G001").reissued_won == 0


def test_a_reissue_leaves_out_what_a_later_statement_adjusted_already(town: BilledTown, home: Home) -> None:
    town.final("2026-09")
    void(town, number_of(town, home, "2026-08"), "2026-10-12")
    assert lines_of(town, home) == [
        Shown("202608-W0G001-R2", "usage", "2026-08", 1_500, 2, 195),
        Shown("202608-W0G001-R2", "adjustment", "2026-08", -500, -1, -65),
        Shown("202609-W0G001", "usage", "2026-09", 0, 0, 0),
        Shown("202609-W0G001", "adjustment", "2026-08", 500, 1, 65),
    ]
    town.final("2026-10")
    assert billed(town, home) == (1_500, 2, 195)
    assert run_of(town, "202610-W0G001").reissued_won == 0


def test_a_reissue_repeats_its_adjustments_and_manual_lines_and_can_be_voided_in_its_turn(
    town: BilledTown, home: Home
) -> None:
    with town.database.begin() as session:
        new = manual.New(home.tenancy_id, month_named("2026-08"), -30, "사과")
        manual.add(session, town.id, WHOLE, new, CLERK, instant("2026-09-20"))
    town.final("2026-09")
    first = void(town, number_of(town, home, "2026-09"), "2026-10-12")
    assert [line[1:] for line in lines_of(town, home)[1:]] == [
        ("usage", "2026-09", 0, 0, 0),
        ("adjustment", "2026-08", 500, 1, 65),
        ("manual", "2026-08", 0, 0, -30),
    ]
    second = void(town, number_of(town, home, "2026-09"), "2026-10-13")
    assert (first.reissued_as, second.reissued_as) == ("202609-W0G001-R2-0001", "202609-W0G001-R3-0001")
    town.final("2026-10")
    assert billed(town, home) == (1_500, 2, 165)


def test_the_diff_is_told_before_anything_is_done(town: BilledTown, home: Home) -> None:
    with town.database.begin() as session:
        found = voids.proposal(session, town.id, WHOLE, number_of(town, home, "2026-08"), instant("2026-09-08"))
    assert found == [Change("usage", month_named("2026-08"), Figures(1_000, 1, 130), Figures(1_500, 2, 195))]
    assert lines_of(town, home) == [Shown("202608-W0G001", "usage", "2026-08", 1_000, 1, 130)]


def test_lines_of_one_kind_and_month_are_compared_in_their_order() -> None:
    month = month_named("2026-08")

    def line(kind: str, won: int) -> Line:
        return Line(kind, month, 1, 1, 0, 0, won, {})

    found = voids.diff([line("manual", 1), line("manual", 2), line("usage", 3)], [line("usage", 4), line("manual", 1)])
    assert [(each.kind, each.old and each.old.won, each.new and each.new.won) for each in found] == [
        ("usage", 3, 4),
        ("manual", 1, 1),
        ("manual", 2, None),
    ]


def test_usage_of_a_statement_voided_without_reissue_waits_until_it_is_let_go(town: BilledTown, home: Home) -> None:
    void(town, number_of(town, home, "2026-08"), "2026-09-08", reissue=False)
    town.final("2026-09")
    assert (adjustments(town, home), run_of(town, "202609-W0G001").reissued_won) == ([], -130)
    waiting = queue(town, "voided")
    assert [(row["unit"], row["month"], row["grams"], row["count"], row["won"]) for row in waiting] == [
        ("1203", month_named("2026-08"), 1_500, 2, 195)
    ]
    decide(town, home, "2026-08", "bill", "2026-10-15")
    town.final("2026-10")
    assert adjustments(town, home) == [Shown("202610-W0G001", "adjustment", "2026-08", 1_500, 2, 195)]
    assert queue(town, "voided") == []


def test_usage_that_was_written_off_counts_as_billed_but_what_comes_later_does_not(
    town: BilledTown, home: Home
) -> None:
    void(town, number_of(town, home, "2026-08"), "2026-09-08", reissue=False)
    decide(town, home, "2026-08", "write_off", "2026-09-09")
    town.final("2026-09")
    assert (lines_of(town, home)[:-1], queue(town, "voided")) == ([], [])
    town.discharge(home, "2026-08-07", 100, booked="2026-10-15")
    town.final("2026-10")
    assert adjustments(town, home) == [Shown("202610-W0G001", "adjustment", "2026-08", 100, 1, 208 - 195)]


def test_adjustments_on_a_voided_statement_come_again_on_the_next_one(town: BilledTown, home: Home) -> None:
    town.final("2026-09")
    void(town, number_of(town, home, "2026-09"), "2026-10-12", reissue=False)
    town.final("2026-10")
    assert adjustments(town, home) == [Shown("202610-W0G001", "adjustment", "2026-08", 500, 1, 65)]


def test_a_preview_made_before_a_void_cannot_be_closed(town: BilledTown, home: Home) -> None:
    town.preview("2026-09")
    void(town, number_of(town, home, "2026-08"), "2026-10-05")
    with pytest.raises(Problem, match="preview-outdated"):
        town.finalise("2026-09")


def test_what_is_void_already_and_what_is_a_preview_are_refused(town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-08")
    town.preview("2026-09")
    void(town, number, "2026-10-05")
    with pytest.raises(Problem, match="statement-void"):
        void(town, number, "2026-10-06")
    with pytest.raises(Problem, match="statement-not-final"):
        void(town, number_of(town, home, "2026-09"), "2026-10-06")
    for unknown in ("202608-W0G001-9999", "202608-W0G001", "nonsense", "202608-W0G001-²"):
        with pytest.raises(Problem, match="not-found"):
            void(town, unknown, "2026-10-06")


def test_a_void_after_which_more_is_credited_than_billed_is_refused_whole(town: BilledTown, home: Home) -> None:
    with town.database.begin() as session:
        new = manual.New(home.tenancy_id, month_named("2026-08"), -100, "사과")
        manual.add(session, town.id, WHOLE, new, CLERK, instant("2026-09-06"))
    with pytest.raises(Problem, match="credit-too-large") as refused:
        void(town, number_of(town, home, "2026-08"), "2026-09-08", reissue=False)
    assert refused.value.extra["billed_won"] == -100
    with town.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StatementVoid)) == 0


def test_a_tenancy_that_no_longer_lived_there_is_reissued_with_nothing(town: BilledTown) -> None:
    old = town.home("101", "1203", until="2026-08-10 00:00")
    new = town.home("101", "1203", since="2026-08-10 00:00")
    wrong = town.discharge(old, "2026-08-20", 1_000)
    town.final("2026-08")
    town.correct(wrong, "re_attribute", "2026-09-05", household_id=new.household_id)
    void(town, number_of(town, old, "2026-08"), "2026-09-08")
    assert lines_of(town, old) == [Shown("202608-W0G001-R2", "usage", "2026-08", 0, 0, 0)]
    town.final("2026-09")
    assert [line.won for line in adjustments(town, new)] == [130]
    assert run_of(town, "202609-W0G001").reissued_won == -130
