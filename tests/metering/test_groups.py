"""Group commit: waiting batches share a transaction, and one that fails keeps nobody else out."""

from collections.abc import Sequence
from threading import Event, Thread

import pytest
from sqlalchemy.exc import OperationalError

from app.metering.groups import ATTEMPTS, MAX_RECORDS, GroupCommit
from app.metering.ingest import Batch
from app.metering.placing import Sending
from app.metering.records import Incoming
from app.times import now


def batch(name: str, records: int = 1) -> Batch:
    moment = now()
    incoming = [Incoming(seq, b"", b"", None, None) for seq in range(records)]
    return Batch(1, 1, "key", name, moment, "epoch", Sending("boot", 0, moment), incoming, "{}")


class Books:
    """Books slowly at first, so that others have to wait; `bad` names cannot be booked."""

    def __init__(self, bad: Sequence[str] = ()) -> None:
        self.groups: list[list[str]] = []
        self.bad = set(bad)
        self.entered, self.go = Event(), Event()

    def __call__(self, group: Sequence[Batch]) -> None:
        names = [item.nonce for item in group]
        self.groups.append(names)
        if names == ["first"]:
            self.entered.set()
            self.go.wait(10)
        if self.bad & set(names):
            raise ValueError(f"cannot book {names}")


def submit_while_first_runs(books: Books, waiting: list[Batch]) -> dict[str, Exception | None]:
    groups, outcomes = GroupCommit(books), dict[str, Exception | None]()

    def run(item: Batch) -> None:
        try:
            groups.submit(item)
            outcomes[item.nonce] = None
        except Exception as error:
            outcomes[item.nonce] = error

    threads = [Thread(target=run, args=(batch("first"),))]
    threads[0].start()
    books.entered.wait(10)
    for item in waiting:
        threads.append(Thread(target=run, args=(item,)))
        threads[-1].start()
        while item not in groups.waiting:
            pass
    books.go.set()
    for thread in threads:
        thread.join(10)
    return outcomes


def test_batches_that_wait_share_one_transaction() -> None:
    books = Books()
    submit_while_first_runs(books, [batch("a"), batch("b"), batch("c")])
    assert books.groups == [["first"], ["a", "b", "c"]]


def test_a_batch_that_cannot_be_booked_keeps_nobody_else_out() -> None:
    books = Books(bad=["b"])
    outcomes = submit_while_first_runs(books, [batch("a"), batch("b"), batch("c")])
    assert isinstance(outcomes.pop("b"), ValueError)
    assert outcomes == {"first": None, "a": None, "c": None}
    assert books.groups[1:] == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_a_group_has_a_largest_size() -> None:
    books = Books()
    submit_while_first_runs(books, [batch("a", MAX_RECORDS - 1), batch("b", 1), batch("c", 1)])
    assert books.groups == [["first"], ["a", "b"], ["c"]]


def test_a_passing_fault_of_the_database_is_tried_again() -> None:
    attempts = []

    def book(group: Sequence[Batch]) -> None:
        attempts.append(len(group))
        if len(attempts) < ATTEMPTS:
            raise OperationalError("INSERT", {}, Exception("deadlock detected"))

    GroupCommit(book).submit(batch("a"))
    assert attempts == [1] * ATTEMPTS


def test_a_lasting_fault_reaches_the_caller() -> None:
    def book(group: Sequence[Batch]) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    with pytest.raises(OperationalError, match="disk full"):
        GroupCommit(book).submit(batch("a"))
