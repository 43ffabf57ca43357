"""A year of history behind the demo, and the gaps since: generated up to a moment, never over what is stored.

Each gateway of the demo has one epoch of history; its cursor and the newest alive interval say how far the history is.
Both move on in the transaction that stores the discharges. So it may be interrupted anywhere and goes on where it
stopped, and two that run at once share the work. What the gateways themselves have stored is left as it is.
"""

import hashlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from app.db import Database, fetch, from_driver, from_microseconds, is_sqlite, to_microseconds
from app.demo.booking import BOOT, Place, book, book_alive
from app.demo.places import Source, meter_ids, place, sources
from app.demo.residents import MINUTE_US, SECOND_US, Deeds, Residents, Stretches, alive, midnight_us
from app.demo.stories import STORIES, happening
from app.metering import cursors
from app.metering.cursors import Cursor
from app.metering.ledger import MissingMonths, Partitions
from app.metering.models import GatewayEpoch, MeterAlive
from app.texts import Text
from billing.days import month_of, service_day

SEED = 2016  # which gives the three complexes 354, 466 and 418 g a household and day
HISTORY_DAYS = 365
LEAST_US = 30 * SECOND_US  # what is missing less is not worth a transaction
UNSENT_US = 6 * MINUTE_US  # a gateway that was stopped may still hold so much of its alive intervals
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
        until_us = (to_microseconds(now) - LAG_US) // 1000 * 1000  # the wire has milliseconds
        with self.database.engine.connect().execution_options(read_only=True) as connection:
            began = self.began(connection) or service_day(now) - timedelta(self.days)
            pieces = [
                piece
                for source in sources(connection)
                if source.gateway not in without
                for piece in self._missing(connection, source, began, until_us)
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

    def _missing(self, connection: sa.Connection, source: Source, began: date, until_us: int) -> Iterator[Piece]:
        _, newest_us = self._state(connection, source)
        from_us = max(newest_us, midnight_us(began))
        if until_us - from_us < LEAST_US:
            return
        while from_us < until_us:
            month = month_of(service_day(from_microseconds(from_us)))
            to_us = min(midnight_us(month_of(month + timedelta(31))), until_us)
            yield Piece(source, from_us, to_us)
            from_us = to_us

    def _state(self, connection: sa.Connection, source: Source) -> tuple[Cursor, int]:
        """The cursor of the gateway's history, and until when (microseconds) something of the gateway is stored."""
        key = (source.district_id, source.gateway_id, self._epoch(source))
        ((sql, parameters),) = cursors.reading([key[:2]])
        rows = fetch(connection, sql, *parameters)
        times = [(from_driver(row[7]), row[2] == key[2]) for row in rows] + list(_newest_alive(connection, source))
        newest = [to_microseconds(at) + (0 if generated else UNSENT_US) for at, generated in times if at]
        return cursors.open_cursors([key], rows)[key], max(newest, default=0)

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
            cursor, newest_us = self._state(connection, source)
            piece = piece._replace(from_us=max(piece.from_us, newest_us))
            if piece.from_us >= piece.to_us:
                return 0  # another process was faster
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


def _newest_alive(connection: sa.Connection, source: Source) -> Iterator[tuple[datetime, bool]]:
    """Of each meter the end of its last alive interval, and whether that was generated."""
    meters = sa.select(MeterAlive.ended_at, MeterAlive.boot_id)
    for meter_id in meter_ids(connection, source):
        same = (MeterAlive.district_id == source.district_id, MeterAlive.meter_id == meter_id)
        found = connection.execute(meters.where(*same).order_by(MeterAlive.started_at.desc()).limit(1)).first()
        if found:
            yield found.ended_at, found.boot_id == BOOT


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
