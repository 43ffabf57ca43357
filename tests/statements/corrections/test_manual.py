"""Won that staff add or take off: pending until a statement that counts carries them, credits up to what was billed."""

import pytest

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.statements.corrections import manual
from tests.statements.corrections.reading import lines_of, number_of, void
from tests.statements.town import CLERK, BilledTown, Home, instant, month_named


@pytest.fixture
def home(town: BilledTown) -> Home:
    """A household that was billed 130 won for August."""
    home = town.home("101", "1203")
    town.discharge(home, "2026-08-05", 1_000)
    town.final("2026-08")
    return home


def add(town: BilledTown, home: Home, won: int, when: str = "2026-09-15", month: str = "2026-08") -> int:
    """Add a manual adjustment."""
    with town.database.begin() as session:
        new = manual.New(home.tenancy_id, month_named(month), won, "사과")
        return manual.add(session, town.id, WHOLE, new, CLERK, instant(when))


def listed(town: BilledTown, which: str = "pending", **page: int) -> list[tuple[int, int, bool]]:
    """Ids, won and whether they are pending."""
    with town.database.session() as session:
        rows = manual.listed(session, town.id, WHOLE, which=which, **page)
    return [(row["id"], row["won"], row["pending"]) for row in rows]


def test_the_next_statement_carries_it_once(town: BilledTown, home: Home) -> None:
    add(town, home, -30)
    town.preview("2026-09")
    assert listed(town) == [(1, -30, True)]
    town.finalise("2026-09")
    town.final("2026-10")
    assert [line[1:] for line in lines_of(town, home) if line.kind == "manual"] == [("manual", "2026-08", 0, 0, -30)]
    assert (listed(town), listed(town, "all")) == ([], [(1, -30, False)])


def test_a_void_lets_it_wait_for_the_next_statement(town: BilledTown, home: Home) -> None:
    add(town, home, 50)
    town.final("2026-09")
    void(town, number_of(town, home, "2026-09"), "2026-10-12", reissue=False)
    assert listed(town) == [(1, 50, True)]
    town.final("2026-10")
    assert [line.run for line in lines_of(town, home) if line.kind == "manual"] == ["202610-W0G001"]


def test_credits_never_exceed_what_was_billed_for_the_month_pending_ones_included(town: BilledTown, home: Home) -> None:
    add(town, home, -100)
    with pytest.raises(Problem, match="credit-too-large") as refused:
        add(town, home, -31)
    assert refused.value.extra["billed_won"] == 30
    add(town, home, -30)
    with pytest.raises(Problem, match="credit-too-large"):
        add(town, home, -1)
    add(town, home, 10)
    add(town, home, -10)


def test_pages_go_on_below_an_id_the_newest_first(town: BilledTown, home: Home) -> None:
    for won in (1, 2, 3):
        add(town, home, won)
    assert listed(town, limit=2) == [(3, 3, True), (2, 2, True)]
    assert listed(town, before=2) == [(1, 1, True)]


def test_amount_reason_and_month_are_checked(town: BilledTown, home: Home) -> None:
    for won, month, reason, field in (
        (0, "2026-08", "사과", "won"),
        (10**9, "2026-08", "사과", "won"),
        (1, "2026-08", " ", "reason"),
        (1, "2026-08", "x" * 301, "reason"),
        (1, "2026-10", "사과", "usage_month"),
    ):
        new = manual.New(home.tenancy_id, month_named(month), won, reason)
        with town.database.begin() as session, pytest.raises(Problem) as refused:
            manual.add(session, town.id, WHOLE, new, CLERK, instant("2026-09-15"))
        assert list(refused.value.extra["errors"]) == [field]


def test_who_does_not_see_the_complex_finds_nothing(town: BilledTown, home: Home) -> None:
    add(town, home, 5)
    outside = Reach(frozenset({town.complexes["W0G002"]}))
    with town.database.begin() as session:
        assert manual.listed(session, town.id, outside) == []
        new = manual.New(home.tenancy_id, month_named("2026-08"), 5, "사과")
        with pytest.raises(Problem, match="not-found"):
            manual.add(session, town.id, outside, new, CLERK, instant("2026-09-15"))


def test_one_about_a_statement_is_about_its_month_and_a_statement_that_counts(town: BilledTown, home: Home) -> None:
    number = number_of(town, home, "2026-08")
    with town.database.begin() as session:
        args = (number, -130, "사과", CLERK, instant("2026-09-15"))
        manual.add_to_statement(session, town.id, WHOLE, *args)
    assert listed(town) == [(1, -130, True)]
    with town.database.begin() as session:
        assert manual.net(session, town.id, home.tenancy_id, home.household_id, month_named("2026-08")) == 0
