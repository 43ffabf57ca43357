"""What the benchmarks send: a made-up district and batches of its discharges, signed before the clock starts."""

import gzip
import os
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from app import db
from app.access.models import GatewayKey
from app.access.signatures import TAG
from app.db import Database
from app.ids import allocate
from app.metering.ledger import Row
from app.metering.records import content_hash
from app.registry import service
from app.registry.models import Building, Card, CardAssignment, Complex, Household, Tenancy
from app.times import format_instant
from billing.days import service_day

GATEWAYS = 32
METERS = 5
HOUSEHOLDS = 400  # of each gateway's complex
SECRET = b"a secret of thirty-two bytes ..."
BOOT = "6a1c0c0e-3f0e-4d5c-9a53-0d1f2b7c8e11"
MONO_MS = 900_000_000
EVIDENCE = {
    "before": {"min_g": 12000, "max_g": 12000, "frames": 8},
    "after": {"min_g": 12410, "max_g": 12410, "frames": 8},
}


@dataclass
class Site:
    """One gateway with its complex, as both sides know it."""

    code: str
    gateway_id: int
    complex_id: int
    meters: list[tuple[str, int]]
    cards: list[tuple[str, int, int]]  # hash, household, tenancy
    sent: int = 0


def build_district(url: str) -> list[Site]:
    """Migrate the database and fill its registry; the sites to send from."""
    db.upgrade(url)
    database = Database(url)
    with database.begin() as session:
        district = service.add_district(session, "W0G", "강서구")
        sites = [_build_site(session, district.id, number) for number in range(GATEWAYS)]
    database.dispose()
    return sites


def _build_site(session: sa.orm.Session, district: int, number: int) -> Site:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    complex_ = Complex(
        district_id=district,
        id=allocate(session, district, "complex")[0],
        code=f"W0G{number:03d}",
        name=f"{number}단지",
    )
    session.add(complex_)
    session.flush()
    gateway = service.add_gateway(session, district, f"GW-{number:03d}", since)
    session.add(
        GatewayKey(
            district_id=district,
            key_id=f"W0G/{gateway.code}/1",
            gateway_id=gateway.id,
            secret=SECRET,
            hardware_id="bench",
            created_at=since,
        )
    )
    meters = [service.install_meter(session, gateway, complex_, f"M{number:03d}-{n}", since) for n in range(METERS)]
    cards = _build_households(session, district, complex_.id, since)
    return Site(gateway.code, gateway.id, complex_.id, [(meter.code, meter.id) for meter in meters], cards)


def _build_households(
    session: sa.orm.Session, district: int, complex_id: int, since: datetime
) -> list[tuple[str, int, int]]:
    building = allocate(session, district, "building")[0]
    session.add(Building(district_id=district, id=building, complex_id=complex_id, name="101"))
    session.flush()
    kinds = ("household", "tenancy", "card", "card_assignment")
    households, tenancies, cards, assignments = (allocate(session, district, kind, HOUSEHOLDS) for kind in kinds)
    hashes = [secrets.token_bytes(16) for _ in households]
    common = {"district_id": district}
    rows: dict[type, list[dict[str, object]]] = {
        Household: [
            common | {"id": id_, "complex_id": complex_id, "building_id": building, "unit": str(id_)}
            for id_ in households
        ],
        Tenancy: [
            common | {"id": id_, "household_id": household, "valid_from": since}
            for id_, household in zip(tenancies, households, strict=True)
        ],
        Card: [
            common | {"id": id_, "card_hash": hashed, "last4": "ABCD"}
            for id_, hashed in zip(cards, hashes, strict=True)
        ],
        CardAssignment: [
            common | {"id": id_, "card_id": card, "tenancy_id": tenancy, "valid_from": since}
            for id_, card, tenancy in zip(assignments, cards, tenancies, strict=True)
        ],
    }
    for model, values in rows.items():
        session.execute(sa.insert(model), values)
    return [(hashed.hex(), one, other) for hashed, one, other in zip(hashes, households, tenancies, strict=True)]


def discharges(site: Site, count: int, chance: random.Random) -> Iterator[tuple[dict[str, object], Row]]:
    """The site's next discharges over the last days, as a gateway writes them and as ledger rows."""
    now = datetime.now(UTC)
    for _ in range(count):
        site.sent += 1
        meter, meter_id = chance.choice(site.meters)
        card, household_id, tenancy_id = chance.choice(site.cards)
        net = chance.randrange(50, 3000, 10)
        age = timedelta(milliseconds=chance.randrange(1000, 172_800_000))
        moment = (now - age).replace(microsecond=0)
        record = {
            "seq": site.sent,
            "meter": meter,
            "card": {"hash": card, "last4": "ABCD"},
            "occurred_at": format_instant(moment),
            "clock": "synced",
            "boot_id": BOOT,
            "mono_ms": MONO_MS - int(age.total_seconds() * 1000),
            "gross_before_g": 12000,
            "gross_after_g": 12000 + net,
            "net_g": net,
            "outcome": "settled",
            "flags": [],
            "evidence": EVIDENCE,
        }
        raw = msgspec.json.encode(record)
        row = Row(
            1, site.gateway_id, 1, site.sent, service_day(moment), meter_id, site.complex_id, household_id, tenancy_id,
            bytes.fromhex(card), moment, None, None, moment, "synced", "settled", 12000, 12000 + net, net, True, "[]",
            msgspec.json.encode(EVIDENCE).decode(), content_hash(raw), now, now,
        )  # fmt: skip
        yield record, row


def batches(sites: list[Site], size: int, count: int) -> Iterator[tuple[Site, list[dict[str, object]], list[Row]]]:
    """`count` batches of `size` records, the sites in turn; the same seed makes the same load."""
    chance = random.Random(20261122)  # noqa: S311 - a load, not a secret
    for number in range(count):
        site = sites[number % len(sites)]
        pairs = list(discharges(site, size, chance))
        yield site, [record for record, _ in pairs], [row for _, row in pairs]


class _OneSecret(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id: str) -> bytes:
        return SECRET

    def resolve_public_key(self, key_id: str) -> bytes:
        return SECRET


@dataclass
class _Message:
    method: str
    url: str
    headers: dict[str, str]


_signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_OneSecret())


def signed_request(site: Site, records: list[dict[str, object]], path: str) -> bytes:
    """A whole HTTP/1.1 request, ready to be written to a socket."""
    body = msgspec.json.encode(
        {
            "schema": 1,
            "epoch": "9f2c4be01a77d035",
            "boot_id": BOOT,
            "sent_at": format_instant(datetime.now(UTC)),
            "mono_ms": MONO_MS,
            "discharges": records,
        }
    )
    message = _Message("POST", f"http://service{path}", {"Content-Type": "application/json"})
    if len(records) > 1:  # as the gateway's uplink does
        body = gzip.compress(body, 6)
        message.headers["Content-Encoding"] = "gzip"
    _signer.sign(
        message,
        key_id=f"W0G/{site.code}/1",
        nonce=secrets.token_urlsafe(18),
        label="gw",
        tag=TAG,
        covered_component_ids=("@method", "@request-target"),
        body=body,
    )
    number = {"X-Number": str(records[0]["seq"])}  # for the endpoint that commits one ready-made row
    headers = {"Host": "service", "Content-Length": str(len(body))} | number | message.headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def months() -> set[date]:
    """The months that the load's days fall in."""
    now = datetime.now(UTC)
    return {service_day(now - timedelta(days=days)).replace(day=1) for days in range(4)}


def on_disk(folder: str) -> Path:
    """A folder on a real disk for SQLite: a file system in memory would make fsync free."""
    path = Path(os.environ.get("JONGNYANG_BENCH_FOLDER", "var")) / folder
    path.mkdir(parents=True, exist_ok=True)
    return path
