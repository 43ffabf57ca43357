"""The gateway writes exactly the golden requests and reads the golden answers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateways.api import Server
from gateways.cards import Card, hash_card
from gateways.clock import Clock, Instant
from gateways.events import Draft
from gateways.keys import GatewayKey
from gateways.records import (
    SCHEMA,
    AliveInterval,
    DischargeAnswer,
    DischargeBatch,
    MeterStatus,
    SpoolStatus,
    StatusReport,
    encode_record,
)
from tests.gateways.fake_server import FakeServer

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
    )
    assert msgspec.json.encode(report) == golden("status_request")


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


@pytest.mark.parametrize("name", ["claim_response", "discharges_request", "discharges_response", "status_request"])
def test_no_golden_file_holds_a_card_number(name: str) -> None:
    assert b"0D00319CD0" not in golden(name)
