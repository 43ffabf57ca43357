"""Opening the spool at boot: sound or moved aside, and always ready to take a discharge."""

import secrets
import sqlite3
from pathlib import Path

import structlog

from gateways.limits import SpoolLimits
from gateways.spool.spool import Spool

log = structlog.get_logger()


def open_spool(path: Path, limits: SpoolLimits | None = None) -> Spool:
    """Open the spool at boot: made if missing; if damaged, moved aside (kept) and begun anew with a new epoch.

    Raises sqlite3.OperationalError if the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not _is_sound(path):
        kept = _move_aside(path)
        log.error("spool_corrupt", kept_as=str(kept), todo="send this file to the operator; a new epoch begins")
    spool = Spool(path, limits=limits)
    spool.prepare()
    return spool


def _is_sound(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=10)
    try:
        return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _move_aside(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.corrupt-{secrets.token_hex(4)}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept
