"""Whether the silence of a bin is one: held against what it usually takes at these hours. Pure.

Discharges come as a Poisson process at the usual rate of the weekday and hour, so that a bin whose expected number
since its last one is λ would take none by chance in exp(-λ) of all cases. Days are busy and slow for all bins alike
(holidays, typhoons), so λ is held to the pace of the others at the same time.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
WEEKS = 8
LEAST = 4  # weeks of the eight in which the bin took something; of fewer nothing is known
WINDOW = 24  # hours
ENOUGH = 20  # discharges that must be expected of the others before their pace says something

Counts = Mapping[datetime, int]  # discharges by the hour's beginning, of one bin


class Quiet(NamedTuple):
    """A bin's time without a discharge: from when, and how many were to be expected of it (λ)."""

    since: datetime
    expected: float

    def improbable(self, one_in: int) -> bool:
        """Whether it happens by chance in less than one of so many cases."""
        return self.expected > math.log(one_in)


class _Bin(NamedTuple):
    since: datetime
    expected: float  # since then
    usual: float  # of the whole window
    taken: int  # in the window


def hours_needed(now: datetime) -> list[datetime]:
    """The hours whose counts `quiet_bins` reads: those of the window, the one under way, and the same weeks before."""
    window = _window(now)
    return [hour - week * WEEK for week in range(WEEKS + 1) for hour in (*window, window[-1] + HOUR)]


def quiet_bins(counts: Mapping[int, Counts], now: datetime) -> dict[int, Quiet]:
    """How quiet each bin is, by its id; those of which too little is known are left out."""
    window = _window(now)
    bins = {id_: found for id_, each in counts.items() if (found := _measure(each, window)) is not None}
    usual, taken = sum(each.usual for each in bins.values()), sum(each.taken for each in bins.values())
    return {
        id_: Quiet(each.since, each.expected * _pace(usual - each.usual, taken - each.taken))
        for id_, each in bins.items()
    }


def _window(now: datetime) -> list[datetime]:
    """The full hours before `now`, the oldest first."""
    start = now.replace(minute=0, second=0, microsecond=0)
    return [start - back * HOUR for back in range(WINDOW, 0, -1)]


def _measure(counts: Counts, window: list[datetime]) -> _Bin | None:
    weeks = [week for week in range(1, WEEKS + 1) if _sum(counts, (hour - week * WEEK for hour in window))]
    if len(weeks) < LEAST:
        return None
    usual = {hour: sum(counts.get(hour - week * WEEK, 0) for week in weeks) / len(weeks) for hour in window}
    last = max((hour for hour in (*window, window[-1] + HOUR) if counts.get(hour)), default=None)
    since = window[0] if last is None else last + HOUR
    expected = sum(number for hour, number in usual.items() if hour >= since)
    return _Bin(since, expected, sum(usual.values()), _sum(counts, window))


def _pace(usual: float, taken: int) -> float:
    """How much of the usual the others take, at most all of it."""
    return 1.0 if usual < ENOUGH else min(1.0, taken / usual)


def _sum(counts: Counts, hours: Iterable[datetime]) -> int:
    return sum(counts.get(hour, 0) for hour in hours)
