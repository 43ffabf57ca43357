"""A spool as the first release made it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.gateways.spool.support import BOOT, NOW, interval

SCHEMA = """
CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE, first_id INTEGER NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL REFERENCES epochs (epoch),
    seq INTEGER NOT NULL,
    meter TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    gross_after_g INTEGER,
    body BLOB NOT NULL,
    status TEXT,
    code TEXT,
    acked_at INTEGER,
    UNIQUE (epoch, seq)
);
CREATE INDEX records_pending ON records (id) WHERE status IS NULL;
CREATE INDEX records_acked ON records (acked_at) WHERE acked_at IS NOT NULL;
CREATE INDEX records_of_meter ON records (meter, id);
CREATE TABLE sessions (meter TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE alive (id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
PRAGMA user_version = 1;
"""
EPOCHS = [("a" * 16, 1), ("b" * 16, 101)]


def body(seq: int) -> bytes:
    return json.dumps({"seq": seq, "pad": f"{seq:01500}"}).encode()


def row(row_id: int) -> tuple[Any, ...]:
    """Records 1 to 200 in two epochs; every second one up to 150 is acknowledged."""
    epoch, first_id = EPOCHS[row_id > 100]
    seq = row_id - first_id + 1
    acked = ("stored", None, int(NOW.timestamp())) if row_id <= 150 and row_id % 2 else (None, None, None)
    return (row_id, epoch, seq, f"meter-{row_id % 3}", BOOT, row_id, 1000 + row_id, body(seq), *acked)


def make(path: Path, records: int = 200) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA)
        db.executemany("INSERT INTO epochs (epoch, first_id) VALUES (?, ?)", EPOCHS)
        rows = [row(row_id) for row_id in range(1, records + 1)]
        db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("INSERT INTO sessions VALUES ('meter-1', ?)", (b'{"open": "session"}',))
        db.execute("INSERT INTO alive (meter, body) VALUES ('meter-1', ?)", (interval(0),))
        db.execute("INSERT INTO meta VALUES ('server_time', ?)", (int(NOW.timestamp()),))
        db.commit()


def waiting() -> dict[tuple[str, int], bytes]:
    return {(r[1], r[2]): r[7] for r in map(row, range(1, 201)) if r[8] is None}
