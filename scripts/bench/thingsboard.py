"""Runs in the environment of thingsboard-gateway: puts the lines of the standard input into one of its stores.

Prints records a second as one JSON object: accepted (`put` returned), stored (its thread has written them too), and
drained (packs of 500 read and marked done).
"""

import contextlib
import json
import logging
import sqlite3
import sys
import threading
import time

from thingsboard_gateway.storage.file.file_event_storage import FileEventStorage  # type: ignore[import-not-found]
from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage  # type: ignore[import-not-found]


def main(kind: str, folder: str) -> None:
    """Measure one store."""
    logger = logging.getLogger("storage")
    logger.trace = lambda *_args, **_values: None  # type: ignore[attr-defined]
    logger.setLevel(logging.ERROR)
    config = {"data_file_path": folder, "data_folder_path": folder, "max_read_records_count": 500}
    config |= {"max_records_per_file": 10_000, "max_file_count": 10}
    store = (SQLiteEventStorage if kind == "sqlite" else FileEventStorage)(config, logger, threading.Event())
    messages = sys.stdin.read().splitlines()
    start = time.perf_counter()
    for message in messages:
        if not store.put(message):
            raise SystemExit("not accepted")
    accepted = time.perf_counter()
    while kind == "sqlite" and _count(folder) < len(messages):
        time.sleep(0.005)
    stored = time.perf_counter()
    drained = 0
    while drained < len(messages):
        drained += len(store.get_event_pack())
        store.event_pack_processing_done()
    end = time.perf_counter()
    times = {"accepted": accepted - start, "stored": stored - start, "drained": end - stored}
    print(json.dumps({name: len(messages) / seconds for name, seconds in times.items()}))
    store.stop()


def _count(folder: str) -> int:
    with contextlib.closing(sqlite3.connect(f"{folder}data.db")) as db:
        return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
