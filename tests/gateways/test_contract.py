"""The gateway writes exactly the golden requests and reads the golden answers."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateways.cards import Card, hash_card
from gateways.clock import Clock, Instant
from gateways.link.api import Server
from gateways.link.keys import GatewayKey, KeyRing
from gateways.link.records import (
    SCHEMA,
    AliveInterval,
    CardsAnswer,
    CardsStatus,
    Command,
    CommandResult,
    DischargeAnswer,
    DischargeBatch,
    DiskStatus,
    KeysAnswer,
    MeterStatus,
    Notice,
    SignedCommand,
    SpoolStatus,
    StatusAnswer,
    StatusReport,
    Touch,
    encode_record,
)
from gateways.weighing.events import Draft
from tests.gateways.fake_server import FakeServer, sign_command

GOLDEN = Path(__file__).parents[1] / "contract"
BOOT = "6a1c0c0e-3f0e-4d5c-9a53-0d1f2b7c8e11"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().strip()


def record_again(value: dict[str, Any]) -> bytes:
    """Spool the golden record as if its session had just ended here."""
    card = value["card"]
    draft = Draft(
        at=value["mono_ms"] / 1000,
        outcome=value["outcome"],
        card=Card(card["hash"], card["last4"]) if card else None,
        gross_before_g=value["gross_before_g"],
        gross_after_g=value["gross_after_g"],
        net_g=value["net_g"],
        flags=value["flags"],
        evidence=value["evidence"],
    )
    moment = Instant(datetime.fromisoformat(value["occurred_at"]), value["clock"], value["mono_ms"])
    return encode_record(value["seq"], value["meter"], draft, moment, value["boot_id"])


def test_a_batch_is_written_byte_for_byte_as_in_the_contract() -> None:
    value = json.loads(golden("discharges_request"))
    bodies = [msgspec.Raw(record_again(record)) for record in value["discharges"]]
    batch = DischargeBatch(SCHEMA, value["epoch"], BOOT, value["sent_at"], value["mono_ms"], bodies)
    assert msgspec.json.encode(batch) == golden("discharges_request")


def test_a_status_is_written_byte_for_byte_as_in_the_contract() -> None:
    value = json.loads(golden("status_request"))
    (meter,) = value["meters"]
    (interval,) = meter["alive"]
    alive = AliveInterval(interval["from"], interval["to"], interval["clock"], interval["boot_id"], interval["mono_ms"])
    report = StatusReport(
        schema=SCHEMA,
        epoch=value["epoch"],
        boot_id=BOOT,
        sent_at=value["sent_at"],
        mono_ms=value["mono_ms"],
        clock=value["clock"],
        firmware=value["firmware"],
        spool=SpoolStatus(**value["spool"]),
        meters=[MeterStatus(**{**meter, "alive": [msgspec.Raw(msgspec.json.encode(alive))]})],
        disk=DiskStatus(**value["disk"]),
        cards=CardsStatus(**value["cards"]),
        commands=[CommandResult(**result) for result in value["commands"]],
        touches=[Touch(**{**touch, "card": Card(**touch["card"])}) for touch in value["touches"]],
        notices=[Notice(**notice) for notice in value["notices"]],
    )
    assert msgspec.json.encode(report) == golden("status_request")


def test_an_older_gateways_status_is_the_same_without_its_end() -> None:
    old, new = json.loads(golden("status_request_minimal")), json.loads(golden("status_request"))
    (meter,) = new["meters"]
    del meter["ports"]
    assert old == {name: new[name] for name in old}


def test_the_golden_answer_to_a_status_is_understood() -> None:
    answer = msgspec.json.decode(golden("status_response"), type=StatusAnswer)
    assert [(refused.meter, refused.code) for refused in answer.refused] == [("W0G-001-01-9", "unknown_meter")]
    assert answer.cards_version == "18"
    assert answer.tariff is not None
    assert [(step.from_, step.won_per_kg) for step in answer.tariff] == [
        (date(2026, 1, 1), Decimal("130")),
        (date(2027, 1, 1), Decimal("147.5")),
    ]
    assert [json.loads(bytes(raw)) for raw in answer.commands] == [json.loads(golden("command"))]


def test_an_older_servers_answer_to_a_status_says_nothing_of_cards_and_fees() -> None:
    answer = msgspec.json.decode(b'{"server_time":"2026-11-22T09:30:05.120Z"}', type=StatusAnswer)
    assert (answer.cards_version, answer.tariff, answer.commands) == (None, None, [])


def test_the_golden_command_is_signed_with_the_golden_secret() -> None:
    key = msgspec.json.decode(golden("claim_response"), type=GatewayKey)
    signed = msgspec.json.decode(golden("command"), type=SignedCommand)
    assert sign_command(signed.command, key.secret_bytes) == signed.signature
    command = msgspec.json.decode(signed.command, type=Command)
    assert (command.gateway, command.kind, command.arguments) == ("W0G-GW-001", "open_lid", {"meter": "W0G-001-01-1"})
    assert len(command.id) == 22


def test_the_golden_lists_of_cards_are_understood() -> None:
    full = msgspec.json.decode(golden("cards_response_full"), type=CardsAnswer)
    changes = msgspec.json.decode(golden("cards_response_changes"), type=CardsAnswer)
    assert [(card.state, card.role) for card in full.set] == [
        ("allowed", "collector"),
        ("allowed", "household"),
        ("blocked", "household"),
    ]
    assert (full.version, full.complete, full.valid_for_s, full.removed) == ("17", True, 2_592_000, [])
    assert (changes.version, changes.complete, len(changes.set), len(changes.removed)) == ("18", False, 1, 1)


def test_the_golden_second_key_is_understood() -> None:
    key = msgspec.json.decode(golden("claim_response"), type=GatewayKey)
    answer = msgspec.json.decode(golden("keys_response"), type=KeysAnswer)
    ring = KeyRing(key)
    ring.offer(answer.key_id, answer.secret)
    assert (ring.signing.key_id, len(ring.signing.secret_bytes)) == ("W0G/W0G-GW-001/2", 32)
    assert ring.signing.card_key == key.card_key


def test_the_golden_answer_is_understood() -> None:
    answer = msgspec.json.decode(golden("discharges_response"), type=DischargeAnswer)
    assert [(result.seq, result.status, result.code) for result in answer.results] == [
        (1, "stored", None),
        (2, "duplicate", None),
        (3, "quarantined", "unknown_meter"),
    ]
    assert (answer.acked_through, answer.high_seq) == (3, 3)
    assert answer.server_time == datetime(2026, 11, 22, 9, 30, 5, 120_000, UTC)


def test_an_answer_with_fields_of_a_newer_server_is_understood() -> None:
    value = {**json.loads(golden("discharges_response")), "motd": "hello"}
    assert msgspec.json.decode(json.dumps(value), type=DischargeAnswer).high_seq == 3


def test_the_golden_claim_hashes_the_golden_card() -> None:
    key = msgspec.json.decode(golden("claim_response"), type=GatewayKey)
    assert hash_card("0D00319CD0", key.card_key_bytes) == Card("6df0a637cfb25f7828ec0609be837c99", "9CD0")
    assert len(key.secret_bytes) == 32


def test_a_claim_sends_the_two_fields_and_understands_the_key() -> None:
    with FakeServer() as fake:
        server = Server(fake.url, Clock())
        key = server.claim("code-of-W0G-GW-001", "machine-1")
        server.close()
        assert key.key_id == "W0G/W0G-GW-001/1"
        ((path, body),) = fake.requests
    assert path == "/api/v1/gateways/claim"
    assert json.loads(body) == {"claim_code": "code-of-W0G-GW-001", "hardware_id": "machine-1"}


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json")))
def test_no_golden_file_holds_a_card_number(name: str) -> None:
    assert b"0D00319CD0" not in golden(name)
