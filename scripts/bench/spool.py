"""Measures the gateway's spool beside plain SQLite, and beside the stores of thingsboard-gateway if those install.

All take the same bodies in turns of a second or less, so that a busy disk is busy for each of them.
"""

import argparse
import contextlib
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from gateways.link.records import Result
from gateways.spool import Stamp, open_spool
from scripts.bench.workload import on_disk

APPENDS: Final = 500  # a turn
BATCH: Final = 500
DRAINS: Final = 4  # batches a turn
BACKLOG: Final = 60_000  # thirty days offline
LEAST_APPEND, LEAST_DRAIN = 0.8, 0.5
THINGSBOARD: Final = "thingsboard-gateway==3.8.5"
THINGSBOARD_NEEDS: Final = ("pybase64", "simplejson")
_STAMP: Final = Stamp("b0000000-0000-4000-8000-000000000001", 123_456)
_METER: Final = "W0G-001-01-1"
_COLUMNS: Final = bytes(16 + 36 + 12 + 16)  # what a row of ours holds besides its body
ABOUT: Final = f"""## The gateway's spool

Bodies of 1.5 to 2.5 kB. **Plain SQLite**: one table of id and body, as long a row, WAL, `synchronous=FULL`; an append
is one commit; read and delete is `SELECT … ORDER BY id LIMIT {BATCH}`, `DELETE` of those ids, one commit. Ours are
`append`, and `pending` with `acknowledge`, which keeps what it acknowledges for 90 days; **a year on** each batch also
deletes as many that are older.

| | ours, records/s | CPU, µs each | plain SQLite | CPU, µs each | ratio | asked for | |
|---|--:|--:|--:|--:|--:|--:|---|
"""


class Turn(NamedTuple):
    """Seconds of wall time and CPU for so many records."""

    records: int
    wall: float
    cpu: float


Work = Callable[[], int]


class Plain:
    """The obvious table."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL"):
            self.db.execute(f"PRAGMA {setting}")
        self.db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def append(self, body: bytes) -> None:
        """Keep one."""
        self.db.execute("INSERT INTO records (body) VALUES (?)", (body + _COLUMNS,))

    def drain(self) -> int:
        """Read and delete a batch."""
        rows = self.db.execute("SELECT id, body FROM records ORDER BY id LIMIT ?", (BATCH,)).fetchall()
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("DELETE FROM records WHERE id = ?", [row[:1] for row in rows])
        self.db.execute("COMMIT")
        return len(rows)


class Ours:
    """The spool, with the server's part played at `now`."""

    def __init__(self, path: Path) -> None:
        self.spool = open_spool(path)
        self.now = datetime.now(UTC)

    def append(self, body: bytes) -> None:
        """Keep one."""
        self.spool.append(_METER, lambda _seq: body, _STAMP, 12_000)

    def drain(self) -> int:
        """Read and acknowledge a batch."""
        batch = self.spool.pending(BATCH, sys.maxsize)
        if batch is None:
            return 0
        self.spool.acknowledge(batch.epoch, [Result(seq, "stored") for seq in batch.seqs], self.now)
        return len(batch.seqs)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    print(section(parser.parse_args().rounds))


def section(rounds: int) -> str:
    """Return the tables."""
    folder = on_disk("bench_spool")
    shutil.rmtree(folder)
    folder.mkdir()
    lines = [*_beside_plain(folder, rounds), "", *_boot(folder), "", *_beside_thingsboard(folder)]
    shutil.rmtree(folder)
    return ABOUT + "\n".join([*lines, ""])


def bodies() -> list[bytes]:
    """As many different ones as a turn needs; the same each time."""
    rnd = random.Random(4)  # noqa: S311 - not for secrets
    return [rnd.randbytes(rnd.randrange(750, 1250)).hex().encode() for _ in range(APPENDS)]


def _beside_plain(folder: Path, rounds: int) -> Iterator[str]:
    ours, plain = Ours(folder / "ours.db"), Plain(folder / "plain.db")
    texts = bodies()

    def appends(way: Ours | Plain) -> Work:
        return lambda: _append_all(way, texts)

    def drains(way: Ours | Plain) -> Work:
        return lambda: sum(way.drain() for _ in range(DRAINS))

    def refill() -> None:
        for way, db in ((ours, ours.spool._db), (plain, plain.db)):
            with _hurried(db):
                for _ in range(rounds * DRAINS * BATCH // APPENDS):
                    appends(way)()

    yield _row("append, one commit each", _take_turns(rounds, appends(ours), appends(plain)), LEAST_APPEND)
    refill()
    yield _row("read and delete 500", _take_turns(rounds, drains(ours), drains(plain)), LEAST_DRAIN)
    refill()
    ours.now += timedelta(days=365)
    yield _row("the same a year on", _take_turns(rounds, drains(ours), drains(plain)), LEAST_DRAIN)
    ours.spool.close()
    plain.db.close()


def _append_all(way: Ours | Plain, texts: list[bytes]) -> int:
    for body in texts:
        way.append(body)
    return len(texts)


def _take_turns(rounds: int, *ways: Work) -> list[list[Turn]]:
    for way in ways:
        way()  # warms caches and statements; not counted
    found: list[list[Turn]] = [[] for _ in ways]
    for _ in range(rounds):
        for turns, way in zip(found, ways, strict=True):
            turns.append(_timed(way))
    return found


def _timed(work: Work) -> Turn:
    wall, cpu = time.perf_counter(), time.process_time()
    records = work()
    return Turn(records, time.perf_counter() - wall, time.process_time() - cpu)


def _row(name: str, found: list[list[Turn]], least: float) -> str:
    ours, plain = found
    ratio = statistics.median(
        (mine.records / mine.wall) / (theirs.records / theirs.wall) for mine, theirs in zip(ours, plain, strict=True)
    )
    figures = " | ".join(f"{_rate(turns):,.0f} | {_cpu(turns):.0f}" for turns in (ours, plain))
    return f"| {name} | {figures} | {ratio:.2f} | {least} | {'met' if ratio >= least else '**missed**'} |"


def _rate(turns: list[Turn]) -> float:
    return statistics.median(turn.records / turn.wall for turn in turns)


def _cpu(turns: list[Turn]) -> float:
    return statistics.median(turn.cpu / turn.records for turn in turns) * 1e6


@contextlib.contextmanager
def _hurried(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("PRAGMA synchronous = OFF")
    try:
        yield
    finally:
        db.execute("PRAGMA synchronous = FULL")


def _boot(folder: Path) -> Iterator[str]:
    """How long the check at boot takes with a month waiting, the file in the page cache."""
    path = folder / "month.db"
    ours = Ours(path)
    texts = bodies()
    with _hurried(ours.spool._db):
        for n in range(BACKLOG):
            ours.append(texts[n % APPENDS])
    ours.spool.close()
    sizes = f"{path.stat().st_size / 1e6:,.0f} MB"
    turn = _timed(lambda: open_spool(path).depth().records)
    yield f"Boot with {turn.records:,} records waiting ({sizes}): checked and open after {turn.wall:.2f} s."
    content = path.read_bytes()
    path.write_bytes(bytes(4096) + content[4096:])
    turn = _timed(lambda: open_spool(path).depth().records)
    yield f"The same without its first page: {turn.records:,} records saved into a new spool after {turn.wall:.2f} s."


def _beside_thingsboard(folder: Path) -> Iterator[str]:
    python = _install_thingsboard()
    if python is None:
        yield f"{THINGSBOARD} could not be installed here: not measured."
        return
    spool = Ours(folder / "beside.db")
    texts = bodies()
    stored = _timed(lambda: _append_all(spool, texts * 4))
    drained = _timed(lambda: sum(iter(spool.drain, 0)))
    spool.spool.close()
    yield f"Beside {THINGSBOARD}, {stored.records:,} records, its default settings but for files of 10,000 records:"
    yield ""
    yield "| store | accepted/s | stored/s | read and deleted/s | an accepted record survives |"
    yield "|---|--:|--:|--:|---|"
    yield (
        f"| our spool | {_rate([stored]):,.0f} | {_rate([stored]):,.0f} | {_rate([drained]):,.0f} "
        "| a power cut: WAL, `synchronous=FULL`, one commit a record |"
    )
    for kind, survives in _THINGSBOARD_STORES.items():
        rates = " | ".join(f"{rate:,.0f}" for rate in _run_thingsboard(python, kind, folder / kind).values())
        yield f"| its {kind} | {rates} | {survives} |"


_THINGSBOARD_STORES: Final = {
    "sqlite": "nothing, while it is in a queue in memory; a kill, once its thread has written it: "
    "WAL, `synchronous=NORMAL`, up to 1,000 records a commit",
    "file": "a kill: `flush()` and `close()` a record, no `fsync`",
}


def _install_thingsboard() -> Path | None:
    folder = on_disk("bench_thingsboard")
    python = folder / "bin" / "python"
    installed = folder / ".installed"
    if installed.exists() and installed.read_text(encoding="utf-8") == THINGSBOARD:
        return python
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", THINGSBOARD, *THINGSBOARD_NEEDS],
    )
    for step in steps:
        if subprocess.run(step, check=False, capture_output=True, timeout=300).returncode:
            return None
    installed.write_text(THINGSBOARD, encoding="utf-8")
    return python


def _run_thingsboard(python: Path, kind: str, folder: Path) -> dict[str, float]:
    folder.mkdir()
    script = Path(__file__).with_name("thingsboard.py")
    texts = b"\n".join(bodies() * 4)
    done = subprocess.run([str(python), str(script), kind, f"{folder}/"], input=texts, check=True, capture_output=True)
    rates: dict[str, float] = json.loads(done.stdout)
    return rates


if __name__ == "__main__":
    main()
