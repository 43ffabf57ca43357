"""Real rows for tests: a small district, and a gateway that signs as a box does."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from flask.testing import FlaskClient
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from werkzeug.test import TestResponse

from app.access.models import GatewayKey
from app.access.signatures import TAG
from app.db import Database
from app.ids import allocate
from app.registry import service
from app.registry.cards import card_hash
from app.registry.models import Building, Card, CardAssignment, Complex, District, Gateway, Household, Tenancy
from app.times import format_instant, now

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
EPOCH = "9f2c4be01a77d035"
BOOT = "boot-1"


@dataclass
class Town:
    """One district with a complex, a gateway and two meters; households by unit with one card each."""

    database: Database
    code: str = "W0G"
    district: District = field(init=False)
    complex: Complex = field(init=False)
    gateway: Gateway = field(init=False)
    cards: dict[str, str] = field(default_factory=dict)
    households: dict[str, int] = field(default_factory=dict)
    tenancies: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.database.begin() as session:
            self.district = service.add_district(session, self.code, "강서구")
            self.complex = Complex(
                district_id=self.district.id,
                id=allocate(session, self.district.id, "complex")[0],
                code=f"{self.code}001",
                name="두보하이츠",
            )
            session.add(self.complex)
            session.flush()
            building = Building(
                district_id=self.district.id,
                id=allocate(session, self.district.id, "building")[0],
                complex_id=self.complex.id,
                name="101",
            )
            session.add(building)
            session.flush()
            self.building_id = building.id
            self.gateway = self._add_gateway(session, "GW-1", [f"{self.code}-M1", f"{self.code}-M2"])

    def _add_gateway(self, session: Any, code: str, meters: list[str]) -> Gateway:
        gateway = service.add_gateway(session, self.district.id, code, LONG_AGO)
        session.add(
            GatewayKey(
                district_id=self.district.id,
                key_id=f"{self.code}/{code}/1",
                gateway_id=gateway.id,
                secret=code.encode().ljust(32),
                hardware_id="test",
                created_at=LONG_AGO,
            )
        )
        for meter in meters:
            service.install_meter(session, gateway, self.complex, meter, LONG_AGO)
        return gateway

    def add_gateway(self, code: str, meters: list[str]) -> Gateway:
        """Another gateway at the same complex."""
        with self.database.begin() as session:
            return self._add_gateway(session, code, meters)

    def move_in(
        self, unit: str, number: str, valid_from: datetime = LONG_AGO, valid_to: datetime | None = None
    ) -> dict[str, str]:
        """A household with a tenancy and a card; the card as it stands in a record."""
        with self.database.begin() as session:
            district = self.district.id
            service.changing(session, district)
            if unit not in self.households:
                self.households[unit] = allocate(session, district, "household")[0]
                session.add(
                    Household(
                        district_id=district,
                        id=self.households[unit],
                        complex_id=self.complex.id,
                        building_id=self.building_id,
                        unit=unit,
                    )
                )
                session.flush()
            dates = {"district_id": district, "valid_from": valid_from, "valid_to": valid_to}
            tenancy_id = allocate(session, district, "tenancy")[0]
            session.add(Tenancy(id=tenancy_id, household_id=self.households[unit], **dates))
            hashed = card_hash(self.district.card_key, number)
            card_id = allocate(session, district, "card")[0]
            session.add(Card(district_id=district, id=card_id, card_hash=hashed, last4=number[-4:]))
            session.flush()
            assignment_id = allocate(session, district, "card_assignment")[0]
            session.add(CardAssignment(id=assignment_id, card_id=card_id, tenancy_id=tenancy_id, **dates))
        self.tenancies[unit] = tenancy_id
        return self.card(number)

    def card(self, number: str) -> dict[str, str]:
        """A card as it stands in a record, known or not."""
        return {"hash": card_hash(self.district.card_key, number).hex(), "last4": number[-4:]}


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def resolve_private_key(self, key_id: str) -> bytes:
        return self._secret

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._secret


@dataclass
class Message:
    """A request as the signature library signs it."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Box:
    """A gateway seen from the server: makes records, signs batches and posts them."""

    client: FlaskClient
    code: str = "GW-1"
    district: str = "W0G"
    epoch: str = EPOCH
    boot_id: str = BOOT
    mono_ms: int = 10_000_000_000  # up for 115 days
    secret: bytes | None = None
    key_id: str | None = None  # DISTRICT/GATEWAY/1 where none is given

    def record(self, seq: int, **changes: Any) -> dict[str, Any]:
        """A settled discharge of 410 g a minute ago; `changes` replace its fields, `ago` its age."""
        ago: timedelta = changes.pop("ago", timedelta(minutes=1))
        record = {
            "seq": seq,
            "meter": f"{self.district}-M1",
            "card": None,
            "occurred_at": format_instant(now() - ago),
            "clock": "synced",
            "boot_id": self.boot_id,
            "mono_ms": self.mono_ms - int(ago.total_seconds() * 1000),
            "gross_before_g": 12000,
            "gross_after_g": 12410,
            "net_g": 410,
            "outcome": "settled",
            "flags": [],
            "evidence": {"frames": 8},
        }
        return record | changes

    def weighing(self, seq: int, net_g: int, **changes: Any) -> dict[str, Any]:
        """A settled discharge of so many grams."""
        return self.record(seq, gross_after_g=12000 + net_g, net_g=net_g, **changes)

    def envelope(self, records: list[Any]) -> dict[str, Any]:
        """The body of a batch."""
        return {
            "schema": 1,
            "epoch": self.epoch,
            "boot_id": self.boot_id,
            "sent_at": format_instant(now()),
            "mono_ms": self.mono_ms,
            "discharges": records,
        }

    def post(self, records: list[Any], **options: Any) -> TestResponse:
        """Sign and post a batch."""
        return self.post_body(msgspec.json.encode(self.envelope(records)), **options)

    def post_body(self, body: bytes, path: str | None = None, **options: Any) -> TestResponse:
        """Sign and post whatever bytes; `headers` are added before signing."""
        path = path or f"/api/v1/gateways/{self.code}/discharges"
        return self.client.post(path, data=body, headers=self.sign(path, body, **options))

    def sign(
        self,
        path: str,
        body: bytes,
        headers: dict[str, str] | None = None,
        created: datetime | None = None,
        nonce: str | None = None,
        key_id: str | None = None,
        method: str = "POST",
        components: tuple[str, ...] = ("@method", "@request-target"),
    ) -> dict[str, str]:
        """The headers of a signed request."""
        secret = self.secret or self.code.encode().ljust(32)
        signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_Keys(secret))
        message = Message(method, f"http://localhost{path}", dict(headers or {}))
        signer.sign(
            message,
            key_id=key_id or self.key_id or f"{self.district}/{self.code}/1",
            created=created or now(),
            nonce=nonce or secrets.token_urlsafe(18),
            label="gw",
            tag=TAG,
            covered_component_ids=components,
            body=body,
        )
        return message.headers
