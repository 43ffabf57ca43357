"""The evidence of a line: every discharge as booked and as corrected, and what stood beside it."""

from datetime import date
from typing import Any

import pytest

from app.access.reach import WHOLE, Reach
from app.fleet.faults import book
from app.fleet.faults.book import Device, New
from app.registry.certificates import service as certificates
from app.registry.certificates.service import Inspection
from app.statements.disputes import evidence, queries, service
from tests.statements.town import CLERK, BilledTown, Home, instant

TODAY = date(2026, 11, 20)


@pytest.fixture
def home(town: BilledTown) -> Home:
    return town.home("101", "1203")


def evidence_of(town: BilledTown, line: int = 1, number: str = "202610-W0G001-0001", reach: Reach = WHOLE) -> Any:
    with town.database.begin() as session:
        wanted = service.Wanted(number, line, "이의 있습니다")
        id_ = service.open_dispute(session, town.id, WHOLE, wanted, CLERK, instant("2026-11-18"))
        dispute = queries.dispute_detail(session, town.id, reach, id_, TODAY)
        return evidence.of_dispute(session, town.id, reach, dispute)


def broken(town: BilledTown, meter: int | None, gateway: int | None, start: str, end: str | None) -> int:
    with town.database.begin() as session:
        new = New(
            Device(gateway, meter, town.complexes["W0G001"], ""), "meter_silent", "weighing", None, instant(start)
        )
        (fault_id,) = book.open_faults(session, town.id, [new], instant(start))
        if end:
            book.close_faults(session, town.id, [fault_id], instant(end))
    return fault_id


def grams(reading: Any) -> Any:
    return reading and reading["weighed_g"]


def test_each_discharge_shows_what_was_billed_and_what_counts_today(town: BilledTown, home: Home) -> None:
    other = town.home("101", "1204")
    kept, weighed, voided, given = (town.discharge(home, f"2026-10-{day:02d}", 1000) for day in (1, 2, 3, 4))
    taken = town.discharge(other, "2026-10-05", 700)
    town.discharge(other, "2026-10-06", 9999)
    town.correct(voided, "void", "2026-10-20")
    town.final("2026-10")
    late = town.discharge(home, "2026-10-31", 50, booked="2026-11-15")
    town.correct(weighed, "re_weigh", "2026-11-16", net_g=400)
    town.correct(given, "re_attribute", "2026-11-16", household_id=other.household_id)
    town.correct(taken, "re_attribute", "2026-11-16", household_id=home.household_id)
    found = evidence_of(town)["weighings"]
    assert [(row["number"], row["weighed_g"], row["billed_g"], row["now_g"]) for row in found] == [
        (str(kept), 1000, 1000, 1000),
        (str(weighed), 1000, 1000, 400),
        (str(voided), 1000, 0, 0),
        (str(given), 1000, 1000, 0),
        (str(taken), 700, 0, 700),
        (str(late), 50, 0, 50),
    ]
    assert [[each["kind"] for each in row["corrections"]] for row in found] == [
        *([], ["re_weigh"], ["void"], ["re_attribute"], ["re_attribute"], []),
    ]


def test_neighbours_are_the_readings_of_the_same_meter_beside_it(town: BilledTown, home: Home) -> None:
    elsewhere = town.home("1", "1", complex="W0G002")
    town.discharge(None, "2026-09-30 23:50", 111)
    town.discharge(home, "2026-10-01 00:10", 500)
    town.discharge(elsewhere, "2026-10-01 00:11", 222)  # another meter
    town.discharge(None, "2026-10-01 00:12", None, outcome="unsettled")  # weighed nothing
    town.discharge(None, "2026-10-01 00:20", 333)
    town.discharge(home, "2026-10-01 10:00", 600, epoch_no=0)  # released from quarantine: in no order
    town.final("2026-10")
    first, released = evidence_of(town)["weighings"]
    assert (grams(first["before"]), grams(first["after"])) == (111, 333)
    assert (released["before"], released["after"]) == (None, None)
    assert first["before"].keys() == {"occurred_at", "weighed_g", "gross_before_g", "gross_after_g"}


def test_faults_name_the_discharges_during_them_and_not_those_between(town: BilledTown, home: Home) -> None:
    for day in (2, 5, 9):
        town.discharge(home, f"2026-10-{day:02d}", 500)
    town.final("2026-10")
    own = broken(town, 1, None, "2026-10-01", "2026-10-03")
    box = broken(town, None, town.gateway_id, "2026-10-08", None)
    broken(town, 2, None, "2026-10-01", None)  # another bin
    broken(town, 1, None, "2026-08-01", "2026-09-03")  # another month
    found = evidence_of(town)
    assert [row["faults"] for row in found["weighings"]] == [[own], [], [box]]
    assert [each["fault_id"] for each in found["faults"]] == [own, box]


def test_the_certificate_is_that_of_the_day(town: BilledTown, home: Home) -> None:
    for day in (1, 10, 20):
        town.discharge(home, f"2026-10-{day:02d}", 500)
    town.final("2026-10")
    with town.database.begin() as session:
        for number, inspected, due in (("A", "2024-10-05", date(2026, 10, 9)), ("B", "2026-10-15", date(2028, 10, 14))):
            seen = Inspection(number, date.fromisoformat(inspected), "한국계량측정협회", due_on=due)
            certificates.record(session, town.id, "M-W0G001", seen, CLERK, instant("2026-11-01"))
    found = [(row["certificate"], row["certificate_due_on"]) for row in evidence_of(town)["weighings"]]
    assert found == [("due", date(2026, 10, 9)), ("overdue", date(2026, 10, 9)), ("valid", date(2028, 10, 14))]


def test_past_months_are_the_tenancys_own(town: BilledTown) -> None:
    before = town.home("101", "1203", until="2026-08-20")
    home = town.home("101", "1203", since="2026-08-20")
    for tenancy, day, weight in ((before, "2026-08-01", 9000), (home, "2026-08-25", 700), (home, "2026-10-05", 800)):
        town.discharge(tenancy, day, weight)
    town.final("2026-10")
    assert evidence_of(town)["past"] == [
        {"month": date(2026, 10, 1), "grams": 800, "count": 1},
        {"month": date(2026, 8, 1), "grams": 700, "count": 1},
    ]


def test_a_share_of_suspense_follows_from_no_discharge_of_the_household(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-05", 800)
    town.discharge(None, "2026-10-06", 5000)
    town.final("2026-10")
    found = evidence_of(town, line=2)
    assert (found["line"]["kind"], found["weighings"], found["faults"]) == ("suspense_share", [], [])
    assert found["line"]["words"]


def test_a_bin_of_another_complex_is_told_without_neighbours_and_faults(town: BilledTown, home: Home) -> None:
    for whose, at in ((None, "2026-10-05 10:00"), (home, "2026-10-05 11:00")):
        town.discharge(whose, at, 800, complex="W0G002", meter_id=2)
    town.final("2026-10")
    with town.database.begin() as session:
        new = New(
            Device(None, 2, town.complexes["W0G002"], ""), "meter_silent", "weighing", None, instant("2026-10-01")
        )
        book.open_faults(session, town.id, [new], instant("2026-10-01"))
    manager = Reach(frozenset({town.complexes["W0G001"]}))
    found = evidence_of(town, reach=manager)
    (row,) = found["weighings"]
    assert (row["before"], row["faults"], found["faults"]) == (None, [], [])


def test_a_fault_that_came_back_is_told_by_its_spells(town: BilledTown, home: Home) -> None:
    for day in (2, 5, 9):
        town.discharge(home, f"2026-10-{day:02d}", 500)
    town.final("2026-10")
    fault = broken(town, 1, None, "2026-10-01", "2026-10-03")
    with town.database.begin() as session:
        book.reopen_faults(session, town.id, {fault: instant("2026-10-12")}, instant("2026-10-08"))
    found = evidence_of(town)
    assert [(each["start"], each["end"]) for each in found["faults"]] == [
        (instant("2026-10-01"), instant("2026-10-03")),
        (instant("2026-10-08"), None),
    ]
    assert [row["faults"] for row in found["weighings"]] == [[fault], [], [fault]]
