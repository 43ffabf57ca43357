"""The simulator's papers: `fleet.json` names gateways, claim codes, meters and the cards in the residents' pockets.

It is the only place, beside the residents' pockets, where the numbers of the demo's cards are written. Each simulated
gateway keeps its key in `gateways/GATEWAY/gateway.key` (docs/gateway-api.md, "Claim").
"""

import base64
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.claims import claimed_gateway, open_claim
from app.access.models import GatewayKey
from app.db import Database
from app.demo.files import read_private, write_private
from app.demo.town import DISTRICT, SITES, Site, gateway_code, homes, meters
from app.problems import Problem
from app.registry.districts import the_district
from app.registry.models import Gateway

FLEET_FILE = "fleet.json"
GATEWAYS_FOLDER = "gateways"


def prepare(database: Database, var: Path, now: datetime) -> None:
    """Write the file. A gateway without a key of this database gets a code that works, others keep what they had."""
    path = var / FLEET_FILE
    before = read_private(path)
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        gateways = {row.code: row for row in session.scalars(sa.select(Gateway).where(_of(district.id)))}
        entries = [_entry(session, gateways[gateway_code(site.code)], site, var, before, now) for site in SITES]
    after = {"district": DISTRICT, "gateways": entries}
    if after != before:
        write_private(path, after)


def _of(district_id: int) -> sa.ColumnElement[bool]:
    return Gateway.district_id == district_id


def _entry(
    session: Session, gateway: Gateway, site: Site, var: Path, before: dict[str, Any], now: datetime
) -> dict[str, Any]:
    box = var / GATEWAYS_FOLDER / gateway.code
    code = _kept_code(before, gateway.code)
    if not _has_key(session, gateway, box, now):
        _set_aside(box, now)
        if not _is_open(session, gateway, code, now):
            code = open_claim(session, gateway.district_id, gateway.id, now, actor="demo")
    return {
        "gateway": gateway.code,
        "claim_code": code,
        "meters": list(meters(site)),
        "cards": [home.card for home in homes(site)],
    }


def _kept_code(fleet: dict[str, Any], gateway: str) -> str:
    return next((str(entry["claim_code"]) for entry in fleet.get("gateways", ()) if entry["gateway"] == gateway), "")


def _has_key(session: Session, gateway: Gateway, box: Path, now: datetime) -> bool:
    """Whether the simulated gateway holds a key that this database honours: its only one, or one of two."""
    kept = read_private(box / "gateway.key")
    found = [kept.get(name) for name in ("next", "current")] if "current" in kept else [kept]
    return any(_honours(session, gateway, each, now) for each in found if isinstance(each, dict))


def _honours(session: Session, gateway: Gateway, kept: dict[str, Any], now: datetime) -> bool:
    key = session.get(GatewayKey, (gateway.district_id, str(kept.get("key_id"))))
    if key is None or key.gateway_id != gateway.id or key.revoked_at is not None:
        return False
    if key.retires_at is not None and key.retires_at <= now:
        return False
    secret = base64.urlsafe_b64encode(key.secret).rstrip(b"=").decode()
    return secrets.compare_digest(secret, str(kept.get("secret")).rstrip("="))


def _set_aside(box: Path, now: datetime) -> None:
    """A key of another database: keep that gateway's folder with whatever it has not sent, out of the way."""
    if (box / "gateway.key").exists():
        box.rename(box.with_name(f"{box.name}.{now:%Y%m%dT%H%M%S%f}"))


def _is_open(session: Session, gateway: Gateway, code: str, now: datetime) -> bool:
    try:
        return claimed_gateway(session, code, now).gateway_id == gateway.id
    except Problem:
        return False
