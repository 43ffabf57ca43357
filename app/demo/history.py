"""A year of history behind the demo, and the gaps since: generated up to a moment, never over what is stored.

Each gateway of the demo has one epoch of history. Its cursor says how far that is, and moves on in the transaction that
stores the discharges: so it may be interrupted anywhere and goes on where it stopped, and two that run at once share
the work. The cursors of the gateway's own epochs say when it was there itself: that time is left as it is.
"""

import hashlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from app.db import Database, fetch, from_microseconds, is_sqlite, to_microseconds
from app.demo.booking import Place, book, book_alive
from app.demo.places import Source, place, sources
from app.demo.residents import MINUTE_US, SECOND_US, Deeds, Residents, Stretches, alive, midnight_us
from app.demo.stories import STORIES, happening
from app.fleet.models import GatewayEpoch
from app.metering import cursors
from app.metering.cursors import Cursor
from app.metering.ledger import MissingMonths, Partitions
from app.texts import Text
from billing.days import month_of, service_day

SEED = 2016  # which gives the three complexes 354, 466 and 418 g a household and day
HISTORY_DAYS = 365
LEAST_US = 30 * SECOND_US  # what is missing less is not worth a transaction
BOOTING_US = MINUTE_US  # a gateway listens before its first contact
UNSENT_US = 6 * MINUTE_US  # and when it was stopped, may still hold so much of its alive intervals
CACHE_KIB = 128 * 1024
LAG_US = 3 * SECOND_US  # from now back: a discharge reaches the server after that


class Piece(NamedTuple):
    """A time within one month that the history of a gateway lacks."""

    source: Source
    from_us: int
    to_us: int

    @property
    def work(self) -> int:
        """How much of the whole it is."""
        return (self.source.homes + 1) * (self.to_us - self.from_us)


@dataclass(frozen=True)
class History:
    """The history in a database that begins `days` before it is made for the first time."""

    database: Database
    days: int = HISTORY_DAYS
    seed: int = SEED

    def fill(
        self,
        now: datetime,
        is_stopped: Callable[[], bool] = lambda: False,
        progress: Callable[[float], None] = lambda share: None,
        without: Container[str] = (),
    ) -> int:
        """Generate what is missing until `now`, but for the gateways `without`; how many discharges were booked.

        `progress` is told the share that is done after each piece. A piece is a month of a complex, one transaction.
        """
        until_us = _whole_ms(now) - LAG_US
        with self.database.engine.connect().execution_options(read_only=True) as connection:
            began = self.began(connection) or service_day(now) - timedelta(self.days)
            pieces = [
                piece
                for source in sources(connection)
                if source.gateway not in without
                for span in self._missing(connection, source, began, until_us)
                for piece in _by_month(source, *span)
            ]
        partitions = Partitions(self.database)
        total, done, booked = sum(piece.work for piece in pieces), 0, 0
        for piece in pieces:
            if is_stopped():
                break
            booked += self._book(partitions, piece, began)
            done += piece.work
            progress(done / total)
        return booked

    def began(self, connection: sa.Connection) -> date | None:
        """The first day of the history, or None where there is none yet."""
        epochs = [self._epoch(source) for source in sources(connection)]
        first = sa.select(sa.func.min(GatewayEpoch.first_contact_at)).where(GatewayEpoch.epoch.in_(epochs))
        instant = connection.scalar(first)
        return service_day(instant) if instant else None

    def stories(self) -> list[Text]:
        """What happened in the history, told."""
        with self.database.engine.connect().execution_options(read_only=True) as connection:
            began = self.began(connection)
        end = began + timedelta(self.days) if began else None
        return [story.told(end) for story in STORIES if end and story.days_ago <= self.days]

    def _epoch(self, source: Source) -> str:
        name = f"{self.seed} {source.gateway} history"
        return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()

    def _missing(
        self, connection: sa.Connection, source: Source, began: date, until_us: int
    ) -> Iterator[tuple[int, int]]:
        """What there is to do: from the end of the history to the gateway's first own contact, and since its last."""
        asked = sa.select(GatewayEpoch.epoch, GatewayEpoch.first_contact_at, GatewayEpoch.last_contact_at).where(
            GatewayEpoch.district_id == source.district_id, GatewayEpoch.gateway_id == source.gateway_id
        )
        contacts = {name: tuple(map(_whole_ms, times)) for name, *times in connection.execute(asked)}
        _, done_us = contacts.pop(self._epoch(source), (0, 0))
        done_us = max(done_us, midnight_us(began))
        first_us = min((first - BOOTING_US for first, _ in contacts.values()), default=until_us)
        last_us = max((last + UNSENT_US for _, last in contacts.values()), default=until_us)
        for span in ((done_us, min(first_us, until_us)), (max(done_us, last_us), until_us)):
            if span[1] - span[0] >= LEAST_US:
                yield span

    def _cursor(self, connection: sa.Connection, source: Source) -> Cursor:
        key = (source.district_id, source.gateway_id, self._epoch(source))
        ((sql, parameters),) = cursors.reading([key[:2]])
        return cursors.open_cursors([key], fetch(connection, sql, *parameters))[key]

    def _book(self, partitions: Partitions, piece: Piece, began: date) -> int:
        try:
            return self._book_piece(partitions, piece, began)
        except MissingMonths as missing:
            partitions.create(missing.months)
            return self._book_piece(partitions, piece, began)

    def _book_piece(self, partitions: Partitions, piece: Piece, began: date) -> int:
        source = piece.source
        with self.database.engine.begin() as connection, _in_bulk(connection):
            partitions.require({month_of(service_day(from_microseconds(piece.from_us)))})
            cursors.hold_gateway(connection, source.district_id, source.gateway_id)
            missing = [
                (max(piece.from_us, from_us), min(piece.to_us, to_us))
                for from_us, to_us in self._missing(connection, source, began, piece.to_us)
                if from_us < piece.to_us and piece.from_us < to_us
            ]
            if not missing:
                return 0  # another process was faster
            piece = Piece(source, *missing[0])
            cursor = self._cursor(connection, source)
            if cursor.high_seq == 0:
                cursors.save(connection, [cursor], from_microseconds(midnight_us(began)))
            at = place(connection, source, from_microseconds(piece.from_us), from_microseconds(piece.to_us))
            booked = self._write(connection, at, cursor, piece, began)
            cursors.save(connection, [cursor], from_microseconds(piece.to_us))
        return booked

    def _write(self, connection: sa.Connection, at: Place, cursor: Cursor, piece: Piece, began: date) -> int:
        if not at.meter_ids:
            return 0
        residents = Residents(self.seed, piece.source.complex, len(at.homes), len(at.meter_ids))
        end = began + timedelta(self.days)
        month: dict[date, Deeds] = {}
        awake: dict[date, Stretches] = {}
        for day in _days(piece):
            silences, factor = happening(piece.source.complex, len(at.meter_ids), day, end)
            silences += residents.silences(day)
            month[day] = _chosen(residents.day(day, silences, factor), at, piece)
            awake[day] = alive(day, len(at.meter_ids), silences).since(piece.from_us).until(piece.to_us)
        book_alive(connection, at, awake)
        return book(connection, at, cursor, month)


def _whole_ms(instant: datetime) -> int:
    """In microseconds, but as exact as the wire is."""
    return to_microseconds(instant) // 1000 * 1000


def _by_month(source: Source, from_us: int, to_us: int) -> Iterator[Piece]:
    while from_us < to_us:
        month = month_of(service_day(from_microseconds(from_us)))
        end_us = min(midnight_us(month_of(month + timedelta(31))), to_us)
        yield Piece(source, from_us, end_us)
        from_us = end_us


def _days(piece: Piece) -> Iterator[date]:
    day = service_day(from_microseconds(piece.from_us))
    while midnight_us(day) < piece.to_us:
        yield day
        day += timedelta(1)


def _chosen(deeds: Deeds, at: Place, piece: Piece) -> Deeds:
    """What falls into the piece and comes from somebody who holds a card, or from a stranger."""
    present = np.array([*(holder.household_id is not None for holder in at.homes), True])  # the last one for -1
    return deeds.where((piece.from_us <= deeds.at_us) & (deeds.at_us < piece.to_us) & present[deeds.home])


@contextmanager
def _in_bulk(connection: sa.Connection) -> Iterator[None]:
    """On SQLite with room for a whole transaction, and without holding each row against the words it was made of.

    A transaction that outgrows the cache writes its index pages again and again, and the checks take half the time.
    """
    if not is_sqlite(connection):
        yield
        return
    (usual,) = connection.exec_driver_sql("PRAGMA cache_size").one()
    try:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        yield
    finally:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
        connection.exec_driver_sql(f"PRAGMA cache_size = {usual}")
