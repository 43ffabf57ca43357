"""What in the published totals deserves a look. Nothing here is called an error: nobody published why.

An outage and a real fall look alike in volume. What tells them apart is how many of the usual places reported, and
what those that did report gave, each compared with its own usual value.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median_low
from typing import NamedTuple

from app.metering.reported import anomaly_texts as texts
from app.metering.reported.models import UNLOCATED
from app.metering.reported.periods import end_of, start_of, units
from app.metering.reported.rows import Executor, Row, Series, current_rows, reported_series, total
from app.metering.reported.tariff import Amounts, cause_of, rate_of
from app.metering.reported.usual import neighbours, usual
from app.texts import Text

KINDS = ("few_places", "fall", "price_out_of_proportion", "count_without_weight", "implausible_weight")


@dataclass(frozen=True)
class Policy:
    """Where a look begins, in per cent but for the grams. docs/reported-volumes.md says what the real files have."""

    few_places_below: int = 90  # of the usual number of places
    fall_below: int = 75  # of the usual grams of the places that reported
    price_below: int = 60  # of the rate; dropping fractions of a won explains 2 at most
    price_above: int = 150
    least_grams: int = 200  # a discharge, on average
    most_grams: int = 15_000
    times_usual: int = 250  # grams a discharge, against the place's own; as far below as above
    fewest_discharges: int = 10  # fewer have no average worth the name


POLICY = Policy()


class Anomaly(NamedTuple):
    """One line. `value` and `usual` are in `unit`; `place` is empty where all places are meant.

    `usual` is the median of comparable periods, the rate for a price, None where nothing is known.
    """

    kind: str
    source: str
    level: str
    starts_on: date
    ends_on: date
    place: str
    name: str
    grams: int | None
    count: int | None  # type: ignore[assignment]
    won: int | None
    places_reporting: int
    places_usual: int
    value: Decimal | int
    usual: Decimal | int | None
    unit: str
    why: Text


def anomalies(
    executor: Executor,
    district_id: int,
    source: str | None = None,
    start: date | None = None,
    end: date | None = None,
    policy: Policy = POLICY,
) -> list[Anomaly]:
    """What is worth a look in the periods that begin from `start` until before `end`: by kind, then time and place."""
    found: list[Anomaly] = []
    for series in reported_series(executor, district_id, source):
        first, after = max(start or date.min, series.starts_on), min(end or date.max, series.ends_on)
        if first < after:
            found += _of_series(executor, district_id, series, first, after, policy)
    return sorted(found, key=lambda each: (KINDS.index(each.kind), each.starts_on, each.place))


def _of_series(
    executor: Executor, district_id: int, series: Series, start: date, end: date, policy: Policy
) -> Iterator[Anomaly]:
    around = [*neighbours(series.period, start), *neighbours(series.period, end)]
    rows = current_rows(executor, district_id, series.source, series.level, min(around), max(around))
    picture = Picture(series, [row for row in rows if row.reporting], policy)
    for row in picture.rows:
        if start <= row.starts_on < end:
            yield from _of_row(picture, row)
    yield from _of_periods(picture, start, end)


class Picture:
    """The rows of a series around the time in question, and what is usual in it."""

    def __init__(self, series: Series, rows: list[Row], policy: Policy) -> None:
        self.series = series
        self.rows = rows
        self.policy = policy
        self.grams: dict[str, dict[date, int]] = defaultdict(dict)
        self.each: dict[str, dict[date, int]] = defaultdict(dict)  # plausible grams a discharge
        self.at: dict[date, list[Row]] = defaultdict(list)
        for row in rows:
            self.at[row.starts_on].append(row)
            if row.grams is not None:
                self.grams[row.place][row.starts_on] = row.grams
            each = self.each_of(row)
            if each and policy.least_grams <= each <= policy.most_grams:
                self.each[row.place][row.starts_on] = each
        self.first: dict[str, date] = {}
        for row in rows:  # in the order of time
            self.first.setdefault(row.place, row.starts_on)

    def each_of(self, row: Row) -> int | None:
        """Grams a discharge on average; None where nothing was weighed or the discharges are too few."""
        if not row.grams or not row.count or row.count < self.policy.fewest_discharges:
            return None
        return row.grams // row.count

    def usual_places(self, start: date) -> int:
        """How many places usually report: the median of the periods around in which any did, but no more than had
        reported by then, so that newcomers do not make the time before them look poor."""
        around = [len(self.at[each]) for each in neighbours(self.series.period, start) if each in self.at]
        known = sum(first <= start for first in self.first.values())
        return min(median_low(around), known) if around else self.series.places

    def compared(self, start: date) -> tuple[int, int] | None:
        """Grams of the places that reported and their usual grams; None unless half of them have a usual value."""
        rows = [row for row in self.at.get(start, ()) if row.grams is not None]
        pairs = [(row.grams, usual(self.series.period, self.grams[row.place], start)) for row in rows]
        known = [(grams, common) for grams, common in pairs if grams is not None and common is not None]
        if len(known) * 2 < len(rows) or not sum(common for _, common in known):
            return None
        return sum(grams for grams, _ in known), sum(common for _, common in known)


def _of_row(picture: Picture, row: Row) -> Iterator[Anomaly]:
    if row.count and not row.grams:
        blank = row.grams is None
        why = (texts.WEIGHT_BLANK if blank else texts.WEIGHT_ZERO).fill(count=f"{row.count:,}")
        yield _row_anomaly("count_without_weight", picture, row, row.grams or 0, None, "grams", why)
    yield from _price(picture, row)
    yield from _weight(picture, row)


def _price(picture: Picture, row: Row) -> Iterator[Anomaly]:
    rate = rate_of(picture.series.source, row.starts_on)
    if rate is None or row.won is None or not row.grams:
        return
    share = Decimal(row.won * 100_000) / (rate.won_per_kg * row.grams)
    policy = picture.policy
    fits = cause_of(rate, Amounts(row.starts_on, row.grams, row.count, row.won)) == "within"
    if fits or policy.price_below <= share <= policy.price_above:
        return
    price = (Decimal(row.won * 1000) / row.grams).quantize(Decimal("0.1"))
    why = texts.PRICE.fill(price=price, rate=rate.won_per_kg, share=f"{share:,.1f}")
    yield _row_anomaly("price_out_of_proportion", picture, row, price, rate.won_per_kg, "won_per_kg", why)


def _weight(picture: Picture, row: Row) -> Iterator[Anomaly]:
    policy = picture.policy
    each = picture.each_of(row)
    if each is None:
        return
    common = usual(picture.series.period, picture.each[row.place], row.starts_on)
    if not policy.least_grams <= each <= policy.most_grams:
        why = texts.WEIGHT.fill(each=f"{each:,}", least=f"{policy.least_grams:,}", most=f"{policy.most_grams:,}")
    elif row.place != UNLOCATED and common and _far(each, common, policy.times_usual):
        why = texts.WEIGHT_UNUSUAL.fill(each=f"{each:,}", usual=f"{common:,}", times=Decimal(policy.times_usual) / 100)
    else:
        return
    yield _row_anomaly("implausible_weight", picture, row, each, common, "grams_per_discharge", why)


def _far(value: int, common: int, percent: int) -> bool:
    return value * 100 > common * percent or common * 100 > value * percent


def _row_anomaly(
    kind: str, picture: Picture, row: Row, value: Decimal | int, common: Decimal | int | None, unit: str, why: Text
) -> Anomaly:
    series = picture.series
    where = (series.source, series.level, row.starts_on, end_of(series.period, row.starts_on), row.place, row.name)
    places = (len(picture.at[row.starts_on]), picture.usual_places(row.starts_on))
    return Anomaly(kind, *where, row.grams, row.count, row.won, *places, value, common, unit, why)


def _of_periods(picture: Picture, start: date, end: date) -> Iterator[Anomaly]:
    silent: list[date] = []
    for each in _starts(picture.series.period, start, end):
        if each not in picture.at:
            silent.append(each)
            continue
        yield from _silence(picture, silent)
        silent = []
        yield from _of_period(picture, each)
    yield from _silence(picture, silent)


def _starts(period: str, start: date, end: date) -> list[date]:
    return [each for each in units(period, start_of(period, start), end) if each >= start]


def _silence(picture: Picture, starts: list[date]) -> Iterator[Anomaly]:
    """One line for periods on end in which nobody reported: an outage of all, or a file not imported."""
    if starts:
        span = starts[0], end_of(picture.series.period, starts[-1])
        common = picture.usual_places(starts[0])
        yield _period_anomaly("few_places", picture, span, 0, common, "places", texts.NOBODY.fill(usual=f"{common:,}"))


def _of_period(picture: Picture, start: date) -> Iterator[Anomaly]:
    policy, reporting, common = picture.policy, len(picture.at[start]), picture.usual_places(start)
    compared = picture.compared(start)
    share = compared[0] * 100 // compared[1] if compared else None
    fell = share is not None and share < policy.fall_below
    span = start, end_of(picture.series.period, start)
    values = {"places": f"{reporting:,}", "usual": f"{common:,}", "share": share}
    if reporting * 100 < common * policy.few_places_below:
        text = texts.FEW_ALONE if share is None else texts.FEW_AND_FALL if fell else texts.FEW
        yield _period_anomaly("few_places", picture, span, reporting, common, "places", text.fill(**values))
    elif compared and fell:
        text = texts.FALL if reporting > 1 else texts.FALL_OF_ONE
        why = text.fill(**values, grams=f"{compared[1]:,}")
        yield _period_anomaly("fall", picture, span, *compared, "grams", why)


def _period_anomaly(
    kind: str, picture: Picture, span: tuple[date, date], value: int, common: int, unit: str, why: Text
) -> Anomaly:
    series, rows = picture.series, picture.at.get(span[0], [])
    amounts = total(row.grams for row in rows), total(row.count for row in rows), total(row.won for row in rows)
    places = len(rows), picture.usual_places(span[0])
    return Anomaly(kind, series.source, series.level, *span, "", "", *amounts, *places, value, common, unit, why)
