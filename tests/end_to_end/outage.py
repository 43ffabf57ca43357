"""A box that is offline for a month and then delivers; each part is a process of its own and prints its figures.

python -m tests.end_to_end.outage fill  FOLDER PLAN    lives through every boot; writes FOLDER/truth.jsonl
python -m tests.end_to_end.outage drain FOLDER PLAN    the last boot goes on, with the real uplink
"""

import base64
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from gateways.alive import AliveTracker
from gateways.cards import Card
from gateways.clock import Clock
from gateways.link.api import Server
from gateways.link.keys import GatewayKey
from gateways.link.records import encode_record
from gateways.link.uplink import MeterReading, Uplink, UplinkSettings
from gateways.spool import Spool, Stamp, open_spool
from gateways.weighing.events import Draft
from tests.gateways.spool.support import EVIDENCE, hurry

CHUNK_S = UplinkSettings().alive_chunk_s
TRUTH = "truth.jsonl"
UNSET = datetime(1970, 1, 1, tzinfo=UTC)


class Plan(msgspec.Struct, frozen=True):
    """What the box lives through until `until`, and where it delivers; `discharges` are spread over all boots."""

    url: str
    gateway: str
    meters: list[str]
    cards: list[Card]
    discharges: int
    until: datetime


class Boot(msgspec.Struct, frozen=True):
    """One boot, by the true time. `clock`: the server was heard, an NTP server was, nobody was (and it woke up in 1970,
    or at the last shutdown, which looks plausible)."""

    name: str
    began: datetime
    ended: datetime
    clock: Literal["server", "ntp", "1970", "fake"]

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()

    @property
    def knows_the_time(self) -> bool:
        return self.clock in ("server", "ntp")

    def make_clock(self, mono: Callable[[], float]) -> Clock:
        """The clock as the box has it while `mono` seconds of this boot have passed."""
        starts = {"ntp": self.began, "1970": UNSET, "fake": self.began - timedelta(hours=3)}.get(self.clock, UNSET)
        clock = Clock(
            mono=mono,
            wall=lambda: starts + timedelta(seconds=mono()),
            synchronised=lambda: self.clock == "ntp",
            boot=self.name,
        )
        if self.clock == "server":
            clock.learn(self.began, asked=0.0, answered=0.0)
        return clock


class Happened(msgspec.Struct, frozen=True, array_like=True):
    """The truth of one discharge: number, instant, boot and grams."""

    seq: int
    at: datetime
    boot: str
    net_g: int


# Days before the end at which each boot began. 33 days hold a month's end whatever the date is today.
BOOTS: list[tuple[float, Literal["server", "ntp", "1970", "fake"]]] = [
    (33.0, "server"),
    (32.5, "1970"),
    (24.0, "ntp"),
    (12.0, "fake"),
    (6.0, "1970"),
    (0.25, "1970"),
]


def read_truth(folder: Path) -> list[Happened]:
    """What happened, in the order of the numbers."""
    lines = (folder / TRUTH).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Happened) for line in lines]


def boots_of(plan: Plan) -> list[Boot]:
    """The boots in order; a minute without power between them."""
    began = [plan.until - timedelta(days=days) for days, _ in BOOTS]
    ended = [*(after - timedelta(minutes=1) for after in began[1:]), plan.until]
    return [
        Boot(f"b0000000-0000-4000-8000-{number:012}", start, end, clock)
        for number, (start, end, (_, clock)) in enumerate(zip(began, ended, BOOTS, strict=True), 1)
    ]


# --- Offline


def fill(folder: Path, plan: Plan) -> dict[str, float]:
    """Live through every boot as a box does: a record for each discharge, an interval a meter each five minutes."""
    path, rnd = folder / "spool.db", random.Random(30)
    start_rss = rss()
    with (folder / TRUTH).open("wb") as truth:
        for boot, moments in zip(boots_of(plan), _moments(plan, rnd), strict=True):
            with hurry(open_spool(path)) as spool:
                truth.writelines(msgspec.json.encode(one) + b"\n" for one in _live(spool, boot, moments, plan, rnd))
    with closing(Spool(path)) as spool:
        ((intervals,),) = spool._db.execute("SELECT count(*) FROM alive").fetchall()
    return {"intervals": intervals, "file_bytes": path.stat().st_size, "rss_growth": rss() - start_rss}


def _moments(plan: Plan, rnd: random.Random) -> Iterator[list[float]]:
    """By boot the seconds at which somebody comes: at least three a boot, the others by the boot's length."""
    boots = boots_of(plan)
    total = sum(boot.seconds for boot in boots)
    counts = [max(3, int(plan.discharges * boot.seconds / total)) for boot in boots]
    counts[1] += plan.discharges - sum(counts)
    for boot, count in zip(boots, counts, strict=True):
        yield sorted(rnd.uniform(1, boot.seconds) for _ in range(count))


def _live(spool: Spool, boot: Boot, moments: list[float], plan: Plan, rnd: random.Random) -> Iterator[Happened]:
    now = 0.0
    clock = boot.make_clock(lambda: now)
    trackers = {meter: AliveTracker(clock, CHUNK_S) for meter in plan.meters}
    waiting = iter([*moments, float("inf")])
    moment = next(waiting)
    for tick in range(0, int(boot.seconds), int(CHUNK_S)):
        while moment <= tick:
            now = moment
            yield _discharge(spool, clock, boot, plan, rnd)
            moment = next(waiting)
        now = float(tick)
        spool.add_alive([(meter, body) for meter, each in trackers.items() for body in each.observe(now, alive=True)])
    while moment <= boot.seconds:
        now = moment
        yield _discharge(spool, clock, boot, plan, rnd)
        moment = next(waiting)


def _discharge(spool: Spool, clock: Clock, boot: Boot, plan: Plan, rnd: random.Random) -> Happened:
    meter, gross, net = rnd.choice(plan.meters), rnd.randrange(5_000, 60_000), rnd.randrange(50, 3_000)
    draft = Draft(0.0, "settled", rnd.choice(plan.cards), gross, gross + net, net, [], rnd.choice(EVIDENCE))
    moment = clock.now()
    stamp = Stamp(boot.name, moment.mono_ms)
    seq = spool.append(meter, lambda seq: encode_record(seq, meter, draft, moment, boot.name), stamp, gross + net)
    return Happened(seq, boot.began + timedelta(seconds=clock.mono()), boot.name, net)


# --- Back online


def drain(folder: Path, plan: Plan) -> dict[str, float]:
    """Deliver everything, as the last boot's process would after a restart."""
    boot = boots_of(plan)[-1]
    up_s, asked = (datetime.now(UTC) - boot.began).total_seconds(), time.monotonic()
    clock = boot.make_clock(lambda: up_s + time.monotonic() - asked)
    server = Server(plan.url, clock, _key(plan.gateway))
    start_rss, begun = rss(), time.perf_counter()
    with closing(open_spool(folder / "spool.db")) as spool, closing(server):
        opened_s = time.perf_counter() - begun
        readings = [MeterReading(meter, None, None, []) for meter in plan.meters]
        uplink = Uplink(server, spool, clock, lambda: readings, UplinkSettings())
        records_s = 0.0
        while spool.depth().records or spool.alive(1):
            uplink.step()
            assert not uplink._records.failures, uplink._records.problem
            assert not uplink._statuses.failures, uplink._statuses.problem
            if not records_s and not spool.depth().records:
                records_s = time.perf_counter() - begun - opened_s
        return {
            "opened_s": round(opened_s, 2),
            "records_s": round(records_s, 2),
            "drained_s": round(time.perf_counter() - begun - opened_s, 2),
            "rss_growth": rss() - start_rss,
            "rss": rss(),
        }


def _key(gateway: str) -> GatewayKey:
    """The key that `Town` gave the gateway."""
    secret = base64.urlsafe_b64encode(gateway.encode().ljust(32)).decode().rstrip("=")
    return GatewayKey(gateway, "W0G", f"W0G/{gateway}/1", secret, secret)


def rss() -> int:
    """The most memory that this program held so far, bytes (`ru_maxrss` would count its parent's)."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kilobytes) * 1024


if __name__ == "__main__":
    part = {"fill": fill, "drain": drain}[sys.argv[1]]
    print(json.dumps(part(Path(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=Plan))))
