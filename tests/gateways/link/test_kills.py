"""kill -9 at every send and every commit of the uplink: nothing is lost and nothing doubled."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateways.cards import Card
from gateways.clock import Clock
from gateways.spool import Spool, Stamp, open_spool
from tests.gateways.fake_server import FakeServer
from tests.gateways.link.rig import METER

ROOT = Path(__file__).parents[3]


class Mortal:
    """The program of killed.py."""

    def __init__(self, url: str, spool: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateways.link.killed", url, str(spool)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )

    def run(self, deadly: int) -> tuple[int, int]:
        """Return the moments lived through (-1 if killed) and the exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{deadly}\n")
        self._process.stdin.flush()
        lived, status = self._process.stdout.readline().split()
        return int(lived), int(status)

    def end(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


@contextmanager
def mortal(url: str, spool: Path) -> Iterator[Mortal]:
    made = Mortal(url, spool)
    try:
        yield made
    finally:
        made.end()


def fill(spool: Spool, clock: Clock, records: int) -> None:
    """Everything that an uplink takes from a spool and forgets."""
    for _ in range(records):
        spool.append(
            METER, lambda seq: json.dumps({"seq": seq, "meter": METER}, separators=(",", ":")).encode(), Stamp("b", 1)
        )
    spool.add_notice("disk_full", "x", clock.now(), clock.boot_id)
    spool.note_touch(METER, Card("0" * 32, "0000"), "card_unknown", clock.now(), clock.boot_id)
    spool.add_alive([(METER, b'{"from":"2026-11-22T09:00:00.000Z"}')])


def test_killed_at_every_send_and_every_commit_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path, clock, kills, expected = tmp_path / "spool.db", Clock(), 0, 0
    with FakeServer() as fake, closing(open_spool(path)) as spool, mortal(fake.url, path) as box:
        spool._db.execute("PRAGMA synchronous = OFF")
        fake.lists.cards["a"] = {"0" * 32: ("allowed", "household")}
        fake.lists.tariff = [{"from": "2026-01-01", "won_per_kg": "130"}]
        for deadly in range(1, 100):
            fill(spool, clock, 15)
            if len(fake.results) == len(fake.commands):
                fake.command("open_lid", meter="W0G-999-01-1")  # refused: this box has no such meter
            expected += 15
            lived, status = box.run(deadly)
            if status == 0:
                assert lived < deadly
                break
            assert status == -signal.SIGKILL
            kills += 1
        else:
            raise AssertionError("it never lived to the end")
        assert box.run(0)[1] == 0
        assert spool.depth().records == 0
        seqs = [record["seq"] for record in fake.records]
        assert seqs == list(range(1, expected + 1))
        assert fake.conflicts == 0
        assert kills >= 30, kills
        assert spool.notices(1) == spool.touches(1) == spool.alive(1) == []
        assert len(fake.commands) == len(fake.results) + len(spool.command_results(999))


def test_what_is_told_again_after_a_kill_carries_the_same_id(tmp_path: Path) -> None:
    path, clock = tmp_path / "spool.db", Clock()
    with FakeServer() as fake, closing(open_spool(path)) as spool, mortal(fake.url, path) as box:
        for deadly in range(1, 40):
            spool.add_notice("disk_full", str(deadly), clock.now(), clock.boot_id)
            if box.run(deadly)[1] == 0:
                break
        told = {(one["id"], one["detail"]) for status in fake.statuses for one in status["notices"]}
        assert max(Counter(number for number, _ in told).values()) == 1
        assert {int(detail) for _, detail in told} == set(range(1, deadly + 1))
