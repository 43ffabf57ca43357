"""Reads of faults and incidents, always of one district and within a reach. Rows come back plain.

Open faults are listed by their due time, the others by number, the newest first; a page goes on after the id of the
last row of the page before.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.access.models import Account
from app.access.reach import WHOLE, Reach
from app.fleet.faults.models import Fault, FaultDuty, FaultEvent, Incident
from app.fleet.models import GatewayEpoch
from app.problems import Problem
from app.registry.models import Complex, Gateway, Meter, MeterAssignment

Row = dict[str, Any]
OPEN = ("open", "taken")
OVERDUE = "overdue"
LISTS = ("open", OVERDUE, "unowned", "closed", "all")


class Wanted(NamedTuple):
    """Which faults: `which` of LISTS, of a class, at a complex (code), of an owner (account), of an incident."""

    which: str = "open"
    fault_class: str | None = None
    complex: str | None = None
    owner_id: int | None = None
    incident_id: int | None = None
    meter_id: int | None = None
    gateway_id: int | None = None


def fault_page(
    session: Session,
    district_id: int,
    reach: Reach,
    now: datetime,
    wanted: Wanted = Wanted(),  # noqa: B008 - immutable
    after: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Faults as `fault_detail` has them, without history."""
    statement = _faults(district_id, reach).where(*_which(wanted, now))
    by_due = wanted.which in ("open", OVERDUE, "unowned")
    if after is not None:
        last = session.get(Fault, (district_id, after))
        if last is None or not reach.covers(last.complex_id):
            raise Problem("not-found")
        later = sa.tuple_(Fault.due_at, Fault.id) > sa.tuple_(sa.literal(last.due_at, Fault.due_at.type), last.id)
        statement = statement.where(later if by_due else Fault.id < after)
    order = (Fault.due_at, Fault.id) if by_due else (Fault.id.desc(),)
    return [_shown(row, now) for row in _rows(session, statement.order_by(*order).limit(limit))]


def of_meter(
    session: Session,
    district_id: int,
    meter_id: int,
    limit: int = 20,
    reach: Reach = WHOLE,
    now: datetime | None = None,
) -> list[Row]:
    """The newest faults of a meter, those that are open first."""
    statement = _faults(district_id, reach).where(Fault.meter_id == meter_id)
    closed_last = sa.case((Fault.state == "closed", 1), else_=0)
    rows = _rows(session, statement.order_by(closed_last, Fault.id.desc()).limit(limit))
    return [_shown(row, now) for row in rows]


def fault_detail(session: Session, district_id: int, reach: Reach, fault_id: int, now: datetime) -> Row:
    """One fault with its `events`, the oldest first, and `last_contact_at` of its gateway; else `not-found`."""
    found = _rows(session, _faults(district_id, reach).where(Fault.id == fault_id))
    if not found:
        raise Problem("not-found")
    columns = (FaultEvent.kind, FaultEvent.actor, FaultEvent.at, FaultEvent.before, FaultEvent.after, FaultEvent.note)
    events = sa.select(*columns).where(FaultEvent.district_id == district_id, FaultEvent.fault_id == fault_id)
    contact = sa.select(sa.func.max(GatewayEpoch.last_contact_at)).where(
        GatewayEpoch.district_id == district_id, GatewayEpoch.gateway_id == found[0]["gateway_id"]
    )
    return _shown(found[0], now) | {
        "last_contact_at": session.scalar(contact),
        "events": _rows(session, events.order_by(FaultEvent.id)),
    }


def fault_counts(
    session: Session, district_id: int, reach: Reach, now: datetime, account_id: int | None = None
) -> dict[str, int]:
    """How many faults are open, overdue, without an owner, and the account's own (`mine`); an outage that goes on is
    not counted fault by fault.
    """
    counted = {
        "open": sa.true(),
        "overdue": Fault.due_at <= now,
        "unowned": Fault.owner_id.is_(None),
        "mine": Fault.owner_id == account_id if account_id is not None else sa.false(),
    }
    sums = [sa.func.count(sa.case((condition, 1))).label(name) for name, condition in counted.items()]
    statement = sa.select(*sums).where(Fault.district_id == district_id, *_waiting(), reach.within(Fault.complex_id))
    return dict(session.execute(statement).mappings().one())


def open_by_class(session: Session, district_id: int, reach: Reach) -> dict[str, int]:
    """How many faults are open, by class; only classes that have some."""
    statement = sa.select(Fault.fault_class, sa.func.count()).where(
        Fault.district_id == district_id, *_waiting(), reach.within(Fault.complex_id)
    )
    return dict(session.execute(statement.group_by(Fault.fault_class)).all())


def incident_page(
    session: Session,
    district_id: int,
    reach: Reach,
    before: int | None = None,
    limit: int = 50,
    open_only: bool = False,
) -> list[Row]:
    """Incidents, the newest first, with ids below `before`; within a reach, those that have a fault there.

    Each: id, opened_at, closed_at, silent, gateways, owner (login), due_at, escalation_level, faults and open_faults
    (how many within the reach).
    """
    mine = sa.and_(
        Fault.district_id == Incident.district_id, Fault.incident_id == Incident.id, reach.within(Fault.complex_id)
    )
    of_owner = sa.and_(Account.district_id == Incident.district_id, Account.id == Incident.owner_id)
    count = sa.select(sa.func.count()).where(mine)
    columns = (Incident.id, Incident.opened_at, Incident.closed_at, Incident.silent, Incident.gateways)
    statement = (
        sa.select(*columns, Incident.due_at, Incident.escalation_level, Account.login.label("owner"))
        .add_columns(count.scalar_subquery().label("faults"))
        .add_columns(count.where(Fault.state != "closed").scalar_subquery().label("open_faults"))
        .outerjoin(Account, of_owner)
        .where(Incident.district_id == district_id)
    )
    if not reach.whole:
        statement = statement.where(sa.exists().where(mine))
    if before is not None:
        statement = statement.where(Incident.id < before)
    if open_only:
        statement = statement.where(Incident.closed_at.is_(None))
    return _rows(session, statement.order_by(Incident.id.desc()).limit(limit))


def incident_detail(session: Session, district_id: int, reach: Reach, incident_id: int) -> Row:
    """One incident as in the list; raises `not-found` for one that has no fault within the reach."""
    found = [row for row in incident_page(session, district_id, reach, incident_id + 1, 1) if row["id"] == incident_id]
    if not found:
        raise Problem("not-found")
    return found[0]


def standing_meters(
    session: Session, district_id: int, reach: Reach, now: datetime, complex_code: str | None = None, limit: int = 500
) -> list[Row]:
    """Meters that stand somewhere within the reach now: meter and complex (codes), complex_name."""
    a = MeterAssignment
    statement = (
        sa.select(Meter.code.label("meter"), Complex.code.label("complex"), Complex.name.label("complex_name"))
        .select_from(a)
        .join(Meter, sa.and_(Meter.district_id == a.district_id, Meter.id == a.meter_id))
        .join(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .where(a.district_id == district_id, reach.within(a.complex_id))
        .where(a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now))
    )
    if complex_code is not None:
        statement = statement.where(Complex.code == complex_code)
    return _rows(session, statement.order_by(Complex.name, Meter.code).limit(limit))


def complexes_within(session: Session, district_id: int, reach: Reach) -> list[Row]:
    """Code and name of the complexes within the reach, by name."""
    statement = sa.select(Complex.code, Complex.name).where(
        Complex.district_id == district_id, reach.within(Complex.id)
    )
    return _rows(session, statement.order_by(Complex.name, Complex.code))


def duty_list(session: Session, district_id: int) -> list[Row]:
    """Who answers for what, the most general first: id, complex (code), complex_name, fault_class, owner and
    escalate_to (logins) with their names, set_by, set_at.
    """
    owner, above = aliased(Account), aliased(Account)
    d = FaultDuty
    statement = (
        sa.select(d.id, Complex.code.label("complex"), Complex.name.label("complex_name"), d.fault_class)
        .add_columns(owner.login.label("owner"), owner.name.label("owner_name"))
        .add_columns(above.login.label("escalate_to"), above.name.label("escalate_to_name"), d.set_by, d.set_at)
        .join(owner, sa.and_(owner.district_id == d.district_id, owner.id == d.owner_id))
        .outerjoin(above, sa.and_(above.district_id == d.district_id, above.id == d.escalate_to_id))
        .outerjoin(Complex, sa.and_(Complex.district_id == d.district_id, Complex.id == d.complex_id))
        .where(d.district_id == district_id)
    )
    rows = _rows(session, statement.order_by(d.id))
    return sorted(rows, key=lambda row: (row["complex"] or "", row["fault_class"] or "", row["id"]))


def _faults(district_id: int, reach: Reach) -> sa.Select[*tuple[Any, ...]]:
    f = Fault
    return (
        sa.select(
            *(f.id, f.fault_class, f.condition, f.source, f.state, f.words, f.first_opened_at, f.opened_at),
            *(f.opened_by, f.openings, f.due_at, f.escalation_level, f.incident_id),
            *(f.closed_at, f.closed_by, f.closing_note, f.gateway_id, f.meter_id, f.complex_id, f.owner_id),
            *(Complex.code.label("complex"), Complex.name.label("complex_name"), Meter.code.label("meter")),
            *(Gateway.code.label("gateway"), Account.login.label("owner"), Account.name.label("owner_name")),
        )
        .outerjoin(Complex, sa.and_(Complex.district_id == f.district_id, Complex.id == f.complex_id))
        .outerjoin(Meter, sa.and_(Meter.district_id == f.district_id, Meter.id == f.meter_id))
        .outerjoin(Gateway, sa.and_(Gateway.district_id == f.district_id, Gateway.id == f.gateway_id))
        .outerjoin(Account, sa.and_(Account.district_id == f.district_id, Account.id == f.owner_id))
        .where(f.district_id == district_id, reach.within(f.complex_id))
    )


def _which(wanted: Wanted, now: datetime) -> list[sa.ColumnElement[bool]]:
    lists: dict[str, list[sa.ColumnElement[bool]]] = {
        "open": [*_waiting(wanted)],
        OVERDUE: [*_waiting(wanted), Fault.due_at <= now],
        "unowned": [*_waiting(wanted), Fault.owner_id.is_(None)],
        "closed": [Fault.state == "closed"],
        "all": [],
    }
    conditions = lists[wanted.which]
    for column, value in (
        (Fault.fault_class, wanted.fault_class),
        (Complex.code, wanted.complex),
        (Fault.owner_id, wanted.owner_id),
        (Fault.incident_id, wanted.incident_id),
        (Fault.meter_id, wanted.meter_id),
        (Fault.gateway_id, wanted.gateway_id),
    ):
        if value is not None:
            conditions.append(column == value)
    return conditions


def _waiting(wanted: Wanted = Wanted()) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: B008 - immutable
    """Open faults for somebody to mend: those of an outage that goes on have its own line, unless asked for."""
    if wanted.incident_id is not None:
        return (Fault.state.in_(OPEN),)
    running = sa.exists().where(
        Incident.district_id == Fault.district_id, Incident.id == Fault.incident_id, Incident.closed_at.is_(None)
    )
    return (Fault.state.in_(OPEN), ~running)


def _shown(row: Row, now: datetime | None) -> Row:
    overdue = now is not None and row["state"] != "closed" and row["due_at"] <= now
    return row | {"overdue": overdue}


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
