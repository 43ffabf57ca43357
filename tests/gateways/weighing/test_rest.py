"""Between sessions: steps without a card, drift, and a full bin."""

import pytest

from gateways.weighing.capacity import Capacity
from gateways.weighing.events import Draft
from gateways.weighing.rest import Rest
from gateways.weighing.stability import StableWeight
from gateways.weighing.thresholds import Thresholds
from tests.gateways.weighing.bench import KIM, Disk, bench, check_balance

HOUR = 3600.0


def weight(grams: int) -> StableWeight:
    return StableWeight(grams, grams, grams, 11, 1.0, [])


def settled(at: float, grams: int) -> Draft:
    return Draft(at, "settled", KIM, grams - 300, grams, 300, [], {})


# --- Steps


def test_a_bin_lifted_out_just_before_a_card_is_on_record_before_the_lid_opens() -> None:
    b = bench()
    b.grams = 2_000
    b.run(0.1)
    b.visit(KIM, 400)
    step, deposit = b.drafts
    assert (step.outcome, step.net_g) == ("unattended_step", -10_000)
    assert (deposit.outcome, deposit.net_g, deposit.gross_before_g) == ("settled", 400, 2_000)
    check_balance(b)


def test_a_small_change_behind_a_closed_lid_is_drift_and_through_an_open_lid_a_step() -> None:
    b = bench()
    b.grams = 12_200
    b.run(3)
    assert (b.drafts, b.session.drift_g) == ([], 200)
    b.lid(True)
    b.throw(100)
    b.lid(False)
    b.run(3)
    assert [(d.outcome, d.net_g, d.flags) for d in b.drafts] == [("unattended_step", 100, ["lid_open"])]


def test_a_lid_opened_and_closed_without_a_change_is_nothing() -> None:
    b = bench()
    b.lid(True)
    b.run(3)
    b.lid(False)
    b.lose_lid()
    b.run(3)
    b.find_lid()
    b.run(3)
    assert b.drafts == []


def test_what_came_in_while_the_box_was_off_is_a_step_and_what_dried_is_none() -> None:
    for change, outcomes in ((300, ["unattended_step"]), (-300, [])):
        b = bench(disk=Disk(last_gross_g=12_000 - change))
        assert [d.outcome for d in b.drafts] == outcomes


def test_the_weight_after_an_unsettled_session_is_no_step() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(5_000)
    b.lid(False)
    b.stable = False
    b.run(35)
    b.stable = True
    b.run(5)
    assert [d.outcome for d in b.drafts] == ["unsettled"]
    check_balance(b)


# --- Drift


def test_drift_counts_from_the_last_record_and_evaporation_is_none() -> None:
    rest = Rest(Thresholds(evaporation_g_per_h=30), None)
    rest.follow(settled(0.0, 20_000))
    assert rest.drift_g is None
    for hours, grams, drift in ((1, 19_970, 0), (2, 19_930, -10), (2, 19_990, 0), (10, 20_040, 40)):
        assert rest.see(hours * HOUR, weight(grams)) is None
        assert rest.drift_g == drift
    rest.follow(settled(11 * HOUR, 20_340))
    assert rest.drift_g is None


@pytest.mark.parametrize(
    ("hours", "change", "is_drifting"),
    [(0.1, 200, False), (0.1, 210, True), (3, 500, False), (3, 510, True), (3, -500, False), (3, -600, True)],
)
def test_drift_beyond_its_limit_or_its_rate_is_a_fault(hours: float, change: int, is_drifting: bool) -> None:
    rest = Rest(Thresholds(evaporation_g_per_h=30, drift_limit_g=500, drift_limit_g_per_h=200), None)
    rest.follow(settled(0.0, 20_000))
    rest.see(hours * HOUR, weight(20_000 + change))
    assert rest.is_drifting == is_drifting


def test_a_drifting_scale_is_reported_and_never_tared() -> None:
    b = bench()
    b.visit(KIM, 300)
    for _ in range(30):
        b.grams = (b.grams or 0) + 20
        b.run(3)
    assert (b.session.drift_g, b.session.gross_g) == (600, 12_900)
    assert b.session.faults == {"weighing"}
    b.visit(KIM, 100)
    assert [(d.gross_before_g, d.net_g) for d in b.drafts[1:]] == [(12_900, 100)]
    b.run(3)
    assert (b.session.drift_g, b.session.faults) == (0, set())


# --- A full bin


def test_a_bin_without_room_for_the_next_deposit_refuses_once_a_touch_with_its_weight() -> None:
    b = bench(Thresholds(largest_deposit_g=5_000), capacity_g=16_000)
    assert b.session.faults == {"volume"}
    b.run(10, KIM)
    (draft,) = b.drafts
    assert (draft.outcome, draft.card, draft.net_g, draft.gross_after_g) == ("refused_full", KIM, 0, 12_000)
    assert (b.opened, b.begun, b.told[-1]) == (0, [], "bin_full")
    b.run(2)
    b.run(3, KIM)
    assert [d.outcome for d in b.drafts] == ["refused_full"] * 2


def test_a_bin_emptied_takes_deposits_again() -> None:
    b = bench(Thresholds(largest_deposit_g=5_000), capacity_g=16_000)
    b.grams = 2_000
    b.run(3)
    assert b.session.faults == set()
    b.visit(KIM, 300)
    assert [d.outcome for d in b.drafts] == ["unattended_step", "settled"]


def test_an_overloaded_scale_refuses_as_full_without_a_weight() -> None:
    b = bench()
    b.fault = "overload"
    b.run(9, KIM)
    (draft,) = b.drafts
    assert (draft.outcome, draft.gross_after_g, draft.net_g, draft.flags) == ("refused_full", None, None, ["overload"])
    assert {"volume", "weighing"} <= b.session.faults


def test_a_fill_level_at_its_limit_refuses_too() -> None:
    b = bench(Thresholds(full_percent=50, empty_bin_g=10_000), capacity_g=14_000)
    assert b.session.fill_percent == 50
    b.run(3, KIM)
    assert [d.outcome for d in b.drafts] == ["refused_full"]


@pytest.mark.parametrize(("gross", "percent"), [(9_000, 0), (10_000, 0), (55_000, 50), (100_000, 100), (120_000, 100)])
def test_the_fill_level_counts_from_the_empty_bin_to_the_capacity(gross: int, percent: int) -> None:
    assert Capacity(100_000, Thresholds(empty_bin_g=10_000)).fill_percent(gross) == percent


def test_the_fill_level_is_unknown_while_the_weight_is() -> None:
    b = bench()
    assert b.session.fill_percent == 12
    b.scale_talks = False
    b.run(2)
    assert b.session.fill_percent is None


def test_a_bin_emptied_after_a_refusal_without_a_weight_is_a_step_from_what_was_known_before() -> None:
    b = bench()
    b.fault = "overload"
    b.run(9, KIM)
    b.fault, b.grams = None, 2_000
    b.run(3)
    assert [(d.outcome, d.net_g) for d in b.drafts] == [("refused_full", None), ("unattended_step", -10_000)]
