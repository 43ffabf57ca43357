"""Which meters stood at a place in a slot, which of them were listening, and what the figures are worth then. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from app.metering.volumes.model import Condition
from app.metering.volumes.slots import DAY, Slot

# An alive interval is spooled every 5 minutes and reported within another: until then silence means nothing.
LATENCY = timedelta(minutes=10)
LISTENING = 0.95  # of the time; a box that restarts is away for a minute or two
FALL = 0.6  # of what is usual, as far as the meters listened
ENOUGH = 0.5  # of the meters' time; with less nobody can tell a fall

MILLISECOND = timedelta(milliseconds=1)
NONE_DUE = (0, 0)
NOTHING = timedelta(0)


class Standing(NamedTuple):
    """`meters` that stood at a complex and were run by a gateway from `start` until just before `end` (open: None).

    One row counts all those that stood there for the whole range (`meter_id` is None), others have a row each.
    """

    complex_id: int
    gateway_id: int
    meters: int
    meter_id: int | None
    start: datetime
    end: datetime | None


class Coverage(NamedTuple):
    """See `Volume`."""

    households: int
    meters: int
    meters_reporting: int
    silent_meters: int
    gateways: int
    gateways_reporting: int
    gateways_out: int
    alive_share: float | None


# How many meters of a gateway were alive in a slot, and for how many milliseconds: all, the least, the most.
Heard = tuple[int, int, int, int, int]  # gateway, meters, all, least, most


class Due(NamedTuple):
    """What should be heard in a slot: of each gateway its meters and the time it ran one, and all meters' time."""

    households: int
    meters: int
    by_gateway: Mapping[int, tuple[int, int]]  # meters, milliseconds
    all_ms: int


class Stood:
    """The meters of a place over a range of time; `households` by complex."""

    def __init__(self, standings: Iterable[Standing], households: Mapping[int, int]) -> None:
        rows = list(standings)
        self._households = households
        self._moved = [row for row in rows if row.meter_id is not None]
        self._complexes = {row.complex_id for row in rows if row.meter_id is None}
        self._whole: dict[int, int] = {}
        for row in rows:
            if row.meter_id is None:
                self._whole[row.gateway_id] = self._whole.get(row.gateway_id, 0) + row.meters
        self._known: dict[int, Due] = {}

    def cover(self, heard: Iterable[Heard], slot: Slot, now: datetime) -> Coverage:
        """The coverage of a slot; what is too young to have been reported is left out of shares."""
        due = self._due(slot, now)
        by_gateway = due.by_gateway
        reporting = silent = alive_ms = gateways_reporting = listening = 0
        for gateway, meters, all_ms, least_ms, most_ms in heard:
            gateways_reporting += 1
            reporting += meters
            alive_ms += all_ms
            stood, due_ms = by_gateway.get(gateway, NONE_DUE)
            if most_ms >= LISTENING * due_ms:
                listening += 1
                silent += stood - meters if stood > meters else least_ms < LISTENING * most_ms
        gateways = len(by_gateway)
        reported = (due.households, due.meters, min(reporting, due.meters))
        if not due.all_ms:
            return Coverage(*reported, 0, gateways, gateways_reporting, 0, None)
        share = round(min(alive_ms / due.all_ms, 1.0), 4)
        return Coverage(*reported, silent, gateways, gateways_reporting, max(gateways - listening, 0), share)

    def _due(self, slot: Slot, now: datetime) -> Due:
        slot_ms = _milliseconds(slot, slot.start, None, now)
        whole = self._known.get(slot_ms)
        if whole is None:
            meters = sum(self._whole.values())
            by_gateway = {gateway: (number, slot_ms) for gateway, number in self._whole.items()}
            whole = Due(self._in(self._complexes), meters, by_gateway, meters * slot_ms)
            self._known[slot_ms] = whole
        return self._with_moved(whole, slot, now) if self._moved else whole

    def _with_moved(self, whole: Due, slot: Slot, now: datetime) -> Due:
        """A meter that came, left or changed its gateway in the range counts for its part of the slot."""
        there = [row for row in self._moved if row.start < slot.end and (row.end is None or row.end > slot.start)]
        by_gateway, all_ms = dict(whole.by_gateway), whole.all_ms
        for row in there:
            row_ms = _milliseconds(slot, row.start, row.end, now)
            meters, gateway_ms = by_gateway.get(row.gateway_id, NONE_DUE)
            by_gateway[row.gateway_id] = (meters + 1, max(gateway_ms, row_ms))
            all_ms += row_ms
        meters = whole.meters + len({row.meter_id for row in there})
        complexes = self._complexes | {row.complex_id for row in there}
        return Due(self._in(complexes), meters, by_gateway, all_ms)

    def _in(self, complexes: Iterable[int]) -> int:
        return sum(self._households[complex_id] for complex_id in complexes)


def judge(coverage: Coverage, slot: Slot, grams: int, usual: int | None, now: datetime) -> Condition:
    """What the figures of a slot are worth.

    A fall is what the missing meters do not explain: less than 60 % of the usual for the share of time in which meters
    listened. An outage is a whole gateway without a living meter, a silent meter one whose gateway lives.
    """
    if not coverage.meters:
        return "no_meters"
    if coverage.alive_share is None:
        return "too_early"
    over = slot.end <= now - LATENCY and slot.end - slot.start >= DAY
    if over and usual is not None and coverage.alive_share >= ENOUGH and grams < FALL * usual * coverage.alive_share:
        return "fall"
    if coverage.gateways_out:
        return "outage"
    return "silent_meter" if coverage.silent_meters else "complete"


def _milliseconds(slot: Slot, start: datetime, end: datetime | None, now: datetime) -> int:
    until = min(slot.end, now - LATENCY)
    if end is not None and end < until:
        until = end
    return max(until - max(slot.start, start), NOTHING) // MILLISECOND
