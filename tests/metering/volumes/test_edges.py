"""Around every midnight, month end and leap day the parts add up to the whole, at every level and after corrections."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.metering.corrections import Number
from app.metering.volumes.model import Place, Volume
from app.metering.volumes.slots import BY
from app.problems import Problem
from billing.days import month_of, service_day
from tests.metering.reading import agrees
from tests.metering.volumes.city import DAY, Thrown, kst, new_city
from tests.metering.volumes.test_slots import key_by_calendar

LATER = datetime.fromisoformat("2029-03-10T12:34:56+09:00")
EDGES = [
    *(date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2025, 3, 1), date(2028, 2, 29), date(2028, 3, 1)),
    *(date(2026, 1, 1), date(2027, 1, 1), date(2026, 11, 1), date(2026, 12, 1), date(2026, 11, 22)),
]
DONGS = ("1150010100", "1150010200", "1150010100", "")  # of the four complexes
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# At most two hours from midnight, to the microsecond; and the instants on both sides of it.
seconds = st.floats(-7200, 7200) | st.sampled_from([-0.000001, 0.0, 0.000001, -60.0, 60.0, -3600.0, 3600.0])
throws = st.tuples(
    st.integers(0, 3),  # meter
    seconds,
    st.integers(0, 20_000),
    st.none() | st.integers(0, 3),  # household
    st.sampled_from(["settled"] * 6 + ["late_close", "recovered", "empty_open", "unsettled"]),
)
wishes = st.tuples(
    st.integers(0, 30),
    st.sampled_from(["void", "re_weigh", "re_attribute"]),
    st.integers(0, 20_000),
    st.none() | st.integers(0, 3),
)


class Neighbourhood:
    """Three complexes in two dongs and one in none; the second meter moves away in the middle of an hour."""

    def __init__(self, database: Database, edge: date, minute: int) -> None:
        self.city = city = new_city(database)
        dongs = [city.add_dong("1150010100", "염창동"), city.add_dong("1150010200")]
        self.complexes = [city.add_complex(f"{city.code}-{n}", dong.code) for n, dong in enumerate((*dongs, dongs[0]))]
        self.complexes.append(city.add_complex(f"{city.code}-9"))
        gateways = [city.add_gateway(f"{city.code}-GW-{n}") for n in range(4)]
        self.meters = [city.add_meter(*where) for where in zip(gateways, self.complexes, strict=True)]
        city.move(self.meters[1], gateways[2], self.complexes[2], kst(edge, minute=minute))
        self.households = [city.add_household(self.complexes[n % 2], f"{n}01") for n in range(4)]

    def throw(self, edge: date, drawn: Iterable[Any]) -> list[Number]:
        numbers = [
            self.city.throw(
                self.meters[meter],
                kst(edge) + timedelta(seconds=second),
                grams,
                None if household is None else self.households[household],
                outcome,
            )
            for meter, second, grams, household, outcome in drawn
        ]
        self.city.book()
        return numbers

    def correct(self, numbers: list[Number], wanted: Iterable[Any]) -> None:
        for which, kind, grams, household in wanted:
            to = None if household is None else self.households[household]
            values = (grams, None) if kind == "re_weigh" else (None, to if kind == "re_attribute" else None)
            with contextlib.suppress(Problem):  # what changes nothing is refused
                self.city.correct(numbers[which % len(numbers)], kind, *values)


def figures(volume: Volume) -> tuple[int, int, int, int]:
    return volume.discharges, volume.grams, volume.suspense_count, volume.suspense_grams


def total(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip((0, 0, 0, 0), *rows, strict=True))


def counted(thrown: Iterable[Thrown]) -> tuple[int, int, int, int]:
    found = list(thrown)
    suspense = [one.grams for one in found if one.household is None]
    return len(found), sum(one.grams for one in found), len(suspense), sum(suspense)


def by_key(thrown: Iterable[Thrown], key: Callable[[Thrown], Any]) -> dict[Any, tuple[int, int, int, int]]:
    found: dict[Any, list[Thrown]] = {}
    for one in thrown:
        found.setdefault(key(one), []).append(one)
    return {name: counted(rows) for name, rows in found.items()}


@FEW
@given(
    st.sampled_from(EDGES),
    st.integers(1, 59),
    st.lists(throws, min_size=1, max_size=14),
    st.lists(wishes, max_size=6),
    st.integers(1, 3),
    st.integers(1, 3),
)
@time_machine.travel(LATER, tick=False)
def test_every_level_and_interval_adds_up_to_what_was_thrown(
    database: Database, edge: date, minute: int, drawn: list[Any], wanted: list[Any], before: int, after: int
) -> None:
    place = Neighbourhood(database, edge, minute)
    place.correct(place.throw(edge, drawn), wanted)
    city, thrown = place.city, list(place.city.thrown.values())
    asked: dict[str, Any] = {"start": edge - before * DAY, "end": edge + after * DAY}
    whole = counted(thrown)
    assert [figures(row) for row in city.read(**asked)] == [whole]
    for by in BY:
        rows = city.read(by=by, **asked)
        for row in rows:
            assert figures(row) == counted(one for one in thrown if row.start <= one.at < row.end)
        expected = by_key(thrown, lambda one, by=by: key_by_calendar(by, one.at))
        assert Counter(figures(row) for row in rows if row.discharges) == Counter(expected.values())
        per_complex = city.read(by=by, per="complex", **asked)
        parts: dict[datetime, list[Any]] = {}
        for row in per_complex:
            parts.setdefault(row.start, []).append(figures(row))
        assert {start: total(rows) for start, rows in parts.items()} == {row.start: figures(row) for row in rows}
    assert agrees(database, city.district_id)


@FEW
@given(
    st.sampled_from(EDGES),
    st.integers(1, 59),
    st.lists(throws, min_size=1, max_size=14),
    st.lists(wishes, max_size=6),
)
@time_machine.travel(LATER, tick=False)
def test_complexes_add_up_to_dongs_and_dongs_to_the_district(
    database: Database, edge: date, minute: int, drawn: list[Any], wanted: list[Any]
) -> None:
    place = Neighbourhood(database, edge, minute)
    place.correct(place.throw(edge, drawn), wanted)
    city, thrown = place.city, place.city.thrown.values()
    asked: dict[str, Any] = {"start": month_of(edge - 5 * DAY), "end": month_of(edge + 32 * DAY)}
    complexes = {row.place.id: figures(row) for row in city.read(per="complex", **asked)}
    assert {key: row for key, row in complexes.items() if row[0]} == by_key(thrown, lambda one: one.complex)
    dong_of = {c.id: code for c, code in zip(place.complexes, DONGS, strict=True)}
    dongs = {row.place.code: figures(row) for row in city.read(per="dong", **asked)}
    assert {key: row for key, row in dongs.items() if row[0]} == by_key(thrown, lambda one: dong_of[one.complex])
    assert total(dongs.values()) == total(complexes.values()) == counted(thrown)
    for complex_ in place.complexes:
        assert [figures(row) for row in city.read(complex_, **asked)] == [complexes[complex_.id]]
    for code in ("1150010100", "1150010200"):
        dong = Place("dong", 0, code, code)
        assert [figures(row) for row in city.read(dong, **asked)] == [dongs[code]]
        inside = [figures(row) for row in city.read(dong, per="complex", **asked)]
        assert total(inside) == dongs[code]


@FEW
@given(
    st.sampled_from(EDGES),
    st.integers(1, 59),
    st.lists(throws, min_size=1, max_size=14),
    st.lists(wishes, max_size=8),
)
@time_machine.travel(LATER, tick=False)
def test_households_and_suspense_add_up_to_the_district(
    database: Database, edge: date, minute: int, drawn: list[Any], wanted: list[Any]
) -> None:
    place = Neighbourhood(database, edge, minute)
    place.correct(place.throw(edge, drawn), wanted)
    city, thrown = place.city, list(place.city.thrown.values())
    asked: dict[str, Any] = {"start": month_of(edge - 5 * DAY), "end": month_of(edge + 32 * DAY)}
    expected = by_key(thrown, lambda one: one.household)
    (whole,) = city.read(**asked)
    listed = city.read(per="household", **asked)
    assert [row.place.id for row in listed] == place.households
    assert (whole.suspense_count, whole.suspense_grams) == expected.get(None, (0, 0))[:2]
    assert whole.grams == sum(row.grams for row in listed) + whole.suspense_grams
    assert whole.discharges == sum(row.discharges for row in listed) + whole.suspense_count
    for row in listed:
        own = expected.get(row.place.id, (0, 0, 0, 0))
        assert figures(row) == own
        (alone,) = city.read(city.household(row.place.id), **asked)
        assert figures(alone) == own
        mine = [one for one in thrown if one.household == row.place.id]
        for by in BY:
            rows = city.read(city.household(row.place.id), by=by, start=edge - DAY, end=edge + DAY)
            assert total(map(figures, rows)) == own
            for slot in rows:
                assert figures(slot) == counted(one for one in mine if slot.start <= one.at < slot.end)


@FEW
@given(st.sampled_from(EDGES), st.lists(throws, min_size=1, max_size=8), st.integers(-3, 3), st.integers(1, 5))
@time_machine.travel(LATER, tick=False)
def test_a_range_that_cuts_weeks_months_and_years_counts_only_its_own_days(
    database: Database, edge: date, drawn: list[Any], offset: int, length: int
) -> None:
    place = Neighbourhood(database, edge, 30)
    place.throw(edge, drawn)
    city, first = place.city, edge + offset * DAY
    asked: dict[str, Any] = {"start": first, "end": first + length * DAY}
    inside = [one for one in city.thrown.values() if first <= service_day(one.at) < first + length * DAY]
    for by in (None, *BY):
        assert total(map(figures, city.read(by=by, **asked))) == counted(inside)
        for household in place.households:
            rows = city.read(city.household(household), by=by, **asked)
            assert total(map(figures, rows)) == counted(one for one in inside if one.household == household)


@time_machine.travel(LATER, tick=False)
def test_every_minute_around_midnight_falls_on_its_own_day(database: Database) -> None:
    for edge in (date(2028, 2, 29), date(2028, 3, 1), date(2027, 1, 1)):
        city = new_city(database)
        complex_ = city.add_complex(f"{city.code}-1")
        meter = city.add_meter(city.add_gateway(f"{city.code}-GW"), complex_)
        household = city.add_household(complex_, "101")
        for minute in range(-90, 91):
            city.throw(meter, kst(edge, minute=minute), 1000 + minute, household)
        city.book()
        asked: dict[str, Any] = {"start": edge - DAY, "end": edge + DAY}
        for place in (complex_, city.household(household), city.place):
            days = city.read(place, by="day", **asked)
            assert [(row.discharges, row.grams) for row in days] == [
                (90, sum(range(910, 1000))),
                (91, sum(range(1000, 1091))),
            ]
            hours = [row.discharges for row in city.read(place, by="hour", **asked)]
            assert hours == [0] * 22 + [30, 60, 60, 31] + [0] * 22
