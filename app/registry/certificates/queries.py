"""Reads of certificates: how the scale of each meter stands on a day, what is due where, one meter's papers."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.db import Executor
from app.registry.certificates.models import ScaleCertificate, ScaleCertificateWithdrawal
from app.registry.models import Complex, Meter, MeterAssignment

SOON = timedelta(days=60)
STATES = ("missing", "failed", "overdue", "due", "valid")  # the most pressing first
NEVER = date(1, 1, 1)  # what sorts before any day, for scales without one

Row = dict[str, Any]


def living(district_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of certificates of the district that were not withdrawn."""
    withdrawn = sa.exists().where(
        ScaleCertificateWithdrawal.district_id == ScaleCertificate.district_id,
        ScaleCertificateWithdrawal.certificate_id == ScaleCertificate.id,
    )
    return ScaleCertificate.district_id == district_id, ~withdrawn


def newest(district_id: int, day: date) -> sa.Subquery:
    """By meter_id, the certificate that counts on a day: number, result, due_on of the last inspection until then."""
    c = ScaleCertificate
    order = (c.inspected_on.desc(), c.id.desc())
    rank = sa.func.row_number().over(partition_by=c.meter_id, order_by=order).label("rank")
    ranked = sa.select(c.meter_id, c.number, c.inspected_on, c.body, c.result, c.due_on, rank).where(
        *living(district_id), c.inspected_on <= day
    )
    each = ranked.subquery()
    return sa.select(each).where(each.c.rank == 1).subquery("certificate")


def state(certificate: sa.Subquery, day: date) -> sa.ColumnElement[str]:
    """One of STATES, by the certificate that counts: `due` means within 60 days."""
    return sa.case(
        (certificate.c.result.is_(None), "missing"),
        (certificate.c.result == "failed", "failed"),
        (certificate.c.due_on < day, "overdue"),
        (certificate.c.due_on <= day + SOON, "due"),
        else_="valid",
    )


def state_of(
    session: Executor, district_id: int, meter_ids: Iterable[int], day: date
) -> dict[int, tuple[str, date | None]]:
    """How the scales of these meters stand on a day: one of STATES, and when the next inspection is due.

    `missing` and `failed` scales have no due day. Meters that the district does not have are left out.
    """
    certificate = newest(district_id, day)
    due_on = sa.case((certificate.c.result == "passed", certificate.c.due_on), else_=None)
    statement = (
        sa.select(Meter.id, state(certificate, day), sa.type_coerce(due_on, sa.Date()))
        .outerjoin(certificate, certificate.c.meter_id == Meter.id)
        .where(Meter.district_id == district_id, Meter.id.in_(list(meter_ids)))
    )
    return {meter_id: (found, due) for meter_id, found, due in session.execute(statement)}


def due_page(
    session: Session,
    district_id: int,
    now: datetime,
    day: date,
    reach: Reach = WHOLE,
    *,
    state_is: str = "",
    complex_code: str = "",
    after: tuple[date, str] | None = None,
    limit: int | None = 200,
) -> list[Row]:
    """Scales of the meters that stand now, the most pressing first: meter, name, complex, complex_name, state,
    number, body, inspected_on, due_on (None: no certificate). Paged by (due_on or NEVER, meter) above `after`.
    """
    certificate = newest(district_id, day)
    due_key = sa.func.coalesce(certificate.c.due_on, sa.literal(NEVER, sa.Date()), type_=sa.Date())
    shown = state(certificate, day)
    statement = _standing(
        sa.select(
            *(Meter.code.label("meter"), Meter.name, Complex.code.label("complex")),
            *(Complex.name.label("complex_name"), shown.label("state"), certificate.c.number, certificate.c.body),
            *(certificate.c.inspected_on, certificate.c.due_on, certificate.c.result),
        ),
        *(certificate, district_id, now, reach),
    )
    if state_is:
        statement = statement.where(shown == state_is)
    if complex_code:
        statement = statement.where(Complex.code == complex_code)
    if after is not None:
        day_after, meter = after
        later = sa.and_(due_key == day_after, Meter.code > meter)
        statement = statement.where(sa.or_(due_key > day_after, later))
    return _rows(session, statement.order_by(due_key, Meter.code).limit(limit))


def counts(
    session: Session, district_id: int, now: datetime, day: date, reach: Reach = WHOLE
) -> tuple[dict[str, int], list[Row]]:
    """How many scales of standing meters are in each state, and the same of each complex where one needs somebody.

    A complex: complex, complex_name, meters and each of STATES.
    """
    certificate = newest(district_id, day)
    shown = state(certificate, day)
    each = [sa.func.count(sa.case((shown == name, 1))).label(name) for name in STATES]
    statement = _standing(
        sa.select(
            Complex.code.label("complex"), Complex.name.label("complex_name"), sa.func.count().label("meters")
        ).add_columns(*each),
        *(certificate, district_id, now, reach),
    )
    rows = _rows(session, statement.group_by(Complex.code, Complex.name).order_by(Complex.code))
    total = {name: sum(row[name] for row in rows) for name in STATES}
    return total, [row for row in rows if row["valid"] < row["meters"]]


def of_meter(session: Session, district_id: int, meter_id: int) -> list[Row]:
    """Every certificate of a meter, the newest inspection first, with withdrawn_at, withdrawn_by, withdrawn_reason."""
    c, w = ScaleCertificate, ScaleCertificateWithdrawal
    same = sa.and_(w.district_id == c.district_id, w.certificate_id == c.id)
    columns = [column for column in c.__table__.c if column.name not in ("district_id", "meter_id")]
    statement = (
        sa.select(*columns, w.withdrawn_at, w.withdrawn_by, w.reason.label("withdrawn_reason"))
        .outerjoin(w, same)
        .where(c.district_id == district_id, c.meter_id == meter_id)
    )
    return _rows(session, statement.order_by(c.inspected_on.desc(), c.id.desc()))


def _standing(statement: Any, certificate: sa.Subquery, district_id: int, now: datetime, reach: Reach) -> Any:
    """From the meters that stand somewhere within reach, each with its certificate."""
    a = MeterAssignment
    return (
        statement.select_from(Meter)
        .join(a, sa.and_(a.district_id == Meter.district_id, a.meter_id == Meter.id))
        .join(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .outerjoin(certificate, certificate.c.meter_id == Meter.id)
        .where(Meter.district_id == district_id, a.valid_from <= now, reach.within(a.complex_id))
        .where(sa.or_(a.valid_to.is_(None), a.valid_to > now))
    )


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
