"""Commands: signed, repeated until their result comes or they expire, and only for their own gateway."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.access.signatures import SignedBy
from app.db import Database
from app.fleet.orders import WaitingGateways
from app.registry.service import install_meter
from app.times import now
from tests.builders import LONG_AGO, Box, Town
from tests.fleet.reports import opened, send, told
from tests.metering.reading import problem, rows_of
from tests.metering.staff import Staff

SECRET = b"GW-1".ljust(32)


def order(staff: Staff, kind: str = "sync_cards", code: str = "GW-1", **arguments: str) -> dict[str, Any]:
    answer = staff.post(f"/fleet/gateways/{code}/commands", {"kind": kind, "arguments": arguments})
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json
    return content


def test_a_golden_command_is_signed_as_the_server_signs(app: Flask) -> None:
    from app.access.signatures import Known, Verifier
    from app.fleet.orders import LABEL

    contract = Path(__file__).parents[1] / "contract"
    golden = json.loads((contract / "command.json").read_text())
    claim = json.loads((contract / "claim_response.json").read_text())
    verifier: Verifier = app.extensions["jongnyang.verifier"]
    opened(golden, bytes(range(32)))
    verifier._keys._known[claim["key_id"]] = Known(1, 1, bytes(range(32)), confirmed=True)
    assert verifier.sign(claim["key_id"], LABEL + golden["command"].encode()) == golden["signature"]


COMMANDS: list[tuple[str, dict[str, str]]] = [
    ("rotate_key", {}),
    ("sync_cards", {}),
    ("roll_back", {}),
    ("open_lid", {"meter": "W0G-M1"}),
]


@pytest.mark.parametrize(("kind", "arguments"), COMMANDS, ids=[kind for kind, _ in COMMANDS])
def test_what_is_asked_again_while_it_waits_is_the_same_command(
    box: Box, staff: Staff, database: Database, kind: str, arguments: dict[str, str]
) -> None:
    first, again = order(staff, kind, **arguments), order(staff, kind, **arguments)
    assert first == again
    assert len(told(box)["commands"]) == 1
    assert rows_of(database, "SELECT count(*) FROM gateway_event WHERE actor = 'kim/desk'") == [(1,)]
    told(box, commands=[{"id": first["id"], "state": "done", "detail": ""}])
    assert order(staff, kind, **arguments)["id"] != first["id"], "what is done can be asked for anew"


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_another_meters_lid_is_another_command_and_so_is_one_that_expired(town: Town, staff: Staff) -> None:
    first, other = order(staff, "open_lid", meter="W0G-M1"), order(staff, "open_lid", meter="W0G-M2")
    with time_machine.travel(now() + timedelta(minutes=6)):
        later = order(staff, "open_lid", meter="W0G-M1")
    assert len({first["id"], other["id"], later["id"]}) == 3


def test_two_who_press_at_once_give_one_command(app: Flask, staff: Staff, town: Town, database: Database) -> None:
    start = Barrier(4)

    def press(_: int) -> str:
        start.wait()
        answer = app.test_client().post(
            "/api/v1/fleet/gateways/GW-1/commands", headers=staff.headers, json={"kind": "rotate_key"}
        )
        return str(answer.json["id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press, range(4)))) == 1


def test_a_command_comes_with_every_reply_until_its_result(box: Box, staff: Staff) -> None:
    made = order(staff, "open_lid", meter="W0G-M1")
    seen = [told(box)["commands"], told(box)["commands"], box.post([box.record(1)]).json["commands"]]
    texts = [opened(command, SECRET) for (command,) in seen]
    assert texts[0] == texts[1] == texts[2]
    golden = json.loads((Path(__file__).parents[1] / "contract" / "command.json").read_text())
    assert texts[0].keys() == json.loads(golden["command"]).keys()
    assert (texts[0]["id"], texts[0]["gateway"], texts[0]["kind"]) == (made["id"], "GW-1", "open_lid")
    assert texts[0]["arguments"] == {"meter": "W0G-M1"}
    assert len(made["id"]) == 22
    assert told(box, commands=[{"id": made["id"], "state": "done", "detail": "opened"}])["commands"] == []
    assert told(box)["commands"] == []
    (listed,) = staff.get("/fleet/gateways/GW-1").json["commands"]
    assert (listed["state"], listed["detail"], listed["created_by"]) == ("done", "opened", "kim/desk")
    assert None not in (listed["delivered_at"], listed["finished_at"])


def test_a_discharge_post_asks_the_database_once_a_second(box: Box, staff: Staff, database: Database) -> None:
    signer = SignedBy(1, 1, "GW-1", "W0G/GW-1/1", "n", now(), confirmed=True)
    clock = [100.0]
    waiting = WaitingGateways(database, clock=lambda: clock[0])
    assert not waiting.holds(signer, now())
    order(staff)
    assert not waiting.holds(signer, now())
    clock[0] += 1.0
    assert waiting.holds(signer, now())


def test_an_expired_command_is_not_sent_and_shown_as_expired(box: Box, staff: Staff) -> None:
    order(staff, "open_lid", meter="W0G-M1")
    with time_machine.travel(now() + timedelta(minutes=5, seconds=1)):
        assert told(box)["commands"] == []
        assert staff.get("/fleet/gateways/GW-1").json["commands"][0]["state"] == "expired"


def test_a_result_that_comes_late_or_twice_stands_as_it_came_first(box: Box, staff: Staff, database: Database) -> None:
    made = order(staff, "open_lid", meter="W0G-M1")
    told(box)
    with time_machine.travel(now() + timedelta(hours=2)):
        for state in ("refused", "done"):
            told(box, commands=[{"id": made["id"], "state": state, "detail": "too late"}])
        assert staff.get("/fleet/gateways/GW-1").json["commands"][0]["state"] == "refused"
    kinds = rows_of(database, "SELECT kind, detail FROM gateway_event WHERE kind LIKE 'command%'")
    assert kinds == [("command_refused", "open_lid: too late")]


def test_a_command_is_only_for_its_own_gateway(box: Box, client: FlaskClient, town: Town, staff: Staff) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    other = Box(client, code="GW-2")
    made = order(staff)
    assert told(other)["commands"] == []
    told(other, commands=[{"id": made["id"], "state": "done", "detail": ""}])
    assert [opened(command, SECRET)["id"] for command in told(box)["commands"]] == [made["id"]]


def test_commands_that_nobody_gave_are_ignored(box: Box, database: Database) -> None:
    assert send(box, commands=[{"id": "x" * 22, "state": "failed", "detail": "?"}]).status_code == 200
    assert rows_of(database, "SELECT count(*) FROM gateway_event WHERE kind LIKE 'command%'") == [(0,)]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kind": "open_lid", "arguments": {"meter": "W0G-M9"}}, "meter"),
        ({"kind": "open_lid", "arguments": {"meter": "W0G-M3"}}, "meter"),
        ({"kind": "open_lid"}, "arguments"),
        ({"kind": "rotate_key", "arguments": {"meter": "W0G-M1"}}, "arguments"),
        ({"kind": "update", "arguments": {"version": "9.9"}}, "version"),
        ({"kind": "self_destruct"}, "kind"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_command_that_cannot_be_is_refused(
    town: Town, staff: Staff, database: Database, wanted: dict[str, Any], field: str
) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    answer = staff.post("/fleet/gateways/GW-1/commands", wanted)
    assert problem(answer) == (422, "invalid")
    assert field in answer.json["errors"]
    assert rows_of(database, "SELECT count(*) FROM gateway_command") == [(0,)]


def test_the_oldest_twenty_come_first(box: Box, town: Town, staff: Staff, database: Database) -> None:
    meters = [f"W0G-L{number}" for number in range(21)]
    with database.begin() as session:
        for meter in meters:
            install_meter(session, town.gateway, town.complex, meter, LONG_AGO)
    ids = [order(staff, "open_lid", meter=meter)["id"] for meter in meters]
    assert [opened(command, SECRET)["id"] for command in told(box)["commands"]] == ids[:20]
