"""The same won is never given back twice: by an objection or a write-off, and by a correction that comes afterwards."""

import pytest

from app.access.reach import WHOLE
from app.statements.disputes import service
from app.statements.disputes.service import Decision, Wanted
from app.statements.terms import policy
from tests.statements.corrections.reading import adjustments, billed, decide, lines_of, number_of, queue, run_of, void
from tests.statements.town import CLERK, BilledTown, Home, instant


@pytest.fixture
def home(town: BilledTown) -> Home:
    return town.home("101", "1203")


def accept(town: BilledTown, home: Home, credit_won: int | None, line: int = 1) -> None:
    """Decide in November about October's statement; None credits the whole line."""
    number = number_of(town, home, "2026-10")
    state = "accepted" if credit_won is None else "partly"
    with town.database.begin() as session:
        id_ = service.open_dispute(session, town.id, WHOLE, Wanted(number, line, "x"), CLERK, instant("2026-11-12"))
        decision = Decision(state, "y", credit_won)
        service.decide(session, town.id, id_, decision, CLERK, instant("2026-11-13"))


def october(town: BilledTown, home: Home) -> int:
    """Won that count for October: bills, adjustments and credits."""
    return sum(line.won for line in lines_of(town, home) if line.month == "2026-10")


@pytest.mark.parametrize("carried_first", [False, True])
@pytest.mark.parametrize(
    ("credit_won", "net_g", "left"),
    [
        (None, None, 0),
        (520, 6_000, 780),  # the credit was for these four kilograms
        (100, 6_000, 780),
        (520, 9_000, 780),  # more was credited than the correction explains
        (520, 2_000, 260),
        (520, 12_000, 1_040),  # an increase is billed; what was decided stays
    ],
)
def test_a_correction_after_an_accepted_objection_gives_back_only_the_rest(
    town: BilledTown, home: Home, credit_won: int | None, net_g: int | None, left: int, carried_first: bool
) -> None:
    number = town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    accept(town, home, credit_won)
    if carried_first:
        town.final("2026-11")
    if net_g is None:
        town.correct(number, "void", "2026-11-20")
    else:
        town.correct(number, "re_weigh", "2026-11-20", net_g=net_g)
    for month in ("2026-12",) if carried_first else ("2026-11", "2026-12"):
        town.final(month)
    assert october(town, home) == left
    assert [line.grams for line in adjustments(town, home)] == [(net_g or 0) - 10_000]
    town.final("2027-01")
    assert october(town, home) == left
    assert sum(run_of(town, f"{month}-W0G001").won for month in ("202610", "202611", "202612", "202701")) == left


def test_a_reissue_after_an_accepted_objection_says_what_was_taken_off_before(town: BilledTown, home: Home) -> None:
    number = town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    accept(town, home, 520)
    town.final("2026-11")
    town.correct(number, "re_weigh", "2026-12-14", net_g=6_000)
    void(town, number_of(town, home, "2026-10"), "2026-12-15")
    assert [(line.kind, line.won) for line in lines_of(town, home) if line.month == "2026-10"] == [
        ("usage", 780),
        ("adjustment", 520),
        ("manual", -520),
    ]
    town.final("2026-12")
    assert october(town, home) == 780
    assert sum(run_of(town, f"{month}-W0G001").won for month in ("202610", "202611", "202612")) == 780


def test_what_was_written_off_is_not_paid_out_when_it_is_corrected(town: BilledTown, home: Home) -> None:
    number = town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    void(town, number_of(town, home, "2026-10"), "2026-11-12", reissue=False)
    decide(town, home, "2026-10", "write_off", "2026-11-13")
    town.final("2026-11")
    town.correct(number, "void", "2026-12-14")
    town.final("2026-12")
    assert october(town, home) == 0
    assert sum(run_of(town, f"{month}-W0G001").won for month in ("202610", "202611", "202612")) == 0


def test_a_reissue_does_not_bill_what_waits_after_a_void(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    town.discharge(home, "2026-10-06", 2_000, booked="2026-11-20")
    town.final("2026-11")
    void(town, number_of(town, home, "2026-10"), "2026-12-12", reissue=False)
    void(town, number_of(town, home, "2026-11"), "2026-12-13")
    assert billed(town, home) == (2_000, 1, 260)
    assert [(row["cause"], row["won"]) for row in queue(town, "voided")] == [("voided", 1_300)]


def test_a_reissue_does_not_bill_what_is_too_old(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-06-05", 1_000)
    town.final("2026-06")
    town.discharge(home, "2026-06-06", 1_000, booked="2026-07-20")
    town.final("2026-07")
    town.discharge(home, "2026-06-07", 5_000, booked="2026-09-20")
    with town.database.begin() as session:
        policy.change(session, town.id, policy.Policy(late_months=1), CLERK, instant("2026-09-21"))
    town.final("2026-08")
    town.final("2026-09")
    void(town, number_of(town, home, "2026-07"), "2026-10-12")
    assert billed(town, home) == (2_000, 2, 260)
    assert [row["won"] for row in queue(town)] == [650]
