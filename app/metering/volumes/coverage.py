"""Which meters stood at a place in a slot, which of them were listening, and what the figures are worth then. Pure."""

import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.metering.volumes.model import Condition
from app.metering.volumes.slots import DAY, Slot

# An alive interval is spooled every 5 minutes and reported within another: until then silence means nothing.
LATENCY = timedelta(minutes=10)
LISTENING = 0.95  # of the time; a box that restarts is away for a minute or two
FALL = 0.6  # of what is usual, as far as the meters listened
ENOUGH = 0.75  # of the meters' time: half of a day's weight comes in its last six hours, so with less who can tell?

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


class Heard(NamedTuple):
    """How many meters of a gateway were alive in a slot, and for how many milliseconds: all, the least, the most.

    Of those that stood there for the whole range (`meter_id` is None); others have a row each.
    """

    gateway_id: int
    meter_id: int | None
    meters: int
    all_ms: int
    least_ms: int
    most_ms: int


class Due(NamedTuple):
    """What should be heard in a slot: of each gateway its meters and the time it ran one, and all meters' time.

    `moved` are the meters by gateway that did not stand there for the whole range, with their time.
    """

    households: int
    meters: int
    by_gateway: Mapping[int, tuple[int, int]]  # meters that stood there all the time, milliseconds
    slot_ms: int
    all_ms: int
    moved: Mapping[tuple[int, int | None], int]


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

    def cover(self, heard: Iterable[tuple[Any, ...]], slot: Slot, now: datetime) -> Coverage:
        """The coverage of a slot from rows of Heard; what is too young to have been reported is left out of shares."""
        due = self._due(slot, now)
        if not due.all_ms or self._moved:
            return self._cover_moved(heard, due)
        reporting = alive_ms = silent = gateways_reporting = listening = 0
        least = LISTENING * due.slot_ms
        for gateway, _, meters, all_ms, least_ms, most_ms in heard:
            if gateway not in self._whole:  # heard there before a move was entered late
                continue
            gateways_reporting += 1
            reporting += meters
            alive_ms += all_ms
            if most_ms >= least and gateway in self._whole:
                listening += 1
                missing = self._whole[gateway] - meters
                silent += missing if missing > 0 else least_ms < LISTENING * most_ms
        gateways = len(due.by_gateway)
        share = round(min(alive_ms / due.all_ms, 1.0), 4)
        reported = (due.households, due.meters, min(reporting, due.meters))
        return Coverage(*reported, silent, gateways, min(gateways_reporting, gateways), gateways - listening, share)

    def _cover_moved(self, heard: Iterable[tuple[Any, ...]], due: Due) -> Coverage:
        """The same with meters that stood there for a part of the range, each by its own time."""
        whole: dict[int, Heard] = {}
        moved: dict[tuple[int, int | None], int] = {}
        alive_ms = 0
        for row in itertools.starmap(Heard, heard):
            if row.gateway_id not in due.by_gateway:
                continue
            alive_ms += row.all_ms
            if row.meter_id is None:
                whole[row.gateway_id] = row
            else:
                key = (row.gateway_id, row.meter_id)
                moved[key] = moved.get(key, 0) + row.all_ms
        reporting = sum(row.meters for row in whole.values()) + len({meter for _, meter in moved})
        gateways = len(due.by_gateway)
        gateways_reporting = min(len(whole.keys() | {gateway for gateway, _ in moved}), gateways)
        reported = (due.households, due.meters, min(reporting, due.meters))
        if not due.all_ms:
            return Coverage(*reported, 0, gateways, gateways_reporting, 0, None)
        silent, out = _missing(due, whole, moved)
        share = round(min(alive_ms / due.all_ms, 1.0), 4)
        return Coverage(*reported, silent, gateways, gateways_reporting, out, share)

    def _due(self, slot: Slot, now: datetime) -> Due:
        slot_ms = _milliseconds(slot, slot.start, None, now)
        whole = self._known.get(slot_ms)
        if whole is None:
            meters = sum(self._whole.values())
            by_gateway = {gateway: (number, slot_ms) for gateway, number in self._whole.items()}
            whole = Due(self._in(self._complexes), meters, by_gateway, slot_ms, meters * slot_ms, {})
            self._known[slot_ms] = whole
        return self._with_moved(whole, slot, now) if self._moved else whole

    def _with_moved(self, whole: Due, slot: Slot, now: datetime) -> Due:
        """A meter that came, left or changed its gateway in the range counts for its part of the slot."""
        there = [row for row in self._moved if row.start < slot.end and (row.end is None or row.end > slot.start)]
        moved: dict[tuple[int, int | None], int] = {}
        for row in there:
            key = (row.gateway_id, row.meter_id)
            moved[key] = moved.get(key, 0) + _milliseconds(slot, row.start, row.end, now)
        by_gateway = dict(whole.by_gateway)
        for (gateway, _), row_ms in moved.items():
            meters, gateway_ms = by_gateway.get(gateway, NONE_DUE)
            by_gateway[gateway] = (meters, max(gateway_ms, row_ms))
        number = whole.meters + len({row.meter_id for row in there})
        complexes = self._complexes | {row.complex_id for row in there}
        all_ms = whole.all_ms + sum(moved.values())
        return Due(self._in(complexes), number, by_gateway, whole.slot_ms, all_ms, moved)

    def _in(self, complexes: Iterable[int]) -> int:
        return sum(self._households[complex_id] for complex_id in complexes)


def _missing(due: Due, whole: Mapping[int, Heard], moved: Mapping[tuple[int, int | None], int]) -> tuple[int, int]:
    """How many meters were silent beside a gateway that answered, and how many gateways were out."""
    most = {gateway: row.most_ms for gateway, row in whole.items()}
    for (gateway, _), alive_ms in moved.items():
        most[gateway] = max(most.get(gateway, 0), alive_ms)
    out = {key for key, (_, due_ms) in due.by_gateway.items() if most.get(key, 0) < LISTENING * due_ms}
    silent = 0
    for gateway, (meters, due_ms) in due.by_gateway.items():
        if meters and due_ms and gateway not in out:
            row = whole.get(gateway)
            heard = row.meters if row else 0
            silent += meters - heard if meters > heard else row is not None and row.least_ms < LISTENING * most[gateway]
    for (gateway, meter), row_ms in due.moved.items():
        if gateway not in out:
            excused = max(due.by_gateway[gateway][1] - most.get(gateway, 0), 0)
            silent += moved.get((gateway, meter), 0) + excused < LISTENING * row_ms
    return silent, len(out)


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
