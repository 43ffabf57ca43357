"""An uplink to a fake server, stepped by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateways.clock import Clock
from gateways.link.api import Server
from gateways.link.keys import KeyRing
from gateways.link.updates import Releases
from gateways.link.uplink import MeterReading, Uplink, UplinkSettings
from gateways.spool import Stamp, open_spool
from tests.gateways.fake_server import FakeServer, Refusal, key_of

FAST = UplinkSettings(timeout_s=2.0, backoff_first_s=0.01, backoff_last_s=0.02, status_every_s=3600)
METER = "W0G-001-01-1"
READING = MeterReading(METER, 12_000, False, [])


class Rig:
    """Made in `folder`; `opened` holds the meters whose lid was asked to open, `restarts` counts."""

    def __init__(
        self,
        folder: Path,
        settings: UplinkSettings = FAST,
        clock: Clock | None = None,
        keys: KeyRing | None = None,
        releases: Releases | None = None,
    ) -> None:
        self.fake = FakeServer()
        self.clock = clock or Clock()
        self.spool = open_spool(folder / "spool.db")
        # What these tests end is processes, not the power: the kernel keeps what was written.
        self.spool._db.execute("PRAGMA synchronous = OFF")
        self.keys = keys or KeyRing(key_of("W0G-GW-001"))
        self.settings = settings
        self.releases = releases
        self.opened: list[str] = []
        self.bars_lid: str | None = None
        self.restarts = 0
        self.is_proven = True
        self.begin()

    def begin(self) -> None:
        """Start the uplink anew, as a new process would."""
        self.server = Server(self.fake.url, self.clock, self.keys, timeout_s=self.settings.timeout_s)
        self.uplink = Uplink(
            self.server,
            self.spool,
            self.clock,
            lambda: [READING],
            self.settings,
            open_lid=self._open_lid,
            restart=self._restart,
            releases=self.releases,
            is_proven=lambda: self.is_proven,
        )

    def _open_lid(self, meter: str) -> str | None:
        self.opened.append({METER: meter}[meter])
        return self.bars_lid

    def _restart(self) -> None:
        self.restarts += 1

    def put(self, count: int, size: int = 0, pad: str = "x") -> None:
        for _ in range(count):
            body = {"meter": METER, "pad": pad * size}
            self.spool.append(
                METER,
                lambda seq, body=body: json.dumps({"seq": seq, **body}, separators=(",", ":")).encode(),  # type: ignore[misc]
                Stamp(self.clock.boot_id, 1),
            )

    def steps(self, limit: int = 200) -> None:
        """Step until nothing waits."""
        for _ in range(limit):
            self.uplink.step()
            if not self.spool.depth().records:
                return

    @property
    def batches(self) -> list[int]:
        return [len(batch) for batch in self.sent]

    @property
    def sent(self) -> list[list[int]]:
        """The numbers of each batch that was posted."""
        posts = [json.loads(body) for path, body in self.fake.requests if path.endswith("/discharges")]
        return [[record["seq"] for record in post["discharges"]] for post in posts]

    @property
    def notices(self) -> list[tuple[str, str]]:
        """Kind and detail of what an operator was told, in the spool or at the server."""
        told = [(n["kind"], n["detail"]) for status in self.fake.statuses for n in status["notices"]]
        return told + [(row.kind, row.detail) for row in self.spool.notices(100)]


def once(refusal: Refusal) -> Callable[[str, bytes], Refusal | None]:
    """Refuse the first batch that holds records."""
    left = [refusal]

    def decide(path: str, body: bytes) -> Refusal | None:
        return left.pop() if left and path.endswith("/discharges") and json.loads(body)["discharges"] else None

    return decide


def poisoned(refusal: Refusal, *seqs: int) -> Callable[[str, bytes], Refusal | None]:
    """Refuse every batch that holds one of these numbers."""

    def decide(path: str, body: bytes) -> Refusal | None:
        if not path.endswith("/discharges"):
            return None
        sent: set[Any] = {record["seq"] for record in json.loads(body)["discharges"]}
        return refusal if sent & set(seqs) else None

    return decide
