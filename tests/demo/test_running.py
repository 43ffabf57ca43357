"""`jongnyang demo run` as a newcomer uses it: a process in an empty folder, a browser, Ctrl-C."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

JONGNYANG = Path(sys.executable).with_name("jongnyang")
PATIENCE = 45.0


class Demo:
    """A running demo in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.output = folder / f"output-{time.monotonic_ns()}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JONGNYANG_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [JONGNYANG, "--lang", "en", "demo", "run", "--rate", "120", "--days", "40"],
                cwd=folder,
                env=environment | {"JONGNYANG_BIND": f"127.0.0.1:{port}"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def password(self) -> str:
        found = re.search(r"administrator: demo  password (\w+)  code \d{6}", self.said)
        assert found
        return found[1]

    @property
    def code(self) -> str:
        """The present code of the administrator, by the command that the welcome names."""
        command = [JONGNYANG, "--lang", "en", "demo", "codes"]
        said = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout
        found = re.search(r"administrator: demo  password \w+  code (\d{6})", said)
        assert found
        return found[1]

    def wait(self, happened: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < until, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.1)

    def wait_for_discharges(self, count: int) -> None:
        self.wait(lambda: "g discharged" in self.said and len(ledger(self.folder)) >= count)

    def processes(self) -> set[int]:
        """Everything that descends from the demo, the demo included."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                number, rest = status.read_text().split(" ", 1)
            except OSError:
                continue  # it ended meanwhile
            parents[int(number)] = int(rest.rpartition(")")[2].split()[1])
        found = {self.process.pid}
        while more := {number for number, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


def ledger(folder: Path) -> list[tuple[int, int, int]]:
    """The numbers of the discharges that the service has booked; the history is in each gateway's first epoch."""
    with closing(sqlite3.connect(f"file:{folder / 'var/jongnyang.db'}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT gateway_id, epoch_no, seq FROM discharge WHERE epoch_no > 1").fetchall()


def left_of(processes: set[int]) -> list[str]:
    """What is still there of these processes, after the grace that those have who notice by themselves."""
    until = time.monotonic() + 30
    while (left := [pid for pid in processes if Path(f"/proc/{pid}/cmdline").exists()]) and time.monotonic() < until:
        time.sleep(0.1)
    return [f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes()!r}" for pid in left]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Callable[[], Demo]]:
    started: list[Demo] = []

    def begin() -> Demo:
        started.append(Demo(tmp_path, port))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(30)


def look_around(demo: Demo) -> str:
    """Log in as printed; the text of the first page."""
    with requests.Session() as browser:
        browser.trust_env = False
        browser.headers["Accept"] = "text/html"
        assert browser.get(f"{demo.url}/readyz", timeout=10).json()["status"] == "ready"
        form = browser.get(demo.url, timeout=10)
        assert form.url.startswith(f"{demo.url}/login")
        token = form.text.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        filled = {"login": "demo", "password": demo.password, "csrf_token": token}
        form = browser.post(form.url, data=filled, timeout=10)
        assert "/login/code" in form.url
        token = form.text.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        page = browser.post(form.url, data={"code": demo.code, "csrf_token": token}, timeout=10)
        assert page.status_code == 200
        assert "/login" not in page.url
        return page.text


def test_a_demo_serves_stops_without_a_trace_and_goes_on_where_it_was(start: Callable[[], Demo]) -> None:
    first = start()
    first.wait_for_discharges(2)
    assert "outage of 마곡엠밸리3단지" in first.said
    assert "마곡엠밸리3단지" in look_around(first)
    processes = first.processes()
    assert len(processes) >= 6  # the demo, service and worker, simulator, three gateways
    assert first.stop(signal.SIGINT) == 0
    assert not left_of(processes)
    assert "Traceback" not in first.said
    booked = ledger(first.folder)

    second = start()
    second.wait_for_discharges(len(booked) + 1)
    assert second.password == first.password
    processes = second.processes()
    second.stop(signal.SIGKILL)
    assert not left_of(processes - {second.process.pid})
    after = ledger(second.folder)
    assert set(booked) < set(after)
    assert_without_gap_or_repetition(after)


def assert_without_gap_or_repetition(numbers: list[tuple[int, int, int]]) -> None:
    assert {epoch for _, epoch, _ in numbers} == {2}  # no gateway lost its spool
    for gateway in {gateway for gateway, _, _ in numbers}:
        sequence = sorted(seq for each, _, seq in numbers if each == gateway)
        assert sequence == list(range(1, len(sequence) + 1))


def test_a_demo_that_is_stopped_while_it_starts_stops_at_once(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait(lambda: "Preparing" in demo.said)
    assert demo.stop(signal.SIGTERM) == 0
    assert "Simulating" not in demo.said
    assert "Traceback" not in demo.said


def test_a_service_that_ends_by_itself_ends_the_demo_with_1(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait(lambda: "Simulating" in demo.said)
    processes = demo.processes()
    os.kill(min(filter(is_serving, processes)), signal.SIGKILL)  # the master, which is older than its worker
    assert demo.process.wait(20) == 1
    assert "The service ended by itself (exit code -9)" in demo.said
    assert "Traceback" not in demo.said
    assert not left_of(processes)


def is_serving(pid: int) -> bool:
    return b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def test_a_port_in_use_is_named_with_a_way_out(start: Callable[[], Demo], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        demo = start()
        assert demo.process.wait(30) == 2
    assert f"Another program uses 127.0.0.1:{port}" in demo.said
    assert f"JONGNYANG_BIND=127.0.0.1:{port + 1} make run" in demo.said
    assert not (demo.folder / "var" / "jongnyang.db").exists()
