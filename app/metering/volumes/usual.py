"""What is usual: for each weekday the median of the eight before a slot, added up over the slot's days. Pure."""

from datetime import date
from statistics import median

from app.metering.volumes.slots import DAY, Slot
from billing.days import service_day

WEEKS = 8
LEAST = 4  # of the eight weeks must have figures; a median of fewer says little
LONGEST = 92 * DAY  # the eight weeks before a quarter tell what is usual in it, those before a year do not


def usual_grams(daily: dict[date, int], slot: Slot) -> int | None:
    """Grams usual for a slot, from grams by service day; None where too little is known, and for hours.

    Days without any discharge are left out: at a whole complex that is an outage, not a quiet day. A holiday or an
    outage of a week does not move a median of eight.
    """
    if not DAY <= slot.end - slot.start <= LONGEST:
        return None
    first, after = service_day(slot.start), service_day(slot.end)
    by_weekday: dict[int, float] = {}
    total, day = 0.0, first
    while day < after:
        if day.weekday() not in by_weekday:
            found = [daily[past] for n in range(1, WEEKS + 1) if (past := day - 7 * n * DAY) in daily]
            if len(found) < LEAST:
                return None
            by_weekday[day.weekday()] = median(found)
        total += by_weekday[day.weekday()]
        day += DAY
    return round(total)
