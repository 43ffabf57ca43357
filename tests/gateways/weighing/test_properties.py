"""Whatever happens in whatever order, no gram is lost, invented or billed without proof; the bench asserts the rest."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.weighing.events import Access
from gateways.weighing.session import State
from gateways.weighing.thresholds import Thresholds
from tests.gateways.weighing.bench import (
    KIM,
    LEE,
    START_G,
    Bench,
    Disk,
    PowerCut,
    bench,
    check_balance,
    session_records,
)

ACCESS: tuple[Access, ...] = ("household", "household", "collector", "service", "unknown", "blocked")
# So much that no sum of bags hides it.
LIFTED_G = 20_000

tenths = st.integers(1, 40)
steps = st.one_of(
    st.tuples(st.just("card"), st.tuples(st.sampled_from([KIM, LEE]), st.sampled_from(ACCESS), tenths)),
    st.tuples(st.just("wait"), tenths),
    st.tuples(st.just("wait"), st.integers(40, 700)),
    st.tuples(st.just("visit"), st.tuples(st.sampled_from([KIM, LEE]), st.integers(3, 50).map(lambda n: n * 10))),
    st.tuples(st.just("throw"), st.integers(3, 50).map(lambda n: n * 10)),
    st.tuples(st.just("take"), st.integers(3, 50).map(lambda n: n * 10)),
    st.tuples(st.just("lift"), st.booleans()),
    st.tuples(st.just("lid"), st.booleans()),
    st.tuples(st.just("sensor"), st.booleans()),
    st.tuples(st.just("stable"), st.booleans()),
    st.tuples(st.just("fault"), st.sampled_from([None, None, "overload", "motion"])),
    st.tuples(st.just("talks"), st.booleans()),
    st.tuples(st.just("opens"), st.booleans()),
    st.tuples(st.just("net"), st.booleans()),
    st.tuples(st.just("damaged"), st.integers(0, 99_999)),
    st.tuples(st.just("serve"), st.none()),
    st.tuples(st.just("trouble"), st.sampled_from([(), (), ("disk_full",), ("disk_full", "wrong_device")])),
    st.tuples(st.just("cut"), st.integers(0, 150)),
)


def do(b: Bench, what: str, value: Any) -> None:
    match what:
        case "card":
            card, b.access, length = value
            b.run(length / 10, card)
        case "wait":
            b.run(value / 10)
        case "visit":
            b.access = "household"
            b.run(2, value[0])
            if b.is_open:
                b.throw(value[1])
                b.lid(False)
                b.run(3)
        case "throw" if b.is_open:
            b.throw(value)
        case "take" if b.disk.session is not None and b.is_open:
            b.throw(-value)
        case "lift":
            b.throw(LIFTED_G if value else -LIFTED_G)
        case "lid":
            b.lid(value)
        case "sensor":
            b.find_lid() if value else b.lose_lid()
        case "damaged":
            b.frame(value)
        case "serve":
            b.serve()
        case "trouble":
            b.trouble(*value)
        case "cut":
            b.cut_at = b.steps + value
        case "stable" | "fault" | "opens" | "net":
            setattr(b, what, value)
        case "talks":
            b.scale_talks = value


def play(b: Bench, script: list[tuple[str, Any]]) -> None:
    for what, value in script:
        try:
            do(b, what, value)
        except PowerCut:
            b.cut_at = None
            b.boot()
            b.tell_lid()
        # The records are numbered on disk: what is begun there is over, or under way.
        assert len(b.begun) - len(session_records(b)) == (b.disk.session is not None)


def calm_down(b: Bench) -> None:
    """Everything works again, and somebody closes the lid as often as it is opened for those who wait."""
    b.cut_at, b.stable, b.fault, b.scale_talks, b.opens, b.net = None, True, None, True, True, False
    b.find_lid()
    b.run(12)
    for _ in range(3):
        b.lid(False)
        b.run(5)


def test_random_lives_of_a_bin_lose_no_gram_and_reach_every_state() -> None:
    reached: set[State] = set()
    outcomes: set[str] = set()

    @settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(steps, min_size=6, max_size=25), st.booleans(), st.booleans())
    def live(script: list[tuple[str, Any]], last_good: bool, closes: bool) -> None:
        thresholds = Thresholds(open_on_last_good=last_good, close_late_lid=closes)
        b = bench(thresholds, disk=Disk(last_gross_g=START_G), capacity_g=60_000)
        play(b, script)
        calm_down(b)
        assert b.session.state is State.IDLE
        assert len(session_records(b)) == len(b.begun)
        check_balance(b)
        reached.update(b.entered)
        outcomes.update(draft.outcome for draft in b.drafts)

    live()
    assert reached == set(State)
    assert {"settled", "empty_open", "collection", "unattended_step", "refused_full", "aborted"} <= outcomes


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(3, 300).map(lambda g: g * 10), min_size=1, max_size=5), st.data())
def test_the_nets_add_up_to_what_the_bin_gained(bags: list[int], data: st.DataObject) -> None:
    b = bench()
    for grams in bags:
        b.visit(data.draw(st.sampled_from([KIM, LEE])), grams)
    assert sum(draft.net_g or 0 for draft in b.drafts) == (b.grams or 0) - 12_000
    assert [draft.outcome for draft in b.drafts] == ["settled"] * len(bags)
