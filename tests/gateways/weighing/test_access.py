"""Who may open the lid, who is refused, and what the bin says to them."""

from gateways.weighing.events import CardSeen, OutOfOrder, Tick
from gateways.weighing.session import State
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.touches import Touches
from tests.gateways.weighing.bench import KIM, LEE, bench


def test_an_unknown_card_opens_marked_where_the_policy_says_so() -> None:
    b = bench(Thresholds(unknown_cards="open"))
    b.access = "unknown"
    b.visit(KIM, 300)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("settled", 300, ["unverified"])
    assert b.refused == ["card_unknown 9CD0"], "a manager may enrol it all the same"


def test_an_unknown_card_is_refused_where_the_policy_says_so_and_told_what_to_do() -> None:
    b = bench(Thresholds(unknown_cards="refuse"))
    b.access = "unknown"
    b.run(4, KIM)
    assert (b.opened, b.begun, b.drafts) == (0, [], [])
    assert b.refused == ["card_unknown 9CD0"]
    assert b.texts == ["Card not registered, call the office"]


def test_a_blocked_card_is_refused_under_every_policy() -> None:
    for policy in ("open", "refuse"):
        b = bench(Thresholds(unknown_cards=policy))
        b.access = "blocked"
        b.run(4, KIM)
        assert (b.opened, b.refused, b.told) == (0, ["card_blocked 9CD0"], ["bin_refused_card_blocked"])


def test_a_refused_card_touched_again_is_refused_again() -> None:
    b = bench()
    b.access = "blocked"
    b.run(1, KIM)
    b.run(2)
    b.run(1, KIM)
    assert b.refused == ["card_blocked 9CD0"] * 2


def test_a_card_enrolled_while_it_is_held_is_served_without_a_new_touch() -> None:
    b = bench(Thresholds(unknown_cards="refuse"))
    b.access = "unknown"
    b.run(2, KIM)
    b.access = "household"
    b.run(2, KIM)
    assert (b.opened, b.begun[0].card, b.begun[0].flags) == (1, KIM, ())


def test_a_card_blocked_while_it_waits_in_the_queue_is_refused_when_its_turn_comes() -> None:
    b = bench()
    b.run(3, KIM)
    b.access = "blocked"
    b.run(1, LEE)
    b.throw(300)
    b.lid(False)
    b.run(4)
    assert [session.card for session in b.begun] == [KIM]
    assert b.refused == ["card_blocked 4BB6"]


def test_who_comes_while_another_uses_the_bin_is_told_once_a_touch() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(2, LEE)
    assert b.told.count("bin_busy") == 1


def test_two_cards_held_together_are_one_touch_each() -> None:
    b = bench()
    b.run(3, KIM)
    for _ in range(20):
        b.run(0.1, KIM)
        b.run(0.1, LEE)
    assert b.told.count("bin_busy") == 1


def test_touches_forget_cards_that_are_gone() -> None:
    touches = Touches(Thresholds())
    assert touches.is_new(0.0, KIM)
    assert touches.is_new(0.1, LEE)
    assert not touches.is_new(1.5, KIM)
    assert touches.is_new(1.7, LEE)
    touches.ask_again(KIM)
    assert touches.is_new(1.8, KIM)
    assert not touches.is_new(1.9, KIM)


def test_a_box_out_of_order_refuses_with_its_reason_and_serves_again_afterwards() -> None:
    b = bench()
    b.trouble("disk_full")
    b.run(3, KIM)
    assert (b.opened, b.told) == (0, ["bin_refused_disk_full"])
    b.trouble()
    b.run(3, KIM)
    assert b.opened == 1


def test_a_reason_without_words_of_its_own_is_told_in_general_words() -> None:
    b = bench()
    b.trouble("flooded")
    b.run(1, KIM)
    assert b.told == ["bin_refused_out_of_order"]
    assert b.notes == ["card_refused: flooded"]


def test_a_session_under_way_goes_on_when_the_box_falls_out_of_order() -> None:
    b = bench()
    b.run(3, KIM)
    b.trouble("disk_full", "wrong_device")
    b.throw(300)
    b.lid(False)
    b.run(4)
    assert [(draft.outcome, draft.net_g) for draft in b.drafts] == [("settled", 300)]


def test_a_lid_that_nobody_knows_of_refuses_the_card() -> None:
    b = bench(lid=None)
    b.run(2, KIM)
    assert (b.opened, b.told) == (0, ["bin_refused_lid_unknown"])


def test_a_lid_lost_or_opened_while_the_baseline_is_weighed_ends_the_visit() -> None:
    for lose in (True, False):
        b = bench()
        b.run(0.5, KIM)
        assert b.session.state is State.BASELINE
        b.lose_lid() if lose else b.lid(True)
        b.run(5)
        assert (b.opened, b.begun) == (0, [])
        assert b.told[-1] == ("bin_refused_lid_unknown" if lose else "bin_refused_lid_not_closed")


def test_no_effect_of_a_refusal_holds_the_cards_hash() -> None:
    b = bench()
    session = b.session
    session.handle(OutOfOrder(b.at, frozenset({"disk_full"})))
    effects = session.handle(CardSeen(b.at, KIM)) + session.handle(Tick(b.at))
    assert effects
    assert KIM.hash not in repr(effects)


def test_the_deposit_is_told_only_after_it_is_on_disk_with_its_grams() -> None:
    b = bench()
    b.visit(KIM, 410)
    assert b.told == ["bin_welcome", "bin_open", "bin_weighing", "bin_deposit"]
    assert b.texts[-1] == "410 g taken, thank you"


def test_a_card_held_until_its_turn_does_not_expire() -> None:
    b = bench()
    b.run(3, KIM)
    b.run(12, LEE)
    b.throw(300)
    b.lid(False)
    b.run(4)
    assert [session.card for session in b.begun] == [KIM, LEE]
