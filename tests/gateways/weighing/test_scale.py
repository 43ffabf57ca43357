"""The scale: what proves a weight, what does not, and what is done without a proof."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.frames import WeightSample
from gateways.weighing.session import State
from gateways.weighing.stability import StabilityWindow
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.trace import Trace
from tests.gateways.weighing.bench import KIM, bench


def window(grams: list[int], *, stable: bool = True, every_s: float = 0.1, **values: Any) -> StabilityWindow:
    made = StabilityWindow(Thresholds(), **values)
    for number, value in enumerate(grams):
        made.add(number * every_s, WeightSample(value, stable, None, b"%d" % value))
    return made


# --- Stability


def test_a_weight_is_proven_by_a_second_of_stable_frames_alike() -> None:
    assert not window([500] * 10).is_proven
    assert window([500] * 11).is_proven
    assert not window([500] * 40, stable=False).is_proven


def test_too_few_frames_or_gaps_between_them_prove_nothing() -> None:
    assert not window([500] * 7, every_s=0.2).is_proven
    assert not window([500] * 40, every_s=0.26).is_proven


def test_one_damaged_frame_neither_counts_nor_costs_time() -> None:
    for place in range(11):
        grams = [500] * 11
        grams[place] = 900
        made = window([500, 500, *grams])
        assert made.is_proven
        assert made.weight().grams == 500


def test_a_weight_that_creeps_is_not_stable() -> None:
    assert not window([500 + 5 * number for number in range(60)]).is_proven


def test_a_span_of_one_division_is_stable_and_more_is_not() -> None:
    assert window([500, 500, 510, 510] * 5).is_proven
    assert not window([500, 500, 520, 520] * 10).is_proven


@given(st.lists(st.integers(0, 60).map(lambda n: n * 10), min_size=1, max_size=80))
def test_a_proven_weight_was_shown_and_its_window_spans_no_more_than_a_division(grams: list[int]) -> None:
    made = window(grams)
    if made.is_proven:
        weight = made.weight()
        assert weight.grams in grams
        assert weight.max_g - weight.min_g <= 10
        assert weight.min_g <= weight.grams <= weight.max_g


@pytest.mark.parametrize("sample", [(None, True, "motion"), (None, True, "overload"), (900, True, "underload")])
def test_a_fault_breaks_the_window_whatever_its_mark_says(sample: tuple[int | None, bool, str]) -> None:
    made = window([500] * 20)
    made.add(2.0, WeightSample(*sample, b""))
    assert not made.is_proven


def test_a_scale_without_a_mark_of_stability_is_believed_after_longer_and_the_record_says_so() -> None:
    assert not window([500] * 30, stable=False, inferred=True).is_proven
    assert window([500] * 31, stable=False, inferred=True).is_proven
    b = bench(calm=False, inferred_stability=True)
    b.stable = False
    b.run(4)
    b.run(5, KIM)
    assert b.grams is not None
    b.grams += 300
    b.lid(False)
    b.run(6)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("settled", 300, ["stability_inferred"])


# --- Frames without a gross weight


@pytest.mark.parametrize("fault", ["motion", "overload", "underload", "not_ready"])
def test_a_fault_takes_the_reading_away_at_once(fault: str) -> None:
    b = bench()
    assert b.session.gross_g == 12_000
    b.frame(None, stable=False, fault=fault)
    assert b.session.gross_g is None
    assert ("weighing" in b.session.faults) == (fault in ("overload", "underload"))


def test_a_tared_scale_never_proves_a_gross_weight() -> None:
    b = bench()
    b.net, b.grams = True, 0
    b.run(10, KIM)
    assert (b.opened, b.session.gross_g) == (0, None)
    assert "weighing" in b.session.faults
    b.net, b.grams = False, 12_000
    b.run(3)
    assert not b.session.faults
    assert b.drafts == []


def test_a_scale_tared_during_a_session_leaves_it_unsettled() -> None:
    b = bench()
    b.run(3, KIM)
    b.net = True
    b.lid(False)
    b.run(35)
    (draft,) = b.drafts
    assert (draft.outcome, draft.flags, draft.evidence["median_g"]) == ("unsettled", ["tared"], None)


def test_an_overload_that_lasts_leaves_the_session_unsettled() -> None:
    b = bench()
    b.run(3, KIM)
    b.lid(False)
    b.fault = "overload"
    b.run(35)
    assert [(d.outcome, d.flags, d.net_g) for d in b.drafts] == [("unsettled", ["overload"], None)]


# --- The baseline


def test_an_unsteady_baseline_is_tried_twice_and_the_resident_told_why() -> None:
    b = bench()
    b.stable = False
    b.run(9, KIM)
    assert b.told == ["bin_welcome", "bin_unstable", "bin_refused_baseline_unstable"]
    assert (b.opened, b.session.state) == (0, State.IDLE)
    assert "weighing" in b.session.faults


def test_a_baseline_that_steadies_in_the_second_try_opens() -> None:
    b = bench()
    b.stable = False
    b.run(5, KIM)
    b.stable = True
    b.run(2)
    assert b.opened == 1


def test_the_last_good_weight_opens_only_where_the_policy_allows_it_and_is_marked() -> None:
    b = bench(Thresholds(open_on_last_good=True))
    b.stable = False
    b.run(9, KIM)
    assert b.opened == 1
    b.stable = True
    b.throw(300)
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.gross_before_g) == ("settled", 300, 12_000)
    assert draft.flags == ["baseline_last_good"]


def test_a_weight_from_before_the_lid_was_open_is_no_last_good_one() -> None:
    b = bench(Thresholds(open_on_last_good=True))
    b.stable = False
    b.lid(True)
    b.run(1)
    b.lid(False)
    b.run(9, KIM)
    assert b.opened == 0


# --- Silence


def test_a_scale_silent_before_the_baseline_refuses_and_is_a_fault() -> None:
    b = bench()
    b.run(0.5, KIM)
    b.scale_talks = False
    b.run(9)
    assert b.told[-1] == "bin_refused_scale_silent"
    assert "comm" in b.session.faults


def test_a_session_waits_for_a_silent_scale_and_then_gives_it_the_usual_time() -> None:
    b = bench(Thresholds(scale_back_s=30, settle_timeout_s=30))
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.run(1)
    b.scale_talks = False
    b.run(29)
    assert b.drafts == []
    b.scale_talks, b.stable = True, False
    b.run(20)
    assert b.drafts == []
    b.stable = True
    b.run(2)
    assert [(d.outcome, d.net_g, d.flags) for d in b.drafts] == [("settled", 300, ["scale_silent"])]


def test_a_scale_that_comes_and_goes_cannot_keep_a_session_for_ever() -> None:
    b = bench(Thresholds(scale_back_s=30, settle_timeout_s=30))
    b.run(3, KIM)
    b.lid(False)
    for _ in range(16):
        b.scale_talks = not b.scale_talks
        b.stable = False
        b.run(4)
    assert [d.outcome for d in b.drafts] == ["unsettled"]


def test_a_scale_silent_since_long_before_the_lid_closed_still_has_its_time() -> None:
    b = bench(Thresholds(scale_back_s=30))
    b.run(3, KIM)
    b.throw(300)
    b.scale_talks = False
    b.run(50)
    b.lid(False)
    b.run(20)
    b.scale_talks = True
    b.run(2)
    assert [(d.outcome, d.net_g) for d in b.drafts] == [("settled", 300)]


# --- Evidence


def test_the_evidence_holds_the_trace_of_the_settling_weight() -> None:
    b = bench()
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.fault = "motion"
    b.run(0.3)
    b.fault = None
    b.run(3)
    trace = b.drafts[0].evidence["trace"]
    assert trace[0] == [100, None]
    assert trace[-1][1] == 12_300
    assert [point[0] for point in trace] == sorted(point[0] for point in trace)


@given(st.integers(0, 2000))
def test_a_trace_stays_short_keeps_its_beginning_and_its_order(frames: int) -> None:
    trace = Trace(5.0)
    for number in range(frames):
        trace.add(5.0 + number / 10, number)
    points = trace.points()
    assert len(points) < 64
    assert points == sorted(points, key=lambda point: point[0] or 0)
    assert all(point[0] == (point[1] or 0) * 100 for point in points)
    if frames:
        assert points[0] == [0, 0]
        # What is left lies evenly and reaches to the end.
        assert len({(later[1] or 0) - (earlier[1] or 0) for earlier, later in pairwise(points)}) <= 1
        assert frames - 1 - (points[-1][1] or 0) < max(1, frames / 16)


def test_the_evidence_of_the_longest_session_with_the_longest_frames_stays_small() -> None:
    b = bench(calm=False)
    b.raw = b"\xff" * 400
    b.grams = -1_999_990
    b.run(2)
    b.run(3, KIM)
    b.throw(-310)
    b.lid(False)
    b.stable = False
    b.run(29)
    b.stable = True
    b.run(3)
    (draft,) = b.drafts
    assert 1000 < len(msgspec.json.encode(draft.evidence)) < 4096
    assert draft.outcome == "negative"


def test_a_scale_is_given_its_time_after_the_start_before_it_counts_as_silent() -> None:
    b = bench()
    b.boot()
    b.scale_talks = False
    b.run(0.5)
    assert "comm" not in b.session.faults
    b.run(1)
    assert "comm" in b.session.faults
