"""Real gateway processes in real time: cables pulled, a disk that fills, a second process on the same ports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateways.cli import main
from gateways.link.keys import save_key
from gateways.messages import say
from tests.gateways.fake_server import key_of
from tests.gateways.unplug.bench import text
from tests.gateways.unplug.place import PORTS, Place

KIM, LEE = "0D00319CD0", "1F00644BB6"
STEP_S: Final = 0.02
WITHIN_S: Final = 60.0

# Nobody listens at that address: the box serves without a server. Short waits, or the test would be one.
CONFIG: Final = """\
server = "http://127.0.0.1:9"
key_file = "gateway.key"
spool = "{spool}"

[session]
stable_s = 0.3
stable_frames = 3
settle_delay_s = 0.1
card_gone_s = 0.3

[spool_limits]
min_free_bytes = 1000000
reserve_bytes = 100000

[[meters]]
meter = "W0G-001-01-1"
[meters.reader]
port = "{folder}/reader"
protocol = "rdm6300"
[meters.scale]
port = "{folder}/scale"
protocol = "cas_22"
[meters.lid]
port = "{folder}/lid"
driver = "simulated"
[meters.display]
port = "{folder}/display"
language = "en"
"""


class Gateway:
    """One process; `booked` are the records that it has told of, `log` what it says to operators."""

    def __init__(self, folder: Path, place: Path, spool: Path) -> None:
        self.config = folder / "gateway.toml"
        self.config.write_text(CONFIG.format(folder=place, spool=spool), encoding="utf-8")
        if not (folder / "gateway.key").exists():
            save_key(folder / "gateway.key", key_of("W0G-GW-001"))
        self._out, self._log = folder / "out", folder / "log"
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self.process = subprocess.Popen(self.command("run", "--json", "--grace", "0"), stdout=out, stderr=log)

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "gateways.cli", name, "--config", str(self.config), *arguments]

    @property
    def booked(self) -> list[tuple[str, int | None]]:
        lines: list[dict[str, Any]] = [json.loads(line) for line in self._out.read_bytes().splitlines()]
        return [(line["outcome"], line["net_g"]) for line in lines]

    def logged(self, event: str, **fields: str) -> int:
        """How often the log tells of this event with these fields."""
        lines = [json.loads(line) for line in self._log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        return sum(line["event"] == event and fields.items() <= line.items() for line in lines)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WITHIN_S)


class World:
    """The place in real time; it moves only while somebody waits for something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder, stays_open_s=0.8, tries_every_s=2.0)

    def run_until(self, condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, f"not within {within_s} s; {self.place}\n{self._logs()}"
            self.place.step(time.monotonic())
            time.sleep(STEP_S)

    def _logs(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*/log"))

    @contextmanager
    def gateway(self, name: str = "", spool: Path | None = None) -> Iterator[Gateway]:
        home = self.folder / (name or "box")
        home.mkdir(exist_ok=True)
        gateway = Gateway(home, self.folder, spool or home / "spool.db")
        try:
            yield gateway
        finally:
            gateway.process.kill()
            gateway.process.wait()

    def pull(self, gateway: Gateway, port: str) -> None:
        """Pull the cable until the gateway says so; it must say as well that it is back."""
        path = str(self.folder / port)
        self.place.unplug(port)
        self.run_until(lambda: gateway.logged("port_failed", path=path, error="unplugged") == 1)
        self.place.replug(port)
        self.run_until(lambda: gateway.logged("port_opened", path=path) == 2)

    def deposit(self, gateway: Gateway, number: str, grams: int) -> None:
        before = gateway.booked
        self.place.visit(number, grams)
        self.run_until(lambda: len(gateway.booked) > len(before))
        assert gateway.booked == [*before, ("settled", grams)]


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder)
    yield made
    made.place.close()


def test_each_cable_of_a_running_gateway_may_be_pulled_and_put_back(world: World) -> None:
    with world.gateway() as gateway:
        world.run_until(lambda: gateway.logged("port_opened") == 4)
        for port in PORTS:
            world.pull(gateway, port)
        world.deposit(gateway, KIM, 410)
        assert gateway.end() == 0


def test_a_second_gateway_on_the_same_spool_says_so_and_one_on_the_same_ports_waits(world: World) -> None:
    with world.gateway() as first:
        world.run_until(lambda: first.logged("port_opened") == 4)
        again = subprocess.run(
            first.command("run", "--lang", "en"), capture_output=True, text=True, check=False, timeout=WITHIN_S
        )
        assert again.returncode == 1
        assert again.stdout == ""
        assert say("en", "spool_in_use", path=first.config.with_name("spool.db")) in again.stderr
        with world.gateway("other") as second:
            world.run_until(lambda: second.logged("port_failed", error="in_use") >= 4)
            world.deposit(first, LEE, 730)
            assert second.booked == []
            first.end(signal.SIGKILL)
            world.run_until(lambda: second.logged("port_opened") == 4)
            world.deposit(second, KIM, 520)
            assert second.end() == 0


def test_a_disk_that_fills_ends_service_but_not_the_session_under_way_until_there_is_room(
    small_disk: Path, world: World
) -> None:
    with world.gateway(spool=small_disk / "spool.db") as gateway:
        world.place.stays_open_s = 6.0  # longer than the box looks away from its disk
        world.place.visit(KIM, 410)
        world.run_until(lambda: world.place.is_open)
        ballast = small_disk / "ballast"
        room = os.statvfs(small_disk)
        ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - 500_000))
        world.run_until(lambda: gateway.booked == [("settled", 410)])
        world.place.visit(LEE, 730)
        world.run_until(lambda: world.place.texts[-1:] == [text("bin_refused_disk_full")])
        assert not world.place.is_open
        status = CliRunner().invoke(main, ["status", "--config", str(gateway.config), "--lang", "en"])
        assert status.exit_code == 1
        assert "service is refused for want of disk" in status.output
        ballast.unlink()
        world.run_until(lambda: len(gateway.booked) == 2)
        assert gateway.booked == [("settled", 410), ("settled", 730)]
        assert gateway.end() == 0
