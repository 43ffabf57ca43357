"""The queue of usage that no statement bills: why it waits, how much it is, what each decision does."""

import pytest

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.statements.corrections import late
from app.statements.corrections.waiting import Key
from app.statements.terms import policy
from tests.statements.corrections.reading import Shown, adjustments, decide, number_of, queue, void
from tests.statements.town import CLERK, BilledTown, Home, instant, month_named

NOW = instant("2026-12-20")


@pytest.fixture
def home(town: BilledTown) -> Home:
    """A household with 1,000 g that became known three months late, where one month is the limit."""
    with town.database.begin() as session:
        policy.change(session, town.id, policy.Policy(late_months=1), CLERK, NOW)
    home = town.home("101", "1203")
    for month in ("2026-07", "2026-08", "2026-09"):
        town.final(month)
    town.discharge(home, "2026-07-05", 1_000, booked="2026-10-12")
    town.discharge(home, "2026-09-05", 400, booked="2026-10-12")
    town.final("2026-10")
    return home


def test_usage_older_than_the_limit_waits_and_is_not_billed_by_itself(town: BilledTown, home: Home) -> None:
    assert adjustments(town, home) == [Shown("202610-W0G001", "adjustment", "2026-09", 400, 1, 52)]
    (row,) = queue(town)
    assert row == {
        "key": f"2026-07.1.{home.household_id}.{home.tenancy_id}",
        "cause": "old",
        "month": month_named("2026-07"),
        "complex": "W0G001",
        "complex_name": "단지 W0G001",
        "household_id": home.household_id,
        "building": "101",
        "unit": "1203",
        "tenancy_id": home.tenancy_id,
        "grams": 1_000,
        "count": 1,
        "won": 130,
        "decision": None,
    }


def test_a_decision_to_bill_lets_one_run_take_it(town: BilledTown, home: Home) -> None:
    decide(town, home, "2026-07", "bill", "2026-11-15")
    assert [row["decision"] for row in queue(town)] == ["bill"]
    with pytest.raises(Problem, match="already-decided"):
        decide(town, home, "2026-07", "write_off", "2026-11-16")
    town.final("2026-11")
    assert adjustments(town, home)[1:] == [Shown("202611-W0G001", "adjustment", "2026-07", 1_000, 1, 130)]
    assert queue(town) == []
    town.discharge(home, "2026-07-06", 500, booked="2026-12-12")
    town.final("2026-12")
    assert [(row["grams"], row["won"], row["decision"]) for row in queue(town)] == [(500, 65, None)]


def test_a_void_of_the_statement_that_took_it_opens_the_decision_again(town: BilledTown, home: Home) -> None:
    decide(town, home, "2026-07", "bill", "2026-11-15")
    town.final("2026-11")
    void(town, number_of(town, home, "2026-11"), "2026-12-12", reissue=False)
    town.final("2026-12")
    assert [line.month for line in adjustments(town, home)] == ["2026-09", "2026-07"]


def test_what_is_written_off_is_billed_no_more_but_what_comes_later_waits(town: BilledTown, home: Home) -> None:
    decide(town, home, "2026-07", "write_off", "2026-11-15")
    town.final("2026-11")
    assert (len(adjustments(town, home)), queue(town)) == (1, [])
    town.discharge(home, "2026-07-06", 500, booked="2026-12-12")
    assert [(row["grams"], row["count"], row["won"]) for row in queue(town)] == [(500, 1, 65)]


def test_a_month_that_later_ones_went_past_waits_until_it_is_closed(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-09-05", 10_000)
    town.final("2026-10")
    assert [(row["month"], row["grams"]) for row in queue(town, "not_closed")] == [(month_named("2026-09"), 10_000)]
    town.final("2026-09")
    assert queue(town, "not_closed") == []


def test_weight_of_nobody_where_nobody_lives_waits(town: BilledTown) -> None:
    town.discharge(None, "2026-10-05", 1_000)
    town.final("2026-10")
    assert [row["grams"] for row in queue(town, "held")] == [1_000]


def test_a_limit_that_was_shorter_for_a_while_loses_no_correction(town: BilledTown) -> None:
    home, neighbour = town.home("101", "1203"), town.home("101", "1204")
    number = town.discharge(home, "2026-06-05", 10_000)
    for month in ("2026-06", "2026-07", "2026-08"):
        town.final(month)
    town.correct(number, "re_attribute", "2026-09-15", household_id=neighbour.household_id)
    for months, month in ((1, "2026-09"), (12, "2026-10")):
        with town.database.begin() as session:
            policy.change(session, town.id, policy.Policy(late_months=months), CLERK, instant(f"{month}-20"))
        town.final(month)
    assert [line.won for line in adjustments(town, home)] == [-1_300]
    assert [line.won for line in adjustments(town, neighbour)] == [1_300]


def test_nothing_is_decided_of_what_does_not_wait(town: BilledTown, home: Home) -> None:
    with pytest.raises(Problem, match="nothing-waits"):
        decide(town, home, "2026-08", "bill", "2026-11-15")
    with pytest.raises(Problem, match="nothing-waits"):  # within the limit: the next run takes it
        decide(town, home, "2026-10", "bill", "2026-11-15")
    with town.database.begin() as session:
        outside = Reach(frozenset({town.complexes["W0G002"]}))
        args = (home.tenancy_id, month_named("2026-07"), "bill", "결정", CLERK, NOW)
        with pytest.raises(Problem, match="not-found"):
            late.decide(session, town.id, outside, *args)
    with town.database.begin() as session, pytest.raises(Problem) as refused:
        late.decide(session, town.id, WHOLE, home.tenancy_id, month_named("2026-07"), "burn", " ", CLERK, NOW)
    assert set(refused.value.extra["errors"]) == {"decision", "reason"}


def test_held_suspense_waits_until_it_is_given_to_a_household(town: BilledTown) -> None:
    town.terms(suspense="held")
    home = town.home("101", "1203")
    first = town.discharge(None, "2026-08-05", 1_000)
    town.discharge(None, "2026-08-06", 300)
    assert queue(town, "held") == []
    town.final("2026-08")
    assert [(row["month"], row["grams"], row["count"], row["won"], row["unit"]) for row in queue(town, "held")] == [
        (month_named("2026-08"), 1_300, 2, None, None)
    ]
    town.correct(first, "re_attribute", "2026-09-15", household_id=home.household_id)
    town.final("2026-09")
    assert [row["grams"] for row in queue(town, "held")] == [300]
    assert [line.grams for line in adjustments(town, home)] == [1_000]


def test_doubtful_discharges_wait_page_by_page(town: BilledTown) -> None:
    homes = [town.home("101", unit) for unit in ("101", "102", "103")]
    for home in homes:
        town.discharge(home, "2026-08-05", 700, billable=False)
        town.discharge(home, "2026-08-06", 100)
    first = queue(town, "doubtful", limit=2)
    rest = queue(town, "doubtful", limit=2, after=Key.parse(first[-1]["key"]))
    assert [(row["unit"], row["grams"], row["count"]) for row in first + rest] == [
        ("101", 700, 1),
        ("102", 700, 1),
        ("103", 700, 1),
    ]


def test_usage_of_days_without_a_tariff_waits_by_complex_and_month(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2019-12-05", 700)
    town.discharge(home, "2020-01-05", 700)
    assert [(row["month"], row["grams"]) for row in queue(town, "no_tariff")] == [(month_named("2019-12"), 700)]


def test_sums_tell_how_much_waits_for_each_cause(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-11-05", 200, billable=False)
    town.discharge(home, "2019-11-05", 300)
    with town.database.session() as session:
        found = {row["cause"]: tuple(row.values())[1:] for row in late.sums(session, town.id, WHOLE, NOW)}
        nothing = late.sums(session, town.id, Reach(frozenset()), NOW)
    assert found == {
        "old": (1, 1_000, 1, 130),
        "voided": (0, 0, 0, 0),
        "held": (0, 0, 0, 0),
        "doubtful": (1, 200, 1, 0),
        "no_tariff": (1, 300, 1, 0),
        "not_closed": (0, 0, 0, 0),
    }
    assert sum(row["rows"] for row in nothing) == 0


def test_the_queue_goes_on_after_a_key_and_is_narrowed_by_complex_and_reach(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-08-05", 100, booked="2026-11-12")
    town.final("2026-11")
    rows = queue(town)
    assert [row["month"] for row in rows] == [month_named("2026-07"), month_named("2026-08")]
    assert queue(town, limit=1) == rows[:1]
    assert queue(town, after=Key.parse(rows[0]["key"])) == rows[1:]
    assert (queue(town, code="W0G001"), queue(town, code="W0G002")) == (rows, [])
    with town.database.session() as session:
        assert late.queue(session, town.id, Reach(frozenset({town.complexes["W0G002"]})), NOW) == []


@pytest.mark.parametrize("text", ["", "2026-13.1.1.1", "2026-10.1.1.1.1", "2026-10.x", "2026-10.²", "2026-10"])
def test_a_key_that_is_none_is_not_found(text: str) -> None:
    with pytest.raises(Problem, match="not-found"):
        Key.parse(text)
