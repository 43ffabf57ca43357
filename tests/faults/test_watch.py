"""The watch over real rows: what it opens, ends, joins and escalates, and that a restart makes nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.access.models import Account, AccountComplex
from app.access.reach import WHOLE
from app.db import Database
from app.fleet.faults import remembering
from app.fleet.faults import service as faults
from app.fleet.faults.models import FaultEvent, FaultWatch
from app.fleet.messages.models import Message
from app.registry.models import MeterAssignment
from tests.faults.fleet import DAY, HOUR, MINUTE, Fleet

NOON = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)  # in Seoul


@pytest.fixture
def fleet(database: Database) -> Fleet:
    """Twelve gateways at three complexes, heard of and watched for some minutes until noon."""
    made = Fleet(database, 12, complexes=3)
    made.minutes(NOON - 3 * MINUTE, 3)
    return made


def kinds(database: Database, fault_id: int = 1) -> list[str]:
    with database.session() as session:
        asked = sa.select(FaultEvent.kind).where(FaultEvent.fault_id == fault_id).order_by(FaultEvent.id)
        return list(session.scalars(asked))


def messages(database: Database) -> list[tuple[str, int]]:
    """Key and reader of everything in the outbox, as it was put there."""
    with database.session() as session:
        return [tuple(row) for row in session.execute(sa.select(Message.key, Message.account_id).order_by(Message.id))]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        ran.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield ran
    sa.event.remove(database.engine, "before_cursor_execute", note)


def test_a_reported_fault_opens_after_its_time_with_an_owner_and_ends_by_itself(fleet: Fleet) -> None:
    somebody, lockmaker = fleet.person("kim"), fleet.person("lee", "contractor", complex_ids=(2,))
    fleet.duty(somebody)
    fleet.duty(lockmaker, complex_id=2, fault_class="lock")
    moment = fleet.minutes(NOON, 5, faults={2: ["lock"]})
    assert fleet.faults() == []
    moment = fleet.minutes(moment, 1, faults={2: ["lock"]})
    (fault,) = fleet.faults()
    assert (fault.fault_class, fault.condition, fault.meter_id, fault.complex_id) == ("lock", "reported:lock", 2, 2)
    assert (fault.state, fault.source, fault.owner_id) == ("open", "detected", lockmaker)
    assert fault.due_at == fault.opened_at + DAY
    fleet.minutes(moment, 6)
    (fault,) = fleet.faults()
    assert (fault.state, fault.closed_by, fault.closed_at) == ("closed", None, moment + 5 * MINUTE)
    assert kinds(fleet.database) == ["opened", "closed"]


def test_what_comes_back_within_a_day_is_the_same_fault_and_later_a_new_one(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 11, 2, faults={1: ["card"]})
    moment = fleet.minutes(moment, 11, 2)
    moment = fleet.minutes(moment + 20 * HOUR, 11, 2, faults={1: ["card"]})
    (fault,) = fleet.faults()
    assert (fault.state, fault.openings) == ("open", 2)
    moment = fleet.minutes(moment, 11, 2)
    fleet.minutes(moment + 25 * HOUR, 11, 2, faults={1: ["card"]})
    assert [each.state for each in fleet.faults()] == ["closed", "open"]
    assert kinds(fleet.database) == ["opened", "closed", "reopened", "closed"]


def test_a_silent_gateway_is_one_fault_and_its_meters_are_none(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 40, 2, without=[3])
    (fault,) = fleet.faults()
    assert (fault.condition, fault.gateway_id, fault.meter_id) == ("gateway_silent", 3, None)
    assert fault.opened_at == NOON + 14 * MINUTE, "fifteen minutes after it was heard last"
    fleet.minutes(moment, 6)
    assert fleet.faults()[0].state == "closed"


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_silent_meter_of_a_living_gateway_is_a_fault_of_its_own(fleet: Fleet) -> None:
    fleet.minutes(NOON, 31, 3, dead=[4])
    (fault,) = fleet.faults()
    assert (fault.condition, fault.meter_id, fault.fault_class) == ("meter_silent", 4, "power")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_meter_that_says_why_is_not_held_for_silent_too(fleet: Fleet) -> None:
    fleet.minutes(NOON, 45, 3, dead=[4], faults={4: ["comm"]})
    assert [each.condition for each in fleet.faults()] == ["reported:comm"]


def busy(fleet: Fleet, number: int, taken_until: datetime) -> None:
    """A bin that takes six an hour, in every hour of the eight weeks before and today until then."""
    start = NOON - 57 * DAY
    hours = [start + n * HOUR for n in range((NOON - start) // HOUR + 24)]
    fleet.discharges(number, {hour: 6 for hour in hours if hour < taken_until or hour < NOON - 2 * DAY})


def test_a_living_bin_that_takes_nothing_unlike_usual_is_a_fault_until_the_next_discharge(fleet: Fleet) -> None:
    for number in (1, 2, 3):
        busy(fleet, number, NOON + DAY if number > 1 else NOON)
    moment = fleet.minutes(NOON, 1)
    assert fleet.faults() == []
    moment = fleet.minutes(NOON + 2 * HOUR, 1)
    assert fleet.faults() == [], "twelve missing: one in 160,000"
    moment = fleet.minutes(NOON + 3 * HOUR, 1)
    (fault,) = fleet.faults()
    assert (fault.condition, fault.meter_id, fault.fault_class) == ("no_discharges", 1, "lock")
    fleet.discharges(1, {NOON + 3 * HOUR: 1})
    fleet.minutes(moment + 11 * MINUTE, 1)
    assert fleet.faults()[0].state == "closed"


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_bin_whose_gateway_still_holds_older_records_is_not_judged_by_them(fleet: Fleet) -> None:
    busy(fleet, 1, NOON)
    fleet.minutes(NOON + 5 * HOUR, 1, backlog_s=3600)
    assert fleet.faults() == []


def test_after_a_restart_of_the_service_silence_is_counted_anew(fleet: Fleet) -> None:
    silent = {"without": list(fleet.numbers)}
    moment = fleet.minutes(NOON, 9, **silent)
    with fleet.database.begin() as session:
        remembering.service_started(session, moment)
    fleet.minutes(moment, 10, **silent)
    assert fleet.faults() == []
    assert fleet.incidents() == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_after_a_gap_of_the_watch_silence_is_counted_anew(fleet: Fleet) -> None:
    resumed = NOON + 5 * HOUR  # nobody was there to hear anything, as far as the watch knows
    fleet.minutes(resumed, 14, without=[1])
    assert fleet.faults() == []
    fleet.minutes(resumed + 14 * MINUTE, 2, without=[1])
    assert [each.gateway_id for each in fleet.faults()] == [1]


def test_a_restart_closes_nothing_and_opens_nothing_twice(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 20, 3, without=[1])
    with fleet.database.begin() as session:
        remembering.service_started(session, moment)
    fleet.minutes(moment + HOUR, 30, 3, without=[1])
    assert [each.state for each in fleet.faults()] == ["open"]
    assert kinds(fleet.database) == ["opened"]


def test_a_check_at_the_same_instant_changes_nothing(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 20, without=[1, 2], faults={5: ["comm"]}) - MINUTE
    with fleet.database.session() as session:
        before = session.execute(sa.select(FaultWatch.__table__)).all()
    assert not any(fleet.check(moment))
    with fleet.database.session() as session:
        assert session.execute(sa.select(FaultWatch.__table__)).all() == before


def test_overdue_faults_go_up_the_ladder_once_a_level(fleet: Fleet) -> None:
    owner, head, chief = fleet.person("kim"), fleet.person("lee"), fleet.person("park")
    fleet.duty(owner, complex_id=1, above=head)
    fleet.duty(owner, above=chief)
    moment = fleet.minutes(NOON, 6, faults={1: ["lock"]})
    due = moment - MINUTE + DAY
    for hours in (0, 1, 23, 24, 25, 70):
        fleet.minutes(due + hours * HOUR, 1, faults={1: ["lock"]})
    assert messages(fleet.database) == [
        ("fault/1/1/opened", owner),
        ("fault/1/1/escalated/1", head),
        ("fault/1/1/escalated/2", chief),
    ]
    assert kinds(fleet.database) == ["opened", "escalated", "escalated"]
    assert fleet.faults()[0].escalation_level == 2


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_a_person_closed_holds_for_a_day(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 20, 3, without=[1])
    with fleet.database.begin() as session:
        faults.close_fault(session, fleet.id, WHOLE, 1, "fetched for repair", "kim", moment)
    moment = fleet.minutes(moment, 30, 5, without=[1])
    assert [each.state for each in fleet.faults()] == ["closed"]
    fleet.minutes(moment + DAY, 20, 3, without=[1])
    assert kinds(fleet.database) == ["opened", "closed", "reopened"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_meter_that_is_taken_away_is_no_longer_broken(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 6, faults={1: ["power"]})
    assert fleet.faults()[0].state == "open"
    with fleet.database.begin() as session:
        gone = sa.update(MeterAssignment).where(MeterAssignment.meter_id == 1)
        session.execute(gone.values(valid_to=moment))
    fleet.minutes(moment, 6, faults={1: ["power"]})
    assert [each.state for each in fleet.faults()] == ["closed"]


def test_a_fleet_that_is_well_leaves_no_row_behind(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 20, 3, without=[1], faults={2: ["card"]})
    fleet.minutes(moment, 11, 2)
    with fleet.database.session() as session:
        assert session.scalars(sa.select(FaultWatch)).all() == []


def test_statements_of_a_check_do_not_grow_with_the_fleet(database: Database) -> None:
    def most(fleet: Fleet) -> int:
        fleet.minutes(NOON, 3)
        numbers = []
        for minute in range(3, 45, 4):
            moment = NOON + minute * MINUTE
            if minute > 25:
                fleet.hear(moment)
            with counted(database) as ran:
                fleet.check(moment)
            numbers.append(len(ran))
        assert [each.closed_at is not None for each in fleet.incidents()] == [True]
        return max(numbers)

    fleets = Fleet(database, 10), Fleet(database, 30, complexes=9, code="W0H")
    few, many = (most(each) for each in fleets)
    assert few == many <= 32


def test_an_outage_of_the_network_is_one_incident_and_leaves_the_rest_to_their_owners(fleet: Fleet) -> None:
    head, keeper = fleet.person("kim"), fleet.person("lee", "contractor", complex_ids=(1,))
    fleet.duty(head)
    fleet.duty(keeper, complex_id=1)
    moment = fleet.minutes(NOON, 30, 3, without=fleet.numbers)
    (incident,) = fleet.incidents()
    assert (incident.silent, incident.gateways, incident.owner_id) == (12, 12, head)
    assert {each.incident_id for each in fleet.faults()} == {incident.id}
    assert messages(fleet.database) == [("incident/1/opened", head), ("incident/1/opened", keeper)]
    fleet.minutes(moment, 15, 2, without=[1])
    assert fleet.incidents()[0].closed_at == moment + 10 * MINUTE
    left = [each for each in fleet.faults() if each.state != "closed"]
    assert [(each.gateway_id, each.incident_id, each.owner_id) for each in left] == [(1, None, keeper)]
    assert [key for key in messages(fleet.database) if key[0].startswith("fault/")] == [("fault/1/1/left/1", keeper)]
    assert kinds(fleet.database) == ["opened", "left"]


def test_a_silence_shortly_before_the_outage_is_part_of_it(fleet: Fleet) -> None:
    owner = fleet.person("kim")
    fleet.duty(owner)
    moment = fleet.minutes(NOON, 16, without=[1])
    fleet.minutes(moment, 30, 3, without=fleet.numbers)
    assert kinds(fleet.database)[:2] == ["opened", "joined"]
    assert {each.incident_id for each in fleet.faults()} == {1}


def test_what_is_left_alone_finds_whoever_answers_by_now(fleet: Fleet) -> None:
    keeper, kim = fleet.person("lee", "contractor", complex_ids=(1, 2)), fleet.person("kim")
    fleet.duty(keeper, complex_id=1)
    fleet.duty(keeper, complex_id=2)
    moment = fleet.minutes(NOON, 6, faults={1: ["power"], 2: ["power"]})
    assert [each.owner_id for each in fleet.faults()] == [keeper, keeper]
    with fleet.database.begin() as session:
        session.execute(sa.delete(AccountComplex).where(AccountComplex.complex_id == 2))
    moment = fleet.minutes(moment, 2, faults={1: ["power"], 2: ["power"]})
    assert [each.owner_id for each in fleet.faults()] == [keeper, kim]
    assert kinds(fleet.database, 2) == ["opened", "assigned"]
    with fleet.database.begin() as session:
        session.execute(sa.update(Account).where(Account.id == keeper).values(disabled_at=moment))
    fleet.minutes(moment, 2, faults={1: ["power"], 2: ["power"]})
    assert [each.owner_id for each in fleet.faults()] == [kim, kim]
    told = [key.split("/")[:4] for key, account_id in messages(fleet.database) if account_id == kim]
    assert told == [["fault", "2", "1", "assigned"], ["fault", "1", "1", "assigned"]]


def test_an_outage_whose_owner_left_is_told_to_the_next(fleet: Fleet) -> None:
    head, second = fleet.person("kim"), fleet.person("lee")
    moment = fleet.minutes(NOON, 30, 3, without=fleet.numbers)
    assert messages(fleet.database) == [("incident/1/opened", head)]
    with fleet.database.begin() as session:
        session.execute(sa.update(Account).where(Account.id == head).values(disabled_at=moment))
    fleet.minutes(moment, 3, without=fleet.numbers)
    assert fleet.incidents()[0].owner_id == second
    assert messages(fleet.database) == [("incident/1/opened", head), ("incident/1/opened", second)]


def test_trouble_that_moves_along_with_a_meter_is_a_fault_of_its_new_complex(fleet: Fleet) -> None:
    moment = fleet.minutes(NOON, 6, faults={1: ["power"]})
    with fleet.database.begin() as session:
        mine = sa.update(MeterAssignment).where(MeterAssignment.meter_id == 1)
        session.execute(mine.values(valid_to=moment))
        here = {"district_id": fleet.id, "id": 99, "meter_id": 1, "gateway_id": 1, "complex_id": 2}
        session.execute(sa.insert(MeterAssignment).values(here | {"valid_from": moment}))
    fleet.minutes(moment, 15, faults={1: ["power"]})
    assert [(each.complex_id, each.state) for each in fleet.faults()] == [(1, "closed"), (2, "open")]
