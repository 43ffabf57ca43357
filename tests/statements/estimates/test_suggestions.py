"""Which days are worth an estimate: meters hardly heard, and less weighed than usual."""

from datetime import date, datetime, timedelta

import pytest

from app.access.reach import WHOLE, Reach
from app.db import Database
from app.fleet.faults import book
from app.fleet.faults.book import Device, New
from app.statements.estimates import service
from app.statements.estimates.suggesting import Suggestion, suggestions
from tests.metering.volumes.city import DAY, City, kst

OCTOBER = date(2026, 10, 1)
NOW = kst("2026-10-13", 12)


class Bins:
    """Two bins of a complex, heard all day from October on; from September on a household throws away 5 kg a day."""

    def __init__(self, city: City, code: str = "W0G001") -> None:
        self.city = city
        self.complex = self.city.add_complex(code)
        box = self.city.add_gateway(f"GW-{code}")
        self.meters = [self.city.add_meter(box, self.complex) for _ in range(2)]
        self.household = self.city.add_household(self.complex, "1")
        self.box = box

    def live(self, silent: dict[date, int], weighed: dict[date, int], until: date = date(2026, 10, 12)) -> None:
        """`silent` hours of certain days, from midnight, at both bins; `weighed` grams where not 5000."""
        day = date(2026, 9, 1)
        while day <= until:
            if day >= OCTOBER:
                self.city.alive(self.meters, kst(day, silent.get(day, 0)), kst(day + DAY))
            if grams := weighed.get(day, 5000):
                self.city.throw(self.meters[0], kst(day, 20), grams, self.household)
            day += DAY
        self.city.book()

    def found(self, now: datetime = NOW, reach: Reach = WHOLE, month: date = OCTOBER) -> list[Suggestion]:
        with self.city.database.session() as session:
            return suggestions(session, self.city.district_id, reach, month, now)


@pytest.fixture
def bins(database: Database) -> Bins:
    return Bins(City(database))


def october(day: int) -> date:
    return OCTOBER.replace(day=day)


def test_days_in_a_row_on_which_meters_were_hardly_heard_are_one_suggestion(bins: Bins) -> None:
    silent = {october(5): 24, october(6): 20, october(9): 7}
    bins.live(silent, {october(5): 0, october(6): 700, october(9): 0})
    codes = sorted(f"W0G-M{n}" for n in (1, 2))
    (first, second) = bins.found()
    heard = [(codes[0], 4, 48), (codes[1], 4, 48)]
    assert first == Suggestion("W0G001", "W0G001", october(5), october(6), heard, 700, 10_000, [], final=False)
    assert (second.first_day, second.last_day, second.meters[0][1:]) == (october(9), october(9), (17, 24))


def test_silence_beside_the_usual_weight_or_of_a_few_hours_is_none(bins: Bins) -> None:
    bins.live({october(5): 24, october(7): 6, october(8): 24}, {october(5): 6000, october(7): 0, october(8): 0})
    assert [(each.first_day, each.last_day) for each in bins.found()] == [(october(8), october(8))]


def test_what_is_estimated_is_not_suggested_again_until_it_is_settled(bins: Bins) -> None:
    bins.live({october(5): 24, october(6): 24}, {october(5): 0, october(6): 0})
    with bins.city.database.begin() as session:
        wanted = service.Wanted("W0G001", october(5), october(5), "정전")
        made = service.add(session, bins.city.district_id, wanted, "kim", NOW)
    assert [each.first_day for each in bins.found()] == [october(6)]
    with bins.city.database.begin() as session:
        service.settle(session, bins.city.district_id, made, "다시 셈", "kim", NOW)
    assert [(each.first_day, each.last_day) for each in bins.found()] == [(october(5), october(6))]


def test_a_day_that_is_not_over_or_has_nothing_before_it_is_none(bins: Bins) -> None:
    bins.live({october(5): 24, october(6): 24}, {october(5): 0, october(6): 0})
    assert [each.last_day for each in bins.found(kst(october(6), 24, 5))] == [october(5)]
    assert bins.found(month=date(2026, 8, 1)) == []
    assert bins.found(month=date(2026, 12, 1)) == []


def test_faults_of_the_days_are_named_and_others_are_not(bins: Bins) -> None:
    bins.live({october(5): 24, october(6): 24}, {october(5): 0, october(6): 0})
    city = bins.city
    device = Device(bins.box, None, bins.complex.id, "GW-W0G001")
    with city.database.begin() as session:

        def broken(start: datetime, end: datetime | None) -> int:
            due = start + timedelta(days=1)
            new = New(device, "gateway_silent", "comm", None, due, None, None)
            (fault_id,) = book.open_faults(session, city.district_id, [new], start)
            if end:
                book.close_faults(session, city.district_id, [fault_id], end)
            return fault_id

        broken(kst(october(1)), kst(october(4), 23))
        during, after = broken(kst(october(4), 23), kst(october(5), 1)), broken(kst(october(6), 23), None)
        broken(kst(october(7)), None)
    assert [each.faults for each in bins.found()] == [[during, after]]


def test_only_complexes_within_reach_are_looked_at(bins: Bins) -> None:
    other = Bins(bins.city, "W0G002")
    for each in (bins, other):
        each.live({october(5): 24}, {october(5): 0})
    assert [each.complex for each in bins.found()] == ["W0G001", "W0G002"]
    assert [each.complex for each in bins.found(reach=Reach(frozenset({other.complex.id})))] == ["W0G002"]
