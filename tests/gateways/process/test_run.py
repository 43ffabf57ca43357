"""The running gateway and its service manager, over a real notify socket."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateways.health.live import live_path, read_live
from gateways.link.keys import save_key
from tests.gateways.fake_server import FakeServer, Refusal, key_of, wait_until
from tests.gateways.process.test_watchdog import Manager
from tests.gateways.process.world import World

WATCHDOG_S = 1.5  # fed three times in it
CONFIG = """\
server = "{url}"
key_file = "gateway.key"
spool = "spool.db"
[[meters]]
meter = "W0G-001-01-1"
[meters.reader]
port = "{world.reader}"
protocol = "rdm6300"
[meters.scale]
port = "{world.scale}"
protocol = "cas_22"
[meters.lid]
port = "{world.lid}"
driver = "simulated"
[session]
max_gap_s = 2
scale_silent_s = 60
"""


class Running:
    """A gateway process in a folder, with what its manager has heard."""

    def __init__(self, folder: Path, world: World, server: FakeServer) -> None:
        self.world = world
        self.server = server
        self.spool = folder / "spool.db"
        self.manager = Manager(str(folder / "notify"))
        config = folder / "gateway.toml"
        config.write_text(CONFIG.format(url=server.url, world=world), encoding="utf-8")
        save_key(folder / "gateway.key", key_of("W0G-GW-001"))
        self._log = (folder / "log").open("wb")
        watchdog = {"NOTIFY_SOCKET": self.manager.address, "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateways.cli", "run", "--config", str(config), "--grace", "0"],
            env={**os.environ, **watchdog},
            stdout=self._log,
            stderr=self._log,
        )

    def hears(self, message: str) -> bool:
        return message in self.manager.heard()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()
        self.manager.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with FakeServer() as server, World(tmp_path) as world:
        made = Running(tmp_path, world, server)
        try:
            yield made
        finally:
            made.close()


def within(seconds: float, is_so: Callable[[], bool]) -> None:
    assert wait_until(is_so, seconds)


def test_a_gateway_says_when_it_is_ready_that_it_lives_and_that_it_goes(running: Running) -> None:
    within(30, lambda: running.hears("READY=1"))
    assert (running.spool).exists()
    within(30, lambda: running.hears("WATCHDOG=1"))
    within(30, lambda: read_live(live_path(running.spool)) is not None)
    running.process.terminate()
    assert running.process.wait(30) == 0
    assert running.hears("STOPPING=1")
    assert read_live(live_path(running.spool)) is None


def test_a_gateway_whose_disk_does_not_answer_starves_the_watchdog_and_goes_on_when_it_does(running: Running) -> None:
    within(30, lambda: running.hears("WATCHDOG=1"))
    within(30, lambda: bool(running.server.statuses))
    with closing(sqlite3.connect(running.spool, isolation_level=None)) as disk:
        disk.execute("BEGIN IMMEDIATE")  # whoever writes waits, as for a card that does not answer
        running.world.throws_g, running.world.card_held = 410, True
        within(30, lambda: is_silent(running))
        disk.execute("ROLLBACK")
    within(30, lambda: running.hears("WATCHDOG=1"))
    within(30, lambda: [record["net_g"] for record in running.server.records] == [410])


def is_silent(running: Running) -> bool:
    """Whether the manager has heard nothing for as long as it would restart the gateway."""
    running.manager.heard()
    time.sleep(WATCHDOG_S)
    return not running.hears("WATCHDOG=1")


def test_a_server_that_is_away_starves_nothing(running: Running) -> None:
    within(30, lambda: running.hears("WATCHDOG=1"))
    running.server.misbehave = lambda _path, _body: Refusal()
    for _ in range(3):
        assert not is_silent(running)
