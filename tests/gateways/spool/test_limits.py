"""At the hard limit no session begins; what is under way is still kept."""

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.limits import SpoolLimits
from gateways.link.records import Result
from gateways.spool import Spool, SpoolFullError, Stamp, open_spool, room
from tests.gateways.disks import fill, mounted_small
from tests.gateways.spool.support import ALL, BOOT, MOMENT, NOW, STAMP, hurry, waiting

SMALL = SpoolLimits(max_bytes=1_000_000, min_free_bytes=1, reserve_bytes=100_000)


def put_large(spool: Spool, meter: str = "m", size: int = 50_000) -> int:
    return spool.append(meter, lambda _seq: b"x" * size, STAMP)


def kinds(spool: Spool) -> list[str]:
    return [notice.kind for notice in spool.notices(100)]


def test_a_spool_beyond_its_size_refuses_and_says_so_once(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path / "spool.db", SMALL)) as spool:
        assert not spool.watch_room(MOMENT, BOOT).refusing
        while not spool.watch_room(MOMENT, BOOT).refusing:
            put_large(spool)
        found = spool.room()
        assert found.refusing
        assert found.spool_bytes >= SMALL.max_bytes
        put_large(spool)  # a session under way is kept all the same
        spool.watch_room(MOMENT, BOOT)
        assert kinds(spool) == ["disk_full"]
        (notice,) = spool.notices(1)
        assert "of 1000000" in notice.detail


def test_room_comes_back_with_what_the_server_took_and_is_told_once(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path / "spool.db", SMALL)) as spool:
        while not spool.watch_room(MOMENT, BOOT).refusing:
            put_large(spool)
        batch = spool.pending(ALL, ALL)
        assert batch is not None
        spool.acknowledge(batch.epoch, [Result(seq, "stored") for seq in batch.seqs], NOW)
        assert spool.watch_room(MOMENT, BOOT).refusing  # kept for 90 days
        spool._db.execute("UPDATE acks SET acked_at = 0")
        spool.acknowledge(batch.epoch, [], NOW)
        spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        for _ in range(3):
            assert not spool.watch_room(MOMENT, BOOT).refusing
        assert kinds(spool) == ["disk_full", "disk_ok"]


def test_a_disk_with_too_little_left_refuses(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with closing(open_spool(tmp_path / "spool.db", SpoolLimits(min_free_bytes=2 * free))) as spool:
        assert spool.watch_room(MOMENT, BOOT).refusing
        assert kinds(spool) == ["disk_full"]
        assert not (tmp_path / "spool.db.reserve").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, which can really be full."""
    with mounted_small(tmp_path) as place:
        yield place


def until_full(write: Callable[[], object]) -> None:
    for _ in range(1000):
        try:
            write()
        except SpoolFullError:
            return
    raise AssertionError("the disk does not fill")


def test_on_a_full_disk_the_reserve_lets_the_session_under_way_end(small_disk: Path) -> None:
    limits = SpoolLimits(min_free_bytes=1_000_000, reserve_bytes=300_000)
    with closing(open_spool(small_disk / "spool.db", limits)) as spool:
        spool.begin_session("m", b"{}")
        reserve = small_disk / "spool.db.reserve"
        assert reserve.stat().st_size == 300_000
        ballast = fill(small_disk)
        assert spool.room().refusing
        numbers = itertools.count()
        until_full(lambda: spool.begin_session(f"m{next(numbers)}", bytes(3000)))
        assert reserve.exists()  # a new session is refused rather than that
        assert put_large(spool) == 1
        assert not reserve.exists()
        assert spool.open_session("m") is None
        until_full(lambda: put_large(spool))
        kept = waiting(spool)
        assert kept == list(range(1, len(kept) + 1))

        ballast.unlink()
        assert not spool.watch_room(MOMENT, BOOT).refusing
        assert reserve.exists()
        assert put_large(spool, size=10) == len(kept) + 1


def test_a_full_disk_is_reported_with_the_help_of_the_reserve(small_disk: Path) -> None:
    limits = SpoolLimits(min_free_bytes=1_000_000, reserve_bytes=300_000)
    with closing(open_spool(small_disk / "spool.db", limits)) as spool:
        ballast = fill(small_disk)
        assert spool.watch_room(MOMENT, BOOT).refusing
        ballast.unlink()
        assert not spool.watch_room(MOMENT, BOOT).refusing
        assert kinds(spool) == ["disk_full", "disk_ok"]


def test_a_damaged_spool_on_a_full_disk_waits_for_room_and_is_then_saved(small_disk: Path) -> None:
    path = small_disk / "spool.db"
    with closing(open_spool(path, SpoolLimits(reserve_bytes=1))) as spool:
        for seq in range(1, 31):
            assert put_large(spool) == seq
        spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.write(b"destroyed")
    ballast = fill(small_disk)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            open_spool(path)
    ballast.unlink()
    with closing(open_spool(path, SpoolLimits(reserve_bytes=1))) as spool:
        assert waiting(spool) == list(range(1, 31))
        assert kinds(spool) == ["spool_corrupt"]


def test_a_retried_append_makes_its_record_anew_with_the_same_number(tmp_path: Path) -> None:
    made: list[int] = []
    with closing(open_spool(tmp_path / "spool.db", SpoolLimits(min_free_bytes=1, reserve_bytes=10))) as spool:
        spool._db.execute("PRAGMA max_page_count = 40").fetchall()

        def make(seq: int) -> bytes:
            made.append(seq)
            return bytes(500_000)

        with pytest.raises(SpoolFullError):
            spool.append("m", make, Stamp(BOOT, 1))
        assert made == [1, 1]
        spool._db.execute("PRAGMA max_page_count = 100000").fetchall()
        assert spool.append("m", make, Stamp(BOOT, 1)) == 1


def test_the_log_stays_small_however_much_goes_through_it(tmp_path: Path) -> None:
    with hurry(open_spool(tmp_path / "spool.db")) as spool, closing(Spool(spool.path)) as uplink:
        sizes = []
        for _ in range(600):
            put_large(spool, size=20_000)
            uplink.depth()
            sizes.append(spool.path.with_name("spool.db-wal").stat().st_size)
    assert max(sizes) < 5_000_000 < sum(20_000 for _ in sizes)


def test_a_file_that_is_mostly_free_is_shortened_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spool.db"
    with hurry(open_spool(path)) as spool:
        for _ in range(100):
            put_large(spool)
        batch = spool.pending(98, ALL)
        assert batch is not None
        spool.acknowledge(batch.epoch, [Result(seq, "stored") for seq in batch.seqs], NOW)
        spool.acknowledge(batch.epoch, [], NOW + timedelta(days=91))
    full = path.stat().st_size
    with closing(open_spool(path)) as spool:
        assert waiting(spool) == [99, 100]
    assert path.stat().st_size == full  # not worth it
    monkeypatch.setattr(room, "_WORTH_SHRINKING", 1_000_000)
    with closing(open_spool(path)) as spool:
        assert waiting(spool) == [99, 100]
        assert put_large(spool) == 101
    assert path.stat().st_size < full / 10
