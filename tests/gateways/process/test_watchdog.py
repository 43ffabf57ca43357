"""The watchdog is fed by real progress only, over a real notify socket."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.health.notify import Notifier, watchdog_s
from gateways.health.progress import LIMITS, Progress, Watchdog

LOOPS = sorted(LIMITS)


class Manager:
    """What systemd is to the service: a datagram socket that is listened to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(0)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@jongnyang-test-{os.getpid()}"
    made = Manager(address)
    yield made
    made.close()


class Time:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Gateway:
    """A watchdog on a clock that is moved by hand, and what its manager hears meanwhile."""

    def __init__(self, manager: Manager) -> None:
        self.clock = Time()
        self.progress = Progress(self.clock)
        self.notifier = Notifier(manager.address)
        self._watchdog = Watchdog(self.notifier, self.progress, interval_s=5)
        self._manager = manager

    def live(self, seconds: int, loops: list[str]) -> list[str]:
        """Let time pass while only `loops` beat; return what the manager heard."""
        heard = []
        for _ in range(seconds):
            self.clock.at += 1
            for name in loops:
                self.progress.beat(name)
            self._watchdog.tick(self.clock.at)
            heard += self._manager.heard()
        return heard


def test_the_manager_hears_each_message_as_sd_notify_writes_it(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    notifier.ready()
    notifier.status("종량기 2대\nport lost")
    notifier.watchdog()
    notifier.stopping()
    assert manager.heard() == ["READY=1", "STATUS=종량기 2대 port lost", "WATCHDOG=1", "STOPPING=1"]
    notifier.close()


@pytest.mark.parametrize("hanging", LOOPS)
def test_a_loop_that_hangs_starves_the_watchdog_until_it_moves_again(manager: Manager, hanging: str) -> None:
    gateway = Gateway(manager)
    others = [name for name in LOOPS if name != hanging]
    assert gateway.live(60, LOOPS) == ["WATCHDOG=1"] * 12

    gateway.live(int(LIMITS[hanging]) + 5, others)
    assert gateway.live(60, others) == []
    assert gateway.progress.late(gateway.clock.at) == [hanging]

    assert gateway.live(10, LOOPS) == ["STATUS=moves again", "WATCHDOG=1", "WATCHDOG=1"]
    gateway.notifier.close()


def test_what_never_started_is_late_and_what_waits_on_purpose_is_not() -> None:
    clock = Time()
    progress = Progress(clock, {"ports": 10, "uplink": 20})
    clock.at += 15
    assert progress.late(clock.at) == ["ports"]
    progress.beat("uplink", pause_s=300)
    clock.at += 319
    assert progress.late(clock.at) == ["ports"]
    clock.at += 2
    assert progress.late(clock.at) == ["ports", "uplink"]
    progress.beat("ports", at=clock.at - 9)
    assert progress.late(clock.at) == ["uplink"]
    clock.at += 2
    assert progress.late(clock.at) == ["ports", "uplink"]


@given(st.lists(st.tuples(st.sampled_from([*LOOPS, None]), st.floats(0, 40)), max_size=60))
def test_the_gateway_is_healthy_exactly_while_no_loop_has_been_silent_beyond_its_limit(
    steps: list[tuple[str | None, float]],
) -> None:
    clock = Time()
    progress = Progress(clock)
    last = dict.fromkeys(LOOPS, clock.at)
    for name, pause in steps:
        clock.at += pause
        if name is not None:
            progress.beat(name)
            last[name] = clock.at
        silent = {name for name, at in last.items() if clock.at > at + LIMITS[name]}
        assert set(progress.late(clock.at)) == silent
        assert progress.is_healthy(clock.at) == (not silent)


def test_without_a_manager_nothing_is_sent_and_nothing_breaks(tmp_path: Path) -> None:
    for address in (None, "", str(tmp_path / "gone")):
        notifier = Notifier(address)
        notifier.ready()
        notifier.close()


def test_a_manager_that_does_not_read_stops_nothing(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    for _ in range(2000):
        notifier.watchdog()
    assert manager.heard()
    notifier.close()


def test_the_address_is_taken_from_the_environment_and_not_left_to_children(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    notifier = Notifier.from_environment()
    notifier.ready()
    child = [sys.executable, "-c", "import os; print(os.environ.get('NOTIFY_SOCKET'))"]
    assert subprocess.run(child, capture_output=True, text=True, check=True).stdout == "None\n"
    assert manager.heard() == ["READY=1"]
    notifier.close()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        (None, None, None),
        ("60000000", None, 60.0),
        ("60000000", "mine", 60.0),
        ("60000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
    ],
)
def test_the_managers_limit_is_read_if_it_is_meant_for_this_process(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", str(os.getpid()) if pid == "mine" else pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert watchdog_s() == seconds
