"""When a meter was heard of last, and how long it was alive each day."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.metering.models import AliveDay, Discharge, MeterAlive, MeterHour
from app.registry.devices.queries import Standing
from billing.days import SEOUL, service_day

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
DAY_MS = 24 * 3_600_000


def free_from(session: Session, meter: Standing) -> datetime | None:
    """From when on a meter may be said to stand elsewhere: after all that it weighed, and was alive, where it stands.

    None where it was never heard of there, or stands nowhere. The rollup finds the hour, so that no month of the
    ledger is searched.
    """
    if meter.complex_id is None:
        return None
    heard = (_weighed(session, meter), _alive(session, meter))
    return max((moment for moment in heard if moment is not None), default=None)


def _weighed(session: Session, meter: Standing) -> datetime | None:
    """Just after its last discharge at the complex where it stands."""
    of_hour = sa.and_(MeterHour.district_id == meter.district_id, MeterHour.complex_id == meter.complex_id)
    hours = sa.select(MeterHour.hour).where(of_hour, MeterHour.meter_id == meter.id)
    hour = session.scalar(hours.order_by(MeterHour.hour.desc()).limit(1))
    if hour is None:
        return None
    last = session.scalar(
        sa.select(sa.func.max(Discharge.occurred_at)).where(
            Discharge.district_id == meter.district_id,
            Discharge.service_day == service_day(hour),
            Discharge.meter_id == meter.id,
            Discharge.occurred_at >= hour,
            Discharge.occurred_at < hour + HOUR,
        )
    )
    return last + MICROSECOND if last is not None else None


def _alive(session: Session, meter: Standing) -> datetime | None:
    """The end of its last alive interval."""
    ends = sa.select(MeterAlive.ended_at).where(
        MeterAlive.district_id == meter.district_id, MeterAlive.meter_id == meter.id
    )
    return session.scalar(ends.order_by(MeterAlive.started_at.desc()).limit(1))


class DayAlive(NamedTuple):
    """How much of a day the meter was alive: `alive_ms` of the `whole_ms` that have passed of it."""

    day: date
    alive_ms: int
    whole_ms: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(self.alive_ms / self.whole_ms, 1) if self.whole_ms else 0


def alive_days(
    session: Session, district_id: int, meter_id: int, complex_ids: Iterable[int], now: datetime, days: int = 14
) -> list[DayAlive]:
    """The last days (Asia/Seoul), today last, at these complexes; a day without a sign of life has 0."""
    today = service_day(now)
    first = today - timedelta(days=days - 1)
    statement = sa.select(AliveDay.service_day, sa.func.sum(AliveDay.alive_ms)).where(
        AliveDay.district_id == district_id,
        AliveDay.complex_id.in_(sorted(set(complex_ids))),
        AliveDay.service_day.between(first, today),
        AliveDay.meter_id == meter_id,
    )
    found = {day: int(alive) for day, alive in session.execute(statement.group_by(AliveDay.service_day))}
    each = (first + timedelta(days=number) for number in range(days))
    return [DayAlive(day, found.get(day, 0), _passed_ms(now) if day == today else DAY_MS) for day in each]


def _passed_ms(now: datetime) -> int:
    local = now.astimezone(SEOUL)
    return (local - local.replace(hour=0, minute=0, second=0, microsecond=0)) // timedelta(milliseconds=1)
