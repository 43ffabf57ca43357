"""When what is seen becomes a fault and when it ends, and when silence is the network's. Pure: no clock, no database.

A condition must last without a break before its fault opens, and be gone without a break before it closes. What was
not observed changes nothing: neither a device nobody could ask, nor a watch that was away.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from app.fleet.faults.policy import Hysteresis, Network


class Seen(NamedTuple):
    """What was seen of a condition: it holds, since then, or it does not (`bad_since` is None)."""

    bad_since: datetime | None


WELL = Seen(None)


class Watch(NamedTuple):
    """What is remembered of a condition: since when it is seen or gone without a break, and whether its fault holds.

    At most one of the two instants is set.
    """

    bad_since: datetime | None = None
    good_since: datetime | None = None
    holds: bool = False


AT_REST = Watch()


def step(watch: Watch, seen: Seen, wait: Hysteresis, now: datetime, counted_from: datetime) -> Watch:
    """The watch after an observation at `now`. No time before `counted_from`, when nobody could observe, counts."""
    if seen.bad_since is not None:
        since = watch.bad_since or seen.bad_since
        if watch.holds:
            return Watch(bad_since=since, holds=True)
        since = max(since, counted_from)
        return Watch(bad_since=since, holds=now - since >= wait.open_after)
    if not watch.holds:
        return AT_REST
    since = max(watch.good_since or now, counted_from)
    return AT_REST if now - since >= wait.close_after else Watch(good_since=since, holds=True)


class Outage(NamedTuple):
    """Whether an incident is open, and since when so few gateways are silent that it may close."""

    holds: bool = False
    calm_since: datetime | None = None


def judge_network(
    outage: Outage, silent: Iterable[Watch], gateways: int, network: Network, now: datetime, counted_from: datetime
) -> Outage:
    """The outage after an observation; `silent` are the watches of the silence of each of the `gateways`.

    It opens by those that are silent for long enough, and closes when those that are silent at all have been few for
    long enough: the lower share, or fewer than the least number.
    """
    since = [watch.bad_since for watch in silent if watch.bad_since is not None]
    if not outage.holds:
        long = sum(now - max(each, counted_from) >= network.wait.open_after for each in since)
        return Outage(long >= network.least and long * 100 >= network.share_percent * gateways)
    if len(since) >= network.least and len(since) * 100 > network.close_share_percent * gateways:
        return Outage(True)
    calm_since = max(outage.calm_since or now, counted_from)
    return Outage() if now - calm_since >= network.wait.close_after else Outage(True, calm_since)
