"""Quiet hours: times of day in Asia/Seoul, which has no summer time."""

from datetime import datetime, time, timedelta

from billing.days import SEOUL


def quiet_until(now: datetime, quiet_from: time, quiet_to: time) -> datetime:
    """The end of the quiet hours in which `now` lies, else `now` itself; they may run past midnight.

    The first moment is quiet, the last is not. The same time twice means that no hour is quiet.
    """
    here = now.astimezone(SEOUL)
    clock = here.time()
    started, over = clock >= quiet_from, clock >= quiet_to
    if not (started and not over if quiet_from <= quiet_to else started or not over):
        return now
    day = here.date() + timedelta(days=1 if over else 0)
    return datetime.combine(day, quiet_to, SEOUL).astimezone(now.tzinfo)
