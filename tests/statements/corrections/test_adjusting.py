"""What arrives late or is corrected reaches the next statement, at the tariff and tier of its own month."""

import json

import pytest
import sqlalchemy as sa

from app.problems import Problem
from app.statements.models import StatementLine
from tests.statements.corrections.reading import Shown, adjustments, billed, lines_of, run_of
from tests.statements.town import BilledTown


def test_a_late_discharge_is_billed_two_months_on_by_the_tariff_and_tier_of_its_own_month(town: BilledTown) -> None:
    town.tariff("2026-01-01", 80, tiers=((20_000, 120), (30_000, 140)))
    town.tariff("2026-09-01", 200)
    home = town.home("101", "1203")
    town.discharge(home, "2026-08-05", 19_500)
    town.final("2026-08")
    town.final("2026-09")
    town.discharge(home, "2026-08-20", 1_000, booked="2026-10-12")
    town.discharge(home, "2026-10-20", 1_000)
    town.final("2026-10")
    assert lines_of(town, home) == [
        Shown("202608-W0G001", "usage", "2026-08", 19_500, 1, 1_560),
        Shown("202609-W0G001", "usage", "2026-09", 0, 0, 0),
        Shown("202610-W0G001", "usage", "2026-10", 1_000, 1, 200),
        Shown("202610-W0G001", "adjustment", "2026-08", 1_000, 1, 100),  # 500 g at 80 won and 500 g at 120 won
    ]


def test_a_whole_amount_tariff_rates_the_months_other_grams_anew(town: BilledTown) -> None:
    town.tariff("2026-01-01", 80, tiers=((20_000, 120),), tiering="whole_amount")
    home = town.home("101", "1203")
    town.discharge(home, "2026-08-05", 19_990)
    town.final("2026-08")
    town.discharge(home, "2026-08-20", 10, booked="2026-09-12")
    town.final("2026-09")
    assert adjustments(town, home) == [Shown("202609-W0G001", "adjustment", "2026-08", 10, 1, 2_400 - 1_599)]


def test_a_corrected_weight_and_a_void_are_credited_and_corrected_again_later(town: BilledTown) -> None:
    home = town.home("101", "1203")
    heavy, wrong = (town.discharge(home, f"2026-08-0{day}", 2_000) for day in (5, 6))
    town.final("2026-08")
    town.correct(heavy, "re_weigh", "2026-09-15", net_g=1_000)
    town.final("2026-09")
    town.correct(heavy, "re_weigh", "2026-10-15", net_g=1_500)
    town.correct(wrong, "void", "2026-10-16")
    town.final("2026-10")
    town.final("2026-11")
    assert adjustments(town, home) == [
        Shown("202609-W0G001", "adjustment", "2026-08", -1_000, 0, -130),
        Shown("202610-W0G001", "adjustment", "2026-08", -1_500, -1, -195),
    ]
    assert billed(town, home) == (1_500, 1, 195)


def test_a_discharge_booked_just_now_waits_for_the_run_after(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.final("2026-08")
    town.discharge(home, "2026-08-05", 1_000, booked="2026-10-02 11:59:30")
    town.final("2026-09")  # previewed at noon: half a minute later
    assert adjustments(town, home) == []
    town.final("2026-10")
    assert adjustments(town, home) == [Shown("202610-W0G001", "adjustment", "2026-08", 1_000, 1, 130)]


def test_a_correction_that_moves_no_sum_is_found_where_the_price_changed_in_the_month(town: BilledTown) -> None:
    town.tariff("2026-08-15", 200)
    home = town.home("101", "1203")
    early, late = (town.discharge(home, day, 1_000) for day in ("2026-08-05", "2026-08-20"))
    town.final("2026-08")
    town.correct(early, "re_weigh", "2026-09-15", net_g=500)
    town.correct(late, "re_weigh", "2026-09-15", net_g=1_500)
    town.final("2026-09")
    assert adjustments(town, home) == [Shown("202609-W0G001", "adjustment", "2026-08", 0, 0, 500 * 70 // 1000)]


def test_a_back_dated_move_credits_the_old_tenancy_and_charges_the_new_one(town: BilledTown) -> None:
    old = town.home("101", "1203", until="2026-08-10 00:00")
    new = town.home("101", "1203", since="2026-08-10 00:00")
    town.discharge(old, "2026-08-05", 1_000)
    moved = town.discharge(old, "2026-08-20", 2_000)
    town.final("2026-08")
    town.correct(moved, "re_attribute", "2026-09-15", household_id=new.household_id)
    town.final("2026-09")
    assert adjustments(town, old) == [Shown("202609-W0G001", "adjustment", "2026-08", -2_000, -1, -260)]
    assert adjustments(town, new) == [Shown("202609-W0G001", "adjustment", "2026-08", 2_000, 1, 260)]


def test_a_discharge_of_another_complexes_household_is_found_in_both(town: BilledTown) -> None:
    mine, theirs = town.home("101", "1203"), town.home("201", "101", complex="W0G002")
    wrong = town.discharge(mine, "2026-08-05", 1_000)
    for code in ("W0G001", "W0G002"):
        town.final("2026-08", code)
    town.correct(wrong, "re_attribute", "2026-09-15", household_id=theirs.household_id)
    for code in ("W0G001", "W0G002"):
        town.final("2026-09", code)
    assert [line.won for line in adjustments(town, mine)] == [-130]
    assert [line.won for line in adjustments(town, theirs)] == [130]


def test_a_card_found_later_lowers_everybodys_share_of_the_suspense(town: BilledTown) -> None:
    homes = [town.home("101", unit) for unit in ("101", "102")]
    lost = town.discharge(None, "2026-08-05", 1_001)
    town.final("2026-08")
    town.correct(lost, "re_attribute", "2026-09-15", household_id=homes[0].household_id)
    town.final("2026-09")
    assert [line.won for line in adjustments(town, homes[0])] == [130 - 65]
    assert [line.won for line in adjustments(town, homes[1])] == [-65]


def test_suspense_that_arrives_late_is_shared_late_and_only_once(town: BilledTown) -> None:
    home = town.home("101", "101")
    town.final("2026-08")
    town.discharge(None, "2026-08-05", 1_000, booked="2026-09-12")
    for month in ("2026-09", "2026-10"):
        town.final(month)
    assert adjustments(town, home) == [Shown("202609-W0G001", "adjustment", "2026-08", 0, 0, 130)]
    seen = [json.loads(run_of(town, f"2026{month}-W0G001").detail)["suspense_of"] for month in ("09", "10")]
    assert seen == [{"2026-08-01": [1_000, 1]}, {}]


def test_the_change_of_an_earlier_months_residue_reaches_the_complex(town: BilledTown) -> None:
    homes = [town.home("101", unit) for unit in ("101", "102", "103")]
    for home in homes:
        town.discharge(home, "2026-08-05", 5)  # 0.65 won each
    town.final("2026-08")
    town.discharge(homes[0], "2026-08-06", 5, booked="2026-09-12")
    for month in ("2026-09", "2026-10"):
        town.final(month)
    runs = [run_of(town, f"2026{month}-W0G001") for month in ("08", "09", "10")]
    assert [(run.lines_won, run.residue_won, run.won) for run in runs] == [(0, 1, 1), (1, 0, 1), (0, 0, 0)]
    assert json.loads(runs[1].detail)["residues"] == {}


def test_what_was_adjusted_is_not_adjusted_again_nor_is_a_month_that_is_not_closed(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-07-05", 1_000)  # before the first month that is billed
    town.final("2026-08")
    town.discharge(home, "2026-08-05", 1_000, booked="2026-09-12")
    for month in ("2026-09", "2026-10", "2026-11"):
        town.final(month)
    assert adjustments(town, home) == [Shown("202609-W0G001", "adjustment", "2026-08", 1_000, 1, 130)]


def test_two_previews_never_bill_the_same_adjustment_twice(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.final("2026-08")
    town.discharge(home, "2026-08-05", 1_000, booked="2026-09-12")
    for month in ("2026-09", "2026-10"):
        town.preview(month, now="2026-11-02")
    town.finalise("2026-09", now="2026-11-10")
    with pytest.raises(Problem, match="preview-outdated"):
        town.finalise("2026-10", now="2026-11-10")
    town.final("2026-10")
    assert billed(town, home) == (1_000, 1, 130)


def test_a_former_tenant_gets_a_statement_with_nothing_but_the_credit(town: BilledTown) -> None:
    left = town.home("101", "1203", until="2026-09-01 00:00")
    wrong = town.discharge(left, "2026-08-05", 1_000)
    town.final("2026-08")
    town.correct(wrong, "void", "2026-09-15")
    town.final("2026-09")
    assert lines_of(town, left)[1:] == [Shown("202609-W0G001", "adjustment", "2026-08", -1_000, -1, -130)]


def test_an_adjustment_tells_both_sides(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.discharge(home, "2026-08-05", 1_000)
    town.final("2026-08")
    town.discharge(home, "2026-08-06", 500, booked="2026-09-12")
    town.final("2026-09")
    with town.database.session() as session:
        line = session.scalars(sa.select(StatementLine).where(StatementLine.kind == "adjustment")).one()
    detail = json.loads(line.detail)
    assert detail["old"] == {"grams": 1_000, "discharges": 1, "won": 130}
    assert detail["new"] == {"grams": 1_500, "discharges": 2, "won": 195}


def test_days_lived_that_a_back_dated_move_changes_are_shared_anew(town: BilledTown) -> None:
    from app.access.reach import WHOLE
    from app.metering import moves
    from app.registry import moves as registry
    from app.registry.places import home_of
    from tests.statements.town import CLERK, instant

    homes = [town.home("101", unit) for unit in ("101", "102")]
    town.discharge(None, "2026-08-05", 10_000)
    town.final("2026-08")
    with town.database.begin() as session:
        home = home_of(session, town.id, homes[1].household_id, WHOLE)
        now = instant("2026-09-15")
        moved = registry.move_out(session, town.id, home, instant("2026-08-11 00:00"), "blocked", CLERK, now)
        moves.follow(session, town.id, moved, CLERK, "moved out", now)
    town.final("2026-09")
    won = 1_300 * 31 // 41
    assert [line.won for line in adjustments(town, homes[0])] in ([won - 650], [won - 649])
    assert sum(line.won for home in homes for line in adjustments(town, home)) == 0
