"""Won held against the tariff's bounds."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metering.reported.tariff import RATES, Amounts, Fit, cause_of, rate_of, tariff_fit
from billing.rating import bounds
from tests.metering.reported.support import Desk, published

(JEJU,) = RATES
DAY = date(2018, 1, 1)
grams = st.lists(st.integers(1, 30_000), min_size=1, max_size=300)


@given(grams, st.integers(1, 10**9))
def test_a_won_beyond_either_bound_is_counted_as_such(discharges: list[int], off: int) -> None:
    least, most = bounds(JEJU.tariff, sum(discharges), len(discharges))
    above = Amounts(DAY, sum(discharges), len(discharges), int(most) + off)
    assert cause_of(JEJU, above) == "above"
    below = int(least) - off
    if below > 0:
        assert cause_of(JEJU, above._replace(won=below)) == "below"


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ((100_000, 50, 3000), "within"),
        ((100_000, 50, 2951), "within"),
        ((100_000, 50, 2950), "below"),
        ((100_000, 50, 3001), "above"),
        ((100_000, 50, 0), "free"),
        ((30, 1, 0), "within"),
        ((100_000, 50, None), "no_price"),
        ((0, 15, 0), "nothing_weighed"),
        ((None, 15, 0), "nothing_weighed"),
    ],
)
def test_each_row_has_one_cause(row: tuple[int | None, int, int | None], cause: str) -> None:
    assert cause_of(JEJU, Amounts(DAY, *row)) == cause


def test_rows_are_counted_by_cause_and_size_with_the_won_between() -> None:
    rows = [Amounts(DAY, 100_000, 10, won) for won in (2995, 2990, 2980, 2900, 1500, 1499, 3100, 9000)]
    assert tariff_fit("jeju", [*rows, Amounts(DAY, None, None, None)]) == [
        Fit("within", "", 1, -5),
        Fit("above", "1-5%", 1, 100),
        Fit("above", "≥50%", 1, 6000),
        Fit("below", "<1%", 2, -30),
        Fit("below", "1-5%", 1, -100),
        Fit("below", "≥50%", 2, -3001),
    ]


def test_without_a_known_rate_nothing_is_said() -> None:
    assert rate_of("jeju", date(2017, 12, 31)) is None
    assert tariff_fit("keco", [Amounts(DAY, 1000, 1, 30)]) == []


def test_the_published_file_fits_as_was_measured(desk: Desk) -> None:
    fit = desk.take_in(published("jeju/dong_day_2018_2019.csv"), dry_run=True).fit
    counts = {cause: sum(each.count for each in fit if each.cause == cause) for cause in ("within", "above", "below")}
    assert counts == {"within": 22_209, "above": 30, "below": 5_506}
    assert sum(each.count for each in fit) == 27_747
