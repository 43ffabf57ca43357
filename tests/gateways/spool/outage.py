"""Thirty days without a server in one process, then the drain; prints its figures as one JSON object."""

import json
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from gateways.link.records import Result
from gateways.spool import Spool, open_spool
from tests.gateways.spool.support import ALL, METERS, NOW, discharge, hurry, interval

DAYS = 30


def main(path: Path, discharges: int) -> None:
    figures: dict[str, float] = {"start_rss": rss()}
    with timed(figures, "append_s"):
        go_offline(path, discharges)
    figures["file_bytes"] = path.stat().st_size
    with timed(figures, "boot_s"):
        spool = open_spool(path)
    with timed(figures, "drain_s"), closing(spool):
        figures["drained"] = sum(1 for _ in drained(spool))
        figures["intervals"] = sum(1 for _ in intervals(spool))
        figures["left"] = spool.depth().records
    figures["rss_growth"] = rss() - figures["start_rss"]
    print(json.dumps(figures))


def go_offline(path: Path, discharges: int) -> None:
    """A box at its work for thirty days, restarted every day."""
    rnd = random.Random(30)
    for day in range(DAYS):
        with hurry(open_spool(path)) as spool:
            for _ in range(discharges // DAYS):
                discharge(spool, rnd)
            spool.add_alive([(meter, interval(24 * day + hour)) for hour in range(24) for meter in METERS])


def drained(spool: Spool) -> Iterator[int]:
    """Yield every number once and in order, or fail."""
    epoch, expected = spool.epoch(), count(1)
    while batch := spool.pending(500, 1_500_000):
        assert batch.epoch == epoch
        for seq, body in zip(batch.seqs, batch.bodies, strict=True):
            assert seq == next(expected) == json.loads(body)["seq"]
            yield seq
        assert spool.acknowledge(epoch, [Result(seq, "stored") for seq in batch.seqs], NOW) == len(batch.seqs)


def intervals(spool: Spool) -> Iterator[bytes]:
    """Yield every interval once, by hour and meter, or fail."""
    expected = ((meter, interval(hour)) for hour in range(24 * DAYS) for meter in METERS)
    while rows := spool.alive(1000):
        for row in rows:
            assert (row.meter, row.body) == next(expected)
            yield row.body
        spool.forget_alive([row.id for row in rows], NOW)
    assert spool.pending(1, ALL) is None


def rss() -> int:
    """The most memory that this program held so far, bytes (`ru_maxrss` would count its parent's)."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kilobytes) * 1024


class timed:  # noqa: N801 - reads like a statement
    def __init__(self, figures: dict[str, float], name: str) -> None:
        self._figures, self._name = figures, name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._figures[self._name] = round(time.perf_counter() - self._start, 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
