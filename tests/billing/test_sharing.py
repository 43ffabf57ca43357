"""Won shared by weights: nothing is lost, and nobody is more than a won away from an exact share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.sharing import share

WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


@given(st.integers(-(10**9), 10**9), WEIGHTS)
def test_parts_add_up_and_are_less_than_one_from_exact(total: int, weights: list[int]) -> None:
    parts, whole = share(total, weights), sum(weights)
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


@given(st.integers(0, 10**9), WEIGHTS)
def test_who_weighs_more_never_pays_less_and_order_matters_for_ties_only(total: int, weights: list[int]) -> None:
    parts = share(total, weights)
    pairs = sorted(zip(weights, parts, strict=True))
    assert [part for _, part in pairs] == sorted(parts)
    shuffled = sorted(weights)
    assert sorted(share(total, shuffled)) == sorted(parts)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),  # of equal remainders the first gets the won that is left
        (11, [1, 1, 1], [4, 4, 3]),
        (100, [1, 2, 4], [14, 29, 57]),  # 14.29, 28.57, 57.14: the largest remainder is the second's
        (5, [0, 0, 7], [0, 0, 5]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_left_over_won_go_to_the_largest_remainders(total: int, weights: list[int], parts: list[int]) -> None:
    assert share(total, weights) == parts


def test_won_without_any_weight_are_refused() -> None:
    with pytest.raises(ValueError, match="5 cannot be shared by 2 weights of 0; give days lived instead"):
        share(5, [0, 0])
