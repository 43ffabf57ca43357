"""How today compares, hour by hour, and which meters are silent: what the first page asks for twice a minute.

Each read touches the rows of a few days and of the meters that stand somewhere now, however large the ledger.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.metering.models import MeterAlive
from app.metering.volumes.model import Ask, Place, Volume
from app.metering.volumes.reading import volumes
from app.metering.volumes.slots import DAY, HOUR, midnight
from app.registry.models import Complex, Gateway, Meter, MeterAssignment
from app.web.queries import REPORTING, stands_now
from billing.days import service_day

DISTRICT = Place("district", 0, "", "")
WEEK = timedelta(days=7)
HOURS = 24
SHOWN = 20  # silent meters in the list


class SoFar(NamedTuple):
    """The full hours of today until `until`, and the same hours a week before. Shares are of the meters' time."""

    until: datetime
    grams: int
    before: int
    alive_share: float
    alive_share_before: float

    @property
    def percent(self) -> int | None:
        """How much more than a week before; None where nothing was weighed then."""
        return round(100 * (self.grams - self.before) / self.before) if self.before else None


class Silent(NamedTuple):
    """A meter that nobody has heard in the last hour. `since` is the end of its last interval, None if it has none.

    `gateway_out`: neither have the other meters of its gateway.
    """

    meter: str
    code: str
    complex_id: int
    complex_name: str
    gateway: str
    gateway_out: bool
    since: datetime | None


class Trend(NamedTuple):
    """The last 24 hours, the hour that runs included; yesterday and today beside what is usual; and who is silent."""

    now: datetime
    hours: list[Volume]
    yesterday: Volume
    today: Volume
    so_far: SoFar | None
    silent: list[Silent]
    silent_count: int

    @property
    def day(self) -> date:
        """Today."""
        return service_day(self.now)


def trend(connection: sa.Connection, district_id: int, now: datetime, reach: Reach = WHOLE) -> Trend:
    """The district, or its complexes within reach, over the last day."""
    day = service_day(now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    last = Ask(DISTRICT, day - DAY, day + DAY, by="hour", after=(hour - HOURS * HOUR).isoformat(), reach=reach)
    days = Ask(DISTRICT, day - DAY, day + DAY, by="day", compare=True, reach=reach)
    before = Ask(DISTRICT, day - WEEK, day - WEEK + DAY, by="hour", reach=reach)
    hours = volumes(connection, district_id, last, now).rows
    yesterday, today = volumes(connection, district_id, days, now).rows
    silent = silent_meters(connection, district_id, now, reach)
    return Trend(
        *(now, hours, yesterday, today),
        _so_far(hours, volumes(connection, district_id, before, now).rows, midnight(day), hour),
        *(silent[:SHOWN], len(silent)),
    )


def _so_far(hours: list[Volume], before: list[Volume], start: datetime, until: datetime) -> SoFar | None:
    ours = [row for row in hours if start <= row.start < until]
    theirs = [row for row in before if row.start < until - WEEK]
    if not ours or not any(row.meters for row in theirs):
        return None
    return SoFar(until, sum(row.grams for row in ours), sum(row.grams for row in theirs), _share(ours), _share(theirs))


def _share(rows: Iterable[Volume]) -> float:
    shares = [row.alive_share or 0.0 for row in rows if row.meters]
    return sum(shares) / len(shares) if shares else 0.0


def silent_meters(connection: sa.Connection, district_id: int, now: datetime, reach: Reach = WHOLE) -> list[Silent]:
    """The meters that stand somewhere now and were not heard of in the last hour; whole gateways first, by complex."""
    rows = connection.execute(_standing(district_id, now)).all()
    living = {row.gateway_id for row in rows if row.last_end is not None and row.last_end > now - REPORTING}
    found = [
        Silent(
            row.name or row.code,
            *(row.code, row.complex_id, row.complex_name, row.gateway),
            row.gateway_id not in living,
            row.last_end,
        )
        for row in rows
        if reach.covers(row.complex_id) and (row.last_end is None or row.last_end <= now - REPORTING)
    ]
    return sorted(found, key=lambda one: (not one.gateway_out, one.complex_name, one.code))


def _standing(district_id: int, now: datetime) -> sa.Select[*tuple[Any, ...]]:
    """Each meter with the end of its last interval: one row of the index by start."""
    a = MeterAlive
    last = (
        sa.select(a.ended_at)
        .where(a.district_id == district_id, a.meter_id == MeterAssignment.meter_id, a.started_at <= now)
        .order_by(a.started_at.desc())
        .limit(1)
        .scalar_subquery()
    )

    def of(table: Any, column: Any) -> sa.ColumnElement[bool]:
        return sa.and_(table.district_id == district_id, table.id == column)

    return (
        sa.select(
            *(MeterAssignment.gateway_id, MeterAssignment.complex_id, Meter.name, Meter.code),
            *(Complex.name.label("complex_name"), Gateway.code.label("gateway"), last.label("last_end")),
        )
        .join(Meter, of(Meter, MeterAssignment.meter_id))
        .join(Complex, of(Complex, MeterAssignment.complex_id))
        .join(Gateway, of(Gateway, MeterAssignment.gateway_id))
        .where(*stands_now(district_id, now))
    )
