"""A number is never used twice and nothing unacknowledged is ever forgotten."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateways.link.records import Result
from gateways.spool import Spool, Stamp, open_spool

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STAMP = Stamp("boot", 1000)
ALL = 10**9


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(open_spool(tmp_path / "spool.db")) as opened:
        yield opened


def put(spool: Spool, meter: str = "m", gross: int | None = None) -> int:
    return spool.append(meter, lambda seq: json.dumps({"seq": seq}).encode(), STAMP, gross)


def waiting(spool: Spool) -> list[int]:
    batch = spool.pending(ALL, ALL)
    return batch.seqs if batch else []


def test_numbers_count_from_one_and_stand_in_the_bytes(spool: Spool) -> None:
    assert [put(spool) for _ in range(3)] == [1, 2, 3]
    batch = spool.pending(ALL, ALL)
    assert batch is not None
    assert batch.bodies == [b'{"seq": 1}', b'{"seq": 2}', b'{"seq": 3}']
    assert spool.next_seq() == 4


def test_a_record_that_cannot_be_made_uses_no_number_and_leaves_the_session_open(spool: Spool) -> None:
    spool.begin_session("m", b"session")

    def fail(_seq: int) -> bytes:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        spool.append("m", fail, STAMP)
    assert spool.open_session("m") == b"session"
    assert put(spool) == 1
    assert spool.open_session("m") is None


def test_only_the_records_own_results_acknowledge_it(spool: Spool) -> None:
    for _ in range(4):
        put(spool)
    results = [Result(1, "stored"), Result(3, "quarantined", "unknown_meter"), Result(4, "postponed")]
    assert spool.acknowledge(spool.epoch(), results, NOW) == 2
    assert waiting(spool) == [2, 4]
    later = NOW + timedelta(hours=1)
    assert spool.acknowledge("0" * 16, [Result(2, "stored")], later) == 0
    assert waiting(spool) == [2, 4]
    assert (spool.last_acknowledgement(), spool.last_contact()) == (NOW, later)


def test_a_number_beyond_its_epoch_acknowledges_nothing_of_the_next_one(spool: Spool) -> None:
    put(spool)
    old = spool.epoch()
    spool.begin_epoch()
    put(spool)
    assert spool.acknowledge(old, [Result(2, "stored"), Result(-1, "stored"), Result(0, "stored")], NOW) == 0
    assert spool.depth().records == 2


def test_acknowledged_records_are_kept_for_ninety_days_and_their_numbers_never_come_back(spool: Spool) -> None:
    put(spool)
    put(spool)
    spool.acknowledge(spool.epoch(), [Result(1, "stored"), Result(2, "stored")], NOW)
    assert count(spool.path) == 2
    spool.acknowledge(spool.epoch(), [], NOW + timedelta(days=89))
    assert count(spool.path) == 2
    spool.acknowledge(spool.epoch(), [], NOW + timedelta(days=91))
    assert count(spool.path) == 1  # the newest says which number comes next
    assert put(spool) == 3


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM records").fetchone()[0])


def test_a_batch_holds_one_epoch_and_no_more_than_asked(spool: Spool) -> None:
    first = spool.epoch()
    for _ in range(3):
        put(spool)
    second = spool.begin_epoch()
    assert put(spool) == 1
    assert waiting(spool) == [1, 2, 3]
    batch = spool.pending(2, ALL)
    assert batch is not None
    assert batch.seqs == [1, 2]
    small = spool.pending(ALL, 5)
    assert small is not None
    assert small.seqs == [1]
    spool.acknowledge(first, [Result(n, "duplicate") for n in (1, 2, 3)], NOW)
    batch = spool.pending(ALL, ALL)
    assert batch is not None
    assert (batch.epoch, batch.seqs) == (second, [1])


def test_a_second_connection_continues_the_numbers(spool: Spool) -> None:
    put(spool)
    with closing(Spool(spool.path)) as other:
        assert put(other) == 2
    assert put(spool) == 3


def test_the_last_proven_weight_of_a_meter_is_known_after_a_restart(spool: Spool) -> None:
    put(spool, "a", 12_000)
    put(spool, "b", 5_000)
    with closing(open_spool(spool.path)) as again:
        assert (again.last_gross_g("a"), again.last_gross_g("b"), again.last_gross_g("c")) == (12_000, 5_000, None)


def test_writes_are_synchronous_and_one_meter_has_one_session(spool: Spool) -> None:
    with closing(sqlite3.connect(spool.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)
    spool.begin_session("m", b"1")
    with pytest.raises(sqlite3.IntegrityError):
        spool.begin_session("m", b"2")


@pytest.mark.parametrize("damage", [b"not a database at all" * 400, None])
def test_a_damaged_spool_is_kept_aside_and_a_new_epoch_begun(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "spool.db"
    with closing(open_spool(path)) as spool:
        old = spool.epoch()
        for _ in range(200):
            put(spool)
    content = path.read_bytes()
    path.write_bytes(damage or content[:8192] + b"\xff" * 4096 + content[12288:])
    with closing(open_spool(path)) as spool:
        assert spool.epoch() != old
        assert put(spool) == 1
    (kept,) = tmp_path.glob("spool.db.corrupt-*")
    assert kept.stat().st_size > 0


def test_alive_intervals_stay_until_the_status_arrived_and_are_never_merged(spool: Spool) -> None:
    spool.add_alive([("m", b"1"), ("m", b"1"), ("n", b"2")])
    rows = spool.alive(2)
    assert [(row.meter, row.body) for row in rows] == [("m", b"1"), ("m", b"1")]
    spool.forget_alive([row.id for row in rows], NOW)
    assert [row.meter for row in spool.alive(10)] == ["n"]


class SpoolMachine(RuleBasedStateMachine):
    """Appends, answers of any kind, restarts, new epochs and pruning in any order, beside a model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.spool = open_spool(Path(self.folder.name) / "spool.db")
        self.used: set[tuple[str, int]] = set()
        self.waiting: dict[tuple[str, int], bytes] = {}
        self.now = NOW

    @rule(meter=st.sampled_from(["a", "b"]))
    def append(self, meter: str) -> None:
        made: list[bytes] = []

        def make(seq: int) -> bytes:
            made.append(f'{{"seq":{seq},"n":{len(self.used)}}}'.encode())
            return made[0]

        epoch = self.spool.epoch()
        number = (epoch, self.spool.append(meter, make, STAMP))
        assert number not in self.used
        assert number[1] == 1 + sum(used_epoch == epoch for used_epoch, _ in self.used)
        self.used.add(number)
        self.waiting[number] = made[0]

    @rule(statuses=st.lists(st.sampled_from(["stored", "duplicate", "quarantined", "lost", "unheard-of"]), max_size=6))
    def deliver(self, statuses: list[str]) -> None:
        batch = self.spool.pending(max(1, len(statuses)), ALL)
        if batch is None:
            return
        results = [Result(seq, status) for seq, status in zip(batch.seqs, statuses, strict=False) if status != "lost"]
        self.spool.acknowledge(batch.epoch, results, self.now)
        for result in results:
            if result.status != "unheard-of":
                del self.waiting[batch.epoch, result.seq]

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = open_spool(self.spool.path)

    @rule()
    def begin_epoch(self) -> None:
        self.spool.begin_epoch()

    @rule(days=st.integers(1, 200))
    def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.spool.acknowledge(self.spool.epoch(), [], self.now)

    @invariant()
    def everything_unacknowledged_is_there_unchanged(self) -> None:
        with closing(sqlite3.connect(self.spool.path)) as db:
            rows = db.execute("SELECT epoch, seq, body FROM records JOIN waiting USING (id)").fetchall()
        assert {(epoch, seq): body for epoch, seq, body in rows} == self.waiting
        assert self.spool.depth().records == len(self.waiting)

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestSpoolInAnyOrder = SpoolMachine.TestCase
