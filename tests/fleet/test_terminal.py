"""The commands of the fleet in the terminal, in both languages."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask

from app.cli import main
from app.db import Database
from tests.builders import Box, Town
from tests.fleet.reports import opened, send, told, touch
from tests.fleet.test_releases import MAKER, PUBLIC, release
from tests.metering.reading import problem, rows_of

Run = Callable[..., Result]
NUMBER = "0D00319CD0"


@pytest.fixture
def run(app: Flask, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    url = sa.make_url(database_url).render_as_string(hide_password=False)
    environment = {"JONGNYANG_DATABASE_URL": url, "JONGNYANG_SECRET_KEY": "of the tests", "LC_ALL": "C.UTF-8"}

    def invoke(*arguments: str, code: int = 0, **changed: str) -> Result:
        result = CliRunner().invoke(main, arguments, env=environment | changed)
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_commands_are_given_listed_and_answered(run: Run, box: Box) -> None:
    assert "There are no commands." in run("gateway", "commands").output
    assert "GW-1 is told to open_lid" in run("gateway", "open-lid", "W0G-M1").output
    assert "GW-1이(가) 다음에 접속하면" in run("gateway", "rotate", "GW-1", LC_ALL="ko_KR.UTF-8").output
    run("gateway", "sync-cards", "GW-1")
    run("gateway", "roll-back", "GW-1")
    commands = [opened(command, b"GW-1".ljust(32)) for command in told(box)["commands"]]
    assert [command["kind"] for command in commands] == ["open_lid", "rotate_key", "sync_cards", "roll_back"]
    told(box, commands=[{"id": commands[0]["id"], "state": "failed", "detail": "no lid"}])
    listed = json.loads(run("gateway", "commands", "GW-1", "--json").output)
    assert [(each["kind"], each["state"], each["detail"]) for each in listed][-1] == ("open_lid", "failed", "no lid")
    assert "command_failed" in run("gateway", "events", "GW-1").output
    assert json.loads(run("gateway", "show", "GW-1").output)["code"] == "GW-1"


def test_a_gateway_or_meter_that_is_not_there_is_told(run: Run, town: Town) -> None:
    for arguments in (["rotate", "GW-1", "GW-9"], ["open-lid", "W0G-M9"], ["revoke-key", "GW-9"], ["events", "GW-9"]):
        assert "There is nothing here." in run("gateway", *arguments, code=2).stderr
    assert rows_of(town.database, "SELECT count(*) FROM gateway_command") == [(0,)]


def test_keys_are_revoked(run: Run, box: Box) -> None:
    assert send(box).status_code == 200
    assert "Keys of GW-1 were revoked: W0G/GW-1/1" in run("gateway", "revoke-key", "GW-1").output
    assert problem(send(box)) == (401, "key-revoked")
    assert "GW-1 has no live key." in run("gateway", "revoke-key", "GW-1").output


def test_a_release_is_added_and_sent(run: Run, box: Box, tmp_path: Path) -> None:
    wanted = release()
    (tmp_path / wanted.file_name).write_bytes(wanted.content)
    arguments = ["gateway", "release", wanted.file_name, "--version", "0.2.0", "--signature"]
    other = base64.urlsafe_b64encode(MAKER.sign(b"something else")).decode()
    assert "maker's" in run(*arguments, other, code=2, JONGNYANG_RELEASE_KEY=PUBLIC).stderr
    assert "Release 0.2.0 was added" in run(*arguments, wanted.signature, JONGNYANG_RELEASE_KEY=PUBLIC).output
    run("gateway", "update", "GW-1", "--version", "0.2.0")
    assert told(box)["commands"]


def test_the_displays_rate_is_set(run: Run, box: Box) -> None:
    assert "estimate 130 won" in run("gateway", "rate", "130", "--from", "2026-01-01").output
    assert told(box)["tariff"] == [{"from": "2026-01-01", "won_per_kg": "130"}]
    assert "Not an amount" in run("gateway", "rate", "dear", code=2).stderr


def test_cards_of_staff_are_added_blocked_and_listed(run: Run, town: Town, database: Database) -> None:
    assert "There is no collector's" in run("card", "list").output
    assert "Card …9CD0 was enrolled: collector." in run("card", "collector", NUMBER).output
    run("card", "service", "0D0031AAA1", "--complex", "W0G001")
    assert "already" in run("card", "collector", NUMBER, code=2).stderr
    assert "no card number" in run("card", "collector", "mine", code=2).stderr
    run("card", "block", "9cd0", "--reason", "lost")
    listed = json.loads(run("card", "list", "--json").output)
    assert [(each["role"], each["last4"], each["complex"], each["blocked_reason"]) for each in listed] == [
        ("collector", "9CD0", None, "lost"),
        ("service", "AAA1", "W0G001", None),
    ]
    assert "blocked" in run("card", "list").output
    assert listed[0]["card_hash"] == town.card(NUMBER)["hash"]
    run("card", "unblock", listed[0]["card_hash"])
    assert rows_of(database, "SELECT count(*) FROM card WHERE blocked_at IS NOT NULL") == [(0,)]
    assert "No card fits FFFF" in run("card", "block", "FFFF", "--reason", "x", code=2).stderr
    run("card", "collector", "AAAAAA9CD0")
    assert "Several cards end in 9CD0" in run("card", "block", "9CD0", "--reason", "x", code=2).stderr


def test_a_card_at_the_bin_is_enrolled(run: Run, box: Box, town: Town, database: Database) -> None:
    town.move_in("1001", "0D0031AAA1")
    place = ("--complex", "W0G001", "--building", "101", "--unit")
    assert "No card was refused" in run("card", "touches").output
    told(box, touches=[touch(box, town.card(NUMBER))])
    assert "9CD0" in run("card", "touches", "--meter", "W0G-M1").output
    assert "no such household" in run("card", "enrol", "9CD0", *place, "9999", code=2).stderr
    assert "W0G001 101-1001" in run("card", "enrol", "9CD0", *place, "1001").output
    assert rows_of(database, "SELECT count(*) FROM card_assignment") == [(2,)]
    assert NUMBER not in run("card", "touches", "--json").output
