"""What is known of each protocol besides its frames."""

from types import SimpleNamespace

import pytest

from gateways.frames import DeviceProtocol, Line, Options
from gateways.frames.protocols import PROTOCOLS, by_name
from gateways.frames.rdm6300 import Rdm6300Parser
from scripts.fuzz.inputs import FRAMES
from scripts.fuzz.oracle import ORACLES
from tests.gateways.frames.support import ROWS, read, words

READERS = {"rdm6300", "id20la", "pn532_hsu", "uhf_m100"}


def test_each_protocol_knows_whether_it_reads_cards_or_weights() -> None:
    assert {name for name, protocol in PROTOCOLS.items() if protocol.kind == "reader"} == READERS
    for row in ROWS:
        kinds = {word.split()[0] for word in row.says} - {"reply"}
        assert kinds <= ({"card"} if row.protocol in READERS else {"stable", "moving", "fault"})


def test_each_protocol_is_fuzzed_and_has_frames_in_the_table() -> None:
    assert set(ORACLES) == set(FRAMES) == {row.protocol for row in ROWS} == set(PROTOCOLS)


def test_two_modules_with_one_name_are_refused() -> None:
    first, second = (
        DeviceProtocol(name="x", kind="reader", make=lambda _options: Rdm6300Parser(), line=Line()) for _ in range(2)
    )
    with pytest.raises(ValueError, match="call their protocol x"):
        by_name(iter((first, second)))


@pytest.mark.parametrize(
    ("protocol", "line"),
    [
        ("rdm6300", Line(9600, 8, "N")),
        ("id20la", Line(9600, 8, "N")),
        ("pn532_hsu", Line(115200, 8, "N")),
        ("uhf_m100", Line(115200, 8, "N")),
        ("cas_22", Line(9600, 8, "N")),
        ("and_standard", Line(2400, 7, "E")),
        ("toledo_8217", Line(9600, 7, "E")),
        ("mt_sics", Line(9600, 8, "N")),
    ],
)
def test_ports_are_set_as_the_devices_leave_the_factory(protocol: str, line: Line) -> None:
    assert PROTOCOLS[protocol].line == line
    assert line not in PROTOCOLS[protocol].other_lines


def test_what_the_host_says_is_what_the_manuals_print() -> None:
    pn532 = PROTOCOLS["pn532_hsu"].dialogue
    wake_up, limit_retries = pn532.start
    assert wake_up == bytes.fromhex("5555" + "00" * 14 + "0000FF05FBD4140100011600")
    assert limit_retries == bytes.fromhex("0000FF06FAD43205FF0101F400")
    assert pn532.poll == bytes.fromhex("0000FF04FCD44A0100E100")
    assert pn532.identify == bytes.fromhex("0000FF02FED4022A00")
    uhf = PROTOCOLS["uhf_m100"]
    assert uhf.dialogue_for(Options()).poll == bytes.fromhex("BB00220000227E")
    assert uhf.dialogue_for(Options(framing="AA")).poll == bytes.fromhex("AA0022000022DD")
    assert uhf.dialogue.start == (bytes.fromhex("BB00280000287E"),)
    assert uhf.dialogue.identify == bytes.fromhex("BB00030001 0004 7E".replace(" ", ""))
    assert PROTOCOLS["mt_sics"].dialogue.poll == b"SI\r\n"
    assert PROTOCOLS["mt_sics"].dialogue.identify == b"I4\r\n"
    assert PROTOCOLS["toledo_8217"].dialogue.poll == b"W"


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_what_the_host_says_is_nothing_when_it_comes_back(protocol: str) -> None:
    spoken = PROTOCOLS[protocol]
    for dialogue in (spoken.dialogue, *spoken.dialogues.values()):
        for said in (*dialogue.start, dialogue.poll, dialogue.identify):
            if said is not None:
                assert read(protocol, said) == []


def test_a_recording_tells_whether_there_is_a_check_byte_and_a_live_port_is_not_asked() -> None:
    infer = PROTOCOLS["toledo_continuous"].infer
    without, checked = b"\x02-0  41230     0\r", b"\x02,0   4123     0\r\x1b"
    assert infer(without * 3).checksum is False
    assert infer(without + without[:9]).checksum is False
    assert infer(checked * 3).checksum is True
    assert infer(checked[5:] + checked).checksum is True
    assert infer(b"").checksum is False


def test_the_table_is_in_the_words_of_the_readings() -> None:
    with pytest.raises(AttributeError):
        words([SimpleNamespace()])  # type: ignore[list-item]
