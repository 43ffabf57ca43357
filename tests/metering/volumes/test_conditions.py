"""An outage, a silent meter and a real fall are told apart, by every interval and at every level."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask

from app.cli import main
from app.db import Database
from app.metering.volumes.model import Place, Volume
from tests.metering.staff import Staff
from tests.metering.volumes.city import DAY, City, days, kst

# Grams of a meter by hour of the day: a peak after dinner, as residents have it.
BY_HOUR = (
    70,
    40,
    20,
    10,
    10,
    40,
    140,
    320,
    440,
    400,
    360,
    320,
    330,
    360,
    310,
    300,
    330,
    400,
    560,
    820,
    980,
    840,
    520,
    220,
)
NOW = kst("2026-11-16", hour=9)
FIRST = date(2026, 9, 7)  # eight weeks of ordinary days before the odd ones
ODD = date(2026, 11, 2)
MINUTE = timedelta(minutes=1)

EXPECTED = {
    "2026-11-02": ("outage", "the whole complex is dark"),
    "2026-11-03": ("silent_meter", "one meter is silent, its residents go to the next"),
    "2026-11-04": ("fall", "a third of the weight with every meter alive"),
    "2026-11-05": ("complete", "an ordinary day"),
    "2026-11-06": ("outage", "one gateway is dark for six hours"),
    "2026-11-07": ("complete", "a gateway restarts within two minutes"),
    "2026-11-08": ("outage", "dark from noon to midnight, when most is thrown away"),
    "2026-11-09": ("fall", "a third of the weight, and one gateway dark for three hours of the night"),
    "2026-11-10": ("complete", "one meter is alive without a single discharge"),
    "2026-11-11": ("fall", "nobody throws anything away, with every meter alive"),
    "2026-11-12": ("complete", "a meter is replaced at 18:00"),
    "2026-11-13": ("outage", "the second gateway is dark"),
    "2026-11-14": ("silent_meter", "one meter is silent for half the day"),
    "2026-11-15": ("complete", "an ordinary day"),
}


class Weeks:
    """Complex A with a gateway of three meters and one of a single meter; complex B with one of a single meter."""

    def __init__(self, database: Database) -> None:
        self.city = city = City(database)
        self.dongs = [city.add_dong("1150010100", "염창동"), city.add_dong("1150010200", "등촌동")]
        self.a = city.add_complex("A", self.dongs[0].code, households=500)
        self.b = city.add_complex("B", self.dongs[1].code, households=200)
        self.first, self.second, self.other = (city.add_gateway(f"GW-{n}") for n in range(3))
        self.m1, self.m2, self.m3 = (city.add_meter(self.first, self.a) for _ in range(3))
        self.m4 = city.add_meter(self.second, self.a)
        self.mb = city.add_meter(self.other, self.b)
        self.household = city.add_household(self.a, "101")
        self.meters = [self.m1, self.m2, self.m3, self.m4]

    def ordinary(self, day: date, meters: list[int], share: float = 1.0, hours: range = range(24)) -> None:
        for meter in meters:
            for hour in hours:
                self.city.throw(meter, kst(day, hour, 30), int(BY_HOUR[hour] * share), self.household)

    def listening(self, day: date, meters: list[int], first: int = 0, last: int = 24) -> None:
        self.city.alive(meters, kst(day, first), kst(day, last))

    def live(self) -> None:
        everyone = [*self.meters, self.mb]
        for day in days(FIRST, 56):
            self.ordinary(day, everyone)
            if day >= date(2026, 10, 1):
                self.listening(day, everyone)
        for day in days(ODD, 14):
            self.ordinary(day, [self.mb])
            self.listening(day, [self.mb])
        odd = iter(days(ODD, 14))
        self._silent(next(odd), next(odd), next(odd), next(odd))
        self._partly_dark(next(odd), next(odd), next(odd), next(odd))
        self._quiet(next(odd), next(odd))
        self._replaced(next(odd))
        self._second_dark_and_half_silent(next(odd), next(odd))
        self.ordinary(ODD + 13 * DAY, self.meters)
        self.listening(ODD + 13 * DAY, self.meters)
        self.city.book()

    def _silent(self, dark: date, silent: date, fall: date, ordinary: date) -> None:
        assert dark == ODD
        self.ordinary(silent, self.meters[1:], share=4 / 3)
        self.listening(silent, self.meters[1:])
        self.ordinary(fall, self.meters, share=1 / 3)
        self.listening(fall, self.meters)
        self.ordinary(ordinary, self.meters)
        self.listening(ordinary, self.meters)

    def _partly_dark(self, six: date, restart: date, evening: date, fall: date) -> None:
        of_first = [self.m1, self.m2, self.m3]
        self.ordinary(six, of_first, hours=range(6))
        self.ordinary(six, of_first, hours=range(12, 24))
        self.ordinary(six, [self.m4])
        self.listening(six, of_first, 0, 6)
        self.listening(six, of_first, 12, 24)
        self.listening(six, [self.m4])
        self.ordinary(restart, self.meters)
        self.listening(restart, [self.m4])
        self.city.alive(of_first, kst(restart), kst(restart, 15, 20))
        self.city.alive(of_first, kst(restart, 15, 22), kst(restart, 24))
        self.ordinary(evening, self.meters, hours=range(12))
        self.listening(evening, self.meters, 0, 12)
        self.ordinary(fall, self.meters, share=1 / 3)
        self.listening(fall, of_first, 3, 24)
        self.listening(fall, [self.m4])

    def _quiet(self, unused: date, nothing: date) -> None:
        self.ordinary(unused, self.meters[1:], share=4 / 3)
        self.listening(unused, self.meters)
        self.listening(nothing, self.meters)

    def _replaced(self, day: date) -> None:
        self.ordinary(day, self.meters[:3])
        self.listening(day, [self.m1, self.m2, self.m4])
        self.ordinary(day, [self.m4])
        self.listening(day, [self.m3], 0, 18)
        self.city.remove(self.m3, kst(day, 18))
        self.m5 = self.city.add_meter(self.first, self.a, since=kst(day, 18))
        self.listening(day, [self.m5], 18, 24)
        self.meters = [self.m1, self.m2, self.m5, self.m4]

    def _second_dark_and_half_silent(self, dark: date, half: date) -> None:
        self.ordinary(dark, [self.m1, self.m2, self.m5])
        self.listening(dark, [self.m1, self.m2, self.m5])
        self.ordinary(half, self.meters)
        self.listening(half, self.meters[1:])
        self.listening(half, [self.m1], 0, 12)


@pytest.fixture
def weeks(database: Database) -> Iterator[Weeks]:
    with time_machine.travel(NOW, tick=False):
        found = Weeks(database)
        found.live()
        yield found


def told(rows: list[Volume]) -> dict[str, str]:
    """The condition by first day in Seoul."""
    return {(row.start + timedelta(hours=9)).date().isoformat(): row.condition for row in rows}


def range_of(first: str, last: str, **asked: Any) -> dict[str, Any]:
    return {"start": date.fromisoformat(first), "end": date.fromisoformat(last) + DAY, "compare": True} | asked


def test_each_odd_day_of_a_complex_is_told_for_what_it_is(weeks: Weeks) -> None:
    expected = {day: condition for day, (condition, _) in EXPECTED.items()}
    asked = range_of("2026-11-02", "2026-11-15", by="day")
    assert told(weeks.city.read(weeks.a, **asked)) == expected
    assert told(weeks.city.read(weeks.dongs[0], **asked)) == expected
    parts = weeks.city.read(per="complex", **asked)
    assert told([row for row in parts if row.place.id == weeks.a.id]) == expected
    assert set(told([row for row in parts if row.place.id == weeks.b.id]).values()) == {"complete"}
    dongs = weeks.city.read(per="dong", **asked)
    assert told([row for row in dongs if row.place.code == weeks.dongs[0].code]) == expected
    for day in expected:  # one at a time, without the range around it
        (row,) = weeks.city.read(weeks.a, **range_of(day, day))
        assert row.condition == expected[day], (day, EXPECTED[day])


def test_api_csv_and_command_tell_the_same_conditions(
    app: Flask, weeks: Weeks, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    expected = [condition for condition, _ in EXPECTED.values()]
    staff, query = Staff(app), "by=day&from=2026-11-02&to=2026-11-15&compare=true"
    for path in (f"/complexes/{weeks.a.id}", f"/dongs/{weeks.dongs[0].code}"):
        items = staff.get(f"{path}/volumes?{query}").json["items"]
        assert [item["condition"] for item in items] == expected
        table = staff.get(f"{path}/volumes?{query}&format=csv").get_data().decode("utf-8-sig")
        assert [row["condition"] for row in csv.DictReader(io.StringIO(table))] == expected
    words = ["volumes", "--by", "day", "--complex", "A", "--from", "2026-11-02", "--to", "2026-11-15"]
    told = CliRunner().invoke(main, [*words, "--json"])
    assert [row["condition"] for row in json.loads(told.stdout)] == expected
    for language, said in (
        (
            "en_US.UTF-8",
            {"fall": "real fall", "silent_meter": "silent meter", "outage": "outage", "complete": "complete"},
        ),
        (
            "ko_KR.UTF-8",
            {"fall": "실제 감소", "silent_meter": "종량기 무응답", "outage": "게이트웨이 두절", "complete": "정상"},
        ),
    ):
        monkeypatch.setenv("LC_ALL", language)
        lines = CliRunner().invoke(main, words).stdout.splitlines()[1:]
        for line, condition in zip(lines, expected, strict=True):
            assert said[condition] in line


def test_without_comparing_a_fall_is_not_told_and_the_rest_stays(weeks: Weeks) -> None:
    rows = weeks.city.read(weeks.a, **range_of("2026-11-02", "2026-11-15", by="day", compare=False))
    without = {"fall": "complete"}
    expected = {day: without.get(condition, condition) for day, (condition, _) in EXPECTED.items()}
    expected["2026-11-09"] = "outage"
    assert told(rows) == expected
    assert {row.usual_grams for row in rows} == {None}


def test_an_ordinary_history_is_complete_by_every_interval(weeks: Weeks) -> None:
    for by in ("hour", "day", "week", "month", None):
        for asked in ({}, {"per": "complex"}, {"per": "dong"}):
            rows = weeks.city.read(**range_of("2026-10-01", "2026-10-31", by=by), **asked)
            assert {row.condition for row in rows} == {"complete"}
            assert {row.alive_share for row in rows} == {1.0}


def test_the_figures_of_an_outage_say_how_much_is_missing(weeks: Weeks) -> None:
    rows = weeks.city.read(weeks.a, **range_of("2026-11-02", "2026-11-15", by="day"))
    found = dict(zip(EXPECTED, rows, strict=True))

    def counts(day: str) -> tuple[int, ...]:
        row = found[day]
        return (
            row.meters,
            row.meters_reporting,
            row.silent_meters,
            row.gateways,
            row.gateways_reporting,
            row.gateways_out,
        )

    assert counts("2026-11-02") == (4, 0, 0, 2, 0, 2)
    assert counts("2026-11-03") == (4, 3, 1, 2, 2, 0)
    assert counts("2026-11-05") == (4, 4, 0, 2, 2, 0)
    assert counts("2026-11-06") == (4, 4, 0, 2, 2, 1)
    assert counts("2026-11-12") == (5, 5, 0, 2, 2, 0)
    assert counts("2026-11-13") == (4, 3, 0, 2, 1, 1)
    assert counts("2026-11-14") == (4, 4, 1, 2, 2, 0)
    shares = {day: row.alive_share for day, row in found.items()}
    assert shares["2026-11-02"] == 0.0
    assert shares["2026-11-03"] == 0.75
    assert shares["2026-11-06"] == pytest.approx(1 - 0.75 * 6 / 24)
    assert shares["2026-11-12"] == 1.0
    assert shares["2026-11-14"] == pytest.approx(1 - 0.25 / 2)


def test_only_the_dark_hours_are_an_outage(weeks: Weeks) -> None:
    def by_hour(day: str, place: Place) -> list[str]:
        return [row.condition for row in weeks.city.read(place, **range_of(day, day, by="hour"))]

    dark = ["complete"] * 6 + ["outage"] * 6 + ["complete"] * 12
    for place in (weeks.a, weeks.dongs[0], weeks.city.place, weeks.city.household(weeks.household)):
        assert by_hour("2026-11-06", place) == dark
        assert set(by_hour("2026-11-07", place)) == {"complete"}  # two minutes of an hour
        assert set(by_hour("2026-11-12", place)) == {"complete"}
        assert by_hour("2026-11-14", place) == ["complete"] * 12 + ["silent_meter"] * 12


def test_weeks_and_months_carry_the_worst_that_is_known_of_them(weeks: Weeks) -> None:
    (first, second) = weeks.city.read(weeks.a, **range_of("2026-11-02", "2026-11-15", by="week"))
    assert (first.condition, first.gateways_out) == ("outage", 2)
    assert second.condition in ("fall", "outage", "silent_meter")
    (before,) = weeks.city.read(weeks.a, **range_of("2026-10-26", "2026-11-01", by="week"))
    assert before.condition == "complete"
    (b_month,) = weeks.city.read(weeks.b, **range_of("2026-11-01", "2026-11-15"))
    assert (b_month.condition, b_month.alive_share) == ("complete", 1.0)


def test_a_household_carries_the_coverage_of_its_complex(weeks: Weeks) -> None:
    asked = range_of("2026-11-02", "2026-11-15", by="day")
    rows = weeks.city.read(weeks.city.household(weeks.household), **asked)
    expected = {day: {"fall": "complete"}.get(condition, condition) for day, (condition, _) in EXPECTED.items()}
    assert told(rows) == expected | {"2026-11-09": "outage"}
    assert {row.households for row in rows} == {1}
    (listed,) = weeks.city.read(per="household", **range_of("2026-10-01", "2026-10-31"))
    assert (listed.condition, listed.meters, listed.households) == ("complete", 4, 1)


def test_intervals_that_arrive_late_turn_an_outage_into_a_complete_week(weeks: Weeks) -> None:
    city = weeks.city
    week = range_of("2026-09-21", "2026-09-27", by="day")
    assert set(told(city.read(weeks.a, **week)).values()) == {"outage"}
    for day in days("2026-09-21", 7):
        weeks.listening(day, [weeks.m1, weeks.m2, weeks.m3, weeks.m4])
    city.book()
    assert set(told(city.read(weeks.a, **week)).values()) == {"complete"}


def test_a_large_outage_of_a_district_is_no_fall_of_it(weeks: Weeks) -> None:
    rows = weeks.city.read(**range_of("2026-11-02", "2026-11-15", by="day"))
    found = told(rows)
    assert found["2026-11-02"] == "outage"
    assert found["2026-11-03"] == "silent_meter"
    assert found["2026-11-04"] == "fall"
    assert found["2026-11-05"] == "complete"
    assert found["2026-11-08"] == "outage"


class Running:
    """One complex with one gateway of two meters, to look at while time goes on."""

    def __init__(self, database: Database) -> None:
        self.city = City(database)
        self.complex = self.city.add_complex("A", households=10)
        self.gateway = self.city.add_gateway("GW")
        self.meters = [self.city.add_meter(self.gateway, self.complex) for _ in range(2)]

    def now(self, by: str = "hour") -> Volume:
        today = date(2026, 11, 22)
        return self.city.read(self.complex, start=today, end=today + DAY, by=by, compare=True)[-1]


@pytest.mark.parametrize(
    ("minute", "condition"), [(1, "too_early"), (9, "too_early"), (10, "too_early"), (11, "outage"), (59, "outage")]
)
def test_nobody_is_accused_before_ten_minutes_have_passed(database: Database, minute: int, condition: str) -> None:
    with time_machine.travel(kst("2026-11-22", 20, minute), tick=False):
        assert Running(database).now().condition == condition


@pytest.mark.parametrize(
    ("silent_for", "condition"), [(4, "complete"), (9, "complete"), (14, "outage"), (40, "outage")]
)
def test_a_running_hour_knows_an_outage_that_is_older_than_the_reports(
    database: Database, silent_for: int, condition: str
) -> None:
    with time_machine.travel(kst("2026-11-22", 20, 50), tick=False):
        town = Running(database)
        town.city.alive(town.meters, kst("2026-11-22", 19), kst("2026-11-22", 20, 50 - silent_for))
        town.city.book()
        assert town.now().condition == condition


def test_a_running_day_is_never_called_a_fall(database: Database) -> None:
    with time_machine.travel(kst("2026-11-22", 12), tick=False):
        town = Running(database)
        for day in days("2026-09-01", 82):
            town.city.throw(town.meters[0], kst(day, 18), 10_000)
        town.city.alive(town.meters, kst("2026-11-22"), kst("2026-11-22", 12))
        town.city.book()
        assert town.now("day").condition == "complete"
    with time_machine.travel(kst("2026-11-23", 0, 20), tick=False):
        town.city.alive(town.meters, kst("2026-11-22", 12), kst("2026-11-23"))
        town.city.book()
        assert town.now("day").condition == "fall"


def test_a_gateway_installed_a_minute_ago_is_not_out_beside_one_that_lives(database: Database) -> None:
    with time_machine.travel(kst("2026-11-22", 20, 30), tick=False):
        town = Running(database)
        town.city.alive(town.meters, kst("2026-11-22"), kst("2026-11-22", 20, 29))
        town.city.add_meter(town.city.add_gateway("GW-new"), town.complex, since=kst("2026-11-22", 20, 29))
        town.city.book()
        for by in ("hour", "day"):
            row = town.now(by)
            assert (row.meters, row.gateways, row.gateways_out, row.condition) == (3, 2, 0, "complete")


@pytest.mark.parametrize(("hour", "minute"), [(12, 0), (18, 0), (3, 20)])
@pytest.mark.parametrize("same_gateway", [True, False])
def test_a_meter_that_moves_within_a_day_makes_no_gap_anywhere(
    database: Database, hour: int, minute: int, same_gateway: bool
) -> None:
    with time_machine.travel(kst("2026-11-23", 9), tick=False):
        town = Running(database)
        there = town.city.add_complex("B")
        to = town.gateway if same_gateway else town.city.add_gateway("GW-B")
        at = kst("2026-11-22", hour, minute)
        town.city.alive(town.meters, kst("2026-11-20"), at)
        town.city.move(town.meters[0], to, there, at)
        town.city.alive(town.meters, at, kst("2026-11-23", 9))
        town.city.book()
        for by in ("hour", "day", "week", "month", None):
            for per in (None, "complex", "dong"):
                for first in (date(2026, 11, 20), date(2026, 11, 22)):
                    rows = town.city.read(start=first, end=date(2026, 11, 23), by=by, per=per)
                    found = [(row.condition, row.silent_meters, row.gateways_out) for row in rows if row.meters]
                    assert set(found) == {("complete", 0, 0)}, (by, per, first)


def test_days_with_nothing_weighed_are_no_usual_days(database: Database) -> None:
    with time_machine.travel(kst("2026-11-23", 9), tick=False):
        town = Running(database)
        voided = []
        for n, day in enumerate(days("2026-09-27", 57)):  # of the eight Sundays before the last, five are dark
            if n in (7, 14, 21, 28):
                town.city.throw(town.meters[0], kst(day, 18), 10_000, outcome="empty_open")
            elif n == 35:
                voided.append(town.city.throw(town.meters[0], kst(day, 18), 10_000))
            elif n < 56:
                town.city.throw(town.meters[0], kst(day, 18), 10_000)
        town.city.alive(town.meters, kst("2026-11-21"), kst("2026-11-23"))
        town.city.book()
        town.city.correct(voided[0], "void")
        row = town.now("day")
        assert (row.usual_grams, row.condition) == (None, "complete")  # three Sundays say too little
        (saturday,) = town.city.read(
            town.complex, start=date(2026, 11, 21), end=date(2026, 11, 22), by="day", compare=True
        )
        assert (saturday.usual_grams, saturday.condition) == (10_000, "complete")


def test_a_gateway_that_runs_nothing_there_any_more_hides_no_outage(database: Database) -> None:
    with time_machine.travel(kst("2026-11-23", 9), tick=False):
        town = Running(database)
        town.city.alive(town.meters, kst("2026-11-20"), kst("2026-11-23", 9))
        town.city.book()
        new = town.city.add_gateway("GW-new")
        for meter in town.meters:  # entered late: what was heard since stands under the old gateway
            town.city.move(meter, new, town.complex, kst("2026-11-21"))
        for first in (date(2026, 11, 20), date(2026, 11, 22)):
            row = town.city.read(town.complex, start=first, end=date(2026, 11, 23), by="day")[-1]
            assert (row.gateways, row.gateways_out, row.alive_share, row.condition) == (1, 1, 0.0, "outage")
