"""Spools of the first release go on; a replacement may be interrupted at any step; the worst header costs nothing."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateways.cards import CardRule
from gateways.link.records import Result
from gateways.spool import open_spool
from tests.gateways.spool import version_1
from tests.gateways.spool.support import ALL, BOOT, CARD, MOMENT, NOW, STAMP, drain, hurry, interval, put, waiting


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".reserve"))


def test_a_spool_of_the_first_release_goes_on_with_its_epoch_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    version_1.make(path)
    with closing(open_spool(path)) as spool:
        assert names(tmp_path) == ["spool.db", "spool.db-shm", "spool.db-wal"]
        assert (spool.epoch(), spool.next_seq()) == ("b" * 16, 101)
        assert spool.depth().records == len(version_1.waiting())
        assert spool.last_contact() == NOW
        assert spool.last_gross_g("meter-2") == 1200
        assert spool.open_session("meter-1") == b'{"open": "session"}'
        assert spool.open_session("meter-2") is None
        assert [row.body for row in spool.alive(10)] == [interval(0)]
        assert spool.notices(10) == []
        assert put(spool, "meter-1") == 101
        assert spool.open_session("meter-1") is None
        sent = drain(spool)
        assert list(sent)[:-1] == list(version_1.waiting())
        assert sent.items() >= version_1.waiting().items()
    with closing(open_spool(path)) as again:
        assert (again.epoch(), again.next_seq(), again.depth().records) == ("b" * 16, 102, 0)


def test_numbers_that_only_the_old_counter_knew_do_not_come_again(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    version_1.make(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM records WHERE id > 180")  # as if acknowledged 90 days ago
        db.commit()
    with closing(open_spool(path)) as spool:
        assert spool.epoch() not in dict(version_1.EPOCHS)
        assert put(spool) == 1
        assert len(drain(spool)) == sum(1 for r in map(version_1.row, range(1, 181)) if r[8] is None) + 1


def test_a_damaged_spool_of_the_first_release_is_saved_as_far_as_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    version_1.make(path)
    content = bytearray(path.read_bytes())
    page = content.index(b'{"seq": 60,') // 4096 * 4096
    content[page : page + 4096] = bytes(4096)
    path.write_bytes(content)
    with closing(open_spool(path)) as spool:
        assert spool.epoch() not in dict(version_1.EPOCHS)
        sent = drain(spool)
        assert sent.items() <= version_1.waiting().items()
        assert len(version_1.waiting()) - len(sent) <= 4


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A spool with something in every table, whose first page is gone; records 1 and 2 are acknowledged."""
    path = tmp_path / "spool.db"
    with hurry(open_spool(path)) as spool:
        for _ in range(200):
            put(spool)
        spool.acknowledge(spool.epoch(), [Result(1, "stored"), Result(2, "duplicate")], NOW)
    with path.open("r+b") as file:
        file.write(bytes(4096))
    return path


def test_without_its_first_page_every_record_is_saved_and_what_was_acknowledged_is_not_sent_again(broken: Path) -> None:
    with closing(open_spool(broken)) as spool:
        assert spool.next_seq() == 1
        assert waiting(spool) == list(range(3, 201))
        (notice,) = spool.notices(10)
        assert "198 unacknowledged records saved; kept as spool.db.corrupt-1" in notice.detail
    assert (broken.parent / "spool.db.corrupt-1" / "spool.db").exists()


def test_a_second_damage_does_not_overwrite_what_the_first_left(broken: Path) -> None:
    for number in (1, 2, 3):
        open_spool(broken).close()
        with broken.open("r+b") as file:
            file.write(bytes(4096))
        assert (broken.parent / f"spool.db.corrupt-{number}" / "spool.db").exists()
    with closing(open_spool(broken)) as spool:
        assert waiting(spool) == list(range(3, 201))


STEPS: list[tuple[Any, str]] = [
    (Path, "mkdir"), (Path, "write_text"), (Path, "touch"), (Path, "rename"), (Path, "unlink"), (Path, "replace"),
    (os, "fsync"), (os, "open"), (sqlite3, "connect"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("old", ["damaged", "version 1"])
def test_a_power_cut_before_any_step_of_a_replacement_loses_nothing(
    broken: Path, old: str, owner: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if old == "version 1":
        broken.unlink()
        version_1.make(broken)
    image = broken.parent / "image"
    work = broken.parent / "work"
    image.mkdir()
    broken.rename(image / "spool.db")
    cuts = 0
    for turn in range(100):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(image, work)
        with monkeypatch.context() as patch:
            patch.setattr(owner, step, cut_at(turn, getattr(owner, step)))
            try:
                open_spool(work / "spool.db").close()
            except PowerCut:
                cuts += 1
            else:
                break
        with closing(open_spool(work / "spool.db")) as spool:
            sent = drain(spool)
            assert len(sent) == (198 if old == "damaged" else len(version_1.waiting()))
            assert [notice.kind for notice in spool.notices(10)] == ["spool_corrupt"] * (old == "damaged")
            assert not [name for name in names(work) if name.endswith((".moving", ".new"))]
            assert len([name for name in names(work) if "corrupt" in name]) == (old == "damaged")
    assert cuts or (step, old) == ("write_text", "version 1")


class PowerCut(BaseException):
    """Nothing of the program runs after it."""


def cut_at(turn: int, original: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(turn + 1))

    def step(*args: Any, **kwargs: Any) -> Any:
        if next(calls, turn) == turn:
            raise PowerCut
        return original(*args, **kwargs)

    return step


def test_what_a_damaged_spool_knows_besides_records_is_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with hurry(open_spool(path)) as spool:
        for _ in range(300):
            put(spool)
        spool.begin_session("ended", b'{"of": "ended"}')
        put(spool, "ended")
        spool.begin_session("open", b'{"of": "open"}')
        spool.add_alive([("m", interval(1)), ("m", interval(2))])
        spool.add_notice("disk_full", "now", MOMENT, BOOT)
        spool.note_touch("m", CARD, "card_unknown", MOMENT, BOOT)
        for command in ("open", "finished", "told"):
            spool.receive_command(command, "open_lid", b"{}", NOW)
        for command in ("finished", "told"):
            spool.finish_command(command, "done", "")
        spool.forget_results(["told"])
        spool.replace_cards("7", {"ab" * 16: CardRule("allowed", "collector")}, 3600, NOW)
        spool.acknowledge(spool.epoch(), [], NOW)
    break_a_record(path, 150)
    with closing(open_spool(path)) as spool:
        assert 150 not in waiting(spool)
        assert spool.depth().records == 300
        assert (spool.open_session("ended"), spool.open_session("open")) == (None, b'{"of": "open"}')
        assert [row.body for row in spool.alive(10)] == [interval(1), interval(2)]
        assert [row.kind for row in spool.notices(10)] == ["disk_full", "spool_corrupt"]
        assert [row.card for row in spool.touches(10)] == [CARD]
        assert spool.open_commands() == []
        states = {result.id: result.state for result in spool.command_results(10)}
        assert states == {"finished": "done", "open": "failed"}
        assert not any(spool.receive_command(command, "open_lid", b"{}", NOW) for command in ("open", "told"))
        assert spool.card("ab" * 16) == CardRule("allowed", "collector")
        assert spool.cards_status().version is None
        assert not spool.cards_status().is_expired(NOW)
        assert spool.last_contact() == NOW


def break_a_record(path: Path, seq: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b'{"seq": %d}' % seq, b'{"seq": %d}' % (seq + 1), 1))


def test_a_weight_that_changed_on_the_disk_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(open_spool(path)) as spool:
        put(spool)
        old = spool.epoch()
    break_a_record(path, 1)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)  # SQLite does not
    with closing(open_spool(path)) as spool:
        assert spool.epoch() != old
        assert waiting(spool) == []


@pytest.mark.parametrize("content", [b"", b"\x00", b"SQLite format 3\x00", b"not a database at all" * 400])
def test_a_file_that_never_was_a_spool_does_not_stop_the_box(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(content)
    with closing(open_spool(path)) as spool:
        assert put(spool) == 1
    assert bool(list(tmp_path.glob("*corrupt*"))) == bool(content)


def test_a_database_of_somebody_else_is_moved_aside_untouched(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript("CREATE TABLE records (id INTEGER PRIMARY KEY); INSERT INTO records VALUES (1);")
    content = path.read_bytes()
    with closing(open_spool(path)) as spool:
        assert waiting(spool) == []
    assert (tmp_path / "spool.db.corrupt-1" / "spool.db").read_bytes() == content


def test_a_spool_of_a_newer_version_is_saved_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(open_spool(path)) as spool:
        put(spool)
        spool._db.execute("PRAGMA user_version = 3")
    with closing(open_spool(path)) as spool:
        assert waiting(spool) == [1]
        assert len(spool.notices(10)) == 1


def test_long_records_are_saved_from_all_their_pages(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    sizes = [1, 3900, 4000, 4061, 4100, 5000, 8192, 50_000, 400_000]
    with closing(open_spool(path)) as spool:
        for size in sizes:
            spool.append("m", lambda _seq, size=size: b"x" * size, STAMP)  # type: ignore[misc]
    with path.open("r+b") as file:
        file.write(bytes(4096))
    with closing(open_spool(path)) as spool:
        batch = spool.pending(ALL, ALL)
        assert batch is not None
        assert [len(body) for body in batch.bodies] == sizes


def test_a_log_without_its_file_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(open_spool(path)) as spool:
        for _ in range(20):
            put(spool)
        log = path.with_name("spool.db-wal").read_bytes()
    for content in (None, b""):
        folder = tmp_path / f"case-{content is None}"
        folder.mkdir()
        (folder / "spool.db-wal").write_bytes(log)
        if content is not None:
            (folder / "spool.db").write_bytes(content)
        with closing(open_spool(folder / "spool.db")) as spool:
            assert waiting(spool) == list(range(1, 21))


def test_an_ended_session_does_not_come_back_when_its_records_page_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(open_spool(path)) as spool:
        spool.begin_session("m", b"{}")
        put(spool, "m")
        spool.acknowledge(spool.epoch(), [Result(1, "stored")], NOW)
    content = bytearray(path.read_bytes())
    content[content.index(b'{"seq": 1}')] ^= 1
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE acked_to SET id = 0")  # whatever makes the boot look closer
        db.commit()
    with closing(open_spool(path)) as spool:
        assert spool.next_seq() == 1
        assert spool.open_session("m") is None


@pytest.mark.parametrize("missing", [1, 24, 4096, 4119, 4120, 4121, 6000])
def test_a_commit_that_a_power_cut_kept_from_its_end_is_rolled_back_without_fuss(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "spool.db"
    image = tmp_path / "image.db"
    with hurry(open_spool(path)) as spool:
        for _ in range(20):
            put(spool)
        log = path.with_name("spool.db-wal").read_bytes()
        shutil.copy(path, image)
    image.with_name("image.db-wal").write_bytes(log[:-missing])
    with closing(open_spool(image)) as spool:
        assert waiting(spool) in (list(range(1, 20)), list(range(1, 19)))
        assert spool.notices(1) == []
    assert not list(tmp_path.glob("*corrupt*"))
