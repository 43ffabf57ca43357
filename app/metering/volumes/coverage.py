"""Which meters stood at a place in a slot, which of them were listening, and what the figures are worth then. Pure."""

from collections import defaultdict
from collections.abc import Iterable
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


class Heard(NamedTuple):
    """How many meters of a gateway were alive in a slot, and for how many milliseconds: all, the least, the most."""

    gateway_id: int
    meters: int
    all_ms: int
    least_ms: int
    most_ms: int


class Coverage(NamedTuple):
    """See `Volume`; `complexes` are those with a meter."""

    meters: int
    meters_reporting: int
    silent_meters: int
    gateways: int
    gateways_reporting: int
    gateways_out: int
    alive_share: float | None
    complexes: frozenset[int]


def cover(standings: Iterable[Standing], heard: Iterable[Heard], slot: Slot, now: datetime) -> Coverage:
    """The coverage of a slot; what is too young to have been reported is left out of shares."""
    by_gateway = {row.gateway_id: row for row in heard}
    slot_ms = _milliseconds(slot, slot.start, None, now)
    meters: dict[int, int] = defaultdict(int)
    due: dict[int, int] = defaultdict(int)
    moved: set[tuple[int, int]] = set()
    complexes, all_due = set(), 0
    for row in standings:
        if row.meter_id is None:
            meters[row.gateway_id] += row.meters
            row_ms = slot_ms
        else:
            if row.start >= slot.end or (row.end is not None and row.end <= slot.start):
                continue
            row_ms = _milliseconds(slot, row.start, row.end, now)
            meters[row.gateway_id] += (row.gateway_id, row.meter_id) not in moved
            moved.add((row.gateway_id, row.meter_id))
        complexes.add(row.complex_id)
        due[row.gateway_id] = max(due[row.gateway_id], row_ms)
        all_due += row_ms * row.meters
    return _judged(meters, due, all_due, by_gateway, len({meter for _, meter in moved}), frozenset(complexes))


def _judged(
    meters: dict[int, int],
    due: dict[int, int],
    all_due: int,
    heard: dict[int, Heard],
    moved: int,
    complexes: frozenset[int],
) -> Coverage:
    reporting = silent = out = alive_ms = gateways_reporting = 0
    for gateway, standing in meters.items():
        row = heard.get(gateway)
        if row is not None:
            gateways_reporting += 1
            reporting += row.meters
            alive_ms += row.all_ms
        if not due[gateway]:
            continue
        if row is None or row.most_ms < LISTENING * due[gateway]:
            out += 1
        else:
            missing = standing - row.meters
            silent += missing if missing > 0 else row.least_ms < LISTENING * row.most_ms
    total = sum(meters.values())
    share = min(alive_ms / all_due, 1.0) if all_due else None
    return Coverage(
        total, min(reporting, total), silent, len(meters), gateways_reporting, out, share and round(share, 4), complexes
    )


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
    until = min(slot.end, now - LATENCY, end or slot.end)
    return max(until - max(slot.start, start), NOTHING) // MILLISECOND
