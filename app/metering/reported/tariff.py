"""Published won against the tariff. What does not fit is counted by cause and size; nobody published why, so it is no
error: free discharges, other rates and corrections all look like this.

A fee is rate × grams, its fraction of a won dropped at each discharge: n discharges of together g grams cost more than
rate × g − n won and at most rate × g.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from app.texts import Text
from billing.rating import bounds
from billing.tariffs import Tariff, Tier


@dataclass(frozen=True)
class Rate:
    """What a source's tariff is known to be, and who said so."""

    source: str
    tariff: Tariff
    reference: Text

    @property
    def first_day(self) -> date:
        """Since when it is in force."""
        return self.tariff.first_day

    @property
    def won_per_kg(self) -> Decimal:
        """Its one price."""
        return self.tariff.tiers[0].won_per_kg


RATES = (
    Rate(
        "jeju",
        Tariff(0, date(2018, 1, 1), (Tier(0, Decimal(30)),), rounding="down", rounded_at="discharge"),
        Text(
            "제주시 선불 RFID, 2017년부터(jejunews 2024710); 공표 자료에서는 첫날부터 확인",
            "Jeju City, prepaid RFID, since 2017 (jejunews 2024710); seen in the totals from their first day",
        ),
    ),
)
SIZES = (1, 5, 10, 50)  # per cent of rate × grams
CAUSES = ("within", "above", "below", "free", "no_price", "nothing_weighed")
SIZED = ("above", "below")


class Fit(NamedTuple):
    """Rows of one cause and size; `won_difference` is the sum of won less rate × grams, its fraction dropped.

    `size` is how far the won are from rate × grams: `<1%`, `1-5%` …; empty where that says nothing.
    """

    cause: str
    size: str
    count: int  # type: ignore[assignment]
    won_difference: int


class Amounts(NamedTuple):
    """What the bounds need of a row."""

    starts_on: date
    grams: int | None
    count: int | None  # type: ignore[assignment]
    won: int | None


def rates_of(source: str) -> list[Rate]:
    """What is known of a source's rates, the earliest first."""
    return sorted((rate for rate in RATES if rate.source == source), key=lambda rate: rate.first_day)


def rate_of(source: str, day: date) -> Rate | None:
    """The rate in force at the source on that day, where one is known."""
    return next((rate for rate in reversed(rates_of(source)) if rate.first_day <= day), None)


def cause_of(rate: Rate, row: Amounts) -> str:
    """Which of CAUSES a row is."""
    if not row.grams:
        return "nothing_weighed"
    if row.won is None:
        return "no_price"
    least, most = bounds(rate.tariff, row.grams, row.count or 0)
    if row.won > most:
        return "above"
    if least < row.won or row.won == most:
        return "within"
    return "below" if row.won else "free"


def tariff_fit(source: str, rows: Iterable[Amounts]) -> list[Fit]:
    """Rows counted by cause and size, in the order of CAUSES. Rows without a known rate or any value are left out."""
    found: dict[tuple[str, int], list[Decimal]] = defaultdict(list)
    for row in rows:
        rate = rate_of(source, row.starts_on)
        if rate is None or (row.grams, row.count, row.won) == (None, None, None):
            continue
        cause = cause_of(rate, row)
        most = rate.won_per_kg * (row.grams or 0) / 1000
        difference = Decimal(0) if row.won is None else row.won - most
        size = _size(abs(difference), most) if cause in SIZED else 0
        found[cause, size].append(difference)
    order = sorted(found, key=lambda key: (CAUSES.index(key[0]), key[1]))
    return [
        Fit(cause, _size_name(cause, size), len(found[cause, size]), int(sum(found[cause, size])))
        for cause, size in order
    ]


def _size(difference: Decimal, most: Decimal) -> int:
    """Between which of SIZES the difference lies, as an index."""
    return sum(difference * 100 >= most * step for step in SIZES)


def _size_name(cause: str, size: int) -> str:
    if cause not in SIZED:
        return ""
    if size == 0:
        return f"<{SIZES[0]}%"
    return f"≥{SIZES[-1]}%" if size == len(SIZES) else f"{SIZES[size - 1]}-{SIZES[size]}%"
