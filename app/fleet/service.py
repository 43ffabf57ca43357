"""What staff do with gateways. Each use case takes a session and leaves committing to its caller's
`with database.begin()`; all raise the Problem `not-found` for what is not of the district.
"""

import base64
import binascii
import hashlib
import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from app.access import audit, keys
from app.access.events import Event, book_events
from app.access.reach import WHOLE, Reach
from app.db import upsert
from app.fleet import orders
from app.fleet.models import COMMAND_KINDS, DisplayRate, GatewayCommand, GatewayRelease, UnknownTouch
from app.problems import Problem
from app.registry import card_changes
from app.registry import service as registry
from app.registry.card_changes import CardHash, Enrolled
from app.registry.models import Gateway, Household, Meter, MeterAssignment
from app.registry.places import complex_of

MAX_RELEASE = 20 * 1024 * 1024
WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-\w+\.whl")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+]{0,39}")
SIGNATURE_BYTES = 64
MAX_RATE = Decimal(100_000)
ARGUMENTS: dict[str, frozenset[str]] = dict.fromkeys(COMMAND_KINDS, frozenset()) | {
    "open_lid": frozenset({"meter"}),
    "update": frozenset({"version"}),
}


def make_claim_code(session: Session, district_id: int, code: str, actor: str, now: datetime) -> str:
    """A one-time code with which the gateway's box fetches a key; it ends the keys before it when it is used."""
    return registry.make_claim_code(session, gateway_of(session, district_id, code), actor, now)


def give_command(
    session: Session, district_id: int, code: str, kind: str, arguments: dict[str, str], actor: str, now: datetime
) -> GatewayCommand:
    """Tell a gateway to do something: `open_lid` with its `meter`, `update` with a `version`, and others without.

    Asked again while the same waits, it is the one that waits.
    """
    if arguments.keys() != ARGUMENTS[kind]:
        raise Problem("invalid", errors={"arguments": f"{kind} takes {', '.join(ARGUMENTS[kind]) or 'none'}"})
    gateway = gateway_of(session, district_id, code)
    content: dict[str, Any] = dict(arguments)
    if kind == "open_lid":
        _refuse_foreign_meter(session, gateway, arguments["meter"], now)
    if kind == "update":
        content = _update(session, district_id, arguments["version"])
    command = orders.make_command(session, gateway, kind, content, actor, now)
    registry.book_of_gateway(session, gateway, "gateway.command_given", actor, now, after={"command": kind} | arguments)
    return command


def revoke_keys(
    session: Session, district_id: int, code: str, actor: str, now: datetime, key_id: str | None = None
) -> list[str]:
    """End all keys of a gateway, or one, at once: the ids of those that lived."""
    gateway = gateway_of(session, district_id, code)
    revoked = keys.revoke(session, district_id, gateway.id, actor, now, key_id)
    if key_id is not None and not revoked:
        raise Problem("not-found")
    registry.book_of_gateway(
        session, gateway, "gateway.keys_revoked", actor, now, before={"keys": revoked}, after={"keys": []}
    )
    return revoked


def set_display_rate(
    session: Session, district_id: int, won_per_kg: Decimal, first_day: date, actor: str, now: datetime
) -> None:
    """What the displays estimate a fee from, from a day in Korea on; setting a day again replaces its step.

    Nothing is billed by it: the tariffs of statements come with billing.
    """
    if not (won_per_kg.is_finite() and 0 <= won_per_kg <= MAX_RATE and won_per_kg == round(won_per_kg, 4)):
        raise Problem("invalid", errors={"won_per_kg": f"0 … {MAX_RATE}, four decimals at most"})
    key = {"district_id": district_id, "first_day": first_day}
    step = {"won_per_kg": f"{won_per_kg.normalize():f}", "set_by": actor, "set_at": now}
    before = session.scalar(sa.select(DisplayRate.won_per_kg).filter_by(**key))
    statement = upsert(session, DisplayRate).values(step | key)
    session.execute(statement.on_conflict_do_update(index_elements=["district_id", "first_day"], set_=step))
    entry = audit.Entry(
        "display_rate.set",
        "display_rate",
        first_day.isoformat(),
        first_day.isoformat(),
        before={"won_per_kg": before},
        after={"won_per_kg": step["won_per_kg"]},
    )
    audit.book(session, district_id, entry, actor, now)


class Release(NamedTuple):
    """A wheel for the boxes, with the maker's Ed25519 signature (base64url)."""

    version: str
    file_name: str
    content: bytes
    signature: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def add_release(
    session: Session, district_id: int, release: Release, actor: str, now: datetime, maker_key: str = ""
) -> None:
    """Keep a release, so that gateways can be told to install it.

    What makes a box run it is its own check of the signature; ours, where the maker's public key (base64url) is set,
    only tells sooner. Raises `invalid`, or `already-decided` for a version with other content.
    """
    errors = _release_errors(release, maker_key)
    if errors:
        raise Problem("invalid", errors=errors)
    known = session.scalar(
        sa.select(GatewayRelease.sha256).where(
            GatewayRelease.district_id == district_id, GatewayRelease.version == release.version
        )
    )
    if known is not None:
        if known != release.sha256:
            raise Problem("release-exists", version=release.version)
        return
    session.add(
        GatewayRelease(
            district_id=district_id,
            **release._asdict(),
            sha256=release.sha256,
            size=len(release.content),
            added_at=now,
            added_by=actor,
        )
    )
    session.flush()
    told = {"file": release.file_name, "size": len(release.content), "sha256": release.sha256}
    entry = audit.Entry("release.added", "release", release.version, release.version, after=told)
    audit.book(session, district_id, entry, actor, now)


def enrol(
    session: Session,
    district_id: int,
    card: CardHash,
    role: str,
    household_id: int | None,
    actor: str,
    now: datetime,
    reach: Reach = WHOLE,
    complex_code: str | None = None,
) -> Enrolled:
    """Give a card that was held at a bin to a household, to collectors, to service (of one complex, if one is given) or
    to the common areas of a complex, from now on.

    The last four digits are taken from the touch; the gateway's book of events says who did it. Problems as
    `card_changes.enrol`; who does not see the whole district gives cards held at their bins to their households and
    common areas, and hears `not-found` of any other, and `not-yours` for collectors and service.
    """
    touched = _last_touch(session, district_id, card.value, reach)
    if not reach.whole:
        _refuse_foreign_enrolment(session, district_id, touched, role, household_id, reach)
    complex_id = complex_of(session, district_id, complex_code, reach).id if complex_code else None
    known = CardHash(card.value, card.last4 or (touched.last4 if touched else None))
    enrolled = card_changes.enrol(session, district_id, known, role, household_id, now, actor, now, complex_id)
    if touched is not None:
        whose = f"household {household_id}" if household_id is not None else role
        event = Event(touched.gateway_id, "card_enrolled", now, f"card {enrolled.card_id}: {whose}", actor)
        book_events(session, district_id, [event], now)
    return enrolled


def gateway_of(session: Session, district_id: int, code: str) -> Gateway:
    """The gateway of this code."""
    found = session.scalar(sa.select(Gateway).where(Gateway.district_id == district_id, Gateway.code == code))
    if found is None:
        raise Problem("not-found")
    return found


def _refuse_foreign_meter(session: Session, gateway: Gateway, meter: str, now: datetime) -> None:
    mine = sa.and_(Meter.district_id == MeterAssignment.district_id, Meter.id == MeterAssignment.meter_id)
    run = (
        sa.select(Meter.id)
        .join(MeterAssignment, mine)
        .where(Meter.district_id == gateway.district_id, Meter.code == meter)
        .where(MeterAssignment.gateway_id == gateway.id, MeterAssignment.valid_from <= now)
        .where(sa.or_(MeterAssignment.valid_to.is_(None), MeterAssignment.valid_to > now))
    )
    if session.scalar(run) is None:
        raise Problem("invalid", errors={"meter": f"{meter}: {gateway.code} runs no such meter now"})


def _update(session: Session, district_id: int, version: str) -> dict[str, Any]:
    columns = (GatewayRelease.version, GatewayRelease.sha256, GatewayRelease.size, GatewayRelease.signature)
    mine = sa.and_(GatewayRelease.district_id == district_id, GatewayRelease.version == version)
    found = session.execute(sa.select(*columns).where(mine)).mappings().first()
    if found is None:
        raise Problem("invalid", errors={"version": f"{version}: no such release was added"})
    return dict(found)


def _release_errors(release: Release, maker_key: str) -> dict[str, str]:
    named = WHEEL.fullmatch(release.file_name)
    if not VERSION.fullmatch(release.version):
        return {"version": "up to 40 letters, digits and . ! +"}
    if named is None or named["version"] != release.version:
        return {"file": f"{release.file_name} is not named as a wheel of version {release.version}"}
    if len(release.content) > MAX_RELEASE:
        return {"file": f"larger than {MAX_RELEASE} bytes"}
    if not zipfile.is_zipfile(io.BytesIO(release.content)):
        return {"file": "is no wheel"}
    signature = _binary(release.signature)
    if signature is None or len(signature) != SIGNATURE_BYTES:
        return {"signature": "64 bytes in base64url"}
    if maker_key and not _is_signed(release, signature, maker_key):
        return {"signature": "is not the maker's over this version and file (JONGNYANG_RELEASE_KEY)"}
    return {}


def _is_signed(release: Release, signature: bytes, maker_key: str) -> bool:
    message = f"jongnyang-release\n{release.version}\n{release.sha256}".encode()
    try:
        Ed25519PublicKey.from_public_bytes(_binary(maker_key) or b"").verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _last_touch(session: Session, district_id: int, card_hash: bytes, reach: Reach) -> UnknownTouch | None:
    touch = UnknownTouch
    touched = (touch.district_id == district_id, touch.card_hash == card_hash, reach.within(touch.complex_id))
    return session.scalar(sa.select(touch).where(*touched).order_by(touch.last_seen_at.desc()).limit(1))


def _refuse_foreign_enrolment(
    session: Session,
    district_id: int,
    touched: UnknownTouch | None,
    role: str,
    household_id: int | None,
    reach: Reach,
) -> None:
    if role not in ("household", "common"):
        raise Problem("not-yours")
    household = session.get(Household, (district_id, household_id)) if household_id is not None else None
    if touched is None or (role == "household" and household is None):
        raise Problem("not-found")
    if household is not None:
        reach.check(household.complex_id)
