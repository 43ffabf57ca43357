"""Records to the server: in order of their numbers, forgotten only by their own acknowledgement.

A record that the server cannot take must not block the ones behind it. What is to blame, a record or the server, shows
by comparison: halving finds the record, and it is set aside only when something else gets through beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import structlog

from gateways.clock import Clock, rfc3339
from gateways.link.api import BrokenServerError, MisunderstoodError, Server, ServerError, TooLargeError
from gateways.link.records import SCHEMA, DischargeAnswer, DischargeBatch
from gateways.link.remote import MAX_DETAIL, Remote
from gateways.spool import Pending, Spool

log = structlog.get_logger()

MAX_RECORDS: Final = 500
_MAX_BYTES: Final = 3 * 512 * 1024  # of the 2 MiB that the server takes
# A commit waits for the disk about as long as the server takes for a batch.
_POSTS_A_COMMIT: Final = 8
_COMMIT_BYTES: Final = 4 * 1024 * 1024
_TRIES: Final = 3  # of a single record that breaks the server, before it is compared with the next
_RETRY_ASIDE_S: Final = 6 * 3600.0


class Delivery:
    """Sends what waits, batch by batch; for the uplink's thread."""

    def __init__(self, server: Server, spool: Spool, clock: Clock, remote: Remote) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._remote = remote
        self._most = MAX_RECORDS  # that the server takes
        self._limit = MAX_RECORDS  # of the next batch: smaller while a record is suspected
        self._suspect: tuple[str, int] | None = None
        self._tries = 0
        self._retry_aside_at = float("-inf")

    def check_cursor(self) -> None:
        """Ask which numbers the server has, with an empty batch. Raises ServerError."""
        answer = self._post(Pending(self._spool.epoch(), [], []))
        self._remote.receive(answer.commands)

    def step(self, *, probing: bool) -> bool:
        """Send a few batches, or one record if `probing`; return whether more may wait. Raises ServerError."""
        self._bring_back()
        limit = 1 if probing else self._limit
        posts = _POSTS_A_COMMIT if limit == self._most else 1
        waiting = self._spool.pending(limit * posts, _COMMIT_BYTES)
        if waiting is None:
            return False
        batch = waiting
        try:
            with self._acknowledging(waiting.epoch) as answers:
                for batch in _batches(waiting, limit):
                    answers.append(self._post(batch))
        except (MisunderstoodError, TooLargeError) as error:
            self._doubt(batch, error)
            return True
        except BrokenServerError as error:
            if not self._is_to_blame(batch, error):
                raise
            return True
        if not probing:
            self._limit = min(self._most, self._limit * 2)
        return True

    @contextmanager
    def _acknowledging(self, epoch: str) -> Iterator[list[DischargeAnswer]]:
        """Mark what the collected answers acknowledge in one commit, also where a later call has failed."""
        answers: list[DischargeAnswer] = []
        try:
            yield answers
        finally:
            if answers:
                self._acknowledge(epoch, answers)

    def _acknowledge(self, epoch: str, answers: list[DischargeAnswer]) -> None:
        results = [result for answer in answers for result in answer.results]
        if not self._spool.acknowledge(epoch, results, answers[-1].server_time):
            raise ServerError("the answer acknowledges none of the records sent")
        for answer in answers:
            self._remote.receive(answer.commands)

    def _post(self, batch: Pending) -> DischargeAnswer:
        now = self._clock.now()
        answer = self._server.post_discharges(
            DischargeBatch(
                SCHEMA,
                batch.epoch,
                self._clock.boot_id,
                rfc3339(now.wall),
                now.mono_ms,
                [msgspec.Raw(body) for body in batch.bodies],
            )
        )
        self._watch_numbers(batch, answer)
        mine = set(batch.seqs)
        return msgspec.structs.replace(answer, results=[one for one in answer.results if one.seq in mine])

    def _watch_numbers(self, batch: Pending, answer: DischargeAnswer) -> None:
        """Leave an epoch whose numbers somebody else has used: this box runs on a restored image of itself."""
        for result in answer.results:
            if result.status == "quarantined":
                log.error("record_quarantined", epoch=batch.epoch, seq=result.seq, code=result.code)
        if batch.epoch != self._spool.epoch():
            return
        conflict = any(result.code == "number_conflict" for result in answer.results)
        if conflict or answer.high_seq >= self._spool.next_seq():
            epoch = self._spool.begin_epoch()
            log.error("new_epoch", left=batch.epoch, epoch=epoch, high_seq=answer.high_seq, conflict=conflict)
            self._notice("new_epoch", f"{batch.epoch} -> {epoch}; high_seq {answer.high_seq}, conflict {conflict}")

    # --- Records that the server cannot take

    def _doubt(self, batch: Pending, error: ServerError) -> None:
        """4xx for a batch: halve it; for a single record: set it aside, if the server takes an empty batch."""
        half = len(batch.seqs) // 2
        if half:
            self._limit = half
            if isinstance(error, TooLargeError):
                self._most = half
            return
        self.check_cursor()
        self._set_aside(batch, error)

    def _is_to_blame(self, batch: Pending, error: BrokenServerError) -> bool:
        """500 for a batch: halve it and back off; a single record is compared with another one in the end.

        Each time with one farther behind it, because those next to it may be of the same kind.
        """
        if len(batch.seqs) > 1:
            self._limit = len(batch.seqs) // 2
            return False
        head = (batch.epoch, batch.seqs[0])
        self._tries = self._tries + 1 if head == self._suspect else 1
        self._suspect = head
        if self._tries < _TRIES:
            return False
        others = self._spool.pending(MAX_RECORDS, _MAX_BYTES)
        if others is None or len(others.seqs) < 2:
            return False  # nothing waits behind it
        at = min(2 ** (self._tries - _TRIES), len(others.seqs) - 1)
        other = Pending(others.epoch, [others.seqs[at]], [others.bodies[at]])
        self._acknowledge(other.epoch, [self._post(other)])
        self._set_aside(batch, error)
        return True

    def _set_aside(self, batch: Pending, error: ServerError) -> None:
        self._spool.set_aside(batch.epoch, batch.seqs[0], str(error))
        self._most = MAX_RECORDS  # it was that record, not the number of them
        log.error("record_set_aside", epoch=batch.epoch, seq=batch.seqs[0], problem=str(error))
        self._notice("record_aside", f"{batch.epoch} {batch.seqs[0]}: {error}")

    def _bring_back(self) -> None:
        """Try what was set aside again, at the start and every few hours: server or gateway may have been mended."""
        if self._clock.mono() >= self._retry_aside_at:
            self._retry_aside_at = self._clock.mono() + _RETRY_ASIDE_S
            self._spool.bring_back()

    def _notice(self, kind: str, detail: str) -> None:
        self._spool.add_notice(kind, detail[:MAX_DETAIL], self._clock.now(), self._clock.boot_id)


def _batches(waiting: Pending, limit: int) -> Iterator[Pending]:
    """Cut into batches of at most `limit` records and, after the first record, _MAX_BYTES."""
    begin = size = 0
    for end, body in enumerate(waiting.bodies):
        size += len(body)
        if end > begin and (end - begin == limit or size > _MAX_BYTES):
            yield Pending(waiting.epoch, waiting.seqs[begin:end], waiting.bodies[begin:end])
            begin, size = end, len(body)
    yield Pending(waiting.epoch, waiting.seqs[begin:], waiting.bodies[begin:])
