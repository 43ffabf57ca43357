"""What the display says a discharge may cost: an estimate from the tariff last heard of, never a bill. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from gateways.clock import Instant

_GRAMS_PER_KG: Final = 1000
# Korea has kept UTC+9 without summer time since 1988: no table of time zones is needed on the box.
_KOREA: Final = timezone(timedelta(hours=9))


def korean_day(moment: Instant) -> date | None:
    """Return the calendar day in Korea; None by a clock that was never set."""
    return None if moment.quality == "unset" else moment.wall.astimezone(_KOREA).date()


def fee_estimate(grams: int, steps: Sequence[tuple[date, Decimal]], day: date | None) -> int | None:
    """Return whole won, rounded down, by the last step (first day, won per kg) that begins on `day` or before.

    None without a day, without a step in force, or for a weight below nothing: no price is better than a wrong one.
    """
    in_force = [step for step in steps if day is not None and step[0] <= day]
    if not in_force or grams < 0:
        return None
    _, price = max(in_force)
    return int((price * grams / _GRAMS_PER_KG).to_integral_value(ROUND_FLOOR))
