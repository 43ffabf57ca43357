"""What the first page shows of one district. Each read touches a bounded number of rows, however large the ledger."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.fleet.models import GatewayEpoch
from app.metering.models import (
    ComplexDay,
    Discharge,
    DischargeCorrection,
    MeterAlive,
    Quarantine,
    QuarantineDecision,
)
from app.registry.models import Card, Complex, Meter, MeterAssignment
from billing.days import SEOUL, service_day

LATEST = 25
REPORTING = timedelta(hours=1)  # who was heard of within this time counts as reporting
LONGEST_INTERVAL = timedelta(hours=1)  # a gateway ends an alive interval at each full hour at the latest

Key = tuple[int, int, int]  # gateway, epoch number, sequence number


class Latest(NamedTuple):
    """A discharge as it reads now. `last4` only of a household's card; `correction` is the kind of the last one."""

    occurred_at: datetime
    service_day: date
    complex_name: str
    meter: str
    household: bool
    last4: str | None
    net_g: int | None
    outcome: str
    correction: str | None


class Coverage(NamedTuple):
    """How many of all reported in the last hour: without it a small number could be an outage."""

    reporting: int
    all: int

    @property
    def complete(self) -> bool:
        return self.reporting == self.all


class ComplexToday(NamedTuple):
    """A complex since midnight in Seoul, and how many of its meters report."""

    name: str
    weighings: int
    grams: int
    suspense_weighings: int
    suspense_g: int
    meters: Coverage
    id: int = 0


class Overview(NamedTuple):
    """Everything on the first page. Weights in grams.

    `quarantined` is None for who sees some complexes only: a record that could not be read names none.
    """

    day: date
    latest: list[Latest]
    complexes: list[ComplexToday]
    gateways: Coverage
    quarantined: int | None

    @property
    def total(self) -> ComplexToday:
        """The sums over all complexes."""
        rows = self.complexes
        return ComplexToday(
            "",
            sum(row.weighings for row in rows),
            sum(row.grams for row in rows),
            sum(row.suspense_weighings for row in rows),
            sum(row.suspense_g for row in rows),
            Coverage(sum(row.meters.reporting for row in rows), sum(row.meters.all for row in rows)),
        )


def overview(connection: sa.Connection, district_id: int, now: datetime, reach: Reach = WHOLE) -> Overview:
    """The district, or its complexes within reach, as it stands now."""
    day = service_day(now)
    return Overview(
        day,
        latest_discharges(connection, district_id, day - timedelta(days=1), reach),
        complexes_today(connection, district_id, day, now, reach),
        gateways_reporting(connection, district_id, now, reach),
        open_quarantine(connection, district_id) if reach.whole else None,
    )


def latest_discharges(connection: sa.Connection, district_id: int, since: date, reach: Reach = WHOLE) -> list[Latest]:
    """The newest discharges of the service days from `since` on, newest first.

    No index orders the ledger by time. But each spool numbers its records in their order and its cursor knows the
    highest number, so the newest are among the last few of the spools that were used last: rows found by their key.
    Records released from quarantine have no spool and are counted in the totals only. Within a reach only the spools of
    gateways that run a meter there are looked at.
    """
    rows = connection.execute(_newest_by_cursor(district_id, since, reach)).all()
    corrections = _corrections(connection, district_id, [(row.gateway_id, row.epoch_no, row.seq) for row in rows])
    return [_as_corrected(row, corrections.get((row.gateway_id, row.epoch_no, row.seq))) for row in rows]


def _newest_by_cursor(district_id: int, since: date, reach: Reach) -> sa.Select[*tuple[Any, ...]]:
    midnight = datetime.combine(since, datetime.min.time(), SEOUL)
    ran = sa.select(MeterAssignment.gateway_id).where(
        MeterAssignment.district_id == district_id, reach.within(MeterAssignment.complex_id)
    )
    used = sa.true() if reach.whole else GatewayEpoch.gateway_id.in_(ran)
    spools = (
        sa.select(GatewayEpoch.gateway_id, GatewayEpoch.epoch_no, GatewayEpoch.high_seq)
        .where(GatewayEpoch.district_id == district_id, GatewayEpoch.last_occurred_at >= midnight, used)
        .order_by(GatewayEpoch.last_occurred_at.desc())
        .limit(LATEST)
        .subquery()
    )
    in_spool = sa.and_(
        Discharge.district_id == district_id,
        Discharge.gateway_id == spools.c.gateway_id,
        Discharge.epoch_no == spools.c.epoch_no,
        # The upper bound excludes nothing: with it PostgreSQL expects few rows and goes by the key.
        Discharge.seq.between(spools.c.high_seq - (LATEST - 1), spools.c.high_seq),
        Discharge.service_day >= since,
        reach.within(Discharge.complex_id),
    )
    return (
        sa.select(
            *(Discharge.gateway_id, Discharge.epoch_no, Discharge.seq, Discharge.occurred_at, Discharge.service_day),
            *(Discharge.household_id, Discharge.net_g, Discharge.outcome, Card.last4),
            sa.func.coalesce(Meter.name, Meter.code).label("meter"),
            Complex.name.label("complex_name"),
        )
        .select_from(spools)
        .join(Discharge, in_spool)
        .join(Meter, sa.and_(Meter.district_id == district_id, Meter.id == Discharge.meter_id))
        .join(Complex, sa.and_(Complex.district_id == district_id, Complex.id == Discharge.complex_id))
        .outerjoin(Card, sa.and_(Card.district_id == district_id, Card.card_hash == Discharge.card_hash))
        .order_by(Discharge.occurred_at.desc(), Discharge.gateway_id, Discharge.seq.desc())
        .limit(LATEST)
    )


def _corrections(connection: sa.Connection, district_id: int, keys: list[Key]) -> dict[Key, Any]:
    c = DischargeCorrection
    statement = (
        sa.select(c.gateway_id, c.epoch_no, c.seq, c.kind, c.outcome, c.net_g, c.household_id)
        .where(c.district_id == district_id, sa.tuple_(c.gateway_id, c.epoch_no, c.seq).in_(keys))
        .order_by(c.revision)
    )
    return {(row.gateway_id, row.epoch_no, row.seq): row for row in connection.execute(statement)} if keys else {}


def _as_corrected(row: Any, correction: Any) -> Latest:
    now = correction or row
    household = now.household_id is not None
    return Latest(
        row.occurred_at,
        row.service_day,
        row.complex_name,
        row.meter,
        household,
        row.last4 if household else None,
        now.net_g,
        now.outcome,
        correction.kind if correction else None,
    )


def complexes_today(
    connection: sa.Connection, district_id: int, day: date, now: datetime, reach: Reach = WHOLE
) -> list[ComplexToday]:
    """Complexes with a meter or a discharge today, the heaviest first."""
    meters = meters_reporting(connection, district_id, now, reach)
    today = sa.and_(
        ComplexDay.district_id == district_id, ComplexDay.complex_id == Complex.id, ComplexDay.service_day == day
    )
    sums = (ComplexDay.weighed_count, ComplexDay.weighed_g, ComplexDay.suspense_count, ComplexDay.suspense_g)
    statement = (
        sa.select(Complex.id, Complex.name, *(sa.func.coalesce(column, 0) for column in sums))
        .outerjoin(ComplexDay, today)
        .where(Complex.district_id == district_id, reach.within(Complex.id))
    )
    found = [
        ComplexToday(row.name, row[2], row[3], row[4], row[5], meters.get(row.id, Coverage(0, 0)), row.id)
        for row in connection.execute(statement)
        if row.id in meters or any(row[2:])
    ]
    return sorted(found, key=lambda row: (-row.grams, row.name))


def meters_reporting(
    connection: sa.Connection, district_id: int, now: datetime, reach: Reach = WHOLE
) -> dict[int, Coverage]:
    """By complex, how many of the meters that stand there now were alive within the last hour."""
    since = now - REPORTING
    alive = sa.exists().where(
        MeterAlive.district_id == district_id,
        MeterAlive.meter_id == MeterAssignment.meter_id,
        MeterAlive.started_at > since - LONGEST_INTERVAL,
        MeterAlive.ended_at > since,
    )
    statement = (
        sa.select(MeterAssignment.complex_id, _count_if(alive), sa.func.count())
        .where(*stands_now(district_id, now), reach.within(MeterAssignment.complex_id))
        .group_by(MeterAssignment.complex_id)
    )
    return {complex_id: Coverage(*counts) for complex_id, *counts in connection.execute(statement)}


def gateways_reporting(connection: sa.Connection, district_id: int, now: datetime, reach: Reach = WHOLE) -> Coverage:
    """How many of the gateways that run a meter now were heard of within the last hour."""
    standing = (*stands_now(district_id, now), reach.within(MeterAssignment.complex_id))
    used = sa.select(MeterAssignment.gateway_id).where(*standing).distinct().subquery()
    heard = sa.exists().where(
        GatewayEpoch.district_id == district_id,
        GatewayEpoch.gateway_id == used.c.gateway_id,
        GatewayEpoch.last_contact_at > now - REPORTING,
    )
    return Coverage(*connection.execute(sa.select(_count_if(heard), sa.func.count()).select_from(used)).one())


def open_quarantine(connection: sa.Connection, district_id: int) -> int:
    """How many records wait for a decision."""
    kept, decided = (
        sa.select(sa.func.count()).select_from(table).where(table.district_id == district_id).scalar_subquery()
        for table in (Quarantine, QuarantineDecision)
    )
    return int(connection.execute(sa.select(kept - decided)).scalar_one())


def stands_now(district_id: int, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The conditions on the assignments of the meters that stand somewhere now."""
    return [
        MeterAssignment.district_id == district_id,
        MeterAssignment.valid_from <= now,
        sa.or_(MeterAssignment.valid_to.is_(None), MeterAssignment.valid_to > now),
    ]


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
