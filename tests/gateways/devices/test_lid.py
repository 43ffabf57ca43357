"""What is sent to a lid's controller, and how its position is known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.config import ConfigError, LidConfig, load_config
from gateways.devices.lid import Lid, RelayLid, make_lid, relay_command
from gateways.devices.ports import SerialPort
from gateways.simulate.pty import Cable
from tests.gateways.devices.support import CONFIG, Now, heard
from tests.gateways.fake_server import wait_until

ON, OFF = bytes.fromhex("A00101A2"), bytes.fromhex("A00100A1")


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "lid")
    yield made
    made.close()


@pytest.fixture
def port(cable: Cable, now: Now) -> Iterator[SerialPort]:
    made = SerialPort(str(cable.link), now)
    made.poll()
    yield made
    made.close()


def relay(port: SerialPort, **settings: object) -> Lid:
    return make_lid(LidConfig(port.path, "relay", switch="spoken", **settings), port)  # type: ignore[arg-type]


def say(cable: Cable, port: SerialPort, lid: Lid, data: bytes) -> list[bool]:
    """The far end says something; return what the lid makes of it at once."""
    before = port.counts.bytes_read
    cable.write(data)
    told: list[bool] = []
    assert wait_until(
        lambda: (told.extend(lid.feed(port.read())), port.counts.bytes_read == before + len(data))[1], 2.0
    )
    return told


# --- Relay


def test_the_relay_commands_are_those_of_the_data_sheet() -> None:
    assert relay_command(1, True) == ON
    assert relay_command(1, False) == OFF
    assert relay_command(2, True) == bytes.fromhex("A00201A3")
    assert relay_command(8, False) == bytes.fromhex("A00800A8")


def test_the_lock_is_powered_for_the_pulse_only(cable: Cable, port: SerialPort, now: Now) -> None:
    lid = relay(port, pulse_ms=500)
    lid.open()
    assert heard(cable, ON)
    now.s += 0.4
    lid.feed(b"")
    assert cable.read() == b""
    now.s += 0.1
    lid.feed(b"")
    assert heard(cable, OFF)
    lid.feed(b"")
    assert cable.read() == b""


def test_opening_twice_prolongs_the_pulse(cable: Cable, port: SerialPort, now: Now) -> None:
    lid = relay(port, pulse_ms=500)
    lid.open()
    now.s += 0.4
    lid.open()
    now.s += 0.4
    lid.feed(b"")
    assert heard(cable, ON + ON)
    now.s += 0.1
    lid.feed(b"")
    assert heard(cable, OFF)


def test_a_replugged_board_is_brought_to_rest(cable: Cable, port: SerialPort) -> None:
    lid = relay(port, close_channel=2, alarm_channel=3)
    lid.alarm(True)
    assert heard(cable, bytes.fromhex("A00301A4"))
    lid.reset()
    assert heard(cable, OFF + bytes.fromhex("A00200A2") + bytes.fromhex("A00301A4"))


def test_a_lid_without_motor_and_buzzer_ignores_both(cable: Cable, port: SerialPort) -> None:
    lid = relay(port)
    lid.close()
    lid.alarm(True)
    lid.open()
    assert heard(cable, ON)


def test_a_motor_is_pulsed_to_close(cable: Cable, port: SerialPort, now: Now) -> None:
    lid = relay(port, close_channel=2)
    lid.close()
    now.s += 0.8
    lid.feed(b"")
    assert heard(cable, bytes.fromhex("A00201A3") + bytes.fromhex("A00200A2"))


def test_a_position_counts_when_two_looks_agree(cable: Cable, port: SerialPort) -> None:
    lid = relay(port)
    assert say(cable, port, lid, b"LID OPEN\r\n") == []
    assert lid.feed(b"") == [True]
    assert lid.feed(b"") == []
    assert lid.feed(b"LID CLOSED\r\n") == []
    assert lid.feed(b"LID OPEN\r\n") == []  # it bounced
    assert lid.feed(b"LID CLOSED\r\n") == []
    assert lid.feed(b"") == [False]


def test_asked_again_a_lid_that_has_not_moved_says_so(cable: Cable, port: SerialPort) -> None:
    lid = relay(port)
    say(cable, port, lid, b"LID OPEN\r\n")
    assert lid.feed(b"") == [True]
    lid.ask()
    assert lid.feed(b"") == [True]


def test_a_port_without_modem_lines_says_so_and_nothing_about_the_lid(
    port: SerialPort, capsys: pytest.CaptureFixture[str]
) -> None:
    lid = make_lid(LidConfig(port.path, "relay"), port)
    assert isinstance(lid, RelayLid)
    assert [position for _ in range(5) for position in lid.feed(b"")] == []
    assert lid.stats()["last_error"] == "switch_unreadable"
    assert capsys.readouterr().out.count("lid_switch_unreadable") == 1


class Lines:
    """Stands for the driver of an adapter that has modem lines."""

    def __init__(self) -> None:
        self.cts = True


def test_a_modem_line_that_is_on_means_closed(port: SerialPort, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines()
    monkeypatch.setattr(port, "is_asserted", lambda name: getattr(lines, name))
    lid = make_lid(LidConfig(port.path, "relay", switch="cts"), port)
    assert [lid.feed(b""), lid.feed(b"")] == [[], [False]]
    lines.cts = False  # the lid opens, or the wire breaks
    assert [lid.feed(b""), lid.feed(b"")] == [[], [True]]


# --- Simulated


def test_the_simulated_lid_speaks_its_documented_lines(cable: Cable, port: SerialPort) -> None:
    lid = make_lid(LidConfig(port.path, "simulated"), port)
    lid.open()
    lid.close()
    lid.alarm(True)
    lid.alarm(False)
    lid.ask()
    assert heard(cable, b"O\rC\rA1\rA0\rS\r")
    assert say(cable, port, lid, b"LID OPEN\r\nrubbish\r\nLID CLOSED\r\nLID OP") == [True, False]
    lid.reset()
    assert say(cable, port, lid, b"EN\r\nLID OPEN\r\n") == [True]
    stats = lid.stats()
    assert stats["frames"] == 3
    assert stats["rejects"] == {"unknown_line": 2}


def test_a_relay_channel_that_no_board_has_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG.replace('driver = "simulated"', 'driver = "relay"\nchannel = 9'))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert f"{path}:{CONFIG.count(chr(10)) + 1}:" in caught.value.in_words("en")
