"""Ports on real pseudo-terminals: locked, coming back, never older than they look."""

import fcntl
import itertools
import os
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.devices.ports import SerialPort, _name, _tune, may_swap
from gateways.frames import FrameStats, Line
from gateways.simulate.pty import Cable
from tests.gateways.devices.support import Now, gather, heard
from tests.gateways.fake_server import wait_until

HOLD = """
import sys, time
from gateways.devices.ports import SerialPort
port = SerialPort(sys.argv[1], time.monotonic)
port.poll()
print(port.is_open, port.counts.last_error, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "port")
    yield made
    made.close()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def port(cable: Cable, now: Now) -> Iterator[SerialPort]:
    made = SerialPort(str(cable.link), now)
    yield made
    made.close()


def hold(link: Path) -> "subprocess.Popen[str]":
    """Another gateway's process that opens the port and keeps it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(link)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) and not line.startswith(("True", "False")):
        pass  # the log's own lines
    process.said = line.strip()  # type: ignore[attr-defined]
    return process


def let_go(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def waiting_bytes(port: SerialPort) -> int:
    assert port._serial is not None
    return port._serial.in_waiting


# --- Reading and writing


def test_what_arrived_is_read_in_one_go(cable: Cable, port: SerialPort) -> None:
    assert port.poll()
    cable.write(b"x" * 100)
    cable.write(b"y" * 100)
    assert wait_until(lambda: waiting_bytes(port) == 200)
    assert port.read() == b"x" * 100 + b"y" * 100
    assert port.counts.bytes_read == 200


def test_a_port_with_nothing_to_say_stays_open(port: SerialPort) -> None:
    port.poll()
    assert port.read() == b""
    assert port.is_open


def test_what_was_sent_before_the_port_opened_is_thrown_away(cable: Cable, port: SerialPort) -> None:
    cable.write(b"old frame")
    port.poll()
    cable.write(b"new")
    assert wait_until(lambda: waiting_bytes(port) > 0)
    assert port.read() == b"new"


def test_a_closed_port_swallows_writes_and_reads_nothing(tmp_path: Path) -> None:
    port = SerialPort(str(tmp_path / "missing"), Now())
    port.write(b"O\r")
    assert port.read() == b""
    with pytest.raises(ValueError, match="closed"):
        port.fileno()


def test_a_device_that_takes_no_bytes_closes_the_port_without_delay(port: SerialPort) -> None:
    port.poll()
    began = time.monotonic()
    while port.is_open and time.monotonic() < began + 5:
        port.write(b"t" * 2000)  # nobody reads at the other end
    assert port.counts.last_error == "stuck"
    assert time.monotonic() - began < 1.0


def test_a_cable_that_nobody_reads_forgets_instead_of_keeping_old_weights(cable: Cable, port: SerialPort) -> None:
    for _ in range(20):
        for _ in range(50):
            cable.write(b"z" * 22)
        time.sleep(0.02)  # the kernel hands bytes over by and by
    descriptor = os.open(cable.link, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    assert len(os.read(descriptor, 100_000)) < 20 * 50 * 22 / 4
    os.close(descriptor)


def test_bytes_of_wrong_parity_are_asked_for_as_nul(cable: Cable) -> None:
    descriptor = os.open(cable.link, os.O_RDWR | os.O_NOCTTY)
    for parity, is_checked in (("N", False), ("E", True), ("O", True)):
        _tune(descriptor, Line(parity=parity))  # type: ignore[arg-type]
        flags = termios.tcgetattr(descriptor)[0]
        assert bool(flags & termios.INPCK) is is_checked
        assert not flags & (termios.IGNPAR | termios.PARMRK)
    os.close(descriptor)


def test_a_line_is_set_as_asked(cable: Cable, now: Now) -> None:
    port = SerialPort(str(cable.link), now, Line(2400, 8, "N", 2))
    port.poll()
    _, _, flags, _, speed, _, _ = termios.tcgetattr(port.fileno())
    assert speed == termios.B2400
    assert flags & termios.CSTOPB
    port.close()


def test_modem_lines_of_a_pseudo_terminal_are_unknown_and_close_nothing(port: SerialPort) -> None:
    assert port.is_asserted("cts") is None
    port.poll()
    assert port.is_asserted("cts") is None
    assert port.is_open


# --- Locks


def test_a_second_port_object_cannot_share_the_device(cable: Cable, port: SerialPort) -> None:
    assert port.poll()
    now = Now()
    other = SerialPort(str(cable.link), now)
    assert not other.poll()
    assert other.counts.last_error == "in_use"
    port.close()
    now.s += 0.5
    assert other.poll()
    other.close()


def test_a_second_process_cannot_share_the_device_even_as_root(cable: Cable, port: SerialPort, now: Now) -> None:
    assert port.poll()
    second = hold(cable.link)
    assert second.said == "False in_use"  # type: ignore[attr-defined]
    let_go(second)
    cable.write(b"still ours")
    assert b"".join(gather(lambda: [port.read()] if waiting_bytes(port) else [], 1)) == b"still ours"


def test_a_killed_process_leaves_no_lock_behind(cable: Cable, port: SerialPort, now: Now) -> None:
    first = hold(cable.link)
    assert first.said == "True None"  # type: ignore[attr-defined]
    assert not port.poll()
    let_go(first)
    now.s += 0.5
    assert port.poll()


def test_another_name_of_the_same_device_is_locked_too(cable: Cable, port: SerialPort) -> None:
    port.poll()
    other = SerialPort(os.path.realpath(cable.link), Now())
    assert not other.poll()
    assert other.counts.last_error == "in_use"


def is_marked_exclusive(port: SerialPort) -> bool:
    marked = bytearray(4)
    fcntl.ioctl(port.fileno(), 0x80045440, marked)  # TIOCGEXCL
    return any(marked)


def test_a_real_port_is_closed_to_programs_that_know_nothing_of_locks(
    port: SerialPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.devices.ports._PTY_MAJORS", range(0))  # let this one pass for a real port
    port.poll()
    assert is_marked_exclusive(port)


def test_a_pseudo_terminal_gets_no_mark_of_exclusive_use_that_would_outlive_us(port: SerialPort) -> None:
    port.poll()
    assert not is_marked_exclusive(port)


# --- Coming back


def test_a_missing_port_is_tried_again_with_growing_pauses(tmp_path: Path, now: Now) -> None:
    port = SerialPort(str(tmp_path / "missing"), now)
    attempts = []
    while now.s < 40:
        before = port.counts.errors
        port.poll()
        if port.counts.errors > before:
            attempts.append(now.s)
        now.s += 0.5
    assert [right - left for left, right in itertools.pairwise(attempts)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert port.counts.last_error == "missing"


def test_an_unplugged_port_closes_and_comes_back_when_it_is_plugged_in(tmp_path: Path, now: Now) -> None:
    first = Cable(tmp_path / "port")
    port = SerialPort(str(first.link), now)
    port.poll()
    first.close()
    assert port.read() == b""
    assert not port.is_open
    assert port.counts.last_error == "unplugged"
    assert not port.poll()
    second = Cable(tmp_path / "port")
    now.s += 0.6
    assert port.poll()
    second.write(b"back")
    assert b"".join(gather(lambda: [port.read()] if waiting_bytes(port) else [], 1)) == b"back"
    assert port.counts.opens == 2
    port.close()
    second.close()


def test_a_port_unplugged_for_long_is_back_within_a_second_of_its_replug(tmp_path: Path, now: Now) -> None:
    first = Cable(tmp_path / "port")
    port = SerialPort(str(first.link), now)
    port.poll()
    first.close()
    port.read()
    while now.s < 60.3:  # far into the back-off
        assert not port.poll()
        now.s += 0.1
    second = Cable(tmp_path / "port")
    plugged_at = now.s
    while not port.poll() and now.s < plugged_at + 20:
        now.s += 0.05
    assert now.s - plugged_at <= 1.0
    port.close()
    second.close()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_an_unplug_that_never_gives_an_error_is_seen_by_the_path(tmp_path: Path, now: Now, is_replaced: bool) -> None:
    first = Cable(tmp_path / "port")
    port = SerialPort(str(first.link), now)
    port.poll()
    first.link.unlink()  # both ends of the old one stay open: no hang-up
    second = Cable(tmp_path / "port") if is_replaced else None
    now.s += 0.5
    port.poll()
    assert port.is_open  # looked at once a second
    now.s += 0.6
    port.poll()
    assert not port.is_open
    assert port.counts.last_error == ("moved" if is_replaced else "unplugged")
    now.s += 0.6
    assert port.poll() is is_replaced
    port.close()
    first.close()
    if second is not None:
        second.close()


def test_a_write_to_an_unplugged_port_closes_it(tmp_path: Path, now: Now) -> None:
    cable = Cable(tmp_path / "port")
    port = SerialPort(str(cable.link), now)
    port.poll()
    cable.close()
    port.write(b"O\r")
    assert not port.is_open


def test_a_path_that_is_no_serial_port_is_an_error_like_any_other(tmp_path: Path, now: Now) -> None:
    path = tmp_path / "file"
    path.write_text("no port")
    port = SerialPort(str(path), now)
    assert not port.poll()
    assert (port.counts.last_error or "").startswith("io: ")


def test_errors_are_named_for_people() -> None:
    assert _name(OSError(2, "x")) == "missing"
    assert _name(OSError(13, "x")) == "denied"
    assert _name(OSError(16, "x")) == "in_use"
    assert _name(termios.error(5, "x")) == "unplugged"
    assert _name(ValueError("bad rate")) == "io: bad rate"


# --- What is told


def test_names_that_may_swap_on_a_replug_are_known_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    assert may_swap("/dev/ttyUSB0")
    assert may_swap("/dev/ttyACM12")
    assert not may_swap("/dev/serial/by-id/usb-FTDI_A1-if00-port0")
    assert not may_swap("/dev/ttyAMA0")
    SerialPort("/dev/ttyUSB99", Now())
    assert "port_may_swap" in capsys.readouterr().out


def test_the_statistics_are_the_wires_port_object(cable: Cable, port: SerialPort) -> None:
    frames = FrameStats(frames=3, noise_bytes=2)
    frames.rejects["checksum"] = 1
    closed = {"open": False, "frames": 0, "rejects": {}, "noise_bytes": 0, "errors": 0, "last_error": None}
    assert port.stats() == closed
    port.poll()
    said = {"open": True, "frames": 3, "rejects": {"checksum": 1}, "noise_bytes": 2, "errors": 0}
    assert port.stats(frames) == {**said, "last_error": None}
    assert port.stats(frames, "no_frames") == {**said, "last_error": "no_frames"}


def test_heard_bytes_prove_that_writing_works(cable: Cable, port: SerialPort) -> None:
    port.poll()
    port.write(b"O\r")
    assert heard(cable, b"O\r")
