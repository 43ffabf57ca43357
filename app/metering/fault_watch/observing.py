"""What is known of a district's devices right now: a fixed number of reads, however many there are."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from app.fleet.faults.book import Device
from app.fleet.faults.traffic import Quiet, hours_needed, quiet_bins
from app.fleet.models import GatewayEpoch, GatewayStatus
from app.metering.models import MeterAlive, MeterHour
from app.registry.models import Complex, Gateway, Meter, MeterAssignment


class Standing(NamedTuple):
    """A meter that stands at a complex, run by a gateway since then."""

    meter_id: int
    meter: str
    gateway_id: int
    gateway: str
    complex_id: int
    complex_name: str
    since: datetime


class _Spool(msgspec.Struct):
    oldest_age_s: int


class _Meter(msgspec.Struct):
    meter: str
    faults: list[str]


class _Told(msgspec.Struct):
    """All that is read of a status report: the decoder skips the rest."""

    spool: _Spool
    meters: list[_Meter]


class Report(NamedTuple):
    """The newest status of a gateway: when it came, the faults by meter, and the age of what it still holds."""

    received_at: datetime
    faults: dict[str, frozenset[str]]
    backlog: timedelta


class Observed(NamedTuple):
    """One look at a district. `quiet` is None where traffic was not looked at."""

    standing: list[Standing]
    last_contact: dict[int, datetime]
    reports: dict[int, Report]
    last_alive: dict[int, datetime]
    quiet: dict[int, Quiet] | None

    def devices(self) -> dict[str, Device]:
        """The gateways and meters in use by the watch's names; a gateway stands where its first meter does."""
        found: dict[str, Device] = {}
        for each in self.standing:
            gateway = Device(each.gateway_id, None, each.complex_id, each.gateway)
            meter = Device(each.gateway_id, each.meter_id, each.complex_id, each.meter)
            found.setdefault(gateway.key, gateway)
            found[meter.key] = meter
        return found


def observe(connection: sa.Connection, district_id: int, now: datetime, with_traffic: bool) -> Observed:
    """Look at a district; `with_traffic` reads the discharges of nine weeks' hours, too."""
    standing = _standing(connection, district_id, now)
    return Observed(
        standing,
        _last_contact(connection, district_id),
        _reports(connection, district_id),
        _last_alive(connection, district_id, now),
        _quiet(connection, district_id, standing, now) if with_traffic else None,
    )


def _standing(connection: sa.Connection, district_id: int, now: datetime) -> list[Standing]:
    a = MeterAssignment
    statement = (
        sa.select(a.meter_id, Meter.code, a.gateway_id, Gateway.code, a.complex_id, Complex.name, a.valid_from)
        .join(Meter, sa.and_(Meter.district_id == a.district_id, Meter.id == a.meter_id))
        .join(Gateway, sa.and_(Gateway.district_id == a.district_id, Gateway.id == a.gateway_id))
        .join(Complex, sa.and_(Complex.district_id == a.district_id, Complex.id == a.complex_id))
        .where(a.district_id == district_id, a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now))
    )
    return [Standing(*row) for row in connection.execute(statement.order_by(a.gateway_id, a.meter_id))]


def _last_contact(connection: sa.Connection, district_id: int) -> dict[int, datetime]:
    last = sa.func.max(GatewayEpoch.last_contact_at)
    statement = sa.select(GatewayEpoch.gateway_id, last).where(
        GatewayEpoch.district_id == district_id, GatewayEpoch.epoch_no > 0
    )
    return dict(connection.execute(statement.group_by(GatewayEpoch.gateway_id)).all())


_told = msgspec.json.Decoder(_Told)


def _reports(connection: sa.Connection, district_id: int) -> dict[int, Report]:
    statement = sa.select(GatewayStatus.gateway_id, GatewayStatus.received_at, GatewayStatus.report)
    return {
        gateway_id: _report(received_at, _told.decode(report))
        for gateway_id, received_at, report in connection.execute(
            statement.where(GatewayStatus.district_id == district_id)
        )
    }


def _report(received_at: datetime, told: _Told) -> Report:
    faults = {meter.meter: frozenset(meter.faults) for meter in told.meters}
    return Report(received_at, faults, timedelta(seconds=told.spool.oldest_age_s))


ALIVE_WITHIN = timedelta(days=2)  # who was alive last is looked for so far back; before that it is all the same


def _last_alive(connection: sa.Connection, district_id: int, now: datetime) -> dict[int, datetime]:
    """The end of each meter's newest alive interval: one entry of the index for each meter."""
    newest = (
        sa.select(MeterAlive.ended_at)
        .where(MeterAlive.district_id == district_id, MeterAlive.meter_id == MeterAssignment.meter_id)
        .where(MeterAlive.started_at > now - ALIVE_WITHIN)
        .order_by(MeterAlive.started_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    a = MeterAssignment
    statement = sa.select(a.meter_id, newest).where(
        a.district_id == district_id, a.valid_from <= now, sa.or_(a.valid_to.is_(None), a.valid_to > now)
    )
    return {meter_id: ended_at for meter_id, ended_at in connection.execute(statement) if ended_at is not None}


def _quiet(
    connection: sa.Connection, district_id: int, standing: Sequence[Standing], now: datetime
) -> dict[int, Quiet]:
    statement = sa.select(MeterHour.meter_id, MeterHour.hour, MeterHour.weighed_count).where(
        MeterHour.district_id == district_id,
        MeterHour.complex_id.in_(sorted({each.complex_id for each in standing})),
        MeterHour.hour.in_(hours_needed(now)),
    )
    counts: dict[int, dict[datetime, int]] = defaultdict(dict)
    for meter_id, hour, count in connection.execute(statement):
        counts[meter_id][hour] = counts[meter_id].get(hour, 0) + count
    return quiet_bins(counts, now)
