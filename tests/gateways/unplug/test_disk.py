"""A meter whose spool has no room, or whose disk has failed: nothing begins, nothing that began is lost."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateways.limits import SpoolLimits
from gateways.weighing.session import State
from tests.gateways.disks import fill
from tests.gateways.unplug.bench import Bench, text
from tests.gateways.unplug.place import Place

KIM, LEE, BLOCKED = "0D00319CD0", "1F00644BB6", "330092A6D7"


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def one(spool: Path = folder, limits: SpoolLimits | None = None) -> Bench:
        bench = Bench(spool, Place(folder), limits=limits)
        made.append(bench)
        bench.run(3)
        return bench

    yield one
    for bench in made:
        bench.close()


def told(bench: Bench) -> list[tuple[str, int | None]]:
    return [(record["outcome"], record["net_g"]) for record in bench.records()]


def test_a_record_that_a_full_disk_does_not_take_is_kept_in_memory_and_written_later(
    small_disk: Path, make: Callable[..., Bench]
) -> None:
    bench = make(small_disk, SpoolLimits(min_free_bytes=1, reserve_bytes=1))
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.SETTLING)
    (small_disk / "spool.db.reserve").unlink()  # used up before
    ballast = fill(small_disk)
    bench.run(20)
    assert bench.state is State.COMMIT
    assert bench.records() == []
    assert bench.booked == []
    assert bench.place.texts[-1] == text("bin_weighing")  # nobody is told of what is not written
    bench.place.visit(LEE, 730)  # who comes meanwhile waits, or comes again
    bench.run(3)
    assert bench.place.texts[-1] == text("bin_busy")
    ballast.unlink()
    bench.run_until(bench.is_at_rest)
    assert told(bench) == [("settled", 410), ("settled", 730)]
    assert len(bench.booked) == 2
    bench.check_balance()


def test_a_process_that_ends_with_a_record_in_memory_recovers_the_deposit(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.SETTLING)
    bench.disk_fails(fails=True)
    bench.run_until(lambda: bench.state is State.COMMIT)
    bench.run(5)
    bench.cut_power()
    bench.boot()
    bench.run_until(bench.is_at_rest)
    assert told(bench) == [("recovered", 410)]
    bench.check_balance()


def test_no_lid_opens_for_a_session_that_cannot_be_written(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.disk_fails(fails=True)
    bench.place.visit(KIM, 410)
    bench.run(9)
    assert not bench.place.is_open
    assert bench.place.lid_heard.count(b"O\r") == 0
    assert bench.place.texts[-1] == text("bin_refused_disk_full")
    assert bench.state is State.IDLE
    bench.disk_fails(fails=False)
    bench.run_until(bench.is_at_rest)
    assert told(bench) == [("settled", 410)]


def test_a_refused_card_that_cannot_be_noted_is_told_all_the_same(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.access[BLOCKED] = "blocked"
    bench.disk_fails(fails=True)
    bench.place.visit(BLOCKED, 410)
    bench.run(3)
    assert bench.place.texts[-1] == text("bin_refused_card_blocked")
    bench.disk_fails(fails=False)
    bench.run(6)
    assert [touch.reason for touch in bench.spool.touches(10)] == ["card_blocked"]


def test_a_spool_at_its_limit_refuses_but_books_what_is_under_way(make: Callable[..., Bench]) -> None:
    bench = make(limits=SpoolLimits(max_bytes=1, min_free_bytes=1, reserve_bytes=0))
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.OPEN)
    assert bench.spool.watch_room(bench.clock.now(), bench.clock.boot_id).refusing
    bench.troubles = frozenset({"disk_full"})
    bench.run_until(bench.is_at_rest)
    assert told(bench) == [("settled", 410)]
    bench.place.visit(LEE, 730)
    bench.run(8)
    assert bench.place.texts[-1] == text("bin_refused_disk_full")
    assert not bench.place.is_open
    bench.troubles = frozenset()
    bench.run_until(bench.is_at_rest)
    assert told(bench) == [("settled", 410), ("settled", 730)]
