"""What comes late or is corrected: statement + adjustments = what it would have been with everything known on time."""

import random
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adjusting import Billed, differences
from billing.days import month_after
from billing.statements import Line, assess
from tests.billing.histories import FIRST, MONTHS, History, drawn
from tests.billing.support import CITY, MONTH, month, part, tariff

SEEDS = st.integers(0, 2**48)


def billed(*lines: Line) -> dict[int, Billed]:
    """The sums of lines by tenancy, as statements hold them."""
    found: dict[int, Billed] = {}
    for line in lines:
        old = found.get(line.tenancy_id, Billed(line.household_id, 0, 0, 0))
        sums = (old.grams + line.grams, old.discharges + line.discharges, old.won + line.won)
        found[line.tenancy_id] = Billed(line.household_id, *sums)
    return found


def test_a_discharge_that_arrives_two_months_late_costs_what_its_own_tier_says() -> None:
    # 19 kg were billed: 1,520. With 3 kg more it is 22: 20 × 80 + 2 × 120 = 1,840, which is 320 more, not 240.
    first = assess(month([part(1, 19_000)], tariff(*CITY))).lines
    again = assess(month([part(1, 22_000)], tariff(*CITY)))
    (line,) = differences(again, billed(*first))
    assert (line.kind, line.usage_month, line.grams, line.discharges, line.won) == ("adjustment", MONTH, 3000, 0, 320)
    assert line.detail["old"] == {"grams": 19_000, "discharges": 1, "won": 1520}
    assert line.detail["new"] == {"grams": 22_000, "discharges": 1, "won": 1840}
    assert differences(again, billed(*first, line)) == []


def test_a_whole_amount_that_is_reached_late_changes_the_price_of_all_that_was_billed() -> None:
    whole = tariff(*CITY, tiering="whole_amount")
    first = assess(month([part(1, 19_999)], whole)).lines
    (line,) = differences(assess(month([part(1, 20_000)], whole)), billed(*first))
    assert (line.grams, line.won) == (1, 2400 - 1599)


def test_a_discharge_that_changes_hands_is_taken_off_one_and_added_to_the_other() -> None:
    first = assess(month([part(1, 5000), part(2, 5000)])).lines
    lines = differences(assess(month([part(1, 3000), part(2, 7000)])), billed(*first))
    assert [(line.tenancy_id, line.grams, line.won) for line in lines] == [(1, -2000, -260), (2, 2000, 260)]


def test_a_change_that_costs_nothing_is_told_all_the_same() -> None:
    first = assess(month([part(1, 12_000)], tariff(round_to_won=10))).lines
    (line,) = differences(assess(month([part(1, 12_001)], tariff(round_to_won=10))), billed(*first))
    assert (line.grams, line.won) == (1, 0)


def test_who_lives_there_no_more_gets_back_what_turns_out_not_to_be_theirs() -> None:
    lines = differences(assess(month([part(1, 5000)])), {1: Billed(1, 5000, 1, 650), 9: Billed(4, 1000, 2, 130)})
    assert [(line.household_id, line.tenancy_id, line.won) for line in lines] == [(4, 9, -130)]
    assert lines[0].detail["new"] == {"grams": 0, "discharges": 0, "won": 0}


def test_suspense_that_finds_its_owner_lowers_the_shares_of_all() -> None:
    tariffs = (tariff(),)
    before = month([part(1, 5000), part(2, 5000)], *tariffs, suspense=[4000], suspense_policy="shared", sharing="equal")
    after = before._replace(parts=[part(1, 9000), part(2, 5000)], suspense=month([], *tariffs).suspense)
    lines = differences(assess(after), billed(*assess(before).lines))
    assert [(line.tenancy_id, line.grams, line.won) for line in lines] == [(1, 4000, 520 - 260), (2, 0, -260)]


@pytest.mark.parametrize(
    ("spared", "grams", "won"),
    [
        (520, 6000, 0),  # an objection took off what the correction takes off
        (100, 6000, -420),
        (520, 9000, 0),
        (2000, 0, 0),  # never more than was billed
        (520, 12_000, 260),
        (-100, 12_000, 160),  # a credit that was written off was never given, so it is not asked back
        (-500, 12_000, 0),
        (-100, 6000, -520),
    ],
)
def test_what_was_settled_before_is_not_settled_again(spared: int, grams: int, won: int) -> None:
    again, before = assess(month([part(1, grams)])), {1: Billed(1, 10_000, 1, 1300)}
    (line,) = differences(again, before, {1: spared})
    assert (line.grams, line.won) == (grams - 10_000, won)
    billed_since = Billed(1, grams, 1 + line.discharges, 1300 + won)
    assert differences(again, {1: billed_since}, {1: spared}) == [], "nor ever after"


def test_a_statement_issued_anew_adds_what_an_objection_took_off_before() -> None:
    again = assess(month([part(1, 6000)]))
    (line,) = differences(again, billed(*again.lines), {1: 520}, replaced={1: 1300 - 780})
    assert (line.grams, line.discharges, line.won) == (0, 0, 520)


def test_a_voided_statement_counts_as_never_billed_and_its_new_version_holds_everything() -> None:
    history = drawn(1)
    history.statements = {(0, 1): assess(month([part(1, 5000)])).lines}
    assert history.billed(MONTH) == {1: Billed(1, 5000, 1, 650)}
    del history.statements[0, 1]
    (line,) = differences(assess(month([part(1, 4000)])), history.billed(MONTH))
    assert (line.grams, line.won, line.detail["old"]["won"]) == (4000, 520, 0)


def closed(seed: int) -> History:
    """A history whose months are all closed, some statements voided and reissued on the way."""
    history, mix = drawn(seed), random.Random(seed + 1)
    for run in range(MONTHS):
        history.close(run)
        if mix.random() < 0.3:
            history.reissue(*mix.choice(sorted(history.statements)), run)
    return history


def sums(lines: list[Line]) -> Counter[tuple[str, int]]:
    """Grams, discharges and won by tenancy; those of nothing left out."""
    found: Counter[tuple[str, int]] = Counter()
    for line in lines:
        for name in ("grams", "discharges", "won"):
            found[name, line.tenancy_id] += getattr(line, name)
    return Counter({key: value for key, value in found.items() if value})


@settings(max_examples=5000, deadline=None)
@given(SEEDS)
def test_statement_and_adjustments_are_the_recomputation_with_everything_known_on_time(seed: int) -> None:
    history = closed(seed)
    for number in range(MONTHS):
        usage_month = month_after(FIRST, number)
        on_time = history.assess(usage_month, MONTHS - 1)
        made = [line for line in history.lines() if line.usage_month == usage_month]
        assert sums(made) == sums(on_time.lines)
        assert sum(line.won for line in made) + history.residues[usage_month] == on_time.detail["won"]


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_a_credit_is_never_more_than_what_was_billed(seed: int) -> None:
    history = closed(seed)
    for line in history.lines():
        if line.kind == "adjustment":
            assert line.won >= -line.detail["old"]["won"]
            assert line.grams >= -line.detail["old"]["grams"]
    for number in range(MONTHS):
        assert all(each.won >= 0 for each in history.billed(month_after(FIRST, number)).values())


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_closing_again_with_nothing_new_adjusts_nothing(seed: int) -> None:
    history = closed(seed)
    for number in range(MONTHS):
        usage_month = month_after(FIRST, number)
        assert differences(history.assess(usage_month, MONTHS - 1), history.billed(usage_month)) == []


def test_histories_hold_what_they_are_for() -> None:
    """Late, corrected, moved, voided, relieved, with leap days, tiers and price changes within a month."""
    histories = [drawn(seed) for seed in range(200)]
    lines = [line for seed in range(40) for line in closed(seed).lines()]
    records = [record for history in histories for record in history.records]
    assert any(record.day == date(2028, 2, 29) for record in records)
    assert any(not record.grams for record in records)
    assert any(len(history.homes) > len({home.household_id for home in history.homes}) for history in histories)
    assert {line.kind for line in lines} == {"usage", "suspense_share", "complex_share", "adjustment"}
    assert any(line.won < 0 for line in lines)
    assert any(len(line.detail.get("steps", ())) > 2 for line in lines)
