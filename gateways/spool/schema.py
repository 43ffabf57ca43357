"""The tables. What is written at each discharge is spread over as few pages as will do: a commit writes whole pages."""

from typing import Final

VERSION: Final = 2
PAGE_BYTES: Final = 4096

# `records` is never updated: acknowledging its wide rows in place would write every one of them again. A record's id is
# in exactly one of `waiting` and `acks`. `crc` covers all of the row's identity and bytes (`records.checksum`), so that
# a damaged page never becomes a discharge. `sessions.after_id` is the newest record's id when the session began.
TABLES: Final = """
CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE, first_id INTEGER NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    meter TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE waiting (id INTEGER PRIMARY KEY);
CREATE TABLE acks (id INTEGER PRIMARY KEY, status TEXT NOT NULL, code TEXT, acked_at INTEGER NOT NULL);
CREATE TABLE meters (
    meter TEXT PRIMARY KEY,
    last_gross_g INTEGER,
    session BLOB,
    after_id INTEGER
) WITHOUT ROWID;
CREATE TABLE alive (id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, body BLOB NOT NULL);
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
