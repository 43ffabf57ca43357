"""The port log holds what a replay needs, in bounded files, and never a card number, however it was sent or damaged."""

import itertools
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.cards import hash_card
from gateways.config import DeviceConfig
from gateways.devices.device import Device
from gateways.devices.portlog import PortLog, log_files
from gateways.frames import DeviceProtocol, FrameStats, Options, TagRead
from gateways.frames.protocols import PROTOCOLS
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.simulate.devices import READERS, ReaderModel
from gateways.simulate.pty import Cable
from tests.gateways.devices.support import CARD_KEY, CAS, Now, card_frame, gather, weight_frame

NUMBER = "0D00319CD0"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PortLog]:
    made = PortLog(tmp_path / "log", CARD_KEY, "boot-1")
    yield made
    made.close()


def text_of(log: PortLog) -> str:
    log.close()
    return "".join(path.read_text() for path in log_files(log._folder))


def rows_of(log: PortLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(log).splitlines()]


def without_what_may_stand(log: PortLog, numbers: list[str]) -> str:
    """The log's text without what is allowed there: true hashes, last fours, times and counts."""
    allowed = {(card.hash, card.last4) for card in (hash_card(number, CARD_KEY) for number in numbers)}
    rows = rows_of(log)
    for row in rows:
        assert row.keys() <= {"boot_id", "at_ms", "port", "bytes", "cards", "rejects", "noise_bytes"}
        for card in row.get("cards", []):
            assert (card.pop("hash"), card.pop("last4")) in allowed
            assert not card
        assert all(type(row.pop(name, 0)) is int for name in ("at_ms", "bytes", "noise_bytes"))
    return json.dumps(rows).upper()


def assert_no_piece(log: PortLog, numbers: list[str]) -> None:
    """No run of four digits of any number, as text or as hex of its ASCII, last fours aside."""
    text = without_what_may_stand(log, numbers)
    for number in numbers:
        for start in range(len(number) - 4):
            piece = number[start : start + 4]
            assert piece not in text
            assert piece.encode().hex().upper() not in text


numbers = st.lists(
    st.binary(min_size=5, max_size=5).filter(any).map(lambda id_: id_.hex().upper()), min_size=1, max_size=4
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], list[bytes]]:
    """Card numbers, and the chunks in which their frames arrive: whole, cut, flipped, repeated or run together."""
    chosen = draw(numbers)
    stream = bytearray()
    for number in chosen:
        frame = bytearray(card_frame(number))
        match draw(st.sampled_from(["whole", "whole", "cut", "flipped", "headless", "twice"])):
            case "cut":
                del frame[draw(st.integers(1, 13)) :]
            case "flipped":
                frame[draw(st.integers(0, 13))] ^= 1 << draw(st.integers(0, 7))
            case "headless":
                del frame[: draw(st.integers(1, 13))]
            case "twice":
                frame = frame * 2
        stream += frame
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=20)))
    edges = [0, *cuts, len(stream)]
    return chosen, [bytes(stream[left:right]) for left, right in itertools.pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(streams())
def test_no_piece_of_a_card_number_reaches_the_log_of_a_reader(
    tmp_path_factory: pytest.TempPathFactory, sent: tuple[list[str], list[bytes]]
) -> None:
    chosen, chunks = sent
    log = PortLog(tmp_path_factory.mktemp("log"), CARD_KEY, "b")
    parser = Rdm6300Parser()
    read = []
    for at, chunk in enumerate(chunks):
        readings = parser.feed(chunk)
        read += [reading.number for reading in readings if isinstance(reading, TagRead)]
        log.received("p", float(at), "reader", len(chunk), readings, parser.stats)
    assert_no_piece(log, list({*chosen, *read}))


def scale_protocols() -> list[tuple[DeviceProtocol, Options]]:
    return [
        (protocol, Options(unit="kg" if protocol.needs_unit else None))
        for protocol in PROTOCOLS.values()
        if protocol.kind == "scale"
    ]


@settings(max_examples=60, deadline=None)
@given(sent=streams(), ending=st.sampled_from([b"\x03", b"\r\n\x03"]))
def test_a_reader_plugged_in_where_the_scale_belongs_leaves_no_piece_either(
    tmp_path_factory: pytest.TempPathFactory, sent: tuple[list[str], list[bytes]], ending: bytes
) -> None:
    chosen, chunks = sent
    log = PortLog(tmp_path_factory.mktemp("log"), CARD_KEY, "b")
    for protocol, options in scale_protocols():
        parser = protocol.make(options)
        for at, chunk in enumerate(chunks):
            data = chunk.replace(b"\x03", ending)
            log.received(protocol.name, float(at), "scale", len(data), parser.feed(data), parser.stats)
    assert_no_piece(log, chosen)


def test_every_cut_of_a_frame_at_an_unplug_leaves_no_piece(log: PortLog) -> None:
    frame = card_frame(NUMBER)
    for length in range(1, len(frame)):
        parser = Rdm6300Parser()
        log.received("p", 1.0, "reader", length, parser.feed(frame[:length]), parser.stats)
    assert_no_piece(log, [NUMBER])


# --- What is recorded


def test_cards_are_recorded_as_hash_and_last_four(log: PortLog) -> None:
    log.received("r", 1.5, "reader", 14, [TagRead(NUMBER)], FrameStats(1))
    card = hash_card(NUMBER, CARD_KEY)
    assert rows_of(log) == [
        {"boot_id": "boot-1", "at_ms": 1500},
        {"at_ms": 1500, "port": "r", "bytes": 14, "cards": [{"hash": card.hash, "last4": "9CD0"}]},
    ]


def test_a_devices_weights_are_recorded_as_the_bytes_they_came_in(tmp_path: Path, log: PortLog) -> None:
    cable = Cable(tmp_path / "port")
    device = Device(DeviceConfig(str(cable.link), "cas_22"), "scale", Now(), log, CAS)
    device.poll(0.0)
    frame = weight_frame(500)
    cable.write(b"noise" + frame * 3)
    assert len(gather(lambda: device.read(0.0), 2)) == 2  # the first one is not trusted
    device.close()
    cable.close()
    rows = [row for row in rows_of(log) if "hex" in row]
    assert bytes.fromhex("".join(row["hex"] for row in rows)) == frame * 2
    assert b"noise".hex() not in text_of(log)


def test_rejects_and_noise_are_counted_once(log: PortLog) -> None:
    stats = FrameStats(noise_bytes=2)
    stats.rejects["checksum"] = 1
    log.received("r", 1.0, "reader", 16, [], stats)
    log.received("r", 1.1, "reader", 16, [], stats)
    stats.rejects["checksum"] = 3
    log.received("r", 1.2, "reader", 16, [], stats)
    assert [row.get("rejects") for row in rows_of(log)[1:]] == [{"checksum": 1}, {"checksum": 2}]


def test_a_lid_is_recorded_when_it_moves_and_once_a_minute(log: PortLog) -> None:
    for second in range(130):
        log.lid("l", float(second), second in (50, 51))
    assert [(row["at_ms"], row["lid"]) for row in rows_of(log)[1:]] == [
        (0, "closed"),
        (50_000, "open"),
        (52_000, "closed"),
        (112_000, "closed"),
    ]


# --- Files


def test_the_files_are_private_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    log = PortLog(tmp_path / "log", CARD_KEY, "b", file_bytes=1000, files=3)
    for second in range(200):
        log.received("s", float(second), "scale", 22, CAS.make(Options()).feed(weight_frame(10)), FrameStats())
    log.close()
    files = log_files(tmp_path / "log")
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files) < 3 * 1200
    assert json.loads(files[-1].read_text().splitlines()[-1])["at_ms"] == 199_000
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


def test_each_file_tells_how_the_lid_stands(tmp_path: Path) -> None:
    log = PortLog(tmp_path / "log", CARD_KEY, "b", file_bytes=400, files=3)
    for second in range(12):
        log.lid("l", float(second), False)
        log.received("s", float(second), "scale", 22, CAS.make(Options()).feed(weight_frame(10)), FrameStats())
    log.close()
    assert all('"lid":"closed"' in path.read_text() for path in log_files(tmp_path / "log"))


def test_a_new_process_goes_on_in_a_new_file(tmp_path: Path) -> None:
    for boot in ("b1", "b2"):
        log = PortLog(tmp_path / "log", CARD_KEY, boot)
        log.lid("l", 1.0, True)
        log.close()
    assert [path.name for path in log_files(tmp_path / "log")] == ["ports-00000001.jsonl", "ports-00000002.jsonl"]


def test_a_folder_that_cannot_be_written_costs_a_minutes_pause_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    log = PortLog(tmp_path / "log", CARD_KEY, "b")
    log.lid("l", 1.0, True)
    (tmp_path / "log").unlink()
    log.lid("l", 30.0, False)
    assert not (tmp_path / "log").exists()
    log.lid("l", 61.1, True)
    assert [row["at_ms"] for row in rows_of(log)] == [61_100, 61_100]


def answers(reader: Any, number: str, protocol: DeviceProtocol, options: Options) -> bytes:
    """What the reader says in a dialogue while the card is held."""
    dialogue = protocol.dialogue_for(options)
    questions = [*dialogue.start, *[question for question in (dialogue.poll,) if question]]
    return reader.push(number) + b"".join(reader.hear(question, number) for question in questions)


@pytest.mark.parametrize("model", READERS, ids=lambda model: f"{model.protocol} {model.options}")
def test_no_reader_leaves_its_number_in_text_or_binary_however_its_bytes_are_cut(
    log: PortLog, model: ReaderModel
) -> None:
    number = {10: NUMBER, 8: "04B0864D"}.get(min(model.digits), "E200001D731501652140FC6B")
    protocol, options = PROTOCOLS[model.protocol], Options(framing=model.options.get("framing"))
    data = answers(model.make(), number, protocol, options)
    for cut in range(1, len(data)):
        parser = protocol.make(options)
        for chunk in (data[:cut], data[cut:], data[: -cut % 7]):
            log.received("p", 1.0, "reader", len(chunk), parser.feed(chunk), parser.stats)
    assert '"cards"' in text_of(log)
    assert_no_piece(log, [number])
