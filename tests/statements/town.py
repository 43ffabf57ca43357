"""A small district that is billed: complexes, households with their tenancies, tariffs, discharges booked when told.

town = BilledTown(database)                       # complexes W0G001 and W0G002, a tariff of 130 won/kg from 2020
home = town.home("101", "1203")                   # who has lived there since 2020
number = town.discharge(home, "2026-10-05", 410)  # at noon (Asia/Seoul), booked a minute later
town.correct(number, "re_weigh", "2026-11-02", net_g=380)
made = town.final("2026-10")                      # previewed and closed on the 10th of the month after
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.ids import allocate
from app.metering import corrections, ledger, rollups
from app.metering.corrections import Correction, Number
from app.metering.ledger import Partitions, Row
from app.metering.rollups import Deltas
from app.registry import service
from app.registry.models import Building, Complex, Household, Tenancy
from app.statements import runs
from app.statements.runs import Made
from app.statements.terms.models import ComplexTerms, ComplexWeight, PayerClass, TenancyClass
from app.statements.terms.models import Tariff as TariffRow
from billing.days import SEOUL, month_after, month_of, service_day
from billing.tariffs import Tariff, Tier

LONG_AGO = datetime(2020, 1, 1, tzinfo=SEOUL)
CLERK = "kim"


Weighing = tuple[str, str | datetime, str | datetime | None, dict[str, Any]]  # complex, when, booked, columns


class Home(NamedTuple):
    """A tenancy of a household, and the complex's code."""

    complex: str
    household_id: int
    tenancy_id: int


def instant(when: str | datetime) -> datetime:
    """`2026-10-05` is noon of that day, `2026-10-05 23:59` that minute, both in Asia/Seoul."""
    if isinstance(when, datetime):
        return when
    moment = datetime.fromisoformat(when if " " in when else f"{when} 12:00")
    return moment.replace(tzinfo=SEOUL).astimezone(UTC)


def month_named(month: str) -> date:
    """`2026-10` is its first day."""
    return date.fromisoformat(f"{month}-01")


class BilledTown:
    """See above. Everything is of one district; amounts in grams and won."""

    def __init__(self, database: Database, code: str = "W0G", complexes: int = 2, won_per_kg: int = 130) -> None:
        self.database = database
        self.complexes: dict[str, int] = {}
        self.meters: dict[str, int] = {}
        self.sequence = 0
        with database.begin() as session:
            self.district = service.add_district(session, code, "강서구")
            self.id = self.district.id
            session.add(PayerClass(district_id=self.id, code="general", name_ko="일반", name_en="General"))
            self.gateway_id = service.add_gateway(session, self.id, f"{code}-GW", LONG_AGO).id
            session.flush()
        for index in range(complexes):
            self._add_complex(f"{code}{index + 1:03d}")
        self.tariff("2020-01-01", won_per_kg)

    def _add_complex(self, code: str) -> None:
        with self.database.begin() as session:
            gateway = service.add_gateway(session, self.id, f"GW-{code}", LONG_AGO)
            self.complexes[code] = allocate(session, self.id, "complex")[0]
            complex_ = Complex(district_id=self.id, id=self.complexes[code], code=code, name=f"단지 {code}")
            session.add(complex_)
            session.flush()
            service.install_meter(session, gateway, complex_, f"M-{code}", LONG_AGO)
            self.meters[code] = len(self.meters) + 1

    def home(
        self,
        building: str,
        unit: str,
        since: str | datetime = LONG_AGO,
        until: str | datetime | None = None,
        complex: str = "W0G001",
    ) -> Home:
        """A tenancy, in a household that is made if need be."""
        with self.database.begin() as session:
            household_id = self._household(session, complex, building, unit)
            tenancy_id = allocate(session, self.id, "tenancy")[0]
            dates = {"valid_from": instant(since), "valid_to": None if until is None else instant(until)}
            session.add(Tenancy(district_id=self.id, id=tenancy_id, household_id=household_id, **dates))
        return Home(complex, household_id, tenancy_id)

    def _household(self, session: Session, code: str, building: str, unit: str) -> int:
        place = {"district_id": self.id, "complex_id": self.complexes[code]}
        building_id = session.scalar(sa.select(Building.id).filter_by(**place, name=building))
        if building_id is None:
            building_id = allocate(session, self.id, "building")[0]
            session.add(Building(**place, id=building_id, name=building))
            session.flush()
        found = session.scalar(sa.select(Household.id).filter_by(**place, building_id=building_id, unit=unit))
        if found is not None:
            return found
        household_id = allocate(session, self.id, "household")[0]
        session.add(Household(**place, id=household_id, building_id=building_id, unit=unit))
        session.flush()
        return household_id

    def tariff(
        self,
        first_day: str,
        won_per_kg: int | str,
        scheme: str = "household",
        payer_class: str = "general",
        tiers: tuple[tuple[int, int | str], ...] = (),
        **terms: Any,
    ) -> int:
        """A tariff; further tiers (from grams, won per kg) after the first, other terms as billing.tariffs has them."""
        day = date.fromisoformat(first_day)
        tiers = ((0, won_per_kg), *tiers)
        tariff = Tariff(0, day, tuple(Tier(from_g, Decimal(won)) for from_g, won in tiers), **terms)
        with self.database.begin() as session:
            if session.get(PayerClass, (self.id, payer_class)) is None:
                names = {"name_ko": payer_class, "name_en": payer_class}
                session.add(PayerClass(district_id=self.id, code=payer_class, **names))
                session.flush()
            t = TariffRow
            same = (t.district_id == self.id, t.scheme == scheme, t.payer_class == payer_class, t.first_day == day)
            revision = (session.scalar(sa.select(sa.func.max(t.revision)).where(*same)) or 0) + 1
            tariff_id = allocate(session, self.id, "tariff")[0]
            key = {"district_id": self.id, "id": tariff_id, "scheme": scheme, "payer_class": payer_class}
            said = {"revision": revision, "withdrawn": False, "terms": tariff.as_json(), "reference": "조례 제1조"}
            session.add(t(**key, first_day=day, **said, actor=CLERK, made_at=LONG_AGO))
        return tariff_id

    def terms(
        self,
        complex: str = "W0G001",
        scheme: str = "household",
        suspense: str = "shared",
        sharing: str = "equal",
        first_month: str = "2020-01",
        made_at: str | datetime = LONG_AGO,
    ) -> None:
        """How a complex is billed."""
        key = {"district_id": self.id, "complex_id": self.complexes[complex], "first_month": month_named(first_month)}
        said = {"scheme": scheme, "suspense": suspense, "sharing": sharing, "reason": "협약", "actor": CLERK}
        with self.database.begin() as session:
            revision = len(session.scalars(sa.select(ComplexTerms).filter_by(**key)).all()) + 1
            session.add(ComplexTerms(**key, revision=revision, **said, made_at=instant(made_at)))

    def payer_class(self, home: Home, code: str, first_month: str = "2020-01") -> None:
        """Which payer class a tenancy belongs to; its tariff must be there."""
        key = {"district_id": self.id, "tenancy_id": home.tenancy_id, "first_month": month_named(first_month)}
        with self.database.begin() as session:
            revision = len(session.scalars(sa.select(TenancyClass).filter_by(**key)).all()) + 1
            said = {"payer_class": code, "reason": "수급자 증명", "actor": CLERK, "made_at": LONG_AGO}
            session.add(TenancyClass(**key, revision=revision, **said))

    def weighed_elsewhere(self, month: str, grams: int, complex: str = "W0G001") -> None:
        """A complex's weight of a month by the truck."""
        key = {"district_id": self.id, "complex_id": self.complexes[complex], "month": month_named(month)}
        said = {"weighed_g": grams, "source": "수거차량", "actor": CLERK, "made_at": LONG_AGO}
        with self.database.begin() as session:
            session.add(ComplexWeight(**key, revision=1, **said))

    def discharge(
        self,
        home: Home | None,
        when: str | datetime,
        grams: int | None,
        booked: str | datetime | None = None,
        **row: Any,
    ) -> Number:
        """A discharge of a home, or of nobody; `row` replaces fields of the ledger's row, `complex` the meter's."""
        code = row.pop("complex", home.complex if home else "W0G001")
        row |= {
            "household_id": home and home.household_id,
            "tenancy_id": home and home.tenancy_id,
            "net_g": grams,
        } | row
        row["billable"] = row.get("billable", home is not None)
        return self.discharges([(code, when, booked, row)])[0]

    def discharges(
        self, wanted: list[tuple[str, str | datetime, str | datetime | None, dict[str, Any]]]
    ) -> list[Number]:
        """Several at once: (complex, when, booked, fields)."""
        rows = [self._row(*each) for each in wanted]
        Partitions(self.database).create(
            {month_of(row.service_day) for row in rows} if not self.database.is_sqlite else set()
        )
        deltas = Deltas()
        for row in rows:
            deltas.add(row)
        with self.database.begin() as session:
            ledger.write(session.connection(), rows)
            rollups.add(session.connection(), deltas)
        return [Number(row.gateway_id, row.epoch_no, row.seq) for row in rows]

    def _row(self, code: str, when: str | datetime, booked: str | datetime | None, changes: dict[str, Any]) -> Row:
        at = instant(when)
        booked_at = at + timedelta(minutes=1) if booked is None else instant(booked)
        self.sequence += 1
        numbers = {"district_id": self.id, "gateway_id": self.gateway_id, "epoch_no": 1, "seq": self.sequence}
        place = {"meter_id": self.meters[code], "complex_id": self.complexes[code], "service_day": service_day(at)}
        times = {"occurred_at": at, "earliest_at": None, "latest_at": None, "claimed_at": at, "clock": "synced"}
        weights = {
            "outcome": "settled",
            "gross_before_g": 12_000,
            "gross_after_g": 12_000 + (changes.get("net_g") or 0),
        }
        rest: dict[str, Any] = {"card_hash": None, "flags": "[]", "evidence": "{}", "content_hash": bytes(32)}
        rest |= {"received_at": booked_at, "booked_at": booked_at}
        return Row(**(numbers | place | times | weights | rest | changes))  # type: ignore[arg-type]

    def correct(self, number: Number, kind: str, when: str | datetime, **value: Any) -> None:
        """Void, re-weigh (net_g) or re-attribute (household_id) a discharge, booked at that time."""
        with self.database.begin() as session:
            wanted = Correction(kind, "주민 신고", CLERK, **value)
            corrections.correct(session, self.id, number, wanted, instant(when))

    def preview(self, month: str, complex: str = "W0G001", now: str | datetime | None = None) -> Made:
        """Preview a month, on the 2nd of the month after unless told when."""
        day = month_named(month)
        with self.database.begin() as session:
            return runs.preview(session, self.id, self.complexes[complex], day, CLERK, self._on(day, 2, now))

    def finalise(self, month: str, complex: str = "W0G001", now: str | datetime | None = None) -> Made:
        """Close a previewed month, on the 10th of the month after unless told when."""
        day = month_named(month)
        with self.database.begin() as session:
            return runs.finalise(session, self.id, self.complexes[complex], day, CLERK, self._on(day, 10, now))

    def final(self, month: str, complex: str = "W0G001") -> Made:
        """Preview and close a month."""
        self.preview(month, complex)
        return self.finalise(month, complex)

    def _on(self, month: date, day: int, now: str | datetime | None) -> datetime:
        if now is not None:
            return instant(now)
        return datetime.combine(month_after(month).replace(day=day), time(12), SEOUL).astimezone(UTC)
