"""Which tariffs there can be, how they are kept, and which one is in force on a day."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.checking import OPTIONS
from billing.days import days_of, month_after, month_of, service_day
from billing.tariffs import NoTariff, Schedule, Span, Tariff, Tier
from billing.words import Refused
from tests.billing.support import CITY, LONG_AGO, prepaid, tariff, tariffs

DAY = date(2026, 1, 1)
FIRST_DAYS = st.sets(st.dates(date(2015, 1, 1), date(2029, 1, 1)), min_size=1, max_size=8)


@given(tariffs() | prepaid())
def test_a_tariff_is_kept_as_json_without_loss(found: Tariff) -> None:
    text = found.as_json()
    assert Tariff.from_json(found.id, found.first_day, text) == found
    assert not any(isinstance(value, float) for value in json.loads(text).values())


def test_terms_are_kept_by_name_and_numbers_that_are_no_whole_ones_as_text() -> None:
    found = tariff(*CITY[:2], unit_g=100, relief_percent=Decimal("33.50"))
    assert json.loads(found.as_json()) == {
        "tiers": [{"from_g": 0, "won_per_kg": "80"}, {"from_g": 20_000, "won_per_kg": "120"}],
        "tiering": "graduated",
        "rounding": "down",
        "round_to_won": 1,
        "rounded_at": "statement",
        "unit_g": 100,
        "unit_rounding": "down",
        "free_g": 0,
        "relief_percent": "33.50",
    }


def test_terms_may_name_the_tiers_alone() -> None:
    text = '{"tiers": [{"from_g": 0, "won_per_kg": "130"}]}'
    assert Tariff.from_json(1, LONG_AGO, text) == tariff()


@pytest.mark.parametrize(
    "text",
    [
        "130",
        "{",
        "{}",
        '{"tiers": "130"}',
        '{"tiers": [130]}',
        '{"tiers": [{"from_g": 0}]}',
        '{"tiers": [{"from_g": 0, "won_per_kg": "130", "until_g": 5}]}',
        '{"tiers": [{"from_g": 0, "won_per_kg": "130"}], "colour": "green"}',
    ],
)
def test_terms_that_nobody_wrote_so_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="Give a list of tiers with from_g and won_per_kg"):
        Tariff.from_json(1, DAY, text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["130", "-1", "1E-9", "sNaN", "0E+99", "x"]),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
json_tiers = st.lists(st.fixed_dictionaries({"from_g": json_values, "won_per_kg": json_values}), max_size=2)
json_terms = st.fixed_dictionaries(
    {"tiers": json_tiers | st.just([{"from_g": 0, "won_per_kg": "130"}])},
    optional=dict.fromkeys((*OPTIONS, "relief_percent"), json_values),
)


@given(json_terms)
def test_whatever_json_says_is_a_tariff_or_refused(terms: dict[str, Any]) -> None:
    found = None
    with contextlib.suppress(Refused):
        found = Tariff.from_json(1, DAY, json.dumps(terms))
    assert found is None or Tariff.from_json(1, DAY, found.as_json()) == found


@pytest.mark.parametrize("won", [130, 130.5, "much", None])
def test_a_price_in_json_is_text_because_numbers_there_are_floats(won: Any) -> None:
    with pytest.raises(Refused, match='Write it as in "130"'):
        Tariff.from_json(1, DAY, json.dumps({"tiers": [{"from_g": 0, "won_per_kg": won}]}))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"tiering": "steps"}, "Use graduated, whole_amount"),
        ({"rounding": "nearest"}, "Use down, half_up, up"),
        ({"rounded_at": "month"}, "Use statement, discharge"),
        ({"unit_rounding": None}, "Use down, half_up, up"),
        ({"round_to_won": 0}, "a whole number from 1"),
        ({"round_to_won": Decimal(10)}, "a whole number from 1"),
        ({"unit_g": True}, "a whole number from 1"),
        ({"free_g": -1}, "a whole number from 0"),
        ({"relief_percent": Decimal("100.01")}, "a number from 0 to 100"),
        ({"relief_percent": Decimal("33.333")}, "at most 2 decimals"),
        ({"relief_percent": 50}, "a number from 0 to 100"),
    ],
)
def test_terms_by_which_nothing_can_be_billed_are_refused(terms: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        tariff(**terms)
    assert isinstance(refused.value, Refused)
    assert refused.value.words.said("en") == str(refused.value)
    assert refused.value.words.said("ko").endswith("하십시오.")


@pytest.mark.parametrize(
    ("tiers", "told"),
    [
        ([], "must begin at 0 g"),
        ([(1, "80")], "must begin at 0 g"),
        ([(0, "80"), (20_000, "120"), (20_000, "140")], "each once"),
        ([(0, "80"), (30_000, "120"), (20_000, "140")], "Order tiers by weight"),
        ([(0, "80"), (20_000, "79")], "Let more waste never become cheaper"),
        ([(0, "-1")], "a number from 0"),
        ([(0, "NaN")], "a number from 0"),
        ([(0, "0.00001")], "at most 4 decimals"),
        ([(-5, "80")], "a whole number from 0"),
    ],
)
def test_tiers_begin_at_nothing_and_rise(tiers: list[tuple[int, str]], told: str) -> None:
    with pytest.raises(Refused, match=told):
        Tariff(1, DAY, tuple(Tier(from_g, Decimal(won)) for from_g, won in tiers))


@pytest.mark.parametrize(("tiers", "free_g"), [(CITY, 0), (((0, "30"),), 500)])
def test_rounding_at_each_discharge_allows_one_price_only(tiers: tuple[tuple[int, str], ...], free_g: int) -> None:
    with pytest.raises(Refused, match="Give it one price and no free weight"):
        tariff(*tiers, free_g=free_g, rounded_at="discharge")


@given(FIRST_DAYS, st.dates(date(2014, 1, 1), date(2030, 1, 1)))
def test_every_day_has_exactly_one_tariff_from_the_first_one_on(first_days: set[date], day: date) -> None:
    found = [tariff(number=number, first_day=first) for number, first in enumerate(first_days, 1)]
    begun = [each for each in found if each.first_day <= day]
    if begun:
        assert Schedule(found).on(day) == max(begun, key=lambda each: each.first_day)
    else:
        with pytest.raises(NoTariff) as missing:
            Schedule(found).on(day)
        assert missing.value.day == day
        assert str(day) in missing.value.words.ko
        assert str(min(first_days)) in str(missing.value)


@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2028, 2, 29), date(2027, 1, 1), date(2026, 10, 15)])
def test_a_price_changes_at_midnight_in_seoul_and_at_no_other_instant(day: date) -> None:
    schedule = Schedule([tariff(), tariff(number=2, first_day=day)])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    instants = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=1, microseconds=-1)]
    assert [schedule.on(service_day(instant)).id for instant in instants] == [1, 2, 2]


def test_two_tariffs_cannot_begin_on_one_day() -> None:
    with pytest.raises(Refused, match="Two tariffs begin on 2026-01-01"):
        Schedule([tariff(first_day=DAY), tariff(first_day=DAY, number=2)])


def test_a_schedule_without_tariffs_says_that_none_was_entered() -> None:
    with pytest.raises(NoTariff, match=r"none was entered\. Enter one that begins on 2026-01-01"):
        Schedule([]).on(DAY)


@given(FIRST_DAYS, FIRST_DAYS, st.dates(date(2015, 1, 1), date(2029, 1, 1)).map(month_of))
def test_spans_cover_the_month_and_no_tariff_changes_within_one(
    ours: set[date], theirs: set[date], month: date
) -> None:
    schedules = [Schedule(tariff(first_day=day) for day in days) for days in (ours, theirs)]
    spans = schedules[0].spans(month, schedules[1])
    covered = [day for span in spans for day in days_between(span)]
    assert covered == list(days_of(month))
    for schedule, span in ((schedule, span) for schedule in schedules for span in spans):
        assert len({named(schedule, day) for day in days_between(span)}) == 1


def days_between(span: Span) -> list[date]:
    """The service days of a span."""
    return [span.first_day + timedelta(days=each) for each in range((span.end - span.first_day).days)]


def named(schedule: Schedule, day: date) -> Tariff | None:
    """The tariff of the day, if there is one."""
    return schedule.on(day) if schedule.first_days[0] <= day else None


def test_a_month_in_which_nothing_begins_is_one_span() -> None:
    february = date(2028, 2, 1)
    schedule = Schedule([tariff(), tariff(number=2, first_day=date(2028, 2, 29))])
    assert schedule.spans(date(2028, 1, 1)) == (Span(date(2028, 1, 1), february),)
    assert schedule.spans(february) == (
        Span(february, date(2028, 2, 29)),
        Span(date(2028, 2, 29), month_after(february)),
    )
    assert [each.id for each in schedule.over(schedule.spans(february))] == [1, 2]
