"""When did it happen? The server's best estimate from what a box with a doubtful clock can prove (design § 4).

The monotonic clock of a boot cannot be set and hardly drifts, so the pair (boot, milliseconds) of a record, held
against the same pair of the envelope, places a record of the running boot to about a second whatever the wall clock
says, be it years off. Of an earlier boot a clock that was set is believed unless it is absurd; by one that was not,
only bounds are known: after the record before it, before the running boot began.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.metering.records import Fault, in_calendar

FUTURE = timedelta(minutes=5)
OLDEST = timedelta(days=3 * 366)  # longer than any spool keeps; older is a clock that was set wrong
TOLERANCE = timedelta(minutes=2)
DRIFT = 500e-6  # of the elapsed time: five times a cheap crystal's 100 ppm


class Sending(NamedTuple):
    """What the envelope says of the moment of sending, and when the server got it."""

    boot_id: str
    mono_ms: int
    received_at: datetime


class Placed(NamedTuple):
    """`occurred_at` in UTC; `earliest` and `latest` only where the time is doubtful."""

    occurred_at: datetime
    earliest: datetime | None
    latest: datetime | None


def place(
    claimed: datetime, clock: str, boot_id: str, mono_ms: int, sending: Sending, previous: datetime | None
) -> Placed | Fault:
    """Place one moment; `previous` is the time of the newest record before it, if any."""
    if not in_calendar(claimed):
        return Fault("malformed", f"{claimed.isoformat()} is at the edge of the calendar")
    if claimed.tzinfo is not UTC:
        claimed = claimed.astimezone(UTC)
    if boot_id == sending.boot_id:
        return _by_monotonic_clock(claimed, clock, mono_ms, sending)
    if clock == "unset":
        return _between(claimed, previous, sending)
    if claimed - sending.received_at > FUTURE:
        return Fault("future_time", f"{claimed.isoformat()} is after its arrival {sending.received_at.isoformat()}")
    if sending.received_at - claimed > OLDEST:
        return Fault("past_time", f"{claimed.isoformat()} is over three years before its arrival")
    return Placed(claimed, None, None)


def _by_monotonic_clock(claimed: datetime, clock: str, mono_ms: int, sending: Sending) -> Placed | Fault:
    if mono_ms > sending.mono_ms:
        return Fault("clock_inconsistent", f"recorded at {mono_ms} ms of a boot that was sent at {sending.mono_ms} ms")
    age = timedelta(milliseconds=sending.mono_ms - mono_ms)
    estimate = sending.received_at - age
    if clock == "unset":
        return Placed(estimate, None, None)
    off = abs(claimed - estimate)
    agrees = off <= TOLERANCE or off <= TOLERANCE + age * DRIFT
    return Placed(claimed if agrees else estimate, None, None)


def _between(claimed: datetime, previous: datetime | None, sending: Sending) -> Placed:
    booted = sending.received_at - timedelta(milliseconds=sending.mono_ms)
    earliest = min(previous, booted) if previous else booted - OLDEST
    return Placed(min(max(claimed, earliest), booted), earliest, booted)
