"""The session's rules at the bin, played second by second on a scripted meter."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.cards import Card
from gateways.events import (
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    Note,
    OpenLid,
    OpenSession,
    Tick,
    Weighed,
)
from gateways.frames import WeightSample
from gateways.session import Session, State
from gateways.stability import StableWeight
from gateways.thresholds import Thresholds

KIM = Card("a" * 32, "9CD0")
LEE = Card("b" * 32, "4BB6")
BASE = StableWeight(12_000, 12_000, 12_000, 8, 1.0, [])


@dataclass
class Bench:
    """A meter in slow motion: ten frames and ten ticks a second, and every effect kept."""

    session: Session
    at: float = 100.0
    grams: int | None = 12_000
    stable: bool = True
    fault: str | None = None
    scale_talks: bool = True
    opens: bool = True
    opened: int = 0
    drafts: list[Draft] = field(default_factory=list)
    begun: list[OpenSession] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        for effect in self.session.handle(event):
            self.do(effect)

    def do(self, effect: Effect) -> None:
        match effect:
            case Commit(draft):
                self.drafts.append(draft)
                self.tell(Committed(self.at))
            case OpenLid():
                assert self.begun, "the lid opens before the session is on disk"
                self.opened += 1
                if self.opens:
                    self.tell(LidMoved(self.at, True))
            case BeginSession(session):
                self.begun.append(session)
            case Note(what, details):
                self.notes.append(f"{what}: {details['reason']}")

    def run(self, seconds: float, card: Card | None = None) -> None:
        for _ in range(round(seconds * 10)):
            self.at += 0.1
            if self.scale_talks:
                self.tell(Weighed(self.at, WeightSample(self.grams, self.stable, self.fault, b"frame")))
            if card is not None:
                self.tell(CardSeen(self.at, card))
            self.tell(Tick(self.at))

    def lid(self, is_open: bool) -> None:
        self.tell(LidMoved(self.at, is_open))

    def throw(self, grams: int) -> None:
        assert self.grams is not None
        self.stable = False
        self.run(0.5)
        self.grams += grams
        self.stable = True

    def visit(self, card: Card, grams: int) -> None:
        self.run(3, card)
        self.throw(grams)
        self.lid(False)
        self.run(5)


def bench(resume: OpenSession | None = None, lid: bool | None = False, **values: Any) -> Bench:
    made = Bench(Session(Thresholds(), at=100.0, resume=resume, **values))
    if lid is not None:
        made.lid(lid)
    if resume is None:
        made.run(2)
    return made


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
    assert (b.opened, draft.outcome, draft.net_g, draft.gross_after_g) == (2, "aborted", None, None)
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
    b = bench(last_gross_g=30_000)
    (step,) = b.drafts
    assert (step.outcome, step.net_g, step.flags) == ("unattended_step", -18_000, ["while_off"])


# --- Power cut


def test_after_a_power_cut_the_session_on_disk_becomes_a_recovered_discharge() -> None:
    b = bench(resume=OpenSession(KIM, BASE))
    b.grams = 12_450
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.card, draft.flags) == ("recovered", 450, KIM, ["power_cut"])


def test_after_a_power_cut_an_open_lid_is_waited_for() -> None:
    b = bench(resume=OpenSession(KIM, BASE), lid=True)
    b.run(100)
    assert b.drafts == []
    b.throw(450)
    b.lid(False)
    b.run(4)
    assert [(draft.outcome, draft.net_g) for draft in b.drafts] == [("recovered", 450)]


def test_after_a_power_cut_before_the_lid_opened_nothing_is_charged() -> None:
    b = bench(resume=OpenSession(KIM, BASE))
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("empty_open", 0, ["power_cut"])


def test_after_a_power_cut_an_unknown_lid_or_a_restless_scale_is_for_a_person() -> None:
    unknown, restless = bench(resume=OpenSession(KIM, BASE), lid=None), bench(resume=OpenSession(KIM, BASE))
    restless.stable = False
    for b in (unknown, restless):
        b.run(70)
        (draft,) = b.drafts
        assert (draft.outcome, draft.net_g) == ("unsettled", None)
        assert "power_cut" in draft.flags


# --- Properties

steps = st.lists(
    st.one_of(
        st.tuples(st.just("card"), st.sampled_from([KIM, LEE]), st.integers(1, 40)),
        st.tuples(st.just("wait"), st.none(), st.integers(1, 40)),
        st.tuples(st.just("lid"), st.booleans(), st.just(0)),
        st.tuples(st.just("throw"), st.integers(-50, 200).map(lambda g: g * 10), st.just(0)),
        st.tuples(st.just("stable"), st.booleans(), st.just(0)),
        st.tuples(st.just("silent"), st.booleans(), st.just(0)),
        st.tuples(st.just("lost"), st.none(), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_happens_every_net_is_a_difference_of_weights_the_scale_held_still(script: list[Any]) -> None:
    b = bench()
    held = {12_000}
    for what, value, tenths in script:
        match what:
            case "card":
                b.run(tenths / 10, value)
            case "wait":
                b.run(tenths / 10)
            case "lid":
                b.lid(value)
            case "throw":
                b.throw(value)
                held.add(b.grams or 0)
            case "stable":
                b.stable = value
            case "silent":
                b.scale_talks = not value
            case "lost":
                b.tell(LidLost(b.at))
    sessions = [draft for draft in b.drafts if draft.card is not None]
    assert len(b.begun) - len(sessions) in (0, 1)  # each session on disk ends in one record, or is still open
    for draft in b.drafts:
        assert {draft.gross_before_g, draft.gross_after_g} <= held | {None}
        if draft.net_g is not None and draft.outcome != "empty_open":
            assert draft.net_g == (draft.gross_after_g or 0) - (draft.gross_before_g or 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(3, 300).map(lambda g: g * 10), min_size=1, max_size=5), st.data())
def test_the_nets_add_up_to_what_the_bin_gained(bags: list[int], data: st.DataObject) -> None:
    b = bench()
    for grams in bags:
        b.visit(data.draw(st.sampled_from([KIM, LEE])), grams)
    assert sum(draft.net_g or 0 for draft in b.drafts) == (b.grams or 0) - 12_000
    assert [draft.outcome for draft in b.drafts] == ["settled"] * len(bags)
