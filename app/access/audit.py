"""The audit log: who did what to what, before and after, why and from where; a chain that shows any tampering.

Every change that a person makes books an entry in the transaction of the change itself. The entries of a district are
numbered 1, 2, 3 … without a gap, and the hash of each covers its fields and the hash before it: who changes, removes or
inserts a row has to forge all that follow, and the last number and hash, of which every backup keeps a copy.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import g, has_request_context, request

from app.access.audit_words import ACTIONS
from app.access.models import AuditEntry
from app.db import Executor, to_microseconds
from app.ids import allocate

FIRST = bytes(32)  # what stands for the hash before the first entry
COVERED = (
    *("district_id", "id", "at", "actor", "action", "subject_kind", "subject_id", "subject", "complex_id"),
    *("before", "after", "reason", "via", "address", "request_id"),
)


class Entry(NamedTuple):
    """What was done: `action` is NOUN.DONE, such as `household.moved_in`, with its sentence in `audit_words`.

    `subject` is what staff call the thing, `before` and `after` its fields that differ.
    """

    action: str
    subject_kind: str
    subject_id: int | str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None
    complex_id: int | None = None


def book(executor: Executor, district_id: int, entry: Entry, actor: str, now: datetime) -> int:
    """Add an entry in the caller's transaction and return its number.

    Others who book wait until the transaction ends: book last, after whatever else it locks or changes. An action
    without its sentence in `audit_words` is a mistake of the program (ValueError).
    """
    return book_all(executor, district_id, [entry], actor, now)[0]


def nothing_changed() -> None:
    """Say of a request that came to change something that it found nothing to change, so that no entry is missed."""
    g.audited = True


def book_all(
    executor: Executor, district_id: int, entries: Sequence[Entry], actor: str, now: datetime
) -> Sequence[int]:
    """As `book`, for several entries at once; their numbers."""
    unnamed = [entry.action for entry in entries if entry.action not in ACTIONS]
    if unnamed:
        raise ValueError(f"{unnamed[0]} has no sentence in app/access/audit_words.py.")
    if not entries:
        return ()
    ids = allocate(executor, district_id, "audit_entry", len(entries))
    before = sa.select(AuditEntry.hash).where(AuditEntry.district_id == district_id, AuditEntry.id == ids[0] - 1)
    previous = executor.execute(before).scalar() or FIRST
    rows = []
    for id_, entry in zip(ids, entries, strict=True):
        rows.append(_row(entry, {"district_id": district_id, "id": id_, "at": now, "actor": actor}, previous))
        previous = rows[-1]["hash"]
    executor.execute(sa.insert(AuditEntry), rows)
    if has_request_context():
        g.audited = True
    return ids


def _row(entry: Entry, key: dict[str, Any], previous: bytes) -> dict[str, Any]:
    row = entry._asdict() | _origin() | key | {"subject_id": str(entry.subject_id)}
    row |= {name: _encoded(getattr(entry, name)) for name in ("before", "after")}
    row = {name: value.replace("\0", "␀") if isinstance(value, str) else value for name, value in row.items()}
    return row | {"previous_hash": previous, "hash": hash_of(row | {"previous_hash": previous})}


def head(executor: Executor, district_id: int) -> tuple[int, str]:
    """Number and hash (hex) of the newest entry: noted elsewhere, they show a removed end. (0, "") before the first."""
    newest = sa.select(AuditEntry.id, AuditEntry.hash).where(AuditEntry.district_id == district_id)
    found = executor.execute(newest.order_by(AuditEntry.id.desc()).limit(1)).first()
    return (found.id, found.hash.hex()) if found else (0, "")


def hash_of(row: Mapping[str, Any]) -> bytes:
    """SHA-256 over the hash before and the covered fields as a JSON array; instants as microseconds since 1970."""
    fields = [to_microseconds(value) if isinstance(value, datetime) else value for value in map(row.get, COVERED)]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(row["previous_hash"] + text.encode()).digest()


def _encoded(fields: Mapping[str, Any] | None) -> str | None:
    if fields is None:
        return None
    return json.dumps(dict(fields), ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _origin() -> dict[str, str | None]:
    """From where it was done: a page, the API or a command, with the address and the request that the log names."""
    if not has_request_context():
        return {"via": "command", "address": None, "request_id": None}
    via = "api" if request.path.startswith("/api/") else "page"
    return {"via": via, "address": request.remote_addr, "request_id": g.get("request_id")}
