"""Every frame that was captured, printed or posted comes out as what it is, wrong ones as nothing."""

import json
from collections import Counter
from typing import Any

import pytest

from gateways.frames import Options
from gateways.frames.protocols import PROTOCOLS
from scripts.fuzz.oracle import ORACLES, first_false
from tests.gateways.frames.support import ROWS, SHARED, Row, in_words, options_for, parser_for, words

OFFERED = {
    "rdm6300", "id20la", "pn532_hsu", "uhf_m100", "cas_22", "cas_and18", "and_standard", "toledo_continuous",
    "toledo_8217", "mt_sics", "ohaus_defender", "ohaus_scoutpro", "kern_ascii",
}  # fmt: skip

# What a class of the collection may become: the first words of readings, or nothing at all ("").
MAY_BE = {
    "card": {"card"},
    "stable_weight": {"stable"},
    "unstable_weight": {"moving"},
    "fault": {"fault"},
    "config_error": {"fault"},
    "reply": {"reply"},
    "reply_or_error": {"reply", "fault"},
    "invalid": {""},
    "invalid_card": {""},
    "command": {""},
    "weight_no_status": {""},
}
# Not offered, and of another shape than any offered frame: nothing, so nothing false.
UNREAD = {"cas_sw2", "cas_10", "cas_cmd", "and_cmd", "hx711_line", "weight_qa"}
JEWELLER = "53 54 2C 47 53 2C 2B 20 20 39 2E 35 32 35 67 20 20 20 0D 0A"  # 20 bytes: no offered protocol has that


def test_exactly_these_protocols_are_offered() -> None:
    assert set(PROTOCOLS) == OFFERED
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.protocol}: {row.about}")
def test_a_frame_says_what_the_table_says(row: Row) -> None:
    parser = parser_for(row.protocol, row.data)
    assert tuple(words(parser.feed(row.data))) == row.says
    assert bool(parser.stats.frames) == bool(row.says)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.protocol}: {row.about}")
def test_byte_by_byte_a_frame_says_the_same(row: Row) -> None:
    parser = parser_for(row.protocol, row.data)
    assert tuple(in_words(reading) for byte in row.data for reading in parser.feed(bytes((byte,)))) == row.says


def shared_frames() -> list[dict[str, Any]]:
    if not SHARED.exists():
        pytest.skip("the collection of published frames (frames.jsonl) is not beside this checkout")
    return [json.loads(line) for line in SHARED.read_text(encoding="utf-8").splitlines()]


def test_the_table_holds_the_whole_collection() -> None:
    mine = Counter(row.data for row in ROWS)
    theirs = Counter(bytes.fromhex(frame["hex"]) for frame in shared_frames())
    assert len(shared_frames()) == 119
    assert not theirs - mine


def test_the_table_agrees_with_what_the_collection_says_of_each_frame() -> None:
    says = {(row.protocol, row.data): row.says for row in ROWS}
    for frame in shared_frames():
        data = bytes.fromhex(frame["hex"])
        if frame["protocol"] not in OFFERED:
            continue
        got = {what.split()[0] for what in says[frame["protocol"], data]} or {""}
        # An acknowledgement may come before the card.
        assert got - {"reply"} <= MAY_BE[frame["class"]] or got <= MAY_BE[frame["class"]], frame["meaning"]
        assert got & MAY_BE[frame["class"]], frame["meaning"]
        if frame["expect"] in ("reject", "command"):
            assert not got & {"card", "stable", "moving"}, frame["meaning"]


def test_frames_of_relatives_are_read_rightly_or_not_at_all() -> None:
    relatives = [frame for frame in shared_frames() if frame["protocol"] not in OFFERED]
    says = {row.data: row.says for row in ROWS}
    for frame in relatives:
        data = bytes.fromhex(frame["hex"])
        if frame["protocol"] in UNREAD or frame["hex"] == JEWELLER:
            assert says[data] == ()
        else:
            assert {what.split()[0] for what in says[data]} == MAY_BE[frame["class"]]


@pytest.mark.parametrize("protocol", sorted(OFFERED))
def test_no_parser_reads_a_card_or_weight_that_is_not_there_from_anybodys_frame(protocol: str) -> None:
    for row in ROWS:
        for checksum in (True, False):
            options = Options(options_for(protocol).unit, checksum)
            readings = PROTOCOLS[protocol].make(options).feed(row.data)
            assert first_false(ORACLES[protocol], row.data, options, readings) is None


def test_a_parser_set_for_the_wrong_device_reads_nothing_of_its_frames() -> None:
    for row in ROWS:
        for protocol in OFFERED - {row.protocol}:
            got = words(parser_for(protocol, row.data).feed(row.data))
            if (protocol, row.protocol) not in ALIKE:
                # Ohaus scales speak MT-SICS too: their error is one there.
                assert got in ([], ["reply error ES"]), (protocol, row.about)


# One parser for both readers; and the end of an MT-SICS line is a G&G line, when the unit is kg.
ALIKE = {("rdm6300", "id20la"), ("id20la", "rdm6300"), ("kern_ascii", "mt_sics")}
