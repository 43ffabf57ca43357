"""Use cases of meters and reducers: installed, moved, retired and installed anew.

Committing is left to the caller's `with database.begin()`; each change is booked by name, and raises the registry's
version so that ingest follows. Where a meter was heard of since is `app.metering`'s to know: it passes `not_before`.
"""

import re
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.devices.queries import Standing, find_meter
from app.registry.models import Complex, Gateway, Meter, MeterAssignment, Reducer
from app.registry.service import changing
from billing.days import service_day

CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}")
MOST_NAME, MOST_REASON = 80, 500
FIRST_YEAR = 1990

POOR_CODE = _l("Write up to 40 letters, digits and hyphens.")
NO_COMPLEX = _l("No complex has this code.")
NO_GATEWAY = _l("No gateway has this code.")
MISSING = _l("Fill this in.")
TOO_LONG = _l("This is too long.")
NOT_YET = _l("This moment has not come yet.")
TOO_EARLY = _l("Give a moment from 1990 on.")
SAME_PLACE = _l("The meter stands there already.")
NOT_AFTER = _l("This day is before the reducer was installed.")


class To(NamedTuple):
    """Where a meter comes to stand and which gateway runs it, by their codes, and from when on."""

    complex: str
    gateway: str
    at: datetime


class Place(NamedTuple):
    """The same by their rows."""

    complex: Complex
    gateway: Gateway
    at: datetime


def install(
    session: Session, district_id: int, code: str, to: To, actor: str, now: datetime, name: str = ""
) -> Standing:
    """Let a meter stand at a complex: a new one, or one that stands nowhere.

    Raises `meter-elsewhere` for one that stands somewhere at that time or later, `invalid` for what cannot be so.
    """
    changing(session, district_id)
    if not CODE.fullmatch(code):
        raise Problem("invalid", errors={"code": POOR_CODE})
    place = _place(session, district_id, to, now)
    meter = session.scalar(sa.select(Meter).where(Meter.district_id == district_id, Meter.code == code))
    if meter is None:
        id_ = allocate(session, district_id, "meter")[0]
        meter = Meter(district_id=district_id, id=id_, code=code, name=name.strip()[:MOST_NAME] or None)
        session.add(meter)
        session.flush()
    else:
        _refuse_standing(session, meter, to.at)
    _assign(session, meter, place)
    entry = audit.Entry("meter.installed", "meter", meter.id, code, after=_told(place), complex_id=place.complex.id)
    audit.book(session, district_id, entry, actor, now)
    return find_meter(session, district_id, meter.id, max(to.at, now))


def move(
    session: Session,
    district_id: int,
    code: str,
    to: To,
    reason: str,
    actor: str,
    now: datetime,
    not_before: datetime | None,
) -> Standing:
    """Let a meter stand at another complex, or be run by another gateway, from a moment on.

    `not_before` is until when it was heard of at its old place: what it weighed there stays there. Raises
    `meter-heard-since` for a moment before, `meter-nowhere` for one that stands nowhere, `invalid`.
    """
    changing(session, district_id)
    place = _place(session, district_id, to, now)
    meter, old = _standing_row(session, district_id, code, to.at)
    if (old.complex_id, old.gateway_id) == (place.complex.id, place.gateway.id):
        raise Problem("invalid", errors={"complex": SAME_PLACE})
    before = _told(_place_of(session, old))
    _end(session, old, to.at, reason, not_before)
    _assign(session, meter, place)
    reasoned = reason.strip() or None
    if old.complex_id != place.complex.id:  # whoever runs the old place reads that it left, not where to
        left = audit.Entry("meter.moved_away", "meter", meter.id, code, before, None, reasoned, old.complex_id)
        audit.book(session, district_id, left, actor, now)
    entry = audit.Entry("meter.moved", "meter", meter.id, code, before, _told(place), reasoned, place.complex.id)
    audit.book(session, district_id, entry, actor, now)
    return find_meter(session, district_id, meter.id, now)


def retire(
    session: Session,
    district_id: int,
    code: str,
    at: datetime,
    reason: str,
    actor: str,
    now: datetime,
    not_before: datetime | None,
) -> None:
    """Take a meter away from where it stands, for a reason; it keeps its history and may be installed anew.

    Raises as `move` does.
    """
    changing(session, district_id)
    errors: dict[str, object] = {} if reason.strip() else {"reason": MISSING}
    if at > now:
        errors["at"] = NOT_YET
    if errors:
        raise Problem("invalid", errors=errors)
    meter, old = _standing_row(session, district_id, code, at)
    before = _told(_place_of(session, old))
    _end(session, old, at, reason, not_before)
    entry = audit.Entry("meter.retired", "meter", meter.id, code, before, {"to": at}, reason.strip(), old.complex_id)
    audit.book(session, district_id, entry, actor, now)


def install_reducer(
    session: Session, district_id: int, code: str, complex_code: str, installed_on: date, actor: str, now: datetime
) -> Reducer:
    """A reducer at a complex from a day on. Raises `code-taken`, `invalid`."""
    if not CODE.fullmatch(code):
        raise Problem("invalid", errors={"code": POOR_CODE})
    if installed_on > service_day(now):
        raise Problem("invalid", errors={"installed_on": NOT_YET})
    complex_ = _complex(session, district_id, complex_code)
    if session.scalar(sa.select(Reducer.id).where(Reducer.district_id == district_id, Reducer.code == code)):
        raise Problem("code-taken", code=code)
    reducer = Reducer(
        district_id=district_id,
        id=allocate(session, district_id, "reducer")[0],
        code=code,
        complex_id=complex_.id,
        installed_on=installed_on,
    )
    session.add(reducer)
    session.flush()
    after = {"complex": complex_code, "installed_on": installed_on}
    entry = audit.Entry("reducer.installed", "reducer", reducer.id, code, after=after, complex_id=complex_.id)
    audit.book(session, district_id, entry, actor, now)
    return reducer


def retire_reducer(
    session: Session, district_id: int, code: str, retired_on: date, reason: str, actor: str, now: datetime
) -> None:
    """A reducer is used no longer from a day on. Raises `not-found`, `already-decided`, `invalid`."""
    found = session.scalar(sa.select(Reducer).where(Reducer.district_id == district_id, Reducer.code == code))
    if found is None:
        raise Problem("not-found")
    if found.retired_on is not None:
        raise Problem("already-decided")
    errors: dict[str, object] = {} if reason.strip() else {"reason": MISSING}
    if found.installed_on is not None and retired_on < found.installed_on:
        errors["retired_on"] = NOT_AFTER
    if errors:
        raise Problem("invalid", errors=errors)
    found.retired_on, found.retired_reason = retired_on, reason.strip()[:MOST_REASON]
    session.flush()
    after = {"retired_on": retired_on}
    retired = audit.Entry("reducer.retired", "reducer", found.id, code, None, after, reason.strip(), found.complex_id)
    audit.book(session, district_id, retired, actor, now)


def _place(session: Session, district_id: int, to: To, now: datetime) -> Place:
    if to.at > now or to.at.year < FIRST_YEAR:
        raise Problem("invalid", errors={"at": NOT_YET if to.at > now else TOO_EARLY})
    complex_ = _complex(session, district_id, to.complex)
    gateway = session.scalar(sa.select(Gateway).where(Gateway.district_id == district_id, Gateway.code == to.gateway))
    if gateway is None:
        raise Problem("invalid", errors={"gateway": NO_GATEWAY})
    return Place(complex_, gateway, to.at)


def _complex(session: Session, district_id: int, code: str) -> Complex:
    found = session.scalar(sa.select(Complex).where(Complex.district_id == district_id, Complex.code == code))
    if found is None:
        raise Problem("invalid", errors={"complex": NO_COMPLEX})
    return found


def _place_of(session: Session, assignment: MeterAssignment) -> Place:
    complex_ = session.get_one(Complex, (assignment.district_id, assignment.complex_id))
    gateway = session.get_one(Gateway, (assignment.district_id, assignment.gateway_id))
    return Place(complex_, gateway, assignment.valid_from)


def _told(place: Place) -> dict[str, Any]:
    return {"complex": place.complex.code, "gateway": place.gateway.code, "from": place.at}


def _refuse_standing(session: Session, meter: Meter, at: datetime) -> None:
    a = MeterAssignment
    until = sa.select(a.id).where(a.district_id == meter.district_id, a.meter_id == meter.id)
    if session.scalar(until.where(sa.or_(a.valid_to.is_(None), a.valid_to > at)).limit(1)):
        raise Problem("meter-elsewhere", meter=meter.code)


def _standing_row(session: Session, district_id: int, code: str, at: datetime) -> tuple[Meter, MeterAssignment]:
    """The meter and its open assignment."""
    meter = session.scalar(sa.select(Meter).where(Meter.district_id == district_id, Meter.code == code))
    if meter is None:
        raise Problem("not-found")
    a = MeterAssignment
    open_ = sa.select(a).where(a.district_id == district_id, a.meter_id == meter.id, a.valid_to.is_(None))
    found = session.scalar(open_)
    if found is None:
        raise Problem("meter-nowhere", meter=code)
    if at <= found.valid_from:
        raise Problem("meter-heard-since", meter=code, not_before=found.valid_from)
    return meter, found


def _end(session: Session, assignment: MeterAssignment, at: datetime, reason: str, not_before: datetime | None) -> None:
    if not_before is not None and at < not_before:
        raise Problem("meter-heard-since", not_before=not_before)
    assignment.valid_to, assignment.end_reason = at, reason.strip()[:MOST_REASON] or None
    session.flush()


def _assign(session: Session, meter: Meter, place: Place) -> None:
    session.add(
        MeterAssignment(
            district_id=meter.district_id,
            id=allocate(session, meter.district_id, "meter_assignment")[0],
            meter_id=meter.id,
            gateway_id=place.gateway.id,
            complex_id=place.complex.id,
            valid_from=place.at,
        )
    )
    session.flush()
