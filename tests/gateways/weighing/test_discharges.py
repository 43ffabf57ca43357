"""The session's rules at the bin, played second by second on a scripted meter."""

import pytest

from gateways.weighing.events import Committed, LidLost
from gateways.weighing.session import State
from tests.gateways.weighing.bench import KIM, LEE, Disk, bench


def test_a_discharge_is_the_difference_of_two_stable_weights() -> None:
    b = bench()
    b.visit(KIM, 410)
    (draft,) = b.drafts
    assert (draft.outcome, draft.card, draft.net_g) == ("settled", KIM, 410)
    assert (draft.gross_before_g, draft.gross_after_g, draft.flags) == (12_000, 12_410, [])
    for side, grams in (("before", 12_000), ("after", 12_410)):
        window = draft.evidence[side]
        assert (window["min_g"], window["max_g"]) == (grams, grams)
        assert window["frames"] >= 8
        assert window["duration_ms"] >= 1000
        assert len(window["raw"]) == 8
    assert b.session.state is State.IDLE


def test_the_lid_opens_only_after_the_session_is_on_disk() -> None:
    b = bench()
    b.run(3, KIM)
    assert b.begun[0].card == KIM
    assert b.begun[0].baseline.grams == 12_000
    assert b.opened == 1


def test_a_card_held_through_its_session_is_one_touch() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.run(10, KIM)
    assert [draft.net_g for draft in b.drafts] == [300]
    assert b.opened == 1


def test_a_card_touched_again_after_a_pause_is_a_new_session() -> None:
    b = bench()
    b.visit(KIM, 300)
    b.visit(KIM, 200)
    assert [draft.net_g for draft in b.drafts] == [300, 200]


def test_another_card_does_not_take_over_an_open_lid_but_comes_next() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(1, LEE)
    b.throw(300)
    b.lid(False)
    b.run(4)
    assert [(draft.card, draft.net_g) for draft in b.drafts] == [(KIM, 300)]
    assert [session.card for session in b.begun] == [KIM, LEE]
    assert b.begun[1].baseline.grams == 12_300


def test_a_card_touched_just_before_the_lid_opens_has_used_that_lid_and_gets_no_second_one() -> None:
    b = bench()
    b.run(0.5, KIM)
    b.run(2.5, LEE)  # Lee's touch begins in Kim's BASELINE and lasts until the lid is open
    assert b.opened == 1
    b.throw(300)
    b.lid(False)
    b.run(5)
    assert [(draft.card, draft.net_g) for draft in b.drafts] == [(KIM, 300)]
    assert b.opened == 1


def test_only_one_card_waits_and_not_for_ever() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(1, LEE)
    b.run(11)
    b.throw(300)
    b.lid(False)
    b.run(5)
    assert [session.card for session in b.begun] == [KIM]


def test_an_unstable_scale_opens_no_lid() -> None:
    b = bench()
    b.stable = False
    b.run(10, KIM)
    assert (b.opened, b.begun, b.drafts) == (0, [], [])
    assert "card_refused: baseline_unstable" in b.notes
    assert "weighing" in b.session.faults
    b.stable = True
    b.run(3)
    b.visit(KIM, 100)
    assert [draft.net_g for draft in b.drafts] == [100]
    assert not b.session.faults


def test_a_silent_scale_or_an_open_lid_refuses_the_card_and_says_so_once() -> None:
    b = bench()
    b.scale_talks = False
    b.run(2)
    b.run(4, KIM)
    assert b.session.gross_g is None
    assert b.session.faults == {"comm"}
    b.scale_talks = True
    b.run(2)
    b.lid(True)
    b.run(4, KIM)
    assert b.notes == ["card_refused: scale_silent", "card_refused: lid_not_closed"]
    assert b.opened == 0


def test_a_card_still_held_when_the_scale_comes_back_is_served() -> None:
    b = bench()
    b.scale_talks = False
    b.run(2)
    b.run(3, KIM)
    assert b.notes == ["card_refused: scale_silent"]
    b.scale_talks = True
    b.run(3, KIM)
    assert b.opened == 1


def test_a_lid_that_does_not_open_is_tried_twice_and_the_session_aborted() -> None:
    b = bench()
    b.opens = False
    b.run(9, KIM)
    (draft,) = b.drafts
    assert (b.opened, draft.outcome, draft.net_g, draft.gross_after_g) == (2, "aborted", 0, 12_000)
    assert "lock" in b.session.faults


def test_nothing_is_billed_while_the_lid_is_open_and_a_late_close_is_marked() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(500)
    b.run(200)
    assert b.drafts == []
    assert "lock" in b.session.faults
    b.lid(False)
    b.run(3)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("late_close", 500, ["extended_open"])
    assert draft.evidence["open_ms"] > 200_000


def test_a_lid_opened_again_before_the_weight_settled_belongs_to_the_same_session() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.run(1)
    b.lid(True)
    b.throw(100)
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.net_g, draft.flags) == (400, ["reopened"])


def test_a_weight_taken_while_nobody_knew_of_the_lid_proves_nothing() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.tell(LidLost(b.at))
    b.run(5)
    assert b.drafts == []
    b.lid(False)
    b.run(3)
    assert [draft.net_g for draft in b.drafts] == [300]


def test_a_weight_that_never_settles_goes_to_a_person_with_what_was_seen() -> None:
    b = bench()
    b.run(3, KIM)
    b.stable = False
    b.lid(False)
    for grams in (12_080, 12_120, 12_260) * 11:
        b.grams = grams
        b.run(1)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.gross_before_g, draft.gross_after_g) == ("unsettled", None, 12_000, None)
    assert [draft.evidence[name] for name in ("min_g", "median_g", "max_g")] == [12_080, 12_120, 12_260]


def test_a_weight_that_never_settles_keeps_the_newest_raw_frames_since_the_lid_closed() -> None:
    b = bench()
    b.run(3, KIM)
    b.raw = b"\x02before it closed for good"
    b.stable = False
    b.lid(False)
    b.run(2)
    b.lid(True)
    b.run(1)
    b.lid(False)
    b.run(0.35)
    b.raw = b"\x02last words" * 9
    b.run(0.45)
    b.scale_talks = False
    b.run(35)
    (draft,) = b.drafts
    assert draft.outcome == "unsettled"
    raw = [bytes.fromhex(frame) for frame in draft.evidence["raw"]]
    assert len(raw) == 8
    assert (raw[0], raw[-1]) == (b"\x02before it closed for good", (b"\x02last words" * 9)[:48])


def test_a_scale_that_said_nothing_since_the_lid_closed_leaves_no_frame_of_before() -> None:
    b = bench()
    b.run(3, KIM)
    b.scale_talks = False
    b.lid(False)
    b.run(35)
    assert b.drafts[0].evidence["raw"] == []


def test_a_silent_scale_leaves_the_session_unsettled_and_flagged() -> None:
    b = bench()
    b.run(3, KIM)
    b.scale_talks = False
    b.lid(False)
    b.run(35)
    (draft,) = b.drafts
    assert (draft.outcome, draft.flags, draft.net_g) == ("unsettled", ["scale_silent"], None)
    assert draft.evidence["median_g"] is None


def test_a_scale_that_comes_back_in_time_still_settles() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.scale_talks = False
    b.lid(False)
    b.run(10)
    b.scale_talks = True
    b.run(3)
    assert [(draft.outcome, draft.net_g) for draft in b.drafts] == [("settled", 300)]


def test_an_overloaded_scale_never_lends_its_old_weight() -> None:
    b = bench()
    b.run(3, KIM)
    b.lid(False)
    b.grams, b.stable, b.fault = None, False, "overload"
    b.run(35)
    (draft,) = b.drafts
    assert (draft.outcome, draft.flags) == ("unsettled", ["overload"])
    assert b.session.gross_g is None


@pytest.mark.parametrize(
    ("grams", "outcome", "net"), [(20, "empty_open", 0), (-20, "empty_open", 0), (30, "settled", 30)]
)
def test_a_difference_within_the_dead_band_is_nothing(grams: int, outcome: str, net: int) -> None:
    b = bench()
    b.visit(KIM, grams)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.gross_after_g) == (outcome, net, 12_000 + grams)


def test_a_bin_that_got_lighter_is_no_credit() -> None:
    b = bench()
    b.visit(KIM, -700)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g) == ("negative", -700)


def test_a_big_step_without_a_card_is_an_event_and_the_next_deposit_starts_anew() -> None:
    b = bench()
    b.grams = 0
    b.run(3)
    b.visit(KIM, 400)
    step, deposit = b.drafts
    assert (step.outcome, step.card, step.net_g, step.flags) == ("unattended_step", None, -12_000, [])
    assert (deposit.outcome, deposit.net_g, deposit.gross_before_g) == ("settled", 400, 0)


def test_a_bin_emptied_while_the_box_was_off_is_an_event() -> None:
    b = bench(disk=Disk(last_gross_g=30_000))
    (step,) = b.drafts
    assert (step.outcome, step.net_g, step.flags) == ("unattended_step", -18_000, ["while_off"])


def test_news_of_a_record_that_nobody_waits_for_changes_nothing() -> None:
    b = bench()
    b.run(3, KIM)
    b.tell(Committed(b.at))
    assert b.session.state is State.OPEN
    b.throw(300)
    b.lid(False)
    b.run(4)
    assert [draft.net_g for draft in b.drafts] == [300]
