"""The comparison of records with the truth finds what it is there to find."""

from dataclasses import replace
from typing import Any

import pytest

from gateways.cards import Card
from gateways.simulate.books import Books, Entry, Tolerance, compare
from gateways.simulate.truth import Drop, Truth

ALICE, BOB = Card("a" * 32, "AAAA"), Card("b" * 32, "BBBB")


def truth(*changes: tuple[Card | None, int]) -> list[Drop]:
    log = Truth()
    for card, grams in changes:
        log.append("drop" if grams > 0 else "emptied", "M1", card, grams)
    return log.entries


def entry(seq: int, card: Card | None, before: int | None, after: int | None, **values: Any) -> Entry:
    net = after - before if before is not None and after is not None else None
    made = Entry("G1", "E1", seq, "M1", card.hash if card else None, "settled", before, after, net)
    return replace(made, **values)


def books(changes: list[Drop], *entries: Entry, drift_g: int = 0) -> Books:
    return compare(changes, entries, {}, Tolerance(10, drift_g))


FAIR = truth((ALICE, 410), (BOB, 300), (None, -710), (ALICE, 200))
RIGHT = [
    entry(1, ALICE, 0, 410),
    entry(2, BOB, 410, 710),
    entry(3, None, 710, 0, outcome="unattended_step"),
    entry(4, ALICE, 0, 200),
]


def test_books_that_tell_the_truth_are_in_order() -> None:
    result = books(FAIR, *RIGHT)
    assert result.violations == []
    (balance,) = result.meters
    assert (balance.true_g, balance.billed_g, balance.other_g, balance.difference_g) == (200, 910, -710, 0)
    assert (result.drops, result.records) == (3, 4)


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_a_record_that_is_missing_is_a_drop_that_is_lost(missing: int) -> None:
    result = books(FAIR, *RIGHT[:missing], *RIGHT[missing + 1 :])
    assert len(result.lost) == 1
    assert not result.meters[0].is_even


def test_a_number_that_stands_twice_is_doubled() -> None:
    assert books(FAIR, *RIGHT, RIGHT[1]).doubled == [RIGHT[1]]


def test_a_drop_that_is_billed_under_two_numbers_has_a_record_too_many() -> None:
    again = replace(RIGHT[3], seq=5)
    assert books(FAIR, *RIGHT, again).invented == [again]


def test_a_drop_on_another_ones_card_is_lost_and_invented() -> None:
    wrong = replace(RIGHT[1], card=ALICE.hash)
    result = books(FAIR, RIGHT[0], wrong, *RIGHT[2:])
    assert result.invented == [wrong]
    assert [drop.card for drop in result.lost] == [BOB]


def test_an_unsettled_record_is_resolved_by_the_next_weight_and_bills_nothing() -> None:
    unsettled = replace(RIGHT[1], outcome="unsettled", after_g=None, net_g=None)
    result = books(FAIR, RIGHT[0], unsettled, *RIGHT[2:])
    assert result.violations == []
    assert result.meters[0].resolved_g == 300


def test_a_record_that_began_without_a_weight_is_resolved_by_the_one_before_it() -> None:
    collection = entry(3, None, None, 0, outcome="collection")
    nothing = entry(4, ALICE, None, None, outcome="aborted")
    result = books(FAIR, *RIGHT[:2], collection, nothing, replace(RIGHT[3], seq=5))
    assert result.violations == []
    assert result.meters[0].resolved_g == -710


def test_a_weight_may_be_off_by_the_scales_step_and_by_no_more() -> None:
    assert books(FAIR, *RIGHT[:3], entry(4, ALICE, 0, 210)).violations == []
    assert books(FAIR, *RIGHT[:3], entry(4, ALICE, 0, 230)).invented
    recovered = entry(4, ALICE, 0, 230, outcome="recovered")
    assert books(FAIR, *RIGHT[:3], recovered, drift_g=80).violations == []
