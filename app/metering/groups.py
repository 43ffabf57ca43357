"""Group commit: requests that wait for the database at the same time share one transaction.

One commit costs one fsync whatever it holds, so single records from many gateways become several times faster and no
request waits longer than the transaction before it. If a group fails, each of its batches is tried alone: what
one gateway sent cannot keep another's records out.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

from app.db import UNAVAILABLE
from app.metering.ingest import Batch

MAX_RECORDS = 5000
ATTEMPTS = 3  # a dead-lock or a serialisation failure goes away by itself


class GroupCommit:
    """Books batches through `book`, which takes a group and either books all of it or raises."""

    def __init__(self, book: Callable[[Sequence[Batch]], None]) -> None:
        self._book = book
        self.waiting: deque[Batch] = deque()
        self._turn = Lock()

    def submit(self, batch: Batch) -> None:
        """Return once the batch is committed; raises what kept it from being booked."""
        self.waiting.append(batch)
        with self._turn:
            while not batch.done:
                self._run(self._next_group())
        if batch.error is not None:
            raise batch.error

    def _next_group(self) -> list[Batch]:
        group = [self.waiting.popleft()]
        records = len(group[0].incoming)
        while self.waiting and records + len(self.waiting[0].incoming) <= MAX_RECORDS:
            group.append(self.waiting.popleft())
            records += len(group[-1].incoming)
        return group

    def _run(self, group: list[Batch]) -> None:
        try:
            self._attempt(group)
        except Exception as error:
            if len(group) == 1:
                group[0].error = error
            else:
                for batch in group:
                    self._run([batch])
        finally:
            for batch in group:
                batch.done = True

    def _attempt(self, group: list[Batch]) -> None:
        for remaining in reversed(range(ATTEMPTS)):
            try:
                self._book(group)
                return
            except UNAVAILABLE:
                if not remaining:
                    raise
