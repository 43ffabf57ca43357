"""Carry what an old or damaged spool holds into a new one: records keep their epochs, numbers and bytes.

From a damaged file only rows that prove themselves are taken. What was acknowledged and cannot be seen to be is sent
again: the server knows it. Nothing here may fail because of what the old file holds.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from gateways.spool.pages import rows as rows_in_pages
from gateways.spool.schema import checksum

_RECORD_COLUMNS: Final = 9
_ACK_COLUMNS: Final = 5
_STATUSES: Final = ("stored", "duplicate", "quarantined")


def carry_sound(old: Path, new: sqlite3.Connection) -> bool:
    """Copy a sound spool of version 1; return whether its epoch goes on."""
    with closing(sqlite3.connect(old)) as db:
        _carry_version_1(db, new)
        new.executemany("INSERT INTO meta VALUES (?, ?)", db.execute("SELECT key, value FROM meta"))
        _mark_waiting(new)
        used = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'records'").fetchone()[0] or 0
        goes_on = bool(used == _newest_id(new))  # else the newest numbers are known by that old counter only
        if goes_on:
            new.executemany("INSERT INTO epochs VALUES (?, ?, ?)", db.execute("SELECT * FROM epochs"))
        else:
            _derive_epochs(new)
    return goes_on


def carry_damaged(old: Path, new: sqlite3.Connection) -> None:
    """Copy what proves itself."""
    for row in rows_in_pages(old):
        _take_row(new, row)
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{old.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.text_factory = lambda raw: raw.decode(errors="replace")
        carry = _carry_version_1 if _is_version_1(db) else _carry_version_2
        carry(db, new)
    new.execute("DELETE FROM acks WHERE id NOT IN (SELECT id FROM records)")
    _mark_waiting(new)
    _derive_epochs(new)


def _take_row(new: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    """A record or an acknowledgement, known by its own checksum; the first one found of an id stands."""
    row_id, _, *columns = row if len(row) > 1 else (None, None)
    if len(row) == _RECORD_COLUMNS + 1:
        *identity, crc, body = columns
        if isinstance(body, bytes) and checksum(row_id, *identity, body) == crc:
            new.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row_id, *columns))
    elif len(row) == _ACK_COLUMNS + 1 and columns[0] in _STATUSES and checksum(row_id, *columns[:-1]) == columns[-1]:
        new.execute("INSERT OR IGNORE INTO acks VALUES (?, ?, ?, ?, ?)", (row_id, *columns))


def _mark_waiting(new: sqlite3.Connection) -> None:
    new.execute("INSERT INTO left_behind SELECT id FROM records WHERE id NOT IN (SELECT id FROM acks)")
    new.execute("UPDATE acked_to SET id = ?", (_newest_id(new),))


def _derive_epochs(new: sqlite3.Connection) -> None:
    new.execute(
        "INSERT INTO epochs (epoch, first_id) SELECT epoch, min(id - seq + 1) FROM records GROUP BY epoch ORDER BY 2"
    )


def _newest_id(new: sqlite3.Connection) -> int:
    return int(new.execute("SELECT ifnull(max(id), 0) FROM records").fetchone()[0])


def _is_version_1(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA user_version").fetchone()[0] == 1)


def _carry_version_1(db: sqlite3.Connection, new: sqlite3.Connection) -> None:
    columns = "id, epoch, seq, meter, boot_id, mono_ms, gross_after_g, body, status, code, acked_at"
    for row in _readable(db, columns, "records", "id"):
        *identity, body, status, code, acked_at = row
        if not _is_json(body, seq=row[2]):
            continue
        values = (*identity, checksum(*identity, body), body)
        new.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if status in _STATUSES:
            ack = (row[0], status, code, acked_at)
            new.execute("INSERT OR IGNORE INTO acks VALUES (?, ?, ?, ?, ?)", (*ack, checksum(*ack)))
    for meter, body in _readable(db, "meter, body", "sessions", "meter"):
        if _is_json(body):
            _add_session(new, meter, _newest_id(new), body)
    _add_alive(new, (row[1:] for row in _readable(db, "id, meter, body", "alive", "id") if _is_json(row[2])))


def _carry_version_2(db: sqlite3.Connection, new: sqlite3.Connection) -> None:
    for meter, after_id, crc, body in _readable(db, "meter, after_id, crc, body", "sessions", "meter"):
        if checksum(meter, after_id, body) == crc:
            _add_session(new, meter, min(after_id, _newest_id(new)), body)
    alive = _readable(db, "id, meter, body, crc", "alive", "id")
    _add_alive(new, (row[1:3] for row in alive if checksum(*row[1:3]) == row[3]))
    _carry_commands(db, new)
    _copy(db, new, "notices", "kind, detail, at, clock, boot_id, mono_ms")
    _copy(db, new, "touches", "meter, hash, last4, reason, at, clock, boot_id, mono_ms")
    # A list with holes is better than none without network; without its version the whole is fetched again.
    _copy(db, new, "cards", "hash, state, role")
    kept = ("server_time", "acknowledged_at", "cards_received_at", "cards_valid_for_s")
    meta = [row for row in _readable(db, "key, value", "meta", "key") if row[0] in kept and isinstance(row[1], int)]
    new.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", meta)


def _carry_commands(db: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """A command must stay known; one that was open may be damaged and is not carried out any more."""
    columns = "id, kind, body, expires_at, state, detail, reported"
    for row in _readable(db, columns, "commands", "id"):
        values = row if row[4] else (*row[:4], "failed", "spool_corrupt", 0)
        with suppress(sqlite3.Error):
            new.execute("INSERT OR IGNORE INTO commands VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def _copy(db: sqlite3.Connection, new: sqlite3.Connection, table: str, columns: str) -> None:
    marks = ", ".join("?" for _ in columns.split(","))
    for row in _readable(db, columns, table, columns.split(",")[0]):
        with suppress(sqlite3.Error):
            new.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - constants


def _add_session(new: sqlite3.Connection, meter: str, after_id: int, body: bytes) -> None:
    crc = checksum(meter, after_id, body)
    new.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?, ?, ?)", (meter, after_id, crc, body))


def _add_alive(new: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    values = ((meter, checksum(meter, body), body) for meter, body in rows)
    new.executemany("INSERT INTO alive (meter, crc, body) VALUES (?, ?, ?)", values)


def _readable(db: sqlite3.Connection, columns: str, table: str, key: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that SQLite can reach from the table's beginning, then those from its end."""
    seen: set[Any] = set()
    for order in ("", " DESC"):
        try:
            for row in db.execute(f"SELECT {key}, {columns} FROM {table} ORDER BY {key}{order}"):  # noqa: S608 - constants
                if row[0] in seen:
                    return
                seen.add(row[0])
                yield row[1:]
        except sqlite3.Error:
            continue
        return


def _is_json(body: object, **values: object) -> bool:
    try:
        found = json.loads(body) if isinstance(body, bytes) else None
    except ValueError:
        return False
    return isinstance(found, dict) and all(found.get(key) == value for key, value in values.items())
