"""A real meter, session and spool around a `Place`, driven by a clock that is moved by hand."""

import json
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateways.cards import Card, hash_card
from gateways.clock import Clock
from gateways.config import DeviceConfig, DisplayConfig, LidConfig, MeterConfig
from gateways.limits import SpoolLimits
from gateways.messages import in_both
from gateways.meter import Booked, Equipment, Meter
from gateways.spool import Spool, open_spool
from gateways.weighing.events import Access
from gateways.weighing.session import State
from gateways.weighing.thresholds import Thresholds
from tests.gateways.unplug.place import PORTS, START_G, Place

METER: Final = "W0G-001-01-1"
CARD_KEY: Final = bytes(range(32))
TICK_S: Final = 0.1
BILLED: Final = frozenset({"settled", "late_close", "recovered"})
_ALL: Final = 10**9
_DELIVERY_S: Final = 1.0  # real seconds within which the kernel hands over what was written to a pseudo-terminal


@dataclass
class Now:
    """Monotonic seconds that pass when told."""

    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True)
class Devices:
    """The settings of reader and scale, without their ports."""

    reader: dict[str, Any] = field(default_factory=lambda: {"protocol": "rdm6300"})
    scale: dict[str, Any] = field(default_factory=lambda: {"protocol": "cas_22"})


def text(key: str, **values: Any) -> str:
    """What the display shows."""
    return in_both(key, **values)["en"]


class Bench:
    """One box with one meter. `access` says what a card number may; `entered` keeps every state in order.

    `on_enter` is carried out whenever the session enters that state, before anything else happens.
    """

    def __init__(
        self,
        folder: Path,
        place: Place,
        devices: Devices | None = None,
        limits: SpoolLimits | None = None,
        lid: LidConfig | None = None,
    ) -> None:
        self.place = place
        self.thresholds = Thresholds()
        self.access: dict[str, Access] = {}
        self.on_enter: dict[State, Callable[[], None]] = {}
        self.entered: list[State] = []
        self.alive: list[tuple[float, float]] = []
        self.booked: list[Booked] = []
        self.begun = 0
        self.troubles: frozenset[str] = frozenset()
        self.tick_s = TICK_S
        self._limits = limits or SpoolLimits(reserve_bytes=0)
        self._path = folder / "spool.db"
        self._now = Now()
        devices = devices or Devices()
        ports = {name: str(cable.link) for name, cable in place.cables.items()}
        self._config = MeterConfig(
            METER,
            DeviceConfig(port=ports["reader"], **devices.reader),
            DeviceConfig(port=ports["scale"], **devices.scale),
            replace(lid or LidConfig("", driver="simulated"), port=ports["lid"]),
            DisplayConfig(port=str(place.display.link), language="en"),
        )
        self.boot()

    def boot(self) -> None:
        """Start the box; after `cut_power`, what is on disk is all that it knows."""
        self.clock = Clock(mono=self._now)
        self.spool: Spool = open_spool(self._path, self._limits, self.clock)
        self.meter = Meter(
            self._config,
            self.thresholds,
            Equipment(
                clock=self.clock,
                spool=self.spool,
                card_key=CARD_KEY,
                access=self._ask,
                fee=lambda _grams, _moment: None,
                on_booked=self.booked.append,
                on_refused=lambda: None,
                alive_chunk_s=10.0,
            ),
        )
        self._watch()

    def _ask(self, card: Card) -> Access:
        return {self.card(number).hash: access for number, access in self.access.items()}.get(card.hash, "household")

    def _watch(self) -> None:
        session = self.meter._session
        enter = session._enter
        self.entered.append(session.state)

        def watched(state: State, at: float) -> None:
            self.begun += session.state is State.BASELINE and state is State.OPENING
            enter(state, at)
            self.entered.append(state)
            self.on_enter.get(state, lambda: None)()

        session._enter = watched  # type: ignore[method-assign]

    def cut_power(self) -> None:
        """The process is gone without a word."""
        for port in (*self.meter.ports, self.meter._display.port):  # type: ignore[attr-defined]
            port.close()
        self.spool.close()

    def close(self) -> None:
        self._keep(self.meter.close())
        self.spool.close()
        self.place.close()

    def disk_fails(self, *, fails: bool) -> None:
        """As Linux leaves a file system whose card gave errors: it can be read only; or it is well again."""
        self.spool._db.execute(f"PRAGMA query_only = {int(fails)}")

    # --- Time

    @property
    def now(self) -> float:
        return self._now.at

    @property
    def state(self) -> State:
        return self.meter._session.state

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / self.tick_s)):
            self.tick()

    def run_until(self, condition: Callable[[], bool], within_s: float = 40.0) -> None:
        until = self.now + within_s
        while not condition():
            assert self.now < until, f"not within {within_s} s; {self.state} after {self.entered}, {self.records()}"
            self.tick()

    def tick(self) -> None:
        """One turn of the box's loop, and of the world."""
        self.pass_time(self.tick_s)
        before = {port: port.counts.opens for port in self.meter.ports if port.is_open}
        said = self.place.step(self.now)
        self._keep(self.meter.poll(self.now, self.troubles))
        same = {port for port, opens in before.items() if port.is_open and port.counts.opens == opens}
        due = {port for port in same if Path(port.path).name in said}
        self.meter.read(self._arrived(due), self.now)

    def pass_time(self, seconds: float) -> None:
        self._now.at += seconds

    def _arrived(self, due: set[Any]) -> set[Any]:
        """The ports that have data, once everything that was written has come through the kernel."""
        ready = set(select.select([port for port in self.meter.ports if port.is_open], [], [], 0)[0])
        until = time.monotonic() + _DELIVERY_S
        while due - ready and time.monotonic() < until:
            ready |= set(select.select(list(due - ready), [], [], _DELIVERY_S)[0])
        return ready

    def _keep(self, intervals: list[tuple[str, bytes]]) -> None:
        for meter, body in intervals:
            assert meter == METER
            value = json.loads(body)
            length = datetime.fromisoformat(value["to"]) - datetime.fromisoformat(value["from"])
            end = value["mono_ms"] / 1000
            self.alive.append((end - length.total_seconds(), end))

    # --- What came of it

    @staticmethod
    def card(number: str) -> Card:
        return hash_card(number, CARD_KEY)

    def records(self, number: str | None = None) -> list[dict[str, Any]]:
        """Everything that waits for the server, or what of it is about this card."""
        batch = self.spool.pending(_ALL, _ALL)
        records: list[dict[str, Any]] = [json.loads(body) for body in batch.bodies] if batch else []
        assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
        if number is None:
            return records
        return [r for r in records if r["card"] and r["card"]["hash"] == self.card(number).hash]

    def is_open(self, port: str) -> bool:
        return self.meter.reading().ports[port]["open"] is True

    def alive_s(self, since: float, until: float) -> float:
        """How many seconds of this stretch are told to be alive; whole after `close`."""
        return sum(max(0.0, min(until, to) - max(since, begun)) for begun, to in self.alive)

    @property
    def faults(self) -> list[str]:
        return list(self.meter.reading().faults)

    def is_at_rest(self) -> bool:
        return self.place.guest is None and not self.place.is_open and self.state is State.IDLE

    def deposit(self, number: str, grams: int) -> dict[str, Any]:
        """An ordinary deposit from a bin at rest; return its record."""
        count = len(self.records())
        self.place.visit(number, grams)
        self.run_until(self.is_at_rest)
        new = self.records()[count:]
        assert len(new) == 1, new
        return new[0]

    def check_balance(self) -> None:
        """Nets, and what the next weight tells of records that have none, are the change of the bin's true weight."""
        known, accounted, is_open_question = START_G, 0, False
        end = {"gross_before_g": self.place.grams, "gross_after_g": None, "net_g": None}
        for record in [*self.records(), end]:
            before, after, net = (record[name] for name in ("gross_before_g", "gross_after_g", "net_g"))
            if before is not None:
                gap = before - known
                assert is_open_question or abs(gap) <= self.thresholds.division_g, f"{gap} g missing before {record}"
                accounted, known, is_open_question = accounted + gap, before, False
            if after is None:
                is_open_question = True
            else:
                accounted += after - known if net is None else net
                known, is_open_question = after, False
        assert accounted == self.place.grams - START_G


__all__ = ["BILLED", "METER", "PORTS", "START_G", "Bench", "Devices", "text"]
