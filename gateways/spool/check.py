"""Is the spool as its last commit left it? Asked at boot, before a session begins."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from gateways.spool.schema import PAGE_BYTES, TABLES, VERSION, checksum
from gateways.spool.wal import lost_commits

OLD_VERSION: Final = 1  # carried over, see carrying.py
_MAGIC: Final = b"SQLite format 3\x00"
_WAL_VERSIONS: Final = b"\x02\x02"
_EPOCH: Final = re.compile("[0-9a-f]{16}")
# Faults of the place, not of the file: moving it aside would not help.
_OF_THE_PLACE: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL}
)


def find_damage(path: Path) -> str | None:
    """Return what is wrong with the spool, for people; None if it is sound, missing or of the old version.

    Raises sqlite3.OperationalError if the place does not let it be read.
    """
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() or not path.stat().st_size:
        # SQLite would delete a log that stands alone.
        return "the file is empty beside its log" if log.exists() and log.stat().st_size else None
    try:
        return _damage_of_header(path) or (lost_commits(log) and "the log is broken") or _damage_inside(path)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_PLACE:
            raise
        return str(error)
    except (UnicodeDecodeError, OverflowError, TypeError, OSError) as error:
        return f"unreadable: {error}"


def is_of_old_version(path: Path) -> bool:
    """Whether a sound file was made by the version before."""
    if not path.exists() or not path.stat().st_size:
        return False
    with closing(sqlite3.connect(path)) as db:
        return bool(db.execute("PRAGMA user_version").fetchone()[0] == OLD_VERSION)


def _damage_of_header(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(20)
    # Any other value makes SQLite read the file without its log.
    expected = _MAGIC + PAGE_BYTES.to_bytes(2, "big") + _WAL_VERSIONS
    return None if head == expected else "the header is not a spool's"


def _damage_inside(path: Path) -> str | None:
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as db:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            return f"quick_check: {found}"
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == OLD_VERSION:
            return None
        if version == 0 and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            return None  # the power went before the tables were made
        if version != VERSION or _schema(db) != _expected_schema():
            return f"the tables are not those of version {VERSION} (user_version {version})"
        for check in _CHECKS:
            if problem := check(db):
                return problem
    return None


def _schema(db: sqlite3.Connection) -> set[tuple[str, ...]]:
    encoding = db.execute("PRAGMA encoding").fetchone()
    return {encoding, *db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}


def _expected_schema() -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        return _schema(db)


def _damage_of_epochs(db: sqlite3.Connection) -> str | None:
    epochs = db.execute("SELECT epoch, first_id FROM epochs ORDER BY id").fetchall()
    is_good = all(_EPOCH.fullmatch(epoch) for epoch, _ in epochs)
    return None if is_good and epochs == sorted(epochs, key=lambda row: row[1]) else "the epochs are damaged"


def _damage_of_marks(db: sqlite3.Connection) -> str | None:
    """Each record is acknowledged or waits."""
    is_good = db.execute(
        "SELECT (SELECT count(*) FROM acked_to) = 1"
        " AND (SELECT id FROM acked_to) BETWEEN 0 AND (SELECT ifnull(max(id), 0) FROM records)"
        " AND NOT EXISTS (SELECT 1 FROM records WHERE id <= (SELECT id FROM acked_to)"
        " AND (id IN (SELECT id FROM acks)) = (id IN (SELECT id FROM left_behind)))"
        " AND NOT EXISTS (SELECT 1 FROM acks WHERE id > (SELECT id FROM acked_to))"
        " AND NOT EXISTS (SELECT 1 FROM left_behind WHERE id NOT IN (SELECT id FROM records))"
    ).fetchone()[0]
    return None if is_good else "what waits and what is acknowledged contradict each other"


def _damage_of_records(db: sqlite3.Connection) -> str | None:
    first_ids = dict(db.execute("SELECT epoch, first_id FROM epochs"))
    rows = db.execute(
        "SELECT id, epoch, seq, meter, boot_id, mono_ms, gross_after_g, body, crc FROM records"
        " WHERE id IN waiting OR id = (SELECT max(id) FROM records)"
    )
    for *columns, crc in rows:
        row_id, epoch, seq = columns[:3]
        if checksum(*columns) != crc or first_ids.get(epoch) != row_id - seq + 1:
            return f"record {seq} of epoch {epoch} is damaged"
    return None


def _damage_of_sessions(db: sqlite3.Connection) -> str | None:
    rows = db.execute("SELECT meter, after_id, body, crc FROM sessions")
    broken = [meter for meter, after_id, body, crc in rows if checksum(meter, after_id, body) != crc]
    return f"the session of {broken[0]} is damaged" if broken else None


def _damage_of_alive(db: sqlite3.Connection) -> str | None:
    rows = db.execute("SELECT id, meter, body, crc FROM alive")
    broken = [row_id for row_id, meter, body, crc in rows if checksum(meter, body) != crc]
    return f"alive interval {broken[0]} is damaged" if broken else None


_CHECKS: Final[tuple[Callable[[sqlite3.Connection], str | None], ...]] = (
    _damage_of_epochs,
    _damage_of_marks,
    _damage_of_records,
    _damage_of_sessions,
    _damage_of_alive,
)
