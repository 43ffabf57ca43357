"""Faults counted by class and month, as municipalities publish them: with how many devices there were."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.fleet.faults.models import Fault
from app.fleet.faults.policy import CLASSES
from app.registry.models import MeterAssignment
from billing.days import SEOUL, month_of, service_day


def year_of(now: datetime) -> int:
    """The calendar year in Korea."""
    return service_day(now).year


def by_month(session: Session, district_id: int, reach: Reach, year: int, now: datetime) -> list[dict[str, Any]]:
    """The months of a year until now (Asia/Seoul), the first first.

    Each: month (its first day), devices (meters that stood somewhere in it), total and `by_class`: faults that opened
    for the first time in it, by the class that they are held for now.
    """
    counts: dict[date, dict[str, int]] = defaultdict(lambda: dict.fromkeys(CLASSES, 0))
    days = sa.select(Fault.opened_day, Fault.fault_class, sa.func.count()).where(
        Fault.district_id == district_id,
        Fault.opened_day.between(date(year, 1, 1), date(year, 12, 31)),
        reach.within(Fault.complex_id),
    )
    for day, fault_class, number in session.execute(days.group_by(Fault.opened_day, Fault.fault_class)):
        counts[month_of(day)][fault_class] += number
    stood = _standing(session, district_id, reach, year)
    this_month = month_of(service_day(now))
    months = [month for month in (date(year, number, 1) for number in range(1, 13)) if month <= this_month]
    return [
        {
            "month": month,
            "devices": len({meter for meter, start, end in stood if _overlaps(month, start, end)}),
            "total": sum(counts[month].values()),
            "by_class": counts[month],
        }
        for month in months
    ]


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    """The table as CSV in UTF-8 with a byte order mark, so that spreadsheets read the Korean of other columns, too."""
    file = io.StringIO()
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(["month", "devices", "total", *CLASSES])
    for row in rows:
        writer.writerow([f"{row['month']:%Y-%m}", row["devices"], row["total"], *(row["by_class"][c] for c in CLASSES)])
    return file.getvalue()


def _standing(
    session: Session, district_id: int, reach: Reach, year: int
) -> list[tuple[int, datetime, datetime | None]]:
    a = MeterAssignment
    statement = sa.select(a.meter_id, a.valid_from, a.valid_to).where(
        *(a.district_id == district_id, a.valid_from < _at(date(year + 1, 1, 1)), reach.within(a.complex_id)),
        sa.or_(a.valid_to.is_(None), a.valid_to > _at(date(year, 1, 1))),
    )
    return list(session.execute(statement))


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), SEOUL)


def _overlaps(month: date, start: datetime, end: datetime | None) -> bool:
    return start < _at(month_of(month + timedelta(days=31))) and (end is None or end > _at(month))
