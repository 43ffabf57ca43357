"""Tariffs and months as tests write them, and strategies that draw any of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from billing.statements import ComplexMonth, Estimated, Line, Part, Used
from billing.tariffs import Schedule, Span, Tariff, Tier
from billing.units import Rounding

MONTH = date(2026, 10, 1)
LONG_AGO = date(2015, 1, 1)
NOTHING = Used(0, 0)
ROUNDINGS: tuple[Rounding, ...] = ("down", "half_up", "up")
CITY = ((0, "80"), (20_000, "120"), (30_000, "140"))  # one city's: below 20 kg, 20-30 and from 30 kg


def tariff(*tiers: tuple[int, str], number: int = 1, first_day: date = LONG_AGO, **terms: Any) -> Tariff:
    """A tariff of tiers (from grams, won per kg); without any 130 won/kg, as Gangbuk's."""
    found = tuple(Tier(from_g, Decimal(won)) for from_g, won in tiers or ((0, "130"),))
    return Tariff(number, first_day, found, **terms)


def used(*grams: int) -> tuple[Used, ...]:
    """For each span a weight, of one discharge where there is any."""
    return tuple(Used(each, int(each > 0), ((each, 1),) if each else ()) for each in grams)


def part(number: int, *grams: int, household: int | None = None, days: int = 31, **more: Any) -> Part:
    """A tenancy, of a household of the same number unless told, with a weight for each span."""
    payer_class = more.pop("payer_class", "general")
    return Part(household or number, number, payer_class, days, more.pop("used", used(*grams)), **more)


def month(
    parts: Sequence[Part], *tariffs: Tariff, suspense: Sequence[int] = (), relief: Tariff | None = None, **terms: Any
) -> ComplexMonth:
    """A complex's October 2026 (or `month`) at these tariffs; suspense in grams for each span, none unless told."""
    schedule, found = Schedule(tariffs or [tariff()]), terms.pop("month", MONTH)
    spans = schedule.spans(found)
    by_class = {"general": schedule.over(spans)} | ({"relief": (relief,) * len(spans)} if relief else {})
    names = {"scheme": "household", "suspense_policy": "not_billed", "sharing": "weight"} | terms
    nobody = used(*(suspense or [0] * len(spans)))
    return ComplexMonth(found, spans=spans, tariffs=by_class, parts=parts, suspense=nobody, **names)


def amounts(lines: Sequence[Line]) -> list[tuple[str, int, int]]:
    """Kind, tenancy and won of lines, to be compared at a glance."""
    return [(line.kind, line.tenancy_id, line.won) for line in lines]


weights = st.integers(0, 60_000)
places = st.sampled_from((1, 10, 50, 100, 1000))
units = st.sampled_from((1, 10, 50, 100, 1000))
roundings = st.sampled_from(ROUNDINGS)
prices = st.decimals(0, 500, places=2)


@st.composite
def tariffs(draw: st.DrawFn, /, number: int = 1, first_day: date = LONG_AGO, **fixed: Any) -> Tariff:
    """Any tariff that is rounded per statement, with up to four tiers."""
    starts = [0, *sorted(draw(st.sets(st.integers(1, 50_000), max_size=3)))]
    won = sorted(draw(st.lists(prices, min_size=len(starts), max_size=len(starts))))
    terms: dict[str, Any] = {
        "tiering": draw(st.sampled_from(("graduated", "whole_amount"))),
        "rounding": draw(roundings),
        "round_to_won": draw(places),
        "unit_g": draw(units),
        "unit_rounding": draw(roundings),
        "free_g": draw(st.sampled_from((0, 0, 500, 5000))),
        "relief_percent": draw(st.sampled_from((Decimal(0), Decimal(50), Decimal("33.33"), Decimal(100)))),
    }
    return Tariff(number, first_day, tuple(map(Tier, starts, won)), **(terms | fixed))


@st.composite
def prepaid(draw: st.DrawFn, /, number: int = 1, first_day: date = LONG_AGO) -> Tariff:
    """Any tariff that is rounded at each discharge."""
    terms: dict[str, Any] = {"rounding": draw(roundings), "round_to_won": draw(places), "unit_g": draw(units)}
    return Tariff(number, first_day, (Tier(0, draw(prices)),), rounded_at="discharge", **terms)


@st.composite
def schedules(draw: st.DrawFn, /, found: date = MONTH, numbers: int = 0) -> Schedule:
    """One to three tariffs of any kind, of which all but the first begin within the month or the one after."""
    days = [LONG_AGO, *(found + timedelta(days=each) for each in draw(st.sets(st.integers(0, 40), max_size=2)))]
    kinds = [tariffs, prepaid]
    return Schedule(draw(draw(st.sampled_from(kinds))(numbers + at, day)) for at, day in enumerate(sorted(days), 1))


@st.composite
def used_in(draw: st.DrawFn, /, spans: Sequence[Span]) -> tuple[Used, ...]:
    """Some discharges in each span, with the weight of each."""
    found = []
    for _ in spans:
        each = draw(st.lists(weights, max_size=4))
        found.append(Used(sum(each), len(each), tuple((grams, 1) for grams in each)))
    return tuple(found)


@st.composite
def complex_months(draw: st.DrawFn, /, scheme: str | None = None) -> ComplexMonth:
    """Any complex's month: moves, two payer classes, estimates, suspense, price changes, all schemes and policies."""
    general, relief = draw(schedules()), draw(schedules(numbers=10))
    spans = general.spans(MONTH, relief)
    parts = []
    for number in range(1, 1 + draw(st.integers(0, 6))):
        estimates = draw(st.lists(st.integers(0, len(spans) - 1), max_size=1))
        estimated = tuple(Estimated(7, span, draw(weights)) for span in estimates)
        payer_class = draw(st.sampled_from(("general", "general", "relief")))
        days, own = draw(st.integers(0, 31)), draw(used_in(spans))
        parts.append(Part(draw(st.integers(1, 3)), number, payer_class, days, own, estimated))
    return ComplexMonth(
        MONTH,
        scheme or draw(st.sampled_from(("household", "complex", "prepaid"))),
        draw(st.sampled_from(("shared", "not_billed", "held"))),
        draw(st.sampled_from(("equal", "weight"))),
        spans,
        {"general": general.over(spans), "relief": relief.over(spans)},
        parts,
        draw(used_in(spans)),
        draw(st.none() | st.integers(0, 500_000)),
    )
