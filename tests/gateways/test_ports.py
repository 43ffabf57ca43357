"""Ports on real pseudo-terminals: locked, coming back, never older than they look."""

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.ports import SerialPort
from gateways.simulate.pty import Cable
from tests.gateways.fake_server import wait_until


class Now:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "port")
    yield made
    made.close()


@pytest.fixture
def port(cable: Cable) -> Iterator[SerialPort]:
    made = SerialPort(str(cable.link), Now())
    yield made
    made.close()


def test_what_arrived_is_read_in_one_go(cable: Cable, port: SerialPort) -> None:
    assert port.poll()
    cable.write(b"x" * 100)
    cable.write(b"y" * 100)
    assert wait_until(lambda: port._serial is not None and port._serial.in_waiting == 200)
    assert port.read() == b"x" * 100 + b"y" * 100
    assert port.stats.bytes_read == 200


def test_what_was_sent_before_the_port_opened_is_thrown_away(cable: Cable, port: SerialPort) -> None:
    cable.write(b"old frame")
    port.poll()
    cable.write(b"new")
    assert wait_until(lambda: port._serial is not None and port._serial.in_waiting > 0)
    assert port.read() == b"new"


def test_a_second_process_cannot_share_a_port(cable: Cable, port: SerialPort) -> None:
    assert port.poll()
    other = SerialPort(str(cable.link), Now())
    assert not other.poll()
    assert "lock" in (other.stats.last_error or "")
    port.close()
    other._retry_at = 0.0
    assert other.poll()
    other.close()


def test_a_missing_port_is_tried_again_with_growing_pauses(tmp_path: Path) -> None:
    now = Now()
    port = SerialPort(str(tmp_path / "missing"), now)
    attempts = []
    while now.s < 40:
        before = port.stats.errors
        port.poll()
        if port.stats.errors > before:
            attempts.append(now.s)
        now.s += 0.5
    assert [right - left for left, right in itertools.pairwise(attempts)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_an_unplugged_port_closes_and_comes_back_when_it_is_plugged_in(tmp_path: Path) -> None:
    now = Now()
    first = Cable(tmp_path / "port")
    port = SerialPort(str(first.link), now)
    port.poll()
    first.close()
    assert port.read() == b""
    assert not port.is_open
    assert not port.poll()
    second = Cable(tmp_path / "port")
    now.s += 0.6
    assert port.poll()
    second.write(b"back")
    arrived: list[bytes] = []
    assert wait_until(lambda: (arrived.append(port.read()), b"".join(arrived) == b"back")[1])
    port.close()
    second.close()


def test_a_closed_port_swallows_writes_and_reads_nothing(tmp_path: Path) -> None:
    port = SerialPort(str(tmp_path / "missing"), Now())
    port.write(b"O\r")
    assert port.read() == b""
    with pytest.raises(ValueError, match="closed"):
        port.fileno()


def test_a_cable_that_nobody_reads_forgets_instead_of_keeping_old_weights(cable: Cable, port: SerialPort) -> None:
    for _ in range(20):
        for _ in range(50):
            cable.write(b"z" * 22)
        time.sleep(0.02)  # the kernel hands bytes over by and by
    descriptor = os.open(cable.link, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    assert len(os.read(descriptor, 100_000)) < 20 * 50 * 22 / 4
    os.close(descriptor)
