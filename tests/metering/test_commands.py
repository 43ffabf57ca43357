"""`jongnyang rollups` and `jongnyang quarantine`, as typed in a terminal."""

import json
from collections.abc import Callable

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask

from app.cli import main
from app.console import Told
from app.db import Database
from app.metering.commands import quarantine as quarantine_group
from app.metering.commands import rollups as rollups_group
from app.registry.service import install_meter
from tests.builders import LONG_AGO, Box, Town
from tests.metering.reading import agrees, ledger, rows_of

Type = Callable[..., Result]

TABLES = ("meter_hour", "complex_day", "household_month")


@pytest.fixture
def typed(app: Flask, town: Town, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs one command line, in English unless told otherwise, on the database of the test."""
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")

    def run(*words: str, language: str = "en_US.UTF-8") -> Result:
        monkeypatch.setenv("LC_ALL", language)
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def filled(box: Box, town: Town) -> None:
    """Some discharges of a household, of an unknown card and an event."""
    card = town.move_in("1001", "0D00319CD0")
    box.post(
        [
            box.weighing(1, 410, card=card),
            box.weighing(2, 90, card=town.card("00414CD7EA")),
            box.record(3, outcome="unsettled", net_g=None, gross_after_g=None),
        ]
    )


def tamper(database: Database, sql: str) -> None:
    with database.engine.begin() as connection:
        assert connection.execute(sa.text(sql)).rowcount == 1


def stored(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(rows_of(database, f"SELECT * FROM {table}"), key=str) for table in TABLES}


@pytest.mark.usefixtures("filled")
def test_check_says_that_rollups_and_ledger_agree(typed: Type) -> None:
    answer = typed("rollups", "check")
    assert (answer.exit_code, answer.stdout) == (0, "The rollups agree with the ledger.\n")
    assert typed("rollups", "check", language="ko_KR.UTF-8").stdout == "집계가 원장과 일치합니다.\n"
    as_json = typed("rollups", "check", "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (0, [])


TAMPERED = {
    "a changed sum": ("UPDATE complex_day SET weighed_g = weighed_g + 1", "complex_day", 500 + 1, 500),
    "a lost row": ("DELETE FROM household_month", "household_month", None, 410),
    "an invented row": (
        "INSERT INTO meter_hour SELECT district_id, complex_id, hour, 2, 1, 7, 0, 0, 0, 0, 0 FROM meter_hour",
        "meter_hour",
        7,
        None,
    ),
}


@pytest.mark.parametrize(("sql", "table", "wrong", "right"), TAMPERED.values(), ids=TAMPERED.keys())
@pytest.mark.usefixtures("filled")
def test_check_finds_a_row_that_differs_and_rebuild_repairs_it(
    typed: Type, database: Database, sql: str, table: str, wrong: int | None, right: int | None
) -> None:
    before = stored(database)
    tamper(database, sql)
    assert stored(database) != before
    answer = typed("rollups", "check", "--json")
    assert answer.exit_code == 1
    (difference,) = json.loads(answer.stdout)
    assert difference["table"] == table
    assert difference["key"][0] == "1"
    grams = [side and side[1] for side in (difference["stored"], difference["ledger"])]
    assert grams == [wrong, right]
    told = typed("rollups", "check")
    assert told.exit_code == 1
    assert f"{table} [" in told.stdout
    assert "1 rollup rows differ from the ledger. To write them anew: jongnyang rollups rebuild" in told.stdout
    assert "집계 1건이 원장과 다릅니다." in typed("rollups", "check", language="ko_KR.UTF-8").stdout
    assert typed("rollups", "rebuild").exit_code == 0
    assert stored(database) == before
    assert typed("rollups", "check").exit_code == 0


@pytest.mark.usefixtures("filled")
def test_rebuild_makes_the_same_numbers_from_nothing_and_names_the_rows(typed: Type, database: Database) -> None:
    before = stored(database)
    for table in TABLES:
        with database.engine.begin() as connection:
            connection.execute(sa.text(f"DELETE FROM {table}"))
    answer = typed("rollups", "rebuild")
    expected = [f"{table}: wrote 1 rows anew." for table in TABLES]
    assert answer.stdout.splitlines()[: len(TABLES)] == expected
    assert "alive_day: wrote 0 rows anew." in answer.stdout
    assert "complex_day: 1행을 다시 만들었습니다." in typed("rollups", "rebuild", language="ko_KR.UTF-8").stdout
    assert stored(database) == before


@pytest.mark.usefixtures("filled")
def test_check_and_rebuild_leave_other_districts_alone(typed: Type, box: Box, database: Database) -> None:
    Town(database, code="W0K")
    other = Box(box.client, district="W0K")
    assert other.post([other.weighing(1, 100)]).json["results"][0]["status"] == "stored"
    tamper(database, "UPDATE complex_day SET weighed_g = 1 WHERE district_id = 2")
    assert typed("rollups", "check", "--district", "W0G").exit_code == 0
    assert typed("rollups", "rebuild", "--district", "W0G").exit_code == 0
    assert typed("rollups", "check", "--district", "W0K").exit_code == 1
    assert not agrees(database, 2)
    which = typed("rollups", "check")
    assert which.exit_code == 2
    assert "There are several districts: W0G, W0K." in which.stderr


def test_an_empty_quarantine_is_said_so(typed: Type) -> None:
    assert typed("quarantine", "list").stdout == "Nothing is in quarantine.\n"
    assert typed("quarantine", "list", language="ko_KR.UTF-8").stdout == "보류된 기록이 없습니다.\n"
    assert json.loads(typed("quarantine", "list", "--json").stdout) == []


def test_the_quarantine_is_listed_by_state_and_page(typed: Type, box: Box) -> None:
    box.post([box.record(seq, meter="W0G-M9") for seq in (1, 2, 3)])
    typed("quarantine", "discard", "2", "--note", "a test bin", "--actor", "kim")
    first, second = typed("quarantine", "list").stdout.splitlines()
    assert first.startswith("1  20")
    assert "GW-1 number 1  unknown_meter: meter W0G-M9" in first
    assert "number 3" in second
    assert "GW-1 번호 1  unknown_meter" in typed("quarantine", "list", language="ko_KR.UTF-8").stdout
    everything = json.loads(typed("quarantine", "list", "--state", "all", "--json").stdout)
    assert [(item["id"], item["decision"], item["actor"]) for item in everything] == [
        (1, None, None),
        (2, "discarded", "kim"),
        (3, None, None),
    ]
    paged = json.loads(typed("quarantine", "list", "--after", "1", "--limit", "1", "--json").stdout)
    assert [item["id"] for item in paged] == [3]


def test_a_record_is_released_into_the_ledger(typed: Type, box: Box, town: Town, database: Database) -> None:
    box.post([box.weighing(1, 410, meter="W0G-M9"), box.weighing(2, 90, meter="W0G-M9")])
    with database.begin() as session:
        install_meter(session, town.gateway, town.complex, "W0G-M9", LONG_AGO)
    answer = typed("quarantine", "release", "1", "--note", "미터 등록 후", "--actor", "kim")
    assert (answer.exit_code, answer.stdout) == (0, "Released 1 into the ledger: 1-0-1\n")
    korean = typed("quarantine", "release", "2", "--note", "뒤에", "--actor", "kim", language="ko_KR.UTF-8")
    assert korean.stdout == "보류 2번을 원장에 기록했습니다: 1-0-2\n"
    assert sum(row.net_g or 0 for row in ledger(database)) == 500
    assert rows_of(database, "SELECT note, actor FROM quarantine_decision ORDER BY quarantine_id") == [
        ("미터 등록 후", "kim"),
        ("뒤에", "kim"),
    ]
    assert agrees(database)


def test_a_record_is_released_with_corrected_fields(typed: Type, box: Box, database: Database) -> None:
    box.post([box.record(1, net_g=400)])
    words = ("quarantine", "release", "1", "--note", "checked by hand", "--actor", "kim", "--corrected")
    assert typed(*words, '{"net_g": 410}').exit_code == 0
    assert ledger(database)[0].net_g == 410
    assert json.loads(rows_of(database, "SELECT corrected FROM quarantine_decision")[0][0]) == {"net_g": 410}


@pytest.mark.parametrize("corrected", ["net_g=410", "[410]", "410", "{", "null"])
def test_corrected_fields_must_be_an_object(typed: Type, box: Box, database: Database, corrected: str) -> None:
    box.post([box.record(1, net_g=400)])
    words = ("quarantine", "release", "1", "--note", "why", "--actor", "kim", "--corrected", corrected)
    answer = typed(*words)
    assert answer.exit_code == 2
    assert """--corrected takes a JSON object such as '{"net_g": 410}'.""" in answer.stderr
    assert "JSON 객체여야 합니다" in typed(*words, language="ko_KR.UTF-8").stderr
    assert ledger(database) == []


def test_a_record_is_discarded_with_a_note(typed: Type, box: Box, database: Database) -> None:
    box.post([box.record(seq, meter="nowhere") for seq in (1, 2)])
    answer = typed("quarantine", "discard", "1", "--note", "a test bin", "--actor", "kim")
    assert (answer.exit_code, answer.stdout) == (0, "Discarded 1; the record itself is kept.\n")
    korean = typed("quarantine", "discard", "2", "--note", "시험", "--actor", "kim", language="ko_KR.UTF-8")
    assert korean.stdout == "보류 2번을 원장에 넣지 않기로 했습니다.\n"
    assert rows_of(database, "SELECT decision, note FROM quarantine_decision ORDER BY quarantine_id") == [
        ("discarded", "a test bin"),
        ("discarded", "시험"),
    ]


@pytest.mark.parametrize("verb", ["release", "discard"])
@pytest.mark.parametrize("missing", ["--note", "--actor"])
def test_nothing_is_decided_without_a_reason_and_a_name(
    typed: Type, box: Box, database: Database, verb: str, missing: str
) -> None:
    box.post([box.record(1, net_g=400)])
    given = {"--note": "why", "--actor": "kim"}
    del given[missing]
    answer = typed("quarantine", verb, "1", *(word for pair in given.items() for word in pair))
    assert answer.exit_code == 2
    assert missing in answer.stderr
    assert rows_of(database, "SELECT count(*) FROM quarantine_decision") == [(0,)]


def test_without_a_district_the_first_step_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    answer = CliRunner().invoke(main, ["rollups", "check"])
    assert answer.exit_code == 2
    assert "jongnyang import complexes" in answer.stderr


@pytest.mark.parametrize("group", [rollups_group, quarantine_group])
def test_every_command_shows_an_example_and_speaks_korean(group: click.Group) -> None:
    for command in (group, *group.commands.values()):
        assert isinstance(command, Told)
        assert command.example.startswith(f"jongnyang {group.name} ")
        korean = CliRunner().invoke(main, ["--lang", "ko", group.name or "", "--help"])
        assert "예:" in korean.output
