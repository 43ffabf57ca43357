"""The tables. What is written at each discharge is spread over as few pages as will do: a commit writes whole pages."""

import zlib
from typing import Final

VERSION: Final = 2
PAGE_BYTES: Final = 4096

# `records` is never updated, because acknowledging its wide rows in place would write every one of them again, and its
# newest row is never deleted: the next id is its id + 1, so that no number comes twice. Acknowledged are the rows of
# `acks`. What waits is every record above `acked_to`, and those at or below it that are `left_behind`: an append writes
# neither. `crc` covers all else of its row (`checksum`), so that a damaged page never becomes a discharge. A session
# began when `after_id` was the newest record's id; its meter's next record ends it.
TABLES: Final = """
CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE, first_id INTEGER NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    meter TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    gross_after_g INTEGER,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE acks (
    id INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    code TEXT,
    acked_at INTEGER NOT NULL,
    crc INTEGER NOT NULL
);
CREATE TABLE acked_to (id INTEGER NOT NULL);
INSERT INTO acked_to VALUES (0);
CREATE TABLE left_behind (id INTEGER PRIMARY KEY);
CREATE TABLE aside (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, problem TEXT NOT NULL);
CREATE VIEW waiting AS SELECT id FROM left_behind UNION ALL SELECT id FROM records WHERE id > (SELECT id FROM acked_to);
CREATE TABLE sessions (
    meter TEXT PRIMARY KEY,
    after_id INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE alive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    meter TEXT NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    at TEXT NOT NULL,
    clock TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL
);
CREATE TABLE touches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    meter TEXT NOT NULL,
    hash TEXT NOT NULL,
    last4 TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    clock TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    UNIQUE (meter, hash)
);
CREATE TABLE statuses (kind TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT,
    detail TEXT,
    reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE cards (hash TEXT PRIMARY KEY, state TEXT NOT NULL, role TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tariff (from_day TEXT PRIMARY KEY, won_per_kg TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""


def checksum(*columns: int | str | bytes | None) -> int:
    """Return the CRC-32 over a row's other columns, in their order."""
    *identity, body = columns
    return zlib.crc32(body if isinstance(body, bytes) else repr(body).encode(), zlib.crc32(repr(identity).encode()))
