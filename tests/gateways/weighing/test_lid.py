"""The lid: one that stays open, one that nobody may close, one that opens too late."""

from gateways.weighing.thresholds import Thresholds
from tests.gateways.weighing.bench import KIM, LEE, bench, check_balance


def test_an_open_lid_sounds_the_alarm_once_and_closing_ends_it() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.run(100)
    assert b.alarms == [True]
    assert b.told.count("bin_close_lid") == 1
    b.lid(False)
    assert b.alarms == [True, False]
    assert "lock" not in b.session.faults


def test_a_late_lid_is_closed_by_its_motor_only_where_the_policy_allows_it() -> None:
    for allowed in (False, True):
        b = bench(Thresholds(close_late_lid=allowed))
        b.run(3, KIM)
        b.throw(300)
        b.run(200)
        assert b.closed_by_motor == allowed
        assert b.told.count("bin_lid_closing") == allowed
        assert b.drafts == []
        b.lid(False)
        b.run(4)
        assert [(d.outcome, d.flags) for d in b.drafts] == [("late_close", ["extended_open"])]


def test_the_owners_second_touch_extends_the_open_lid_once() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(50)
    b.run(1, KIM)
    b.run(55)
    assert b.alarms == []
    b.run(1, KIM)
    b.run(15)
    assert b.alarms == [True]
    b.throw(300)
    b.lid(False)
    b.run(4)
    # 120 seconds open, but not 120 since the owner said so.
    assert [(d.outcome, d.net_g, d.flags) for d in b.drafts] == [("settled", 300, ["extended_open"])]
    assert len(b.begun) == 1


def test_a_touch_of_the_owner_ends_an_alarm_that_sounds_already() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(62)
    b.run(1, KIM)
    assert b.alarms == [True, False]
    assert "lock" not in b.session.faults


def test_who_throws_through_the_lid_of_another_is_on_the_owners_account_and_marked() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.run(61, LEE)
    b.throw(200)
    b.lid(False)
    b.run(4)
    assert (b.drafts[0].card, b.drafts[0].net_g, b.drafts[0].flags) == (KIM, 500, ["extended_open"])


def test_a_lid_open_without_a_session_sounds_the_alarm_but_no_motor_closes_it() -> None:
    b = bench(Thresholds(close_late_lid=True))
    b.lid(True)
    b.run(200)
    assert (b.alarms, b.closed_by_motor) == ([True], 0)
    assert "lock" in b.session.faults


def test_what_falls_through_a_lid_that_opens_after_the_session_was_given_up_is_on_record() -> None:
    b = bench()
    b.opens = False
    b.run(9, KIM)
    b.lid(True)
    b.throw(300)
    b.lid(False)
    b.run(3)
    aborted, step = b.drafts
    assert aborted.outcome == "aborted"
    assert (step.outcome, step.card, step.net_g, step.flags) == ("unattended_step", None, 300, ["lid_open"])
    check_balance(b)


def test_a_session_given_up_while_nobody_knew_of_the_lid_says_so() -> None:
    b = bench()
    b.opens = False
    b.run(2, KIM)
    b.lose_lid()
    b.run(62)
    assert [(d.outcome, d.flags) for d in b.drafts] == [("unsettled", ["lid_unknown"])]


def test_a_lid_that_stuck_keeps_its_fault_until_it_opens() -> None:
    b = bench()
    b.opens = False
    b.run(9, KIM)
    b.lid(False)
    b.run(3)
    assert "lock" in b.session.faults
    b.opens = True
    b.visit(KIM, 100)
    assert "lock" not in b.session.faults


def test_a_lid_unknown_after_closing_leaves_the_session_unsettled() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.lose_lid()
    b.run(40)
    assert [(d.outcome, d.net_g, d.flags) for d in b.drafts] == [("unsettled", None, ["lid_unknown"])]


def test_a_session_given_up_while_the_scale_is_silent_has_no_weight_after() -> None:
    b = bench()
    b.opens = False
    b.run(4, KIM)
    b.scale_talks = False
    b.run(5)
    assert [(d.outcome, d.gross_before_g, d.gross_after_g, d.net_g) for d in b.drafts] == [
        ("aborted", 12_000, None, None)
    ]


def test_a_lid_found_again_late_leaves_the_weight_its_usual_time_to_settle() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.stable = False
    b.run(1)
    b.lose_lid()
    b.run(27)
    b.find_lid()
    b.run(20)
    b.stable = True
    b.run(2)
    assert [(d.outcome, d.net_g) for d in b.drafts] == [("settled", 300)]


def test_what_the_scale_showed_before_the_lid_opened_again_is_not_told_of_an_unsettled_weight() -> None:
    b = bench()
    b.run(3, KIM)
    b.lid(False)
    b.stable = False
    b.run(2)
    b.lid(True)
    b.grams = 12_500
    b.lid(False)
    b.run(35)
    (draft,) = b.drafts
    assert (draft.outcome, draft.evidence["min_g"], draft.flags) == ("unsettled", 12_500, ["reopened"])


def test_a_lid_whose_opening_nobody_saw_is_not_opened_again_for_the_next_one() -> None:
    b = bench()
    b.sensor = False
    b.run(2, KIM)
    b.throw(440)
    b.is_open = False
    b.run(8, LEE)
    assert b.opened == 1
    (draft,) = b.drafts
    assert (draft.card, draft.outcome, draft.net_g, draft.flags) == (KIM, "settled", 440, ["lid_unseen"])


def test_a_lid_that_falls_silent_while_it_opens_is_waited_for_not_opened_again() -> None:
    b = bench()
    b.run(2, KIM)
    b.lose_lid()
    b.throw(440)
    b.is_open = False
    b.run(8, LEE)
    assert (b.opened, b.drafts) == (1, [])
    b.find_lid()
    b.run(4)
    assert [(d.card, d.outcome, d.net_g) for d in b.drafts] == [(KIM, "settled", 440)]


def test_no_second_command_goes_out_once_another_card_waits() -> None:
    b = bench()
    b.opens = False
    b.run(2, KIM)
    b.run(1, LEE)
    b.run(8)
    assert [(d.card, d.outcome) for d in b.drafts] == [(KIM, "aborted")]
    assert b.opened == 1
