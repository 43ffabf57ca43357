"""What is asked about volumes, and what comes back."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple, get_args

from app.access.reach import WHOLE, Reach
from app.metering.volumes.slots import By

Kind = Literal["district", "dong", "complex", "household"]
Per = Literal["dong", "complex", "household"]
PER: tuple[Per, ...] = get_args(Per)

# What the figures of a slot are worth; `reading.judge` decides.
Condition = Literal["complete", "fall", "silent_meter", "outage", "no_meters", "too_early"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)


class Place(NamedTuple):
    """A district or dong (named by `code`), a complex or household (named by `id`); of reported volumes their level."""

    kind: str
    id: int
    code: str
    name: str


class Ask(NamedTuple):
    """Volumes of `place` for the service days from `start` until just before `end`.

    `by` cuts the range into slots; None leaves it whole. `per` gives a row for each part of the place instead of one
    for all of it. `compare` adds what is usual, and so tells a fall. `limit` bounds the rows; `after` is the
    `next_after` of the page before. Complexes out of `reach` are left out.
    """

    place: Place
    start: date
    end: date
    by: By | None = None
    per: Per | None = None
    compare: bool = False
    limit: int = 1000
    after: str | None = None
    reach: Reach = WHOLE


class Volume(NamedTuple):
    """What was thrown away at a place in a slot, with its coverage. Weights in grams, instants in UTC.

    `discharges` and `grams` are of what was weighed; those without a household (suspense) are included and told apart.
    `households` are those of the complexes where a meter stood: as declared, else as registered. `meters` and
    `gateways` stood there in the slot; those `reporting` were alive in it at some time; `silent_meters` answered for
    less than 95 % of the time in which their gateway did, `gateways_out` for less than 95 % of the slot.
    `alive_share` is the time in which meters were alive, as a share of the time in which they stood there. A slot that
    goes on is measured until `elapsed` after its start.
    """

    place: Place
    start: datetime
    end: datetime
    elapsed: timedelta
    discharges: int
    grams: int
    suspense_count: int
    suspense_grams: int
    households: int
    meters: int
    meters_reporting: int
    silent_meters: int
    gateways: int
    gateways_reporting: int
    gateways_out: int
    alive_share: float | None
    usual_grams: int | None
    condition: Condition

    @property
    def grams_per_household_day(self) -> Decimal | None:
        """Grams a household and day, to a tenth; None without households or before any time has passed."""
        if not self.households or not self.elapsed:
            return None
        days = Decimal(self.elapsed // timedelta(seconds=1)) / 86_400
        return (self.grams / (self.households * days)).quantize(Decimal("0.1"), ROUND_HALF_UP) if days else None


class Page(NamedTuple):
    """Rows in order of place and time; `next_after` asks for those that follow, None at the end."""

    rows: list[Volume]
    next_after: str | None
