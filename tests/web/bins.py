"""Complexes with bins, households with cards, and discharges that go the real way through ingest."""

import json
import secrets
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import claims
from app.access.signatures import SignedBy
from app.db import Base, Database
from app.ids import allocate
from app.metering.envelopes import read_batch
from app.metering.ingest import Ingest
from app.metering.liveness import store_intervals
from app.registry.cards import card_hash, last4
from app.registry.models import (
    Building,
    Card,
    CardAssignment,
    Complex,
    District,
    Household,
    Meter,
    MeterAssignment,
    Tenancy,
)
from app.registry.service import add_district, add_gateway, district_by_code, install_meter
from app.times import format_instant, now

LONG_AGO = timedelta(days=400)


class Bins:
    """The bins of one complex, run by one gateway. `discharge` books what its spool would send next."""

    def __init__(self, database: Database, complex_name: str = "가양1단지", code: str = "W0G", meters: int = 1) -> None:
        self.database = database
        self._epoch = secrets.token_hex(8)
        self._seq = 0
        self._switched_on = now() - timedelta(days=30)
        with database.begin() as session:
            self.district = district_by_code(session, code) or add_district(session, code, f"District {code}")
            self.complex = self._add(session, Complex, code=complex_name, name=complex_name)
            gateway_code = f"{code}-GW-{self.complex.id}"
            self.gateway = add_gateway(session, self.district.id, gateway_code, now())
            self.meters = [
                install_meter(session, self.gateway, self.complex, f"{gateway_code}-{n}", now() - LONG_AGO, f"{n}번")
                for n in range(1, meters + 1)
            ]
            self.key_id = self._claim(session)

    def add_household(self, number: str) -> dict[str, str]:
        """A household with this card; the card as the wire carries it."""
        district: District = self.district
        since = now() - LONG_AGO
        with self.database.begin() as session:
            building = self._add(session, Building, complex_id=self.complex.id, name=f"building of {number}")
            place = {"complex_id": self.complex.id, "building_id": building.id, "unit": "101"}
            household = self._add(session, Household, **place)
            tenancy = self._add(session, Tenancy, household_id=household.id, valid_from=since)
            hashed = card_hash(district.card_key, number)
            card = self._add(session, Card, card_hash=hashed, last4=last4(number))
            self._add(session, CardAssignment, card_id=card.id, tenancy_id=tenancy.id, valid_from=since)
        return self.card(number)

    def card(self, number: str) -> dict[str, str]:
        """A card as the wire carries it, whether anybody knows it or not."""
        return {"hash": card_hash(self.district.card_key, number).hex(), "last4": last4(number)}

    def discharge(
        self,
        card: dict[str, str] | None,
        grams: int,
        *,
        outcome: str = "settled",
        at: datetime | None = None,
        meter: str | None = None,
    ) -> int:
        """Book one record; its sequence number."""
        self._seq += 1
        record = {
            "seq": self._seq,
            "meter": meter or self.meters[0].code,
            "card": card,
            "occurred_at": format_instant(at or now()),
            "clock": "synced",
            "boot_id": "boot",
            "mono_ms": self._uptime(at or now()),
            "gross_before_g": 1000,
            "gross_after_g": 1000 + grams,
            "net_g": grams,
            "outcome": outcome,
            "flags": [],
            "evidence": {},
        }
        self._book(record)
        return self._seq

    def report_alive(self, meter: Meter, until: datetime) -> None:
        """The meter answered for ten minutes until then."""
        row = {"started_at": until - timedelta(minutes=10), "ended_at": until, "received_at": until}
        row |= {"boot_id": "boot", "mono_ms": int(until.timestamp() * 1000)}
        same = (MeterAssignment.district_id == self.district.id, MeterAssignment.meter_id == meter.id)
        with self.database.engine.begin() as connection:
            stood = sa.select(MeterAssignment.gateway_id, MeterAssignment.complex_id).where(*same)
            place = dict(connection.execute(stood).mappings().first() or {})
            store_intervals(connection, [row | place | {"district_id": self.district.id, "meter_id": meter.id}])

    def _book(self, *records: dict[str, Any]) -> None:
        sent_at = format_instant(now())
        envelope = {
            "schema": 1,
            "epoch": self._epoch,
            "boot_id": "boot",
            "sent_at": sent_at,
            "mono_ms": self._uptime(now()),
        }
        body = json.dumps(envelope | {"discharges": list(records)}).encode()
        gateway = (self.district.id, self.gateway.id, self.gateway.code)
        signer = SignedBy(*gateway, self.key_id, secrets.token_hex(16), now(), confirmed=True)
        with closing(Ingest(self.database)) as ingest:
            ingest.book([read_batch(body, signer, now())])

    def _uptime(self, instant: datetime) -> int:
        """Milliseconds since the box was switched on."""
        return int((instant - self._switched_on).total_seconds() * 1000)

    def _claim(self, session: Session) -> str:
        code = claims.open_claim(session, self.district.id, self.gateway.id, now())
        found = claims.claimed_gateway(session, code, now())
        return claims.redeem(session, found, f"{self.district.code}/{self.gateway.code}", "box", now()).key_id

    def _add(self, session: Session, model: type[Base], **values: Any) -> Any:
        new_id = allocate(session, self.district.id, model.__tablename__)[0]
        row = model(district_id=self.district.id, id=new_id, **values)
        session.add(row)
        session.flush()
        return row
