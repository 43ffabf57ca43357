"""Those who empty the bin and those who repair it: collection and service."""

import pytest

from gateways.weighing.session import State
from gateways.weighing.thresholds import Thresholds
from tests.gateways.weighing.bench import KIM, Bench, bench, check_balance


def collect(b: Bench, taken: int) -> None:
    b.access = "collector"
    b.run(3, KIM)
    b.throw(-taken)
    b.lid(False)
    b.run(5)
    b.access = "household"


def test_a_collection_has_both_weights_is_not_a_deposit_and_starts_the_bin_anew() -> None:
    b = bench()
    b.run(1)
    assert b.session.fill_percent == 12
    collect(b, 10_000)
    (draft,) = b.drafts
    assert (draft.outcome, draft.card, draft.net_g, draft.flags) == ("collection", KIM, -10_000, [])
    assert (draft.gross_before_g, draft.gross_after_g) == (12_000, 2_000)
    assert (b.session.fill_percent, b.told[-1]) == (2, "bin_collection")
    b.run(2)
    b.visit(KIM, 300)
    assert [(d.outcome, d.net_g) for d in b.drafts[1:]] == [("settled", 300)]
    check_balance(b)


@pytest.mark.parametrize("taken", [-500, 0, 20])
def test_whatever_the_weights_say_a_collectors_session_is_a_collection(taken: int) -> None:
    b = bench()
    collect(b, taken)
    assert [(d.outcome, d.net_g) for d in b.drafts] == [("collection", -taken)]


def test_a_bin_out_of_its_place_while_it_is_emptied_and_a_long_open_lid_alarm_nobody() -> None:
    b = bench(Thresholds(close_late_lid=True))
    b.access = "collector"
    b.run(3, KIM)
    assert b.session.state is State.COLLECTION
    b.fault = "underload"
    b.run(300)
    b.fault, b.grams = None, 3_000
    b.run(10)
    assert (b.alarms, b.closed_by_motor) == ([], 0)
    b.lid(False)
    b.run(4)
    assert [(d.outcome, d.net_g, d.flags) for d in b.drafts] == [("collection", -9_000, [])]


def test_a_collection_left_open_for_half_an_hour_does_alarm() -> None:
    b = bench(Thresholds(attended_alarm_s=300))
    b.access = "collector"
    b.run(3, KIM)
    b.run(301)
    assert b.alarms == [True]


def test_a_full_overloaded_or_silent_bin_can_still_be_emptied() -> None:
    for trouble in ("full", "overload", "silent"):
        b = bench(capacity_g=12_000)
        if trouble == "overload":
            b.fault = "overload"
        b.scale_talks = trouble != "silent"
        b.run(2)
        b.access = "collector"
        # Nobody waits for a scale that says nothing.
        b.run(0.2 if trouble == "silent" else 9, KIM)
        assert b.opened == 1, trouble
        b.fault, b.scale_talks, b.grams = None, True, 2_000
        b.lid(False)
        b.run(4)
        (draft,) = b.drafts
        assert (draft.outcome, draft.net_g) == ("collection", -10_000)
        assert draft.flags == ([] if trouble == "full" else ["baseline_last_good"])


def test_a_bin_whose_weight_was_never_known_can_still_be_emptied() -> None:
    b = bench(calm=False)
    b.stable = False
    b.access = "collector"
    b.run(9, KIM)
    b.stable, b.grams = True, 2_000
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.gross_before_g, draft.gross_after_g, draft.net_g) == ("collection", None, 2_000, None)
    assert draft.flags == ["baseline_missing"]


def test_a_collection_whose_weight_never_settles_is_still_a_collection() -> None:
    b = bench()
    b.access = "collector"
    b.run(3, KIM)
    b.stable = False
    b.lid(False)
    b.run(35)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("collection", None, ["unsettled"])


def test_what_changes_during_service_is_a_step_marked_service() -> None:
    b = bench()
    b.access = "service"
    b.run(3, KIM)
    assert b.session.state is State.SERVICE
    b.throw(-4_000)
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.card, draft.net_g, draft.flags) == ("unattended_step", KIM, -4_000, ["service"])
    check_balance(b)


def test_a_command_of_the_server_opens_for_service_without_a_card() -> None:
    b = bench()
    b.serve()
    b.run(3)
    assert (b.opened, b.session.state) == (1, State.SERVICE)
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.card, draft.net_g, draft.flags) == ("unattended_step", None, 0, ["service"])


def test_a_command_waits_for_nobody_and_is_refused_while_somebody_uses_the_bin_or_the_lid_is_open() -> None:
    b = bench()
    b.run(3, KIM)
    b.serve()
    assert b.notes == ["service_refused: busy"]
    b.lid(False)
    b.run(5)
    b.lid(True)
    b.serve()
    assert b.notes[-1] == "service_refused: lid_not_closed"
    assert len(b.begun) == 1


def test_service_opens_a_bin_that_is_out_of_order_unless_nothing_can_be_written() -> None:
    b = bench()
    b.trouble("wrong_device")
    b.serve()
    b.run(3)
    assert b.opened == 1
    b.lid(False)
    b.run(4)
    b.trouble("disk_full", "wrong_device")
    b.serve()
    b.run(3)
    assert (b.opened, b.notes) == (1, ["service_refused: disk_full"])


def test_a_collector_is_refused_by_a_box_out_of_order() -> None:
    b = bench()
    b.trouble("wrong_device")
    b.access = "collector"
    b.run(3, KIM)
    assert (b.opened, b.told) == (0, ["bin_refused_wrong_device"])


def test_a_lid_that_stays_shut_for_a_collector_is_an_aborted_session() -> None:
    b = bench()
    b.opens = False
    b.access = "collector"
    b.run(9, KIM)
    assert [(d.outcome, d.net_g) for d in b.drafts] == [("aborted", 0)]
