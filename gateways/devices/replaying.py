"""A recorded port log through the parsers and the session again, with its own times; touches neither spool nor network.

What the log does not hold is assumed: every card is a household's that may open.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from gateways.cards import Card
from gateways.config import DeviceConfig, GatewayConfig, MeterConfig
from gateways.frames import Options, Parser, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.weighing.events import (
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Event,
    LidMoved,
    OpenSession,
    Tick,
    Weighed,
)
from gateways.weighing.session import Session
from gateways.weighing.thresholds import Thresholds

_TICK_S: Final = 0.05  # as the box's loop
# A longer pause between two rows is a box that was off: nothing ticked then.
_LONGEST_PAUSE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class WouldBook:
    """A draft that the session would have had spooled."""

    meter: str
    draft: Draft


class Replay:
    """Takes the lines in order. `known` counts those of the config's ports; `other_ports` are the others seen."""

    def __init__(self, config: GatewayConfig) -> None:
        self.lines = self.broken = self.known = 0
        self.other_ports: set[str] = set()
        self._now: float | None = None
        self._meters = [_ReplayedMeter(meter, config.thresholds) for meter in config.meters]
        self._by_port = {port: meter for meter in self._meters for port in meter.ports}

    def run(self, lines: Iterable[str]) -> Iterator[WouldBook]:
        """Yield what would have been booked, in order; a line cut off by a power cut is counted and passed over."""
        for line in lines:
            self.lines += 1
            try:
                row = json.loads(line)
                at = int(row["at_ms"]) / 1000
                meter = self._meter_of(row)
                yield from self._pass_time(at)
                if meter is not None:
                    yield from meter.take(at, row)
            except (ValueError, KeyError, TypeError):
                self.broken += 1

    def _meter_of(self, row: dict[str, Any]) -> "_ReplayedMeter | None":
        port = row.get("port")
        if port is None:
            return None
        meter = self._by_port.get(port)
        if meter is None:
            self.other_ports.add(str(port))
        else:
            self.known += 1
        return meter

    def _pass_time(self, at: float) -> Iterator[WouldBook]:
        if self._now is None or at < self._now or at > self._now + _LONGEST_PAUSE_S:
            for meter in self._meters:
                meter.boot(at)
            self._now = at
        while self._now + _TICK_S <= at:
            self._now += _TICK_S
            for meter in self._meters:
                yield from meter.tell(Tick(self._now))


class _ReplayedMeter:
    def __init__(self, config: MeterConfig, thresholds: Thresholds) -> None:
        self._config = config
        self._thresholds = thresholds
        self._open: OpenSession | None = None
        self._last_gross_g: int | None = None
        self.boot(0.0)

    @property
    def ports(self) -> tuple[str, ...]:
        return self._config.reader.port, self._config.scale.port, self._config.lid.port

    def boot(self, at: float) -> None:
        """The box starts: it finds the session that was open, as the spool would have it."""
        self._weights = _parser(self._config.scale)
        self._session = Session(
            self._thresholds,
            at=at,
            resume=self._open,
            last_gross_g=self._last_gross_g,
            capacity_g=self._config.capacity_g,
            inferred_stability=self._config.scale.stability == "inferred",
        )

    def take(self, at: float, row: dict[str, Any]) -> Iterator[WouldBook]:
        """Take what a port gave."""
        for reading in self._weights.feed(bytes.fromhex(row.get("hex", ""))):
            if isinstance(reading, WeightSample):
                yield from self.tell(Weighed(at, reading))
        for card in row.get("cards", ()):
            yield from self.tell(CardSeen(at, Card(card["hash"], card["last4"])))
        if "lid" in row:
            yield from self.tell(LidMoved(at, row["lid"] == "open"))

    def tell(self, event: Event) -> Iterator[WouldBook]:
        effects = deque(self._session.handle(event))
        while effects:
            match effects.popleft():
                case BeginSession(session):
                    self._open = session
                case Commit(draft):
                    self._open = None
                    self._last_gross_g = draft.gross_after_g if draft.gross_after_g is not None else self._last_gross_g
                    yield WouldBook(self._config.meter, draft)
                    effects.extend(self._session.handle(Committed(event.at)))


def _parser(config: DeviceConfig) -> Parser:
    return PROTOCOLS[config.protocol].make(Options(config.unit, config.checksum, config.framing))
