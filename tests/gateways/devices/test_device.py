"""A device says only what is whole, and only if it is the right one; it is spoken to one command at a time."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateways.config import DeviceConfig
from gateways.devices.device import Device, line_of
from gateways.frames import DeviceProtocol, Dialogue, Line, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.simulate.devices import SCALES
from gateways.simulate.pty import Cable
from gateways.simulate.scales import Shown
from tests.gateways.devices.support import CAS, RDM, TALK, Now, card_frame, gather, heard, weight_frame
from tests.gateways.fake_server import wait_until

CARDS = ("0D00319CD0", "330092A6D7")


class Bench:
    """A device at a cable that can be pulled, and time."""

    def __init__(self, folder: Path) -> None:
        self.now = Now()
        self.link = folder / "port"
        self.cable = Cable(self.link)
        self._devices: list[Device] = []

    def device(self, protocol: DeviceProtocol, identity: str = "") -> Device:
        config = DeviceConfig(port=str(self.link), protocol=protocol.name, identity=identity)
        device = Device(config, protocol.kind, self.now, protocol=protocol)
        self._devices.append(device)
        device.poll(self.now.s)
        return device

    def read(self, device: Device, data: bytes, count: int) -> list[TagRead | WeightSample]:
        """Send from the far end and read until `count` readings came."""
        self.cable.write(data)
        return gather(lambda: device.read(self.now.s), count)

    def swallow(self, device: Device, data: bytes) -> None:
        """Send from the far end what yields no reading."""
        before = device.port.counts.bytes_read
        self.cable.write(data)
        got: list[object] = []
        assert wait_until(
            lambda: (got.extend(device.read(self.now.s)), device.port.counts.bytes_read == before + len(data))[1], 2.0
        )
        assert not got

    def hears(self, expected: bytes) -> bool:
        return heard(self.cable, expected)

    def hears_nothing(self) -> bool:
        return self.cable.read() == b""

    def unplug(self) -> None:
        self.cable.close()

    def replug(self, device: Device) -> None:
        self.cable = Cable(self.link)
        self.now.s += 1.0
        device.poll(self.now.s)

    def close(self) -> None:
        for device in self._devices:
            device.close()
        if self.link.is_symlink():
            self.cable.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


# --- Readings


def test_cards_arrive_from_noise_and_cut_frames(bench: Bench) -> None:
    device = bench.device(RDM)
    first, second = (card_frame(number) for number in CARDS)
    readings = bench.read(device, b"\x98\x80" + first[:7] + second + first, 2)
    assert readings == [TagRead(CARDS[1]), TagRead(CARDS[0])]
    assert device.stats()["rejects"] == {"bad_digit": 1}
    assert device.stats()["noise_bytes"] == 2 + 7


def test_the_first_weight_after_opening_is_not_trusted(bench: Bench) -> None:
    device = bench.device(CAS)
    frames = [weight_frame(grams, stable=True) for grams in (110_500, 10_500, 10_510)]
    readings = bench.read(device, b"".join(frames), 2)
    assert [reading.grams for reading in readings if isinstance(reading, WeightSample)] == [10_500, 10_510]
    assert device.stats()["frames"] == 3


def test_the_first_card_after_opening_counts_for_its_frame_has_a_checksum(bench: Bench) -> None:
    assert bench.read(bench.device(RDM), card_frame(CARDS[0]), 1) == [TagRead(CARDS[0])]


def test_half_a_frame_before_the_unplug_and_half_after_it_make_no_frame(bench: Bench) -> None:
    device = bench.device(RDM)
    frame = card_frame(CARDS[0])
    bench.swallow(device, frame[:9])
    bench.unplug()
    assert device.read(bench.now.s) == []
    assert not device.is_open
    bench.replug(device)
    assert device.is_open
    bench.swallow(device, frame[9:])
    assert bench.read(device, frame, 1) == [TagRead(CARDS[0])]


def test_another_device_on_the_port_is_noticed_and_forgiven(bench: Bench) -> None:
    device = bench.device(CAS)
    for number in CARDS * 15:  # the reader's cable in the scale's socket
        bench.swallow(device, card_frame(number))
    assert device.stats()["last_error"] == "no_frames"
    bench.read(device, weight_frame(500, stable=True) * 2, 1)
    assert device.stats()["last_error"] is None


# --- Dialogue


def test_a_device_that_talks_by_itself_is_left_alone(bench: Bench) -> None:
    device = bench.device(CAS)
    bench.now.s += 5
    device.poll(bench.now.s)
    assert bench.hears_nothing()


def test_each_start_command_waits_for_the_answer_of_the_one_before(bench: Bench) -> None:
    device = bench.device(TALK)
    assert bench.hears(b"start1\r")
    device.poll(bench.now.s)
    assert bench.hears_nothing()
    bench.swallow(device, b"A\r")  # an acknowledgement is no answer
    assert bench.hears_nothing()
    bench.swallow(device, b"N\r")
    assert bench.hears(b"start2\r")
    bench.swallow(device, b"N\r")
    assert bench.hears(b"poll\r")


def test_a_start_command_without_an_answer_is_given_its_time(bench: Bench) -> None:
    device = bench.device(TALK)
    bench.now.s += 0.2
    device.poll(bench.now.s)
    assert bench.hears(b"start1\r")
    bench.now.s += 0.2
    device.poll(bench.now.s)
    assert bench.hears(b"start2\r")


def started(bench: Bench, identity: str = "") -> Device:
    device = bench.device(TALK, identity)
    bench.now.s += 0.4
    device.poll(bench.now.s)
    assert bench.hears(b"start1\rstart2\r")
    return device


def polled(bench: Bench, device: Device, after_s: float) -> bool:
    bench.now.s += after_s
    device.poll(bench.now.s)
    return bench.hears(b"poll\r")


def test_a_poll_follows_the_answer_but_not_more_often_than_its_period(bench: Bench) -> None:
    device = started(bench)
    assert polled(bench, device, 0.4)
    bench.swallow(device, b"W 100\r")  # the first weight is not trusted
    assert bench.hears_nothing()
    assert polled(bench, device, 0.11)
    assert bench.read(device, b"W 110\r", 1)[0].grams == 110  # type: ignore[union-attr]
    assert polled(bench, device, 0.11)


def test_an_unanswered_poll_is_repeated_after_a_second(bench: Bench) -> None:
    device = started(bench)
    assert polled(bench, device, 0.4)
    bench.now.s += 0.5
    device.poll(bench.now.s)
    assert bench.hears_nothing()
    assert polled(bench, device, 0.6)


def test_half_an_answer_makes_no_frame_with_the_answer_to_the_next_question(bench: Bench) -> None:
    device = started(bench)
    assert polled(bench, device, 0.4)
    bench.swallow(device, b"W 100\r")  # the first weight is not trusted
    assert polled(bench, device, 0.11)
    bench.swallow(device, b"W 1")
    assert polled(bench, device, 1.1)
    bench.swallow(device, b"10\r")
    assert polled(bench, device, 1.1)
    assert bench.read(device, b"W 120\r", 1)[0].grams == 120  # type: ignore[union-attr]


# --- Identity


def asked(bench: Bench, device: Device, after_s: float) -> bool:
    bench.now.s += after_s
    device.poll(bench.now.s)
    return bench.hears(b"who\r")


def test_without_an_identity_in_the_settings_nobody_asks(bench: Bench) -> None:
    device = started(bench)
    assert device.identity_ok is True
    assert polled(bench, device, 0.4)


def test_a_device_yields_nothing_before_it_has_proven_who_it_is(bench: Bench) -> None:
    device = started(bench, "SN-1")
    assert asked(bench, device, 0.4)
    assert device.identity_ok is None
    bench.swallow(device, b"W 100\rW 100\r")
    bench.swallow(device, b"I SN-1\r")
    assert device.identity_ok is True
    assert bench.read(device, b"W 120\r", 1)[0].grams == 120  # type: ignore[union-attr]


def test_the_wrong_scale_is_named_and_its_weights_are_suppressed(bench: Bench) -> None:
    device = started(bench, "SN-1")
    assert asked(bench, device, 0.4)
    bench.swallow(device, b"I SN-2\r")
    assert device.identity_ok is False
    assert device.stats()["last_error"] == "wrong_device"
    bench.swallow(device, b"W 100\rW 100\rW 100\r")


def test_the_right_scale_plugged_in_again_is_proven_anew(bench: Bench) -> None:
    device = started(bench, "SN-1")
    assert asked(bench, device, 0.4)
    bench.swallow(device, b"I SN-2\r")
    bench.unplug()
    device.read(bench.now.s)
    bench.replug(device)
    assert device.identity_ok is None
    bench.now.s += 0.4
    device.poll(bench.now.s)
    assert bench.hears(b"start1\rstart2\r")
    assert asked(bench, device, 0.4)
    bench.swallow(device, b"I SN-1\r")
    assert device.identity_ok is True


def test_a_device_that_never_says_who_it_is_stays_unproven_and_is_asked_again(bench: Bench) -> None:
    device = started(bench, "SN-1")
    for _ in range(4):
        assert asked(bench, device, 1.1)
    assert device.identity_ok is None
    assert device.stats()["last_error"] == "identity_unanswered"
    bench.swallow(device, b"I SN-1\r")
    assert device.identity_ok is True
    assert device.stats()["last_error"] is None


def test_cables_exchanged_behind_the_adapter_are_noticed_within_a_minute(bench: Bench) -> None:
    device = started(bench, "SN-1")
    assert asked(bench, device, 0.4)
    bench.swallow(device, b"I SN-1\r")
    bench.cable.read()
    assert asked(bench, device, 60.1)
    bench.swallow(device, b"I SN-2\r")
    assert device.identity_ok is False


def test_an_identity_for_a_protocol_that_has_none_is_refused_in_words(bench: Bench) -> None:
    with pytest.raises(ValueError, match="cas_22 cannot be asked"):
        bench.device(CAS, "SN-1")


def test_a_reader_is_no_scale(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no protocol of a scale"):
        Device(DeviceConfig(str(tmp_path / "port"), "rdm6300"), "scale", Now(), protocol=RDM)


def test_the_settings_override_the_protocols_line() -> None:
    config = DeviceConfig("/dev/x", "cas_22", baudrate=2400, parity="E", bytesize=7)
    assert line_of(config, CAS) == Line(2400, 7, "E", 1)


# --- Unplug and replug, wherever the conversation stands


def begin_start(bench: Bench) -> Device:
    return bench.device(TALK, "SN-1")


def begin_identity(bench: Bench) -> Device:
    device = started(bench, "SN-1")
    asked(bench, device, 0.4)
    return device


def begin_poll(bench: Bench) -> Device:
    device = begin_identity(bench)
    bench.swallow(device, b"I SN-1\r")
    bench.hears(b"poll\r")
    return device


def begin_frame(bench: Bench) -> Device:
    device = begin_poll(bench)
    bench.swallow(device, b"W 10")
    return device


@pytest.mark.parametrize("begin", [begin_start, begin_identity, begin_poll, begin_frame])
def test_a_device_unplugged_at_any_time_begins_anew(bench: Bench, begin: Callable[[Bench], Device]) -> None:
    device = begin(bench)
    bench.unplug()
    bench.now.s += 0.05
    device.poll(bench.now.s)
    device.read(bench.now.s)
    assert not device.is_open
    bench.replug(device)
    bench.swallow(device, b"0\rN\r")  # the rest of the cut frame is no weight
    bench.swallow(device, b"N\r")
    bench.swallow(device, b"I SN-1\r")
    assert bench.hears(b"start1\rstart2\rwho\rpoll\r")
    assert device.identity_ok is True
    bench.swallow(device, b"W 100\r")
    assert bench.read(device, b"W 130\r", 1)[0].grams == 130  # type: ignore[union-attr]


def test_a_device_missing_at_the_start_begins_when_it_comes(tmp_path: Path) -> None:
    now = Now()
    device = Device(DeviceConfig(str(tmp_path / "port"), "rdm6300"), "reader", now, protocol=RDM)
    device.poll(0.0)
    assert device.stats()["last_error"] == "missing"
    cable = Cable(tmp_path / "port")
    now.s += 0.6
    device.poll(now.s)
    cable.write(card_frame(CARDS[0]))
    assert gather(lambda: device.read(now.s), 1) == [TagRead(CARDS[0])]
    device.close()
    cable.close()


def test_a_dialogue_without_polls_ends_with_its_start(bench: Bench) -> None:
    device = bench.device(DeviceProtocol("talk", "scale", TALK.make, Line(), Dialogue(start=(b"stream\r",))))
    assert bench.hears(b"stream\r")
    bench.now.s += 10
    device.poll(bench.now.s)
    assert bench.hears_nothing()


@pytest.mark.parametrize("name", ["cas_22", "cas_and18", "and_standard", "ohaus_defender", "kern_ascii"])
def test_whatever_an_unplug_cuts_only_weights_that_were_sent_are_read(bench: Bench, name: str) -> None:
    rng = random.Random(name)
    scale = next(model for model in SCALES if model.protocol == name).make()
    sent = {rng.randrange(1_000, 99_000) // 10 * 10 for _ in range(200)}
    stream = b"".join(scale.push(Shown(grams=grams, stable=True)) for grams in sorted(sent))
    device = bench.device(PROTOCOLS[name])
    read: list[int | None] = []
    for _ in range(25):
        start = rng.randrange(len(stream) - 200)
        part = stream[start : start + rng.randrange(20, 200)]
        before = device.port.counts.bytes_read
        bench.cable.write(part)
        wait_until(
            lambda: (
                read.extend(r.grams for r in device.read(bench.now.s) if isinstance(r, WeightSample)),
                device.port.counts.bytes_read >= before + len(part),  # noqa: B023 - called within the round
            )[1],
            2.0,
        )
        bench.unplug()
        device.read(bench.now.s)
        bench.replug(device)
        assert device.is_open
    assert device.port.counts.opens == 26
    assert len(read) > 50
    assert set(read) <= sent
