"""Reads of meters and reducers. Rows come back plain; a meter lies within reach where it stands now.

One that stands nowhere is the district's own, and so is where a meter stood at complexes outside of the reach.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.registry.certificates import queries as certificates
from app.registry.models import Complex, Gateway, Meter, MeterAssignment, Reducer
from billing.days import service_day

Row = dict[str, Any]


class Standing(NamedTuple):
    """A meter and where it stands now: `complex_id`, `gateway_id` and `since` are None where it stands nowhere."""

    district_id: int
    id: int
    code: str
    complex_id: int | None
    gateway_id: int | None
    since: datetime | None


def find_meter(session: Session, district_id: int, wanted: str | int, now: datetime, reach: Reach = WHOLE) -> Standing:
    """A meter by code or id; raises the Problem `not-found` for one that is not there or stands out of reach."""
    mine = Meter.code == wanted if isinstance(wanted, str) else Meter.id == wanted
    a = MeterAssignment
    statement = (
        sa.select(Meter.district_id, Meter.id, Meter.code, a.complex_id, a.gateway_id, a.valid_from)
        .outerjoin(a, sa.and_(a.district_id == Meter.district_id, a.meter_id == Meter.id, *holds(now)))
        .where(Meter.district_id == district_id, mine)
    )
    found = session.execute(statement).first()
    if found is None:
        raise Problem("not-found")
    reach.check(found.complex_id)
    return Standing(*found)


def holds(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of an assignment at a moment."""
    a = MeterAssignment
    return a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now)


class Wanted(NamedTuple):
    """Which meters: by text in code, name or complex, by code of complex or gateway, by state and by certificate.

    `state` is `standing`, `retired` or nothing for both.
    """

    search: str = ""
    complex: str = ""
    gateway: str = ""
    state: str = ""
    certificate: str = ""


def meter_page(
    session: Session,
    district_id: int,
    now: datetime,
    day: date,
    reach: Reach = WHOLE,
    wanted: Wanted = Wanted(),  # noqa: B008 - cannot be changed
    after: str = "",
    limit: int = 200,
) -> list[Row]:
    """Meters by code, those above `after`: code, name, complex, complex_name, gateway, since (all None where it
    stands nowhere), certificate (one of the states of certificates) and due_on.
    """
    statement, certificate = _meters(district_id, now, day)
    conditions = _conditions(wanted, certificate)
    statement = statement.where(Meter.code > after, reach.within(MeterAssignment.complex_id), *conditions)
    return _rows(session, statement.order_by(Meter.code).limit(limit))


def meter_row(session: Session, meter: Standing, now: datetime) -> Row:
    """One meter as in `meter_page`."""
    statement, _ = _meters(meter.district_id, now, service_day(now))
    (row,) = _rows(session, statement.where(Meter.id == meter.id))
    return row


def _meters(district_id: int, now: datetime, day: date) -> tuple[Any, sa.ColumnElement[str]]:
    """The meters of the district as rows of `meter_page`, and the column that says how the scale is certified."""
    certificate = certificates.newest(district_id, day)
    shown = certificates.state(certificate, day)
    a = MeterAssignment
    statement = (
        sa.select(
            *(Meter.code, Meter.name, Complex.code.label("complex"), Complex.name.label("complex_name")),
            *(Gateway.code.label("gateway"), a.valid_from.label("since"), shown.label("certificate")),
            certificate.c.due_on,
        )
        .outerjoin(a, sa.and_(a.district_id == Meter.district_id, a.meter_id == Meter.id, *holds(now)))
        .outerjoin(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .outerjoin(Gateway, sa.and_(Gateway.district_id == a.district_id, Gateway.id == a.gateway_id))
        .outerjoin(certificate, certificate.c.meter_id == Meter.id)
        .where(Meter.district_id == district_id)
    )
    return statement, shown


def _conditions(wanted: Wanted, certificate: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if wanted.search:
        columns = (Meter.code, Meter.name, Complex.name)
        conditions.append(sa.or_(*(column.icontains(wanted.search, autoescape=True) for column in columns)))
    if wanted.complex:
        conditions.append(Complex.code == wanted.complex)
    if wanted.gateway:
        conditions.append(Gateway.code == wanted.gateway)
    if wanted.state:
        stands = MeterAssignment.id.is_not(None)
        conditions.append(stands if wanted.state == "standing" else ~stands)
    if wanted.certificate:
        conditions.append(certificate == wanted.certificate)
    return conditions


def places(session: Session, district_id: int, meter_id: int, reach: Reach = WHOLE) -> list[Row]:
    """Where a meter stands and stood, the newest first: complex, complex_name, complex_id, gateway, valid_from,
    valid_to, end_reason.
    """
    a = MeterAssignment
    statement = (
        sa.select(
            *(Complex.code.label("complex"), Complex.name.label("complex_name"), a.complex_id),
            *(Gateway.code.label("gateway"), a.valid_from, a.valid_to, a.end_reason),
        )
        .join(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .join(Gateway, sa.and_(Gateway.district_id == a.district_id, Gateway.id == a.gateway_id))
        .where(a.district_id == district_id, a.meter_id == meter_id, reach.within(a.complex_id))
    )
    return _rows(session, statement.order_by(a.valid_from.desc()))


def reducer_page(
    session: Session, district_id: int, reach: Reach = WHOLE, after: str = "", limit: int = 200
) -> list[Row]:
    """Reducers by code: code, complex, complex_name, installed_on, retired_on, retired_reason."""
    statement = _reducers(district_id).where(Reducer.code > after, reach.within(Reducer.complex_id))
    return _rows(session, statement.order_by(Reducer.code).limit(limit))


def reducer_row(session: Session, district_id: int, code: str) -> Row:
    """One reducer as in `reducer_page`."""
    (row,) = _rows(session, _reducers(district_id).where(Reducer.code == code))
    return row


def _reducers(district_id: int) -> Any:
    return (
        sa.select(
            *(Reducer.code, Complex.code.label("complex"), Complex.name.label("complex_name")),
            *(Reducer.installed_on, Reducer.retired_on, Reducer.retired_reason),
        )
        .join(Complex, sa.and_(Complex.district_id == Reducer.district_id, Complex.id == Reducer.complex_id))
        .where(Reducer.district_id == district_id)
    )


def complex_choices(session: Session, district_id: int, reach: Reach = WHOLE) -> list[tuple[str, str]]:
    """Code and name of the complexes within reach, by name."""
    statement = sa.select(Complex.code, Complex.name).where(
        Complex.district_id == district_id, reach.within(Complex.id)
    )
    return [(code, name) for code, name in session.execute(statement.order_by(Complex.name, Complex.code))]


def gateway_codes(session: Session, district_id: int) -> list[str]:
    """Codes of the district's gateways."""
    statement = sa.select(Gateway.code).where(Gateway.district_id == district_id)
    return list(session.scalars(statement.order_by(Gateway.code)))


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
