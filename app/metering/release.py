"""Release: a quarantined record enters the ledger after all, in epoch 0 under its quarantine number.

So a released conflict never collides with the record that stands, and a number is still booked once. Staff may correct
single fields; what they corrected is kept with their decision, the record itself stays as it came.
"""

import json
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.metering import ledger, rollups
from app.metering.cursors import Cursor, hold_gateway
from app.metering.directory import current_directory
from app.metering.ingest import Source, book_record
from app.metering.ledger import Partitions, Row
from app.metering.models import Quarantine
from app.metering.placing import Sending
from app.metering.records import Fault, Incoming, Record, read_record
from app.metering.rollups import Deltas
from app.problems import Problem
from billing.days import month_of

RELEASED_EPOCH = 0
CORRECTABLE = frozenset(
    {"meter", "card", "occurred_at", "gross_before_g", "gross_after_g", "net_g", "outcome", "flags", "evidence"}
)
BY_STAFF = "staff"  # stands in for the boot, so that a time that staff gave is taken as it is


def release(
    session: Session, partitions: Partitions, kept: Quarantine, corrected: dict[str, Any], now: datetime
) -> Row:
    """Book the record; raises `cannot-release` with the code of what is still wrong, `invalid` for a field it lacks."""
    connection = session.connection()
    hold_gateway(connection, kept.district_id, kept.gateway_id)
    booked = _book(connection, kept, read_record(msgspec.Raw(_corrected(kept, corrected))), now)
    if isinstance(booked, Fault):
        raise Problem("cannot-release", code=booked.code, reason=booked.detail)
    row = booked._replace(seq=kept.id, content_hash=kept.content_hash, flags=_flagged(booked.flags))
    partitions.require({month_of(row.service_day)})
    ledger.write(connection, [row])
    deltas = Deltas()
    deltas.add(row)
    rollups.add(connection, deltas)
    return row


def _book(connection: sa.Connection, kept: Quarantine, item: Incoming, now: datetime) -> Row | Fault:
    if item.record is None or item.fault is not None:
        return item.fault or Fault("malformed", "unreadable")
    envelope = json.loads(kept.envelope)
    source = Source(
        kept.district_id,
        kept.gateway_id,
        Sending(envelope["boot_id"], envelope["mono_ms"], kept.received_at),
        kept.envelope,
        Cursor((kept.district_id, kept.gateway_id, ""), None, RELEASED_EPOCH),
        current_directory(connection, kept.district_id, [item]),
        {},
        now,
    )
    return book_record(item.record, item.content_hash, source)


def _corrected(kept: Quarantine, corrected: dict[str, Any]) -> bytes:
    unknown = corrected.keys() - CORRECTABLE
    if unknown:
        raise Problem("invalid", errors=dict.fromkeys(sorted(unknown), "cannot be corrected"))
    superfluous = kept.code == "unknown_field"  # released means: without it; the raw record keeps it
    if not corrected and not superfluous:
        return kept.raw
    if "occurred_at" in corrected:
        corrected = corrected | {"clock": "synced", "boot_id": BY_STAFF}
    try:
        record = {**json.loads(kept.raw.decode()), **corrected}
        if superfluous:
            record = {name: value for name, value in record.items() if name in Record.__struct_fields__}
        return msgspec.json.encode(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise Problem("cannot-release", code="malformed", reason=str(error)) from error


def _flagged(flags: str) -> str:
    return json.dumps([*json.loads(flags), "released"])
