"""What the tests of the spool put into it."""

import json
import random
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateways.cards import Card
from gateways.clock import Instant, rfc3339
from gateways.link.records import Result, encode_record
from gateways.spool import Spool, Stamp
from gateways.weighing.events import Draft

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
MOMENT = Instant(NOW, "synced", 1000)
BOOT = "b0000000-0000-4000-8000-000000000001"
STAMP = Stamp(BOOT, 1000)
CARD = Card("ab" * 16, "9CD0")
METERS = [f"W0G-001-01-{n}" for n in range(1, 5)]
ALL = 10**9


def put(spool: Spool, meter: str = "m", gross: int | None = None) -> int:
    return spool.append(meter, lambda seq: json.dumps({"seq": seq}).encode(), STAMP, gross)


def discharge(spool: Spool, rnd: random.Random) -> int:
    """Append a record as a box makes it: 1.5 to 2.5 kB, most of it evidence."""
    meter, gross = rnd.choice(METERS), rnd.randrange(5_000, 60_000)
    draft = Draft(0.0, "settled", CARD, gross, gross + 410, 410, [], rnd.choice(EVIDENCE))
    return spool.append(meter, lambda seq: encode_record(seq, meter, draft, MOMENT, BOOT), STAMP, gross + 410)


def evidence(rnd: random.Random) -> dict[str, Any]:
    samples = [[n * 100, rnd.randrange(12_000, 13_000)] for n in range(rnd.randrange(35, 75))]
    return {"before": samples, "after": samples[::-1], "frames": [f"{rnd.getrandbits(176):044x}" for _ in range(8)]}


EVIDENCE = [evidence(random.Random(n)) for n in range(100)]


def interval(hour: int) -> bytes:
    """An hour of liveness, as the box writes it."""
    start = datetime.fromtimestamp(NOW.timestamp() + 3600 * hour, UTC)
    end = datetime.fromtimestamp(NOW.timestamp() + 3600 * (hour + 1), UTC)
    moment = {"from": rfc3339(start), "to": rfc3339(end)}
    return json.dumps({**moment, "clock": "synced", "boot_id": BOOT, "mono_ms": 3_600_000 * hour}).encode()


def hurry(spool: Spool) -> closing[Spool]:
    """The spool without waiting for the disk, to be closed: for filling it only."""
    spool._db.execute("PRAGMA synchronous = OFF")
    return closing(spool)


def waiting(spool: Spool) -> list[int]:
    batch = spool.pending(ALL, ALL)
    return batch.seqs if batch else []


def drain(spool: Spool, limit: int = 500) -> dict[tuple[str, int], bytes]:
    """Acknowledge everything, batch by batch; return it in the order in which it came."""
    found: dict[tuple[str, int], bytes] = {}
    while batch := spool.pending(limit, ALL):
        found |= {(batch.epoch, seq): body for seq, body in zip(batch.seqs, batch.bodies, strict=True)}
        spool.acknowledge(batch.epoch, [Result(seq, "stored") for seq in batch.seqs], NOW)
    return found


def parts(path: Path) -> list[Path]:
    """The spool's file and its log, if they are there."""
    return [part for part in (path, path.with_name(f"{path.name}-wal")) if part.exists()]
