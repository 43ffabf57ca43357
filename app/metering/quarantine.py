"""Records that could not be accepted, kept as they came until staff release or discard them."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import upsert
from app.ids import allocate
from app.metering.models import Quarantine, QuarantineDecision
from app.metering.records import Fault
from app.problems import Problem


class Kept(NamedTuple):
    """One record to keep aside: its bytes, the envelope it came in and what is wrong with it."""

    district_id: int
    kind: str
    gateway_id: int
    epoch_no: int
    seq: int | None
    fault: Fault
    raw: bytes
    envelope: str
    content_hash: bytes
    received_at: datetime

    def values(self, quarantine_id: int) -> dict[str, object]:
        """The row of `quarantine`."""
        values: dict[str, object] = self._asdict() | {"id": quarantine_id}
        del values["fault"]
        return values | {"code": self.fault.code, "detail": self.fault.detail.replace("\0", "␀")[:2000]}


class Decision(NamedTuple):
    """`released` or `discarded`, why, by whom, and the fields that staff corrected."""

    kind: str
    note: str
    actor: str
    corrected: dict[str, Any] = {}  # noqa: RUF012 - never changed


def keep(connection: sa.Connection, kept: Sequence[Kept]) -> None:
    """Store the records; the same content for the same number and reason is stored once."""
    for district_id, group in groupby(sorted(kept, key=lambda item: item.district_id), lambda item: item.district_id):
        new = [item for item in group if not _is_kept(connection, item)]
        ids = allocate(connection, district_id, "quarantine", len(new)) if new else ()
        if new:
            rows = [item.values(quarantine_id) for item, quarantine_id in zip(new, ids, strict=True)]
            connection.execute(sa.insert(Quarantine), rows)


def _is_kept(connection: sa.Connection, item: Kept) -> bool:
    statement = sa.select(Quarantine.id).where(
        Quarantine.district_id == item.district_id,
        Quarantine.gateway_id == item.gateway_id,
        Quarantine.epoch_no == item.epoch_no,
        Quarantine.seq.is_(None) if item.seq is None else Quarantine.seq == item.seq,
        Quarantine.code == item.fault.code,
        Quarantine.content_hash == item.content_hash,
    )
    return connection.execute(statement.limit(1)).first() is not None


def decide(session: Session, district_id: int, quarantine_id: int, decision: Decision, now: datetime) -> None:
    """Record what staff decided; raises `not-found` or `already-decided`."""
    missing = [name for name in ("note", "actor") if not getattr(decision, name).strip()]
    if missing:
        raise Problem("invalid", errors=dict.fromkeys(missing, "is empty"))
    if session.get(Quarantine, (district_id, quarantine_id)) is None:
        raise Problem("not-found")
    row = {
        "district_id": district_id,
        "quarantine_id": quarantine_id,
        "decision": decision.kind,
        "note": decision.note,
        "corrected": json.dumps(decision.corrected) if decision.corrected else None,
        "actor": decision.actor,
        "decided_at": now,
    }
    # Two who decide at once: the second waits for the first here, and is told.
    statement = upsert(session, QuarantineDecision).values(row).on_conflict_do_nothing()
    if session.execute(statement.returning(QuarantineDecision.quarantine_id)).first() is None:
        raise Problem("already-decided")
