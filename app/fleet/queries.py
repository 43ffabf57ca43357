"""Reads of the fleet, always of one district. Rows come back plain: dicts of what pages and the API show.

Lists are paged by key: gateways by their code, events and touches by what their functions say. Who sees some complexes
only (`reach`) sees the gateways that run a meter there now, and of a gateway those meters alone.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.keys import living
from app.access.models import GatewayClaim, GatewayEvent, GatewayKey
from app.access.reach import WHOLE, Reach
from app.fleet.models import (
    DisplayRate,
    GatewayCommand,
    GatewayEpoch,
    GatewayRelease,
    GatewayStatus,
)
from app.problems import Problem
from app.registry.models import Complex, Gateway, Meter, MeterAssignment

SILENT_AFTER = timedelta(minutes=15)  # a gateway reports every minute

Row = dict[str, Any]


def gateway_page(
    session: Session, district_id: int, now: datetime, after: str = "", limit: int = 100, reach: Reach = WHOLE
) -> list[Row]:
    """Gateways by code, those above `after`: each as `_described` makes it."""
    statement = sa.select(Gateway.id, Gateway.code, Gateway.created_at).where(
        Gateway.district_id == district_id, Gateway.code > after, _seen(Gateway.id, district_id, now, reach)
    )
    found = session.execute(statement.order_by(Gateway.code).limit(limit)).all()
    return _described(session, district_id, found, now, reach)


def gateway_detail(session: Session, district_id: int, code: str, now: datetime, reach: Reach = WHOLE) -> Row:
    """One gateway as in the list, and more: its reported meters with ports, its epochs with their missing ranges, all
    its keys, open claims, newest commands (50) and newest events (50). Raises the Problem `not-found`.
    """
    gateway_id = gateway_id_of(session, district_id, code, now, reach)
    mine = sa.select(Gateway.id, Gateway.code, Gateway.created_at).where(
        Gateway.district_id == district_id, Gateway.id == gateway_id
    )
    (row,) = _described(session, district_id, session.execute(mine).all(), now, reach)
    epochs = _epochs(session, district_id, [gateway_id])[gateway_id]
    told = not _knows_others(session, district_id, gateway_id, reach)
    return row | {
        "report": _narrowed(_reports(session, district_id, [gateway_id]).get(gateway_id), row["meters"], reach),
        "epochs": [_epoch(epoch) for epoch in epochs],
        "all_keys": [_key(key) for key in _keys(session, district_id, [gateway_id])[gateway_id]],
        "claims": _open_claims(session, district_id, gateway_id, now),
        "commands": command_list(session, district_id, now, gateway_id=gateway_id) if told else [],
        "events": event_page(session, district_id, gateway_id=gateway_id) if told else [],
    }


def events_of(
    session: Session,
    district_id: int,
    code: str,
    now: datetime,
    before: int | None = None,
    limit: int = 50,
    reach: Reach = WHOLE,
) -> list[Row]:
    """What happened to the gateway of this code, as in `event_page`. Raises the Problem `not-found`."""
    gateway_id = gateway_id_of(session, district_id, code, now, reach)
    if _knows_others(session, district_id, gateway_id, reach):
        return []
    return event_page(session, district_id, gateway_id, before, limit)


def gateway_id_of(session: Session, district_id: int, code: str, now: datetime, reach: Reach = WHOLE) -> int:
    """The id of a gateway of the district; raises the Problem `not-found`."""
    seen = _seen(Gateway.id, district_id, now, reach)
    found = session.scalar(sa.select(Gateway.id).where(Gateway.district_id == district_id, Gateway.code == code, seen))
    if found is None:
        raise Problem("not-found")
    return found


def gateway_of_meter(session: Session, district_id: int, meter: str, now: datetime) -> str:
    """The code of the gateway that runs a meter now; raises the Problem `not-found`."""
    runs = sa.and_(Gateway.district_id == MeterAssignment.district_id, Gateway.id == MeterAssignment.gateway_id)
    mine = sa.and_(Meter.district_id == MeterAssignment.district_id, Meter.id == MeterAssignment.meter_id)
    statement = (
        sa.select(Gateway.code)
        .join(MeterAssignment, runs)
        .join(Meter, mine)
        .where(Meter.district_id == district_id, Meter.code == meter, MeterAssignment.valid_from <= now)
        .where(sa.or_(MeterAssignment.valid_to.is_(None), MeterAssignment.valid_to > now))
    )
    found = session.scalar(statement)
    if found is None:
        raise Problem("not-found")
    return found


def _seen(gateway_id: Any, district_id: int, now: datetime, reach: Reach) -> sa.ColumnElement[bool]:
    """The condition on a column of gateway ids that leaves those that run a meter within reach now."""
    if reach.whole:
        return sa.true()
    a = MeterAssignment
    standing = (a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now))
    runs = sa.select(a.gateway_id).where(a.district_id == district_id, reach.within(a.complex_id), *standing)
    inside: sa.ColumnElement[bool] = gateway_id.in_(runs)
    return inside


def _knows_others(session: Session, district_id: int, gateway_id: int, reach: Reach) -> bool:
    """Whether the gateway ever ran a meter out of reach: its commands and events name meters and cards of others."""
    a = MeterAssignment
    elsewhere = sa.exists().where(a.district_id == district_id, a.gateway_id == gateway_id, ~reach.within(a.complex_id))
    return not reach.whole and bool(session.scalar(sa.select(elsewhere)))


def fleet_summary(session: Session, district_id: int, now: datetime, reach: Reach = WHOLE) -> dict[str, int]:
    """How many gateways there are, and how many of them are silent, never came, report faults, miss numbers …"""
    epochs = (
        sa.select(GatewayEpoch.gateway_id, sa.func.max(GatewayEpoch.last_contact_at).label("last"))
        .add_columns(sa.func.max(sa.case((GatewayEpoch.missing != "[]", 1), else_=0)).label("misses"))
        .where(GatewayEpoch.district_id == district_id, GatewayEpoch.epoch_no > 0)
        .group_by(GatewayEpoch.gateway_id)
        .subquery()
    )
    keyed = sa.select(GatewayKey.gateway_id).where(GatewayKey.district_id == district_id, living(now)).distinct()
    last = epochs.c.last
    statement = sa.select(
        sa.func.count().label("gateways"),
        *_counts(
            reporting=last > now - SILENT_AFTER,
            silent=last <= now - SILENT_AFTER,
            never_seen=last.is_(None),
            without_key=Gateway.id.not_in(keyed),
            with_missing=epochs.c.misses == 1,
        ),
    )
    statement = statement.outerjoin_from(Gateway, epochs, epochs.c.gateway_id == Gateway.id)
    statement = statement.where(Gateway.district_id == district_id, _seen(Gateway.id, district_id, now, reach))
    waiting = sa.select(sa.func.count()).where(GatewayCommand.district_id == district_id, *_waits(now))
    waiting = waiting.where(_seen(GatewayCommand.gateway_id, district_id, now, reach))
    return dict(session.execute(statement).mappings().one()) | {
        "with_faults": _with_faults(session, district_id, now, reach),
        "waiting_commands": session.scalars(waiting).one(),
    }


def _counts(**conditions: sa.ColumnElement[bool]) -> Iterator[sa.Label[int]]:
    """For each condition, by its name, of how many rows it is true."""
    for name, condition in conditions.items():
        yield sa.func.count(sa.case((condition, 1))).label(name)


class _MeterFaults(msgspec.Struct):
    meter: str
    faults: list[str]


class _Faults(msgspec.Struct):
    """All that is read of a report to count it: the decoder skips the rest."""

    meters: list[_MeterFaults]


_faults = msgspec.json.Decoder(_Faults)


def _with_faults(session: Session, district_id: int, now: datetime, reach: Reach) -> int:
    statement = sa.select(GatewayStatus.gateway_id, GatewayStatus.report).where(
        GatewayStatus.district_id == district_id, _seen(GatewayStatus.gateway_id, district_id, now, reach)
    )
    faulty = {id_: _faulty_meters(report) for id_, report in session.execute(statement)}
    if not reach.whole:
        own = _meters(session, district_id, list(faulty), now, reach)
        faulty = {id_: codes & {meter.code for meter in own[id_]} for id_, codes in faulty.items()}
    return sum(map(bool, faulty.values()))


def _faulty_meters(report: str) -> set[str]:
    return {meter.meter for meter in _faults.decode(report).meters if meter.faults}


def event_page(
    session: Session, district_id: int, gateway_id: int | None = None, before: int | None = None, limit: int = 50
) -> list[Row]:
    """What happened to one gateway or to all, the newest first, with ids below `before`.

    Each: id, gateway (code), kind, detail, actor (None: the box), at, claimed_at, clock, booked_at.
    """
    same = sa.and_(Gateway.district_id == GatewayEvent.district_id, Gateway.id == GatewayEvent.gateway_id)
    shown = (
        *(GatewayEvent.id, Gateway.code.label("gateway"), GatewayEvent.kind, GatewayEvent.detail, GatewayEvent.actor),
        *(GatewayEvent.at, GatewayEvent.claimed_at, GatewayEvent.clock, GatewayEvent.booked_at),
    )
    statement = sa.select(*shown).join(Gateway, same).where(GatewayEvent.district_id == district_id)
    if gateway_id is not None:
        statement = statement.where(GatewayEvent.gateway_id == gateway_id)
    if before is not None:
        statement = statement.where(GatewayEvent.id < before)
    return _rows(session, statement.order_by(GatewayEvent.id.desc()).limit(limit))


def command_list(
    session: Session, district_id: int, now: datetime, gateway_id: int | None = None, limit: int = 50
) -> list[Row]:
    """Commands, the newest first: id, gateway, kind, arguments, created_at, created_by, expires_at, delivered_at,
    state, detail, finished_at. One that waits beyond its time is shown as `expired`.
    """
    same = sa.and_(Gateway.district_id == GatewayCommand.district_id, Gateway.id == GatewayCommand.gateway_id)
    columns = [column for column in GatewayCommand.__table__.c if column.name not in ("district_id", "text")]
    statement = sa.select(*columns, Gateway.code.label("gateway")).join(Gateway, same)
    statement = statement.where(GatewayCommand.district_id == district_id)
    if gateway_id is not None:
        statement = statement.where(GatewayCommand.gateway_id == gateway_id)
    newest = statement.order_by(GatewayCommand.created_at.desc(), GatewayCommand.id).limit(limit)
    return [
        row | {"arguments": json.loads(row["arguments"]), "state": _state(row, now)} for row in _rows(session, newest)
    ]


def command_row(command: GatewayCommand, gateway: str) -> Row:
    """A command that was just made, as in `command_list`."""
    names = [column.name for column in GatewayCommand.__table__.c if column.name not in ("district_id", "text")]
    row = {name: getattr(command, name) for name in names}
    return row | {"gateway": gateway, "arguments": json.loads(command.arguments)}


def release_list(session: Session, district_id: int) -> list[Row]:
    """Releases, the newest first: version, file_name, sha256, size (bytes), signature, added_at, added_by."""
    columns = [column for column in GatewayRelease.__table__.c if column.name not in ("district_id", "content")]
    statement = sa.select(*columns).where(GatewayRelease.district_id == district_id)
    return _rows(session, statement.order_by(GatewayRelease.added_at.desc()))


def display_rates(session: Session, district_id: int) -> list[Row]:
    """Steps of what the displays estimate a fee from, by first_day: won_per_kg (text of a decimal), set_by, set_at."""
    columns = [column for column in DisplayRate.__table__.c if column.name != "district_id"]
    statement = sa.select(*columns).where(DisplayRate.district_id == district_id)
    return _rows(session, statement.order_by(DisplayRate.first_day))


def _described(session: Session, district_id: int, gateways: Sequence[Any], now: datetime, reach: Reach) -> list[Row]:
    """The gateways of (id, code, created_at) with what is known of each, in a fixed number of queries."""
    ids = [gateway.id for gateway in gateways]
    meters = _meters(session, district_id, ids, now, reach)
    keys, reports = _keys(session, district_id, ids), _reports(session, district_id, ids)
    epochs, waiting = _epochs(session, district_id, ids), _waiting(session, district_id, ids, now)
    return [
        {"id": gateway.id, "code": gateway.code, "created_at": gateway.created_at, "open_commands": waiting[gateway.id]}
        | _standing(meters[gateway.id])
        | {"keys": [_key(key) for key in keys[gateway.id] if _lives(key, now)]}
        | _contact(epochs[gateway.id], now)
        | _reported(_narrowed(reports.get(gateway.id), [meter.code for meter in meters[gateway.id]], reach))
        for gateway in gateways
    ]


def _standing(meters: list[Any]) -> Row:
    """Where the gateway's meters stand now: `meters` (codes) and `complexes` (code and name)."""
    complexes = {meter.complex: meter.complex_name for meter in meters}
    return {
        "meters": [meter.code for meter in meters],
        "complexes": [{"code": code, "name": name} for code, name in complexes.items()],
    }


def _contact(epochs: list[Any], now: datetime) -> Row:
    """When it was heard of last, since when it is silent (None: it is not), and what is missing of its numbers."""
    last = max((epoch.last_contact_at for epoch in epochs), default=None)
    missing = [gap for epoch in epochs for gap in json.loads(epoch.missing)]
    return {
        "last_contact_at": last,
        "silent_since": last if last is not None and now - last >= SILENT_AFTER else None,
        "epoch_count": len(epochs),
        "missing_ranges": len(missing),
        "missing_count": sum(to - from_ + 1 for from_, to in missing),
    }


def _narrowed(report: Row | None, meters: list[str], reach: Reach) -> Row | None:
    """A status with those meters alone that its reader may know of, by code."""
    if report is None or reach.whole:
        return report
    return report | {"meters": [told for told in report["meters"] if told["meter"] in meters]}


def _reported(report: Row | None) -> Row:
    """What the newest status says: None where there is none. `faults` by meter, only meters that have some."""
    told = report or {}
    spool, cards, disk = told.get("spool") or {}, told.get("cards") or {}, told.get("disk") or {}
    return {
        "reported_at": told.get("received_at"),
        "clock": told.get("clock"),
        "software": told.get("firmware"),
        "spool_depth": spool.get("depth"),
        "spool_oldest_age_s": spool.get("oldest_age_s"),
        "refusing": disk.get("refusing"),
        "cards_version": cards.get("version"),
        "cards_expired": cards.get("expired"),
        "faults": {meter["meter"]: meter["faults"] for meter in told.get("meters", ()) if meter["faults"]},
    }


def _epoch(epoch: Any) -> Row:
    """An epoch with its missing ranges, each [from, to]."""
    names = ("epoch_no", "epoch", "high_seq", "missing_merged", "first_contact_at", "last_contact_at")
    return {name: getattr(epoch, name) for name in names} | {"missing": json.loads(epoch.missing)}


def _key(key: Any) -> Row:
    """A key without its secret."""
    names = ("key_id", "hardware_id", "created_at", "confirmed_at", "retires_at", "revoked_at")
    return {name: getattr(key, name) for name in names}


def _lives(key: Any, now: datetime) -> bool:
    return key.revoked_at is None and (key.retires_at is None or key.retires_at > now)


def _state(command: Row, now: datetime) -> str:
    waits = command["state"] == "waiting"
    return "expired" if waits and command["expires_at"] <= now else str(command["state"])


def _meters(
    session: Session, district_id: int, ids: Sequence[int], now: datetime, reach: Reach
) -> dict[int, list[Any]]:
    stood = sa.and_(Meter.district_id == MeterAssignment.district_id, Meter.id == MeterAssignment.meter_id)
    at = sa.and_(Complex.district_id == MeterAssignment.district_id, Complex.id == MeterAssignment.complex_id)
    statement = (
        sa.select(MeterAssignment.gateway_id, Meter.code, Complex.code.label("complex"))
        .add_columns(Complex.name.label("complex_name"))
        .join(Meter, stood)
        .join(Complex, at)
        .where(MeterAssignment.district_id == district_id, MeterAssignment.gateway_id.in_(ids))
        .where(MeterAssignment.valid_from <= now, reach.within(MeterAssignment.complex_id))
        .where(sa.or_(MeterAssignment.valid_to.is_(None), MeterAssignment.valid_to > now))
    )
    return _by_gateway(session.execute(statement.order_by(Meter.code)))


def _keys(session: Session, district_id: int, ids: Sequence[int]) -> dict[int, list[Any]]:
    columns = [column for column in GatewayKey.__table__.c if column.name != "secret"]
    statement = sa.select(*columns).where(GatewayKey.district_id == district_id, GatewayKey.gateway_id.in_(ids))
    return _by_gateway(session.execute(statement.order_by(GatewayKey.created_at, GatewayKey.key_id)))


def _epochs(session: Session, district_id: int, ids: Sequence[int]) -> dict[int, list[Any]]:
    statement = sa.select(*GatewayEpoch.__table__.c).where(
        GatewayEpoch.district_id == district_id, GatewayEpoch.gateway_id.in_(ids), GatewayEpoch.epoch_no > 0
    )
    return _by_gateway(session.execute(statement.order_by(GatewayEpoch.epoch_no)))


def _waits(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (GatewayCommand.state == "waiting", GatewayCommand.expires_at > now)


def _waiting(session: Session, district_id: int, ids: Sequence[int], now: datetime) -> dict[int, int]:
    statement = (
        sa.select(GatewayCommand.gateway_id, sa.func.count())
        .where(GatewayCommand.district_id == district_id, GatewayCommand.gateway_id.in_(ids))
        .where(*_waits(now))
    )
    found = session.execute(statement.group_by(GatewayCommand.gateway_id))
    return defaultdict(int, [(gateway_id, count) for gateway_id, count in found])


def _reports(session: Session, district_id: int, ids: Sequence[int]) -> dict[int, Row]:
    statement = sa.select(GatewayStatus.gateway_id, GatewayStatus.received_at, GatewayStatus.report).where(
        GatewayStatus.district_id == district_id, GatewayStatus.gateway_id.in_(ids)
    )
    return {
        gateway_id: msgspec.json.decode(report) | {"received_at": received_at}
        for gateway_id, received_at, report in session.execute(statement)
    }


def _open_claims(session: Session, district_id: int, gateway_id: int, now: datetime) -> list[Row]:
    return _rows(
        session,
        sa.select(GatewayClaim.created_at, GatewayClaim.expires_at)
        .where(GatewayClaim.district_id == district_id, GatewayClaim.gateway_id == gateway_id)
        .where(GatewayClaim.used_at.is_(None), GatewayClaim.expires_at > now)
        .order_by(GatewayClaim.created_at),
    )


def _by_gateway(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.gateway_id].append(row)
    return found


def _rows(session: Session, statement: sa.Executable) -> list[Row]:
    return [dict(row) for row in session.execute(statement).mappings()]
