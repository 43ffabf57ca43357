"""A file between its check and its import, so that what was checked is what is imported.

It is kept for the person who sent it, for an hour, compressed and encrypted: it may hold card numbers and names, which
are stored nowhere else in clear.
"""

import zlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.sealing import seal, unseal
from app.db import upsert
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.models import ImportUpload

KEPT = timedelta(hours=1)
PURPOSE = "import upload"
MOST_NAME = 200


def keep(session: Session, district_id: int, secret_key: str, kind: str, file: File, actor: str, now: datetime) -> str:
    """Keep the file, and drop what is older than an hour; its SHA-256."""
    session.execute(sa.delete(ImportUpload).where(ImportUpload.uploaded_at < now - KEPT))
    sealed = seal(secret_key, PURPOSE, zlib.compress(file.content), now)
    key = {"district_id": district_id, "actor": actor, "sha256": file.sha256, "kind": kind}
    told = {"file_name": file.name[-MOST_NAME:], "content": sealed, "uploaded_at": now}
    statement = upsert(session, ImportUpload).values(key | told)
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=told))
    return file.sha256


def kept(
    session: Session, district_id: int, secret_key: str, kind: str, sha256: str, actor: str, now: datetime
) -> File:
    """The file that this person sent within the last hour; raises the Problem `not-found`."""
    row = session.get(ImportUpload, (district_id, actor, sha256, kind))
    content = unseal(secret_key, PURPOSE, row.content, now, KEPT) if row is not None else None
    if row is None or content is None:
        raise Problem("not-found")
    return File(row.file_name, zlib.decompress(content))


def drop(session: Session, district_id: int, actor: str, sha256: str) -> None:
    """Forget the file: it was imported."""
    mine = {"district_id": district_id, "actor": actor, "sha256": sha256}
    session.execute(sa.delete(ImportUpload).filter_by(**mine))
