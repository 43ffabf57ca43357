"""Hysteresis holds whatever is observed: faults neither flap nor depend on order, repetition or a restart."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.fleet.faults.judging import AT_REST, WELL, Outage, Seen, Watch, judge_network, step
from app.fleet.faults.policy import Hysteresis, Network

START = datetime(2026, 11, 27, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

minutes = st.integers(0, 30)
waits = st.builds(lambda opens, closes: Hysteresis(opens * MINUTE, closes * MINUTE), minutes, minutes)
signs = st.lists(st.sampled_from(["bad", "good", "unknown"]), min_size=1, max_size=60)


def seen_at(sign: str, now: datetime) -> Seen | None:
    return {"bad": Seen(now), "good": WELL, "unknown": None}[sign]


def play(signs: list[str], wait: Hysteresis, restart_at: int | None = None) -> list[Watch]:
    """The watch after each minute; from a row of the database again after `restart_at` minutes."""
    watch, states = AT_REST, []
    for minute, sign in enumerate(signs):
        now = START + minute * MINUTE
        seen = seen_at(sign, now)
        watch = watch if seen is None else step(watch, seen, wait, now, START)
        if minute == restart_at:
            watch = Watch(*tuple(watch))
        states.append(watch)
    return states


@given(signs, waits)
def test_a_fault_opens_only_after_an_unbroken_time_and_closes_only_after_another(
    signs: list[str], wait: Hysteresis
) -> None:
    held = False
    for minute, watch in enumerate(play(signs, wait)):
        if watch.holds != held:
            sign, needed = ("bad", wait.open_after) if watch.holds else ("good", wait.close_after)
            first = minute - needed // MINUTE
            lasted = signs[max(first, 0) : minute + 1]
            assert sign in lasted
            assert set(lasted) <= {sign, "unknown"}, "the other sign would have broken it off"
        held = watch.holds


@given(signs, waits, minutes, minutes)
def test_whoever_waits_longer_opens_no_earlier(signs: list[str], wait: Hysteresis, more: int, less: int) -> None:
    longer = wait._replace(open_after=wait.open_after + more * MINUTE)
    first = [next((n for n, each in enumerate(play(signs, w)) if each.holds), 10**6) for w in (wait, longer)]
    assert first[0] <= first[1]


@given(st.integers(1, 40), waits, minutes)
def test_whoever_waits_longer_closes_no_earlier(bad: int, wait: Hysteresis, more: int) -> None:
    signs = ["bad"] * (bad + wait.open_after // MINUTE) + ["good"] * 90
    longer = wait._replace(close_after=wait.close_after + more * MINUTE)

    def closed(w: Hysteresis) -> int:
        states = play(signs, w)
        opened = next(n for n, each in enumerate(states) if each.holds)
        return next(n for n, each in enumerate(states) if n > opened and not each.holds)

    assert closed(wait) <= closed(longer)


@given(signs, waits)
def test_the_same_observation_twice_at_the_same_instant_changes_nothing(signs: list[str], wait: Hysteresis) -> None:
    watch = AT_REST
    for minute, sign in enumerate(signs):
        now = START + minute * MINUTE
        seen = seen_at(sign, now)
        if seen is not None:
            watch = step(watch, seen, wait, now, START)
            assert step(watch, seen, wait, now, START) == watch


@given(signs, waits, minutes)
def test_a_restart_between_two_runs_changes_nothing(signs: list[str], wait: Hysteresis, restart_at: int) -> None:
    assert play(signs, wait) == play(signs, wait, restart_at)


@given(signs, waits)
def test_what_was_not_observed_changes_nothing(signs: list[str], wait: Hysteresis) -> None:
    states = play(signs, wait)
    for before, after, sign in zip(states, states[1:], signs[1:], strict=False):
        assert sign != "unknown" or after == before


def test_time_in_which_nobody_could_observe_does_not_count() -> None:
    wait = Hysteresis(15 * MINUTE, 5 * MINUTE)
    counted_from = START + 60 * MINUTE
    silent = Seen(START)
    assert not step(AT_REST, silent, wait, counted_from + 14 * MINUTE, counted_from).holds
    assert step(AT_REST, silent, wait, counted_from + 15 * MINUTE, counted_from).holds


counts = st.integers(0, 200)
networks = st.builds(
    lambda least, share, close, opens, closes: Network(
        least, max(share, close), close, Hysteresis(opens * MINUTE, closes * MINUTE)
    ),
    *(st.integers(2, 30), st.integers(1, 100), st.integers(0, 99), minutes, minutes),
)


def silent(count: int, since: datetime) -> list[Watch]:
    return [Watch(bad_since=since)] * count


@given(counts, counts, networks)
def test_an_outage_needs_both_the_number_and_the_share(count: int, others: int, network: Network) -> None:
    now = START + 60 * MINUTE
    outage = judge_network(Outage(), silent(count, START), count + others, network, now, START)
    enough = count >= network.least and count * 100 >= network.share_percent * (count + others)
    assert outage.holds == enough


@given(st.lists(counts, min_size=1, max_size=60), networks)
def test_an_outage_closes_only_after_an_unbroken_calm(heard: list[int], network: Network) -> None:
    outage, gateways, calm = Outage(True), 200, 0
    for minute, count in enumerate(heard):
        now = START + minute * MINUTE
        outage = judge_network(outage, silent(count, START), gateways, network, now, START)
        few = count < network.least or count * 100 <= network.close_share_percent * gateways
        calm = calm + 1 if few else 0
        if not outage.holds:
            assert (calm - 1) * MINUTE >= network.wait.close_after
            break
        assert not few or (calm - 1) * MINUTE < network.wait.close_after


@given(st.permutations([Watch(), Watch(bad_since=START), Watch(good_since=START, holds=True)] * 5), networks)
def test_the_order_of_gateways_does_not_matter(watches: list[Watch], network: Network) -> None:
    now = START + 30 * MINUTE
    assert judge_network(Outage(), watches, 15, network, now, START) == judge_network(
        Outage(), sorted(watches, key=repr), 15, network, now, START
    )
