"""A district with dongs, complexes, gateways and meters, where whole weeks are booked at once.

Discharges go into ledger and rollups by the code that ingest uses, alive intervals by `store_intervals`.
"""

import itertools
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import Database
from app.ids import allocate
from app.metering import ledger, rollups
from app.metering.corrections import Correction, Number, correct
from app.metering.ledger import Row
from app.metering.liveness import store_intervals
from app.metering.models import MeterAlive
from app.metering.records import WEIGHED
from app.metering.volumes.model import Ask, Page, Place, Volume
from app.metering.volumes.reading import volumes
from app.registry.models import (
    Building,
    Complex,
    District,
    Dong,
    Household,
    Meter,
    MeterAssignment,
    Tenancy,
)
from app.registry.service import add_district, add_gateway, district_by_code
from app.times import now
from billing.days import SEOUL, month_of, service_day
from tests.builders import LONG_AGO

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)


def kst(day: date | str, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """An instant by the clock of Seoul; `hour` may pass 23."""
    named = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(named, time(), SEOUL) + timedelta(hours=hour, minutes=minute, seconds=second)


def days(first: date | str, count: int) -> list[date]:
    """So many days from the first on."""
    named = date.fromisoformat(first) if isinstance(first, str) else first
    return [named + n * DAY for n in range(count)]


class Thrown(NamedTuple):
    """A discharge as the test remembers it; weight in grams."""

    seq: int
    meter: int
    complex: int
    at: datetime
    grams: int
    household: int | None


class City:
    """One district; ids are those of the database."""

    def __init__(self, database: Database, code: str = "W0G") -> None:
        self.database = database
        self.code = code
        self._seq = itertools.count(1)
        self._waiting: list[Row] = []
        self._alive: list[dict[str, Any]] = []
        self._boot = 0
        self._assignments: dict[int, list[Any]] = {}
        self._known: dict[int, Thrown] = {}
        self.thrown: dict[int, Thrown] = {}  # what counts as weighed, by number
        with database.begin() as session:
            district = district_by_code(session, code) or add_district(session, code, "강서구")
        self.district_id = district.id
        self.place = Place("district", 0, code, district.name)

    def add_dong(self, code: str, name: str | None = None) -> Place:
        """A dong."""
        with self.database.begin() as session:
            session.add(Dong(district_id=self.district_id, code=code, name=name))
        return Place("dong", 0, code, name or code)

    def add_complex(self, code: str, dong: str | None = None, households: int | None = None, name: str = "") -> Place:
        """A complex; `households` are those that it declares."""
        values = {"code": code, "name": name or code, "dong_code": dong, "declared_households": households}
        return Place("complex", self._add(Complex, **values).id, code, name or code)

    def add_gateway(self, code: str) -> int:
        """A gateway; its id."""
        with self.database.begin() as session:
            return add_gateway(session, self.district_id, code, LONG_AGO).id

    def add_meter(self, gateway: int, complex_: Place, since: datetime = LONG_AGO) -> int:
        """A meter that stands at the complex and is run by the gateway; its id."""
        meter_id = self._add(Meter, code=f"{self.code}-M{next(self._seq)}").id
        self._assign(meter_id, gateway, complex_.id, since)
        return meter_id

    def move(self, meter: int, gateway: int, complex_: Place, at: datetime) -> None:
        """The meter leaves the place where it stands for another."""
        self.remove(meter, at)
        self._assign(meter, gateway, complex_.id, at)

    def remove(self, meter: int, at: datetime) -> None:
        """The meter stands nowhere from then on."""
        a = MeterAssignment
        with self.database.begin() as session:
            here = (a.district_id == self.district_id, a.meter_id == meter, a.valid_to.is_(None))
            session.execute(sa.update(a).where(*here).values(valid_to=at))
        self._assignments.pop(meter, None)

    def add_household(self, complex_: Place, unit: str) -> int:
        """A household of building 101 with an open tenancy of the same id."""
        with self.database.begin() as session:
            same = (Building.district_id == self.district_id, Building.complex_id == complex_.id)
            building = session.scalar(sa.select(Building).where(*same))
        building = building or self._add(Building, complex_id=complex_.id, name="101")
        household = self._add(Household, complex_id=complex_.id, building_id=building.id, unit=unit)
        self._add(Tenancy, id_=household.id, household_id=household.id, valid_from=LONG_AGO)
        return household.id

    def throw(
        self, meter: int, at: datetime, grams: int, household: int | None = None, outcome: str = "settled"
    ) -> Number:
        """A discharge to be booked; of whom it is, None for suspense."""
        seq, (gateway, complex_id) = next(self._seq), self._stood(meter, at)
        weighed = outcome in WEIGHED
        self._waiting.append(
            Row(
                *(self.district_id, gateway, 1, seq, service_day(at), meter, complex_id, household, household, None),
                *(at, None, None, at, "synced", outcome, 0, grams, grams if weighed else None),
                *(household is not None and outcome in ("settled", "late_close"), "[]", "{}", b"x", at, at),
            )
        )
        self._known[seq] = Thrown(seq, meter, complex_id, at, grams, household)
        if weighed:
            self.thrown[seq] = self._known[seq]
        return Number(gateway, 1, seq)

    def alive(self, meters: int | Iterable[int], start: datetime, end: datetime) -> None:
        """The meters answered all the time, cut at the full hours as a gateway cuts."""
        self._boot += 1
        for meter in [meters] if isinstance(meters, int) else meters:
            at = start
            while at < end:
                until = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, end)
                self._hear(meter, at, until)
                at = until

    def book(self) -> None:
        """Store everything thrown and heard."""
        rows, alive, self._waiting, self._alive = self._waiting, self._alive, [], []
        if not self.database.is_sqlite:
            ledger.Partitions(self.database).create({month_of(row.service_day) for row in rows})
        with self.database.engine.begin() as connection:
            ledger.write(connection, rows)
            deltas = rollups.Deltas()
            for row in rows:
                deltas.add(row)
            rollups.add(connection, deltas)
            for start in range(0, len(alive), 5000):
                store_intervals(connection, alive[start : start + 5000])

    def correct(self, number: Number, kind: str, net_g: int | None = None, household: int | None = None) -> None:
        """A correction, and what the test remembers of it."""
        wanted = Correction(kind, "a test", "kim", net_g, household)
        with self.database.begin() as session:
            state = correct(session, self.district_id, number, wanted, now())
        self.thrown.pop(number.seq, None)
        if not state.voided and state.outcome in WEIGHED and state.net_g is not None:
            known = self._known[number.seq]
            self.thrown[number.seq] = known._replace(grams=state.net_g, household=state.household_id)

    def page(self, place: Place | None = None, **asked: Any) -> Page:
        """One page of volumes."""
        with self.database.reading() as connection:
            return volumes(connection, self.district_id, Ask(place or self.place, **asked), now())

    def read(self, place: Place | None = None, **asked: Any) -> list[Volume]:
        """All volumes."""
        page = self.page(place, **({"limit": 1_000_000} | asked))
        assert page.next_after is None
        return page.rows

    def household(self, id_: int) -> Place:
        return Place("household", id_, "", str(id_))

    def intervals(self) -> list[MeterAlive]:
        """What is stored about who was alive."""
        with self.database.session() as session:
            return list(session.scalars(sa.select(MeterAlive).where(MeterAlive.district_id == self.district_id)))

    def _hear(self, meter: int, start: datetime, end: datetime) -> None:
        gateway, complex_id = self._stood(meter, start)
        times = {"started_at": start, "ended_at": end, "received_at": end}
        named = {"boot_id": f"boot-{self._boot}", "mono_ms": (end - LONG_AGO) // MILLISECOND}
        where = {"district_id": self.district_id, "meter_id": meter, "gateway_id": gateway, "complex_id": complex_id}
        self._alive.append(times | named | where)

    def _stood(self, meter: int, at: datetime) -> tuple[int, int]:
        return next(where for start, end, *where in self._places(meter) if start <= at and (end is None or at < end))

    def _places(self, meter: int) -> Iterator[Any]:
        if meter not in self._assignments:
            a = MeterAssignment
            statement = sa.select(a.valid_from, a.valid_to, a.gateway_id, a.complex_id).where(
                a.district_id == self.district_id, a.meter_id == meter
            )
            with self.database.session() as session:
                self._assignments[meter] = [tuple(row) for row in session.execute(statement)]
        yield from self._assignments[meter]

    def _assign(self, meter: int, gateway: int, complex_id: int, since: datetime) -> None:
        where = {"meter_id": meter, "gateway_id": gateway, "complex_id": complex_id, "valid_from": since}
        self._add(MeterAssignment, **where)
        self._assignments.pop(meter, None)

    def _add(self, model: Any, id_: int | None = None, **values: Any) -> Any:
        with self.database.begin() as session:
            new_id = id_ or allocate(session, self.district_id, model.__tablename__)[0]
            row = model(district_id=self.district_id, id=new_id, **values)
            session.add(row)
        return row


def new_city(database: Database) -> City:
    """A district of its own for each example of a property: one database serves them all."""
    with database.session() as session:
        taken = session.scalar(sa.select(sa.func.count()).select_from(District)) or 0
    return City(database, f"C{taken}")
