"""Claims: with a one-time code a box fetches its own key, made by the server and shown once."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.events import Event, book_events
from app.access.keys import make_key, revoke
from app.access.models import GatewayClaim
from app.problems import Problem

CODE_BYTES = 15  # 120 bits: nobody guesses it, and it still fits on a label
VALID = timedelta(hours=24)


class Claimed(NamedTuple):
    """A fresh key; `secret` leaves the server only here."""

    district_id: int
    gateway_id: int
    key_id: str
    secret: bytes


def open_claim(session: Session, district_id: int, gateway_id: int, now: datetime, actor: str | None = None) -> str:
    """A new code for a gateway, made by `actor`; only its hash is stored."""
    code = secrets.token_hex(CODE_BYTES)
    session.add(
        GatewayClaim(
            district_id=district_id,
            code_hash=_hash(code),
            gateway_id=gateway_id,
            created_at=now,
            expires_at=now + VALID,
        )
    )
    session.flush()
    book_events(session, district_id, [Event(gateway_id, "claim_code_made", now, actor=actor)], now)
    return code


def claimed_gateway(session: Session, code: str, now: datetime) -> GatewayClaim:
    """The open claim of a code, locked; raises the Problem `claim-refused` for any other."""
    statement = sa.select(GatewayClaim).where(GatewayClaim.code_hash == _hash(code)).with_for_update()
    claim = session.scalar(statement)
    if claim is None or claim.used_at is not None or claim.expires_at <= now:
        raise Problem("claim-refused")
    return claim


def redeem(session: Session, claim: GatewayClaim, gateway_name: str, hardware_id: str, now: datetime) -> Claimed:
    """Use up the claim: the gateway's keys are revoked, a new one is made. `gateway_name` is DISTRICT/GATEWAY."""
    revoke(session, claim.district_id, claim.gateway_id, None, now)
    claim.used_at = now
    key = make_key(session, claim.district_id, claim.gateway_id, gateway_name, hardware_id, now)
    claimed = Event(claim.gateway_id, "claimed", now, f"{key.key_id}, {hardware_id}")
    book_events(session, claim.district_id, [claimed], now)
    return Claimed(claim.district_id, claim.gateway_id, key.key_id, key.secret)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.strip().lower().encode()).digest()
