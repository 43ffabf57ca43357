"""A bad record is quarantined with its code while its neighbours are stored, and it is kept as it came."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.db import Database
from tests.builders import Box, Town
from tests.metering.reading import agrees, ledger, quarantine, statuses

BAD = {
    "unknown field": ({"colour": "green"}, "unknown_field"),
    "wrong type": ({"net_g": "410"}, "malformed"),
    "fraction of a gram": ({"net_g": 410.5}, "malformed"),
    "missing card hash": ({"card": {"last4": "9CD0"}}, "malformed"),
    "card number instead of its hash": ({"card": {"hash": "0D00319CD0", "last4": "9CD0"}}, "malformed"),
    "unknown outcome": ({"outcome": "eaten"}, "malformed"),
    "evidence that is no object": ({"evidence": []}, "malformed"),
    "time without a zone": ({"occurred_at": "2026-11-22T09:30:00"}, "malformed"),
    "negative deposit": ({"net_g": -410, "gross_after_g": 11590}, "weight_implausible"),
    "absurd deposit": ({"net_g": 900_000, "gross_after_g": 912_000}, "weight_implausible"),
    "absurd gross weight": ({"gross_before_g": 99_000_000}, "malformed"),
    "settled without a weight": ({"net_g": None}, "weight_implausible"),
    "unsettled with a weight": ({"outcome": "unsettled"}, "weight_implausible"),
    "net that is not the difference": ({"net_g": 400}, "net_mismatch"),
    "unknown meter": ({"meter": "W0G-M99"}, "unknown_meter"),
    "recorded after it was sent": ({"mono_ms": 10_000_000_001}, "clock_inconsistent"),
    "empty name": ({"meter": ""}, "malformed"),
    "number zero": ({"seq": 0}, "malformed"),
}


@pytest.mark.parametrize(("changes", "code"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_bad_record_is_kept_aside_and_its_neighbours_are_stored(
    box: Box, database: Database, changes: dict[str, Any], code: str
) -> None:
    bad = box.record(2) | changes
    answer = box.post([box.record(1), bad, box.record(3)])
    assert [item[1:] for item in statuses(answer)] == [("stored", None), ("quarantined", code), ("stored", None)]
    assert [row.seq for row in ledger(database)] == [1, 3]
    kept = quarantine(database)
    assert [(item.code, msgspec.json.decode(item.raw)) for item in kept] == [(code, bad)]
    assert agrees(database)


@pytest.mark.parametrize(
    ("ago", "code"),
    [(timedelta(minutes=-10), "future_time"), (timedelta(days=4 * 365), "past_time")],
)
def test_a_time_that_cannot_be_is_kept_aside(box: Box, database: Database, ago: timedelta, code: str) -> None:
    bad = box.record(1, ago=ago, boot_id="another boot", mono_ms=5)
    assert statuses(box.post([bad])) == [(1, "quarantined", code)]
    assert ledger(database) == []


def test_a_record_for_another_gateways_meter_is_kept_aside(box: Box, town: Town, database: Database) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    assert statuses(box.post([box.record(1, meter="W0G-M3")])) == [(1, "quarantined", "foreign_meter")]
    assert ledger(database) == []


def test_an_unreadable_element_is_kept_with_its_bytes(box: Box, database: Database) -> None:
    body = msgspec.json.encode(box.envelope([])).replace(b'"discharges":[]', b'"discharges":[17,{"seq":"x"},null]')
    answer = box.post_body(body)
    assert [item[1:] for item in statuses(answer)] == [("quarantined", "malformed")] * 3
    assert [bytes(kept.raw) for kept in quarantine(database)] == [b"17", b'{"seq":"x"}', b"null"]


def test_bytes_that_are_no_text_poison_neither_the_batch_nor_the_database(box: Box, database: Database) -> None:
    good, bad = box.record(1), box.record(2, evidence={"note": "MARK"})
    body = msgspec.json.encode(box.envelope([good, bad])).replace(b"MARK", b"\xff\xfe")
    assert [item[1:] for item in statuses(box.post_body(body))] == [("stored", None), ("quarantined", "malformed")]
    assert b"\xff\xfe" in bytes(quarantine(database)[0].raw)


def test_text_with_a_null_character_is_stored_as_it_came(box: Box, database: Database) -> None:
    assert statuses(box.post([box.record(1, flags=["a\x00b"], evidence={"n\x00": "\x00"})])) == [(1, "stored", None)]
    assert ledger(database)[0].flags == r'["a\u0000b"]'


def test_an_unknown_card_is_suspense_and_remembered(box: Box, town: Town, database: Database) -> None:
    card = town.card("1F00644BB6")
    box.post([box.weighing(1, 500, card=card)])
    row = ledger(database)[0]
    assert (row.household_id, row.billable, row.card_hash.hex() if row.card_hash else None) == (
        None,
        False,
        card["hash"],
    )
    with database.session() as session:
        from app.metering.models import UnknownCard

        assert session.get_one(UnknownCard, (1, bytes.fromhex(card["hash"]))).last4 == "4BB6"


@pytest.mark.parametrize("outcome", ["negative", "collection", "unattended_step", "empty_open", "aborted", "recovered"])
def test_what_is_no_deposit_is_in_the_ledger_and_not_billed(
    box: Box, town: Town, database: Database, outcome: str
) -> None:
    net = {"negative": -500, "collection": -12000, "unattended_step": -12000, "recovered": 410}.get(outcome, 0)
    card = town.move_in("1001", "0D00319CD0")
    record = box.record(1, card=card, outcome=outcome, net_g=net, gross_after_g=12000 + net)
    assert statuses(box.post([record])) == [(1, "stored", None)]
    assert [(row.outcome, row.billable) for row in ledger(database)] == [(outcome, False)]
    assert agrees(database)


@pytest.mark.parametrize("odd", [rb'"\ud800"', b"NaN", b"[Infinity]", rb'{"\udfff": 1}'])
def test_json_that_only_some_read_stays_the_fault_of_its_record(box: Box, database: Database, odd: bytes) -> None:
    good = box.record(1)
    body = msgspec.json.encode(box.envelope([good, box.record(2, evidence={"x": "MARK"}), box.record(3)]))
    answer = box.post_body(body.replace(b'"MARK"', odd))
    assert [item[1:] for item in statuses(answer)] == [("stored", None), ("quarantined", "malformed"), ("stored", None)]
    assert odd in bytes(quarantine(database)[0].raw)
    assert statuses(box.post([good])) == [(1, "duplicate", None)]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    "cut", [b'{"discharges":[NaN', b'{"discharges":[NaN,', b'{"a" 1}', b"{NaN", b'{"discharges":NaN}']
)
def test_what_is_no_json_even_then_is_a_broken_body(box: Box, database: Database, cut: bytes) -> None:
    assert box.post_body(cut).json["type"] in ("/problems/broken-json", "/problems/broken-envelope")
    assert quarantine(database) == []
