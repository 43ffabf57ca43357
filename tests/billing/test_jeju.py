"""Jeju's published won recomputed from grams and counts: its rule is a tariff, 30 won/kg floored at each discharge.

The file holds sums of a dong and day, so that what each discharge lost is known within bounds only. What lies outside
is counted and called nothing: free discharges, other rates and corrections all look like that.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metering.reported.tariff import RATES
from billing.rating import Used, bounds, rate
from tests.billing.support import tariff

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "jeju" / "dong_day_2018_2019.csv"
JEJU = tariff((0, "30"), number=0, first_day=date(2018, 1, 1), rounding="down", rounded_at="discharge")


class Row(NamedTuple):
    """What a dong's households discharged on a day."""

    count: int  # type: ignore[assignment]
    grams: int
    won: int


def rows() -> Iterator[Row]:
    """The file's rows; blank fields are 0."""
    if not FILE.exists():
        pytest.skip(f"{FILE} is missing: real files of others are not part of the product.")
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield Row(*(int(row[name] or 0) for name in ("waste_em_cnt", "waste_em_g", "waste_pay_amt")))


def place(row: Row) -> str:
    """Where the published won lie: within what the tariff can give, above, or below by how much of it."""
    least, most = bounds(JEJU, row.grams, row.count)
    if row.won > most:
        return "above"
    if row.won > least or row.won == most:
        return "within"
    short = (most - row.won) * 100
    return "below by under 1 %" if short < most else "below by 1-5 %" if short < most * 5 else "below by 5 % or more"


def test_most_of_jejus_rows_are_what_its_rule_gives() -> None:
    places = Counter(place(row) for row in rows())
    assert places.total() == 27_747
    assert places["within"] * 100 >= places.total() * 80
    assert dict(places) == {
        "within": 22_211,
        "above": 30,
        "below by under 1 %": 282,
        "below by 1-5 %": 4634,
        "below by 5 % or more": 590,
    }


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40))
def test_whatever_is_discharged_in_steps_of_jejus_scales_is_rated_within_the_bounds(steps: list[int]) -> None:
    weights = [50 * each for each in steps]
    rated = rate([JEJU], [Used(sum(weights), len(weights), tuple((each, 1) for each in weights))])
    assert place(Row(len(weights), sum(weights), rated.won)) == "within"
    assert rated.won == sum(30 * each // 1000 for each in weights)


def test_the_rule_is_the_one_that_reports_of_published_totals_hold_them_against() -> None:
    (known,) = RATES
    assert (known.source, known.tariff) == ("jeju", JEJU)
