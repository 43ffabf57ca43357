"""Corrections: new rows that say how a discharge reads from now on; nothing that was weighed is ever changed."""

import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.metering import service
from app.metering.corrections import Correction, Number, State
from app.metering.models import Discharge
from app.metering.records import MAX_NET_G, WEIGHED
from app.problems import Problem
from app.times import now
from tests.builders import Box, Town
from tests.metering.reading import agrees, ledger, problem, rows_of, statuses, totals
from tests.metering.staff import Staff

FIRST = "1-1-1"  # the first record of the first epoch of the first gateway


@pytest.fixture
def staff(app: Flask, town: Town) -> Staff:
    return Staff(app)


def correct(staff: Staff, number: str = FIRST, **wanted: Any) -> Any:
    return staff.post(f"/discharges/{number}/corrections", {"reason": "resident's call", **wanted})


def test_a_void_takes_a_discharge_out_of_every_total(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0")), box.weighing(2, 90)])
    answer = correct(staff, kind="void", reason="a bag of bricks")
    assert answer.status_code == 201
    assert answer.json == {
        "revision": 1,
        "outcome": "settled",
        "net_g": 410,
        "household_id": 1,
        "tenancy_id": 1,
        "billable": False,
        "voided": True,
    }
    for table in ("meter_hour", "complex_day"):
        assert totals(database, table) | {"weighed_count": 1, "weighed_g": 90} == totals(database, table)
    assert set(totals(database, "household_month").values()) == {0}
    assert agrees(database)


def test_a_re_weighed_discharge_counts_with_its_new_weight(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    box.post([box.weighing(1, 4100, card=town.move_in("1001", "0D00319CD0"))])
    assert correct(staff, kind="re_weigh", net_g=410).json["net_g"] == 410
    for table in ("meter_hour", "complex_day", "household_month"):
        assert (totals(database, table)["billable_count"], totals(database, table)["billable_g"]) == (1, 410)
    assert agrees(database)


def test_an_unsettled_weighing_counts_once_staff_give_it_a_weight(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    card = town.move_in("1001", "0D00319CD0")
    box.post([box.record(1, card=card, outcome="unsettled", gross_after_g=None, net_g=None)])
    assert totals(database, "complex_day")["event_count"] == 1
    now_reads = correct(staff, kind="re_weigh", net_g=700).json
    assert (now_reads["outcome"], now_reads["net_g"], now_reads["billable"]) == ("settled", 700, True)
    sums = totals(database, "household_month")
    assert (sums["event_count"], sums["billable_count"], sums["billable_g"]) == (0, 1, 700)
    assert agrees(database)


def test_a_weight_without_a_household_stays_suspense_and_is_never_billed(
    box: Box, staff: Staff, database: Database
) -> None:
    box.post([box.record(1, outcome="unsettled", gross_after_g=None, net_g=None)])
    assert correct(staff, kind="re_weigh", net_g=700).json["billable"] is False
    sums = totals(database, "complex_day")
    assert (sums["suspense_count"], sums["suspense_g"], sums["billable_g"]) == (1, 700, 0)
    assert agrees(database)


def test_weighing_again_brings_back_what_was_voided(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"))])
    correct(staff, kind="void")
    state = correct(staff, kind="re_weigh", net_g=410).json
    assert (state["revision"], state["voided"], state["billable"]) == (2, False, True)
    assert totals(database, "household_month")["billable_g"] == 410
    assert agrees(database)


def test_a_discharge_moves_to_the_household_it_belongs_to(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    card = town.move_in("1001", "0D00319CD0")
    town.move_in("1002", "1F00644BB6")
    box.post([box.weighing(1, 410, card=card)])
    state = correct(staff, kind="re_attribute", household_id=town.households["1002"]).json
    assert (state["household_id"], state["tenancy_id"], state["billable"]) == (
        town.households["1002"],
        town.tenancies["1002"],
        True,
    )
    by_household = rows_of(database, "SELECT household_id, billable_g FROM household_month ORDER BY household_id")
    assert by_household == [(town.households["1001"], 0), (town.households["1002"], 410)]
    assert totals(database, "complex_day")["billable_g"] == 410
    assert agrees(database)


def test_suspense_is_billed_once_staff_know_whose_it_is(box: Box, town: Town, staff: Staff, database: Database) -> None:
    town.move_in("1001", "0D00319CD0")
    box.post([box.weighing(1, 410, card=town.card("00414CD7EA"))])
    assert totals(database, "complex_day")["suspense_g"] == 410
    correct(staff, kind="re_attribute", household_id=town.households["1001"])
    sums = totals(database, "complex_day")
    assert (sums["suspense_g"], sums["billable_g"]) == (0, 410)
    assert agrees(database)


def test_a_discharge_given_to_nobody_is_suspense(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"))])
    state = correct(staff, kind="re_attribute", household_id=None).json
    assert (state["household_id"], state["tenancy_id"], state["billable"]) == (None, None, False)
    assert totals(database, "household_month")["billable_g"] == 0
    assert totals(database, "complex_day")["suspense_g"] == 410
    assert agrees(database)


def test_the_tenancy_is_the_one_of_the_day_of_the_discharge(box: Box, town: Town, staff: Staff) -> None:
    moved = now() - timedelta(days=5)
    town.move_in("1001", "0D00319CD0", valid_to=moved)
    before = town.tenancies["1001"]
    town.move_in("1001", "1F00644BB6", valid_from=moved)
    box.post([box.record(1, ago=timedelta(days=6)), box.record(2, ago=timedelta(days=4))])
    household = town.households["1001"]
    tenancies = [
        correct(staff, f"1-1-{seq}", kind="re_attribute", household_id=household).json["tenancy_id"] for seq in (1, 2)
    ]
    assert tenancies == [before, town.tenancies["1001"]]


def test_a_household_that_stood_empty_is_refused(box: Box, town: Town, staff: Staff, database: Database) -> None:
    town.move_in("1001", "0D00319CD0", valid_from=now() - timedelta(hours=1))
    box.post([box.record(1, ago=timedelta(hours=2))])
    answer = correct(staff, kind="re_attribute", household_id=town.households["1001"])
    assert problem(answer) == (422, "invalid")
    assert "no tenancy" in answer.json["errors"]["household_id"]
    assert rows_of(database, "SELECT count(*) FROM discharge_correction") == [(0,)]
    assert agrees(database)


def test_another_districts_household_cannot_be_charged(box: Box, staff: Staff, database: Database) -> None:
    other = Town(database, code="W0K")
    other.move_in("2001", "0D00319CD0")
    box.post([box.record(1)])
    answer = correct(staff, kind="re_attribute", household_id=other.households["2001"])
    assert problem(answer) == (422, "invalid")


def test_each_correction_starts_from_the_one_before_it(box: Box, town: Town, staff: Staff, database: Database) -> None:
    card = town.move_in("1001", "0D00319CD0")
    town.move_in("1002", "1F00644BB6")
    box.post([box.weighing(1, 410, card=card)])
    other = town.households["1002"]
    steps: list[tuple[dict[str, Any], dict[str, int]]] = [
        ({"kind": "re_weigh", "net_g": 300}, {"billable_g": 300, "suspense_g": 0}),
        ({"kind": "re_attribute", "household_id": None}, {"billable_g": 0, "suspense_g": 300}),
        ({"kind": "re_weigh", "net_g": 350}, {"billable_g": 0, "suspense_g": 350}),
        ({"kind": "re_attribute", "household_id": other}, {"billable_g": 350, "suspense_g": 0}),
        ({"kind": "void"}, {"billable_g": 0, "suspense_g": 0}),
    ]
    for revision, (wanted, expected) in enumerate(steps, 1):
        assert correct(staff, **wanted).json["revision"] == revision
        sums = totals(database, "complex_day")
        assert {name: sums[name] for name in expected} == expected
        assert agrees(database)


def test_the_discharge_itself_stays_as_it_was_weighed(box: Box, town: Town, staff: Staff, database: Database) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"))])
    before = rows_of(database, "SELECT * FROM discharge")
    for wanted in ({"kind": "re_weigh", "net_g": 5}, {"kind": "re_attribute", "household_id": None}, {"kind": "void"}):
        assert correct(staff, **wanted).status_code == 201
    assert rows_of(database, "SELECT * FROM discharge") == before


def test_who_why_and_when_is_kept_and_shown_with_the_discharge(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    started = now()
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"))])
    correct(staff, kind="re_weigh", net_g=400, reason="저울 점검 기록 11-22")
    correct(staff, kind="void", reason="민원 2026-114")
    shown = staff.get(f"/discharges/{FIRST}").json
    assert shown["number"] == FIRST
    assert (shown["meter"], shown["evidence"]) == ("W0G-M1", {"frames": 8})
    assert (shown["booked"]["net_g"], shown["booked"]["revision"], shown["booked"]["voided"]) == (410, 0, False)
    assert (shown["now"]["net_g"], shown["now"]["revision"], shown["now"]["voided"]) == (400, 2, True)
    assert [(row["revision"], row["kind"], row["reason"], row["actor"]) for row in shown["corrections"]] == [
        (1, "re_weigh", "저울 점검 기록 11-22", staff.actor),
        (2, "void", "민원 2026-114", staff.actor),
    ]
    days = rows_of(database, "SELECT c.service_day = d.service_day FROM discharge_correction c, discharge d")
    assert all(same for (same,) in days)
    assert all(row["booked_at"] >= started.isoformat()[:19] for row in shown["corrections"])


@pytest.mark.parametrize(
    "wanted", [{"kind": "re_weigh", "net_g": 410}, {"kind": "re_attribute", "household_id": 1}], ids=["weight", "whose"]
)
def test_a_correction_that_changes_nothing_is_refused_and_not_kept(
    box: Box, town: Town, staff: Staff, database: Database, wanted: dict[str, Any]
) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"))])
    assert problem(correct(staff, **wanted)) == (409, "nothing-changes")
    assert rows_of(database, "SELECT count(*) FROM discharge_correction") == [(0,)]


def test_a_discharge_is_voided_once(box: Box, staff: Staff) -> None:
    box.post([box.record(1)])
    assert correct(staff, kind="void").status_code == 201
    assert problem(correct(staff, kind="void")) == (409, "nothing-changes")


@pytest.mark.parametrize("number", ["1-1-2", "1-2-1", "9-1-1", "1-1", "one", "1-1-1-1", "-1-1-1", "1-1-1x"])
def test_a_number_that_is_no_discharges_is_not_found(box: Box, staff: Staff, number: str) -> None:
    box.post([box.record(1)])
    assert problem(staff.get(f"/discharges/{number}")) == (404, "not-found")
    assert problem(correct(staff, number, kind="void")) == (404, "not-found")


def test_another_districts_discharge_is_not_found(app: Flask, box: Box, database: Database) -> None:
    Town(database, code="W0K")
    neighbour = Staff(app, login="lee", district="W0K")
    box.post([box.record(1)])
    assert problem(neighbour.get(f"/discharges/{FIRST}")) == (404, "not-found")
    assert problem(correct(neighbour, kind="void")) == (404, "not-found")
    assert rows_of(database, "SELECT count(*) FROM discharge_correction") == [(0,)]


@pytest.mark.parametrize("net_g", [-1, MAX_NET_G + 1, None])
def test_the_use_case_itself_refuses_a_weight_that_cannot_be(box: Box, database: Database, net_g: int | None) -> None:
    box.post([box.record(1)])
    with pytest.raises(Problem, match="invalid"):
        service.correct_discharge(database, 1, Number(1, 1, 1), Correction("re_weigh", "why", "kim", net_g=net_g))


def test_corrections_of_old_months_reach_the_old_months_totals(
    box: Box, town: Town, staff: Staff, database: Database
) -> None:
    box.post([box.weighing(1, 410, card=town.move_in("1001", "0D00319CD0"), ago=timedelta(days=70))])
    assert totals(database, "household_month")["billable_g"] == 410
    correct(staff, kind="re_weigh", net_g=10)
    assert rows_of(database, "SELECT count(*) FROM household_month") == [(1,)]
    assert totals(database, "household_month")["billable_g"] == 10
    assert agrees(database)


APPEND_ONLY = ("discharge", "discharge_correction", "quarantine", "quarantine_decision")


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {} SET district_id = district_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_itself_refuses_to_change_what_was_written(
    box: Box, staff: Staff, database: Database, table: str, change: str
) -> None:
    if database.is_sqlite and change.startswith("TRUNCATE"):
        change = "DELETE FROM {} WHERE true"  # SQLite knows no other way to empty a table
    box.post([box.record(1), box.record(2, meter="nowhere")])
    correct(staff, kind="void")
    staff.post("/quarantine/1/discard", {"note": "a test bin"})
    before = rows_of(database, f"SELECT * FROM {table}")
    assert len(before) == 1
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text(change.format(table)))
    assert rows_of(database, f"SELECT * FROM {table}") == before


@pytest.mark.parametrize("dialect", ["postgresql"])
@pytest.mark.parametrize("change", ["UPDATE {} SET net_g = 1", "DELETE FROM {}"])
def test_a_month_of_the_ledger_is_no_way_around(box: Box, database: Database, change: str) -> None:
    box.post([box.record(1)])
    ((partition,),) = rows_of(database, "SELECT tableoid::regclass::text FROM discharge")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text(change.format(partition)))
    assert len(ledger(database)) == 1


OUTCOMES = ("settled", "settled", "late_close", "recovered", "unsettled", "negative", "empty_open", "collection")
CARDS = {"own": "0D00319CD0", "neighbour": "1F00644BB6", "unknown": "00414CD7EA"}

discharges = st.lists(
    st.tuples(
        st.sampled_from(OUTCOMES), st.integers(0, 3000), st.sampled_from((None, *CARDS)), st.integers(0, 24 * 60)
    ),
    min_size=1,
    max_size=4,
)
corrections = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(
            st.just(("void", None)),
            st.tuples(st.just("re_weigh"), st.integers(0, 3000)),
            st.tuples(st.just("re_attribute"), st.sampled_from((None, "1001", "1002"))),
        ),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=discharges, chain=corrections)
def test_any_chain_of_corrections_leaves_rollups_that_say_what_the_ledger_says(
    app: Flask, database: Database, drawn: list[Any], chain: list[Any]
) -> None:
    town, box = _place(app, database)
    records = [_record(town, box, seq, *item) for seq, item in enumerate(drawn, 1)]
    before = {table: totals(database, table) for table in ("meter_hour", "complex_day", "household_month")}
    assert {status for _, status, _ in statuses(box.post(records))} == {"stored"}
    booked = [row for row in ledger(database) if row.epoch_no == app.extensions["epochs"]]
    states = [State.booked(row) for row in booked]
    for index, (kind, value) in chain:
        position = index % len(booked)
        number = Number(1, booked[position].epoch_no, booked[position].seq)
        household = town.households[value] if isinstance(value, str) else None
        weight = value if kind == "re_weigh" else None
        wanted = Correction(kind, "why", "kim", net_g=weight, household_id=household)
        with contextlib.suppress(NothingChanges):
            states[position] = _correct(database, number, wanted)
        assert agrees(database)
    assert _values(row for row in ledger(database) if row.epoch_no == booked[0].epoch_no) == _values(booked)
    for table in ("meter_hour", "complex_day"):
        assert _added(before[table], totals(database, table)) == _expected(states)
    held = [state for state in states if state.household_id is not None]
    assert _added(before["household_month"], totals(database, "household_month")) == _expected(held)


class NothingChanges(Exception):
    """The correction was refused because the discharge already reads so."""


def _correct(database: Database, number: Number, wanted: Correction) -> State:
    try:
        return service.correct_discharge(database, 1, number, wanted)
    except Problem as problem:
        if problem.slug == "nothing-changes":
            raise NothingChanges from problem
        raise


def _place(app: Flask, database: Database) -> tuple[Town, Box]:
    """The one town of this test, made at its first example, and a new epoch for each."""
    if "town" not in app.extensions:
        town = app.extensions["town"] = Town(database)
        town.move_in("1001", CARDS["own"])
        town.move_in("1002", CARDS["neighbour"])
        app.extensions["epochs"] = 0
    app.extensions["epochs"] += 1
    return app.extensions["town"], Box(app.test_client(), epoch=f"{app.extensions['epochs']:016x}")


def _record(town: Town, box: Box, seq: int, outcome: str, grams: int, card: str | None, hours: int) -> dict[str, Any]:
    net = {"unsettled": None, "negative": -grams, "empty_open": 0, "collection": -grams}.get(outcome, grams)
    after = None if net is None else 12000 + net
    changes = {
        "outcome": outcome,
        "net_g": net,
        "gross_after_g": after,
        "card": town.card(CARDS[card]) if card else None,
    }
    return box.record(seq, ago=timedelta(hours=hours), **changes)


def _values(rows: Iterable[Discharge]) -> list[tuple[Any, ...]]:
    """Every column of these discharges."""
    return [tuple(getattr(row, column.key) for column in sa.inspect(Discharge).columns) for row in rows]


def _added(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


def _expected(states: list[State]) -> dict[str, int]:
    """What rollups must hold of these, counted the plain way."""
    alive = [state for state in states if not state.voided]
    weighed = [(state, state.net_g) for state in alive if state.outcome in WEIGHED and state.net_g is not None]
    billable = [grams for state, grams in weighed if state.billable]
    suspense = [grams for state, grams in weighed if state.household_id is None]
    return {
        "weighed_count": len(weighed),
        "weighed_g": sum(grams for _, grams in weighed),
        "billable_count": len(billable),
        "billable_g": sum(billable),
        "suspense_count": len(suspense),
        "suspense_g": sum(suspense),
        "event_count": len(alive) - len(weighed),
    }
