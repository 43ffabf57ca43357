"""One transaction of ingest: verified batches become ledger rows, quarantine and rollups, or nothing at all.

The order of locks is the same for all: registry (shared), gateways, rollups by key. The result of a record is decided
here and nowhere else; whatever the gateway repeats, reorders or sends twice at once ends in the same ledger.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa

from app.access.nonces import purge, refusals, using_nonces
from app.db import Database, Round, make_engine, pipelined, upsert
from app.metering import cursors, ledger, rollups
from app.metering.cursors import Cursor
from app.metering.directory import Directory
from app.metering.ledger import Row
from app.metering.models import Discharge, Quarantine, UnknownCard
from app.metering.placing import Placed, Sending, place
from app.metering.quarantine import Kept, keep
from app.metering.records import BILLED, Card, Fault, Incoming, Record
from app.registry import queries as registry
from billing.days import month_of, service_day

NO_FLAGS = "[]"
PURGE_SECONDS = 60.0
encode = msgspec.json.Encoder().encode


class Result(msgspec.Struct):
    """The answer for one record, in the order of the request."""

    seq: int | None
    status: str
    code: str | None = None


@dataclass
class Batch:
    """One verified request of one gateway, and after the transaction its answer."""

    district_id: int
    gateway_id: int
    key_id: str
    nonce: str
    created: datetime
    epoch: str
    sending: Sending
    incoming: list[Incoming]
    envelope: str
    refused: str | None = None  # why the request as a whole is refused: its key or nonce
    results: list[Result] = field(default_factory=list)
    acked_through: int = 0
    high_seq: int = 0
    error: Exception | None = None
    done: bool = False

    @property
    def cursor_key(self) -> tuple[int, int, str]:
        return self.district_id, self.gateway_id, self.epoch


class Ingest:
    """Runs transactions of batches on one database; remembers the registry between them."""

    def __init__(self, database: Database) -> None:
        # One connection for ever: group commit lets one transaction run at a time, and a lost one is opened anew.
        self._engine = make_engine(database.engine.url.render_as_string(hide_password=False), ping=False)
        self._connection: sa.Connection | None = None
        self._directories: dict[int, Directory] = {}
        self._partitions = ledger.Partitions(database)
        self._purge_at = 0.0

    def book(self, batches: Sequence[Batch]) -> None:
        """Book the batches in one transaction and fill in their results. On any error nothing is booked."""
        try:
            self._book(batches)
        except ledger.MissingMonths as missing:
            self._partitions.create(missing.months)
            self._book(batches)

    def _book(self, batches: Sequence[Batch]) -> None:
        with self._transaction() as connection:
            opened = Opening(connection, batches)
            if not opened.admitted:
                return
            self._purge_nonces(connection)
            for district_id, version in opened.versions.items():
                directory = self._directories.setdefault(district_id, Directory())
                directory.refresh(connection, district_id, version, opened.records_of(district_id))
            transaction = Transaction(connection, datetime.now(UTC))
            for batch in opened.admitted:
                cursor = opened.cursors[batch.cursor_key]
                transaction.take(batch, cursor, self._directories[batch.district_id])
                batch.acked_through, batch.high_seq = cursor.acked_through, cursor.high_seq
            self._partitions.require({month_of(row.service_day) for row in transaction.rows})
            transaction.write(list(opened.cursors.values()))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                yield self._connection
        except (sa.exc.DBAPIError, psycopg.Error, sqlite3.Error):
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._engine.dispose()

    def _purge_nonces(self, connection: sa.Connection) -> None:
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + PURGE_SECONDS
            purge(connection, datetime.now(UTC))


class Opening:
    """The locks and first reads of a transaction, in one round trip: who is admitted, and where each spool stands."""

    def __init__(self, connection: sa.Connection, batches: Sequence[Batch]) -> None:
        gateways = [(batch.district_id, batch.gateway_id) for batch in batches]
        requests = [(batch.district_id, batch.key_id, batch.nonce, batch.created) for batch in batches]
        asked = Round(connection)
        asked.add(registry.holding_still(connection, (batch.district_id for batch in batches)))
        asked.add(cursors.locking(connection, gateways))
        moment = datetime.now(UTC)
        used = asked.add(using_nonces(connection, requests, moment))
        versions = asked.add([registry.VERSIONS])
        rows = asked.add(cursors.reading(gateways))
        asked.run()
        for batch, reason in zip(batches, refusals(connection, requests, used(), moment), strict=True):
            batch.refused = reason
        self.admitted = [batch for batch in batches if batch.refused is None]
        self.cursors = cursors.open_cursors([batch.cursor_key for batch in self.admitted], rows())
        concerned = {batch.district_id for batch in self.admitted}
        self.versions = {district_id: version for district_id, version in versions() if district_id in concerned}

    def records_of(self, district_id: int) -> Iterator[Incoming]:
        """The admitted records of a district."""
        return (item for batch in self.admitted if batch.district_id == district_id for item in batch.incoming)


Decided = dict[int, tuple[bytes, Result]]  # by number: the content hash it was decided for, and the answer


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from, and what is known there: for one batch of one spool, or for one released record."""

    district_id: int
    gateway_id: int
    sending: Sending
    envelope: str
    cursor: Cursor
    directory: Directory
    stored: Decided
    booked_at: datetime


class Transaction:
    """What one transaction is going to write."""

    def __init__(self, connection: sa.Connection, booked_at: datetime) -> None:
        self._connection = connection
        self._booked_at = booked_at
        self._kept: list[Kept] = []
        self._unknown_cards: dict[tuple[int, bytes], dict[str, Any]] = {}
        self.rows: list[Row] = []
        self._deltas = rollups.Deltas()

    def take(self, batch: Batch, cursor: Cursor, directory: Directory) -> None:
        """Decide about each record of the batch, in order."""
        source = Source(
            batch.district_id,
            batch.gateway_id,
            batch.sending,
            batch.envelope,
            cursor,
            directory,
            self._stored(cursor, batch.incoming),
            self._booked_at,
        )
        batch.results = [self._decide(item, source) for item in batch.incoming]

    def write(self, held: Sequence[Cursor]) -> None:
        """Everything that was decided, to the database."""
        if self.rows:
            ledger.write(self._connection, self.rows)
        keep(self._connection, self._kept)
        self._note_unknown_cards()
        cursors.book_new(self._connection, held, self._booked_at)
        with pipelined(self._connection):
            rollups.add(self._connection, self._deltas)
            cursors.save(self._connection, held, self._booked_at)

    def _stored(self, cursor: Cursor, incoming: Iterable[Incoming]) -> Decided:
        seen = [item.seq for item in incoming if item.seq is not None and item.seq <= cursor.high_seq]
        return stored_numbers(self._connection, cursor, seen) if seen else {}

    def _decide(self, item: Incoming, source: Source) -> Result:
        seq, cursor = item.seq, source.cursor
        if seq is None:
            return self._keep(item, source, item.fault or Fault("malformed", "no number"))
        if seq > cursor.high_seq:
            cursor.advance(seq)
        else:
            known = source.stored.get(seq) or cursor.decided.get(seq)
            if known is not None:
                return self._repeat(item, source, *known)
            if not cursor.fill(seq):
                return self._keep(item, source, Fault("number_unverifiable", f"number {seq} is in no open month"))
        result = self._accept(item, source)
        cursor.decided[seq] = (item.content_hash, result)
        return result

    def _accept(self, item: Incoming, source: Source) -> Result:
        record = item.record
        if record is None or item.fault is not None:
            return self._keep(item, source, item.fault or Fault("malformed", "unreadable"))
        booked = book_record(record, item.content_hash, source)
        if isinstance(booked, Fault):
            return self._keep(item, source, booked)
        self.rows.append(booked)
        self._deltas.add(booked)
        if record.seq == source.cursor.high_seq:
            # What bounds the next record is what is known, not what was guessed within bounds of its own.
            source.cursor.last_occurred_at = booked.earliest_at or booked.occurred_at
        if booked.household_id is None and record.card is not None and source.directory.is_unknown(record.card.hash):
            self._unknown_card(booked, record.card.last4)
        return Result(record.seq, "stored")

    def _repeat(self, item: Incoming, source: Source, first_hash: bytes, first: Result) -> Result:
        if first_hash == item.content_hash:
            return first if first.status == "quarantined" else Result(item.seq, "duplicate")
        fault = Fault("number_conflict", f"number {item.seq} was used with other content")
        return self._keep(item, source, fault)

    def _keep(self, item: Incoming, source: Source, fault: Fault) -> Result:
        self._kept.append(
            Kept(
                source.district_id,
                "discharge",
                source.gateway_id,
                source.cursor.epoch_no,
                item.seq,
                fault,
                item.raw,
                source.envelope,
                item.content_hash,
                source.sending.received_at,
            )
        )
        return Result(item.seq, "quarantined", fault.code)

    def _unknown_card(self, row: Row, last4: str) -> None:
        assert row.card_hash is not None
        self._unknown_cards[row.district_id, row.card_hash] = {
            "district_id": row.district_id,
            "card_hash": row.card_hash,
            "last4": last4,
            "first_seen_at": row.occurred_at,
        }

    def _note_unknown_cards(self) -> None:
        if self._unknown_cards:
            cards = [self._unknown_cards[key] for key in sorted(self._unknown_cards)]
            self._connection.execute(upsert(self._connection, UnknownCard).on_conflict_do_nothing(), cards)


def stored_numbers(connection: sa.Connection, cursor: Cursor, numbers: Sequence[int]) -> Decided:
    """What was decided earlier about these numbers, with the content hash it was decided for.

    A number can stand in quarantine more than once (its conflicts); the first entry is the number's own.
    """
    found: Decided = {}
    kept = sa.select(Quarantine.seq, Quarantine.content_hash, Quarantine.code).where(
        *_same_cursor(Quarantine, cursor), Quarantine.seq.in_(numbers), Quarantine.code != "number_conflict"
    )
    for seq, content_hash, code in connection.execute(kept.order_by(Quarantine.id.desc())):
        assert seq is not None
        found[seq] = (bytes(content_hash), Result(seq, "quarantined", code))
    booked = sa.select(Discharge.seq, Discharge.content_hash).where(
        *_same_cursor(Discharge, cursor), Discharge.seq.in_(numbers)
    )
    for seq, content_hash in connection.execute(booked):
        found[seq] = (bytes(content_hash), Result(seq, "stored"))
    return found


def _same_cursor(model: type[Discharge] | type[Quarantine], cursor: Cursor) -> list[sa.ColumnElement[bool]]:
    return [
        model.district_id == cursor.district_id,
        model.gateway_id == cursor.gateway_id,
        model.epoch_no == cursor.epoch_no,
    ]


def book_record(record: Record, content_hash: bytes, source: Source) -> Row | Fault:
    """The ledger row of a well-formed record: when, at which meter, of which household, billable or not."""
    sending, directory = source.sending, source.directory
    placed = place(
        record.occurred_at, record.clock, record.boot_id, record.mono_ms, sending, source.cursor.last_occurred_at
    )
    if isinstance(placed, Fault):
        return placed
    meter = directory.place(record.meter, placed.occurred_at)
    if meter is None:
        return Fault("unknown_meter", f"meter {record.meter} is not registered, or stood nowhere at that time")
    if meter.gateway_id != source.gateway_id:
        return Fault("foreign_meter", f"meter {record.meter} is run by another gateway")
    card = record.card
    holding = directory.holder(card.hash, placed.occurred_at) if card else None
    return Row(
        source.district_id,
        source.gateway_id,
        source.cursor.epoch_no,
        record.seq,
        service_day(placed.occurred_at),
        meter.meter_id,
        meter.complex_id,
        holding.household_id if holding else None,
        holding.tenancy_id if holding else None,
        bytes.fromhex(card.hash) if card else None,
        placed.occurred_at,
        placed.earliest,
        placed.latest,
        record.occurred_at,
        record.clock,
        record.outcome,
        record.gross_before_g,
        record.gross_after_g,
        record.net_g,
        record.outcome in BILLED
        and card is not None
        and holding is not None
        and time_is_billable(placed, card, directory),
        encode(record.flags).decode() if record.flags else NO_FLAGS,
        bytes(record.evidence).decode(),
        content_hash,
        sending.received_at,
        source.booked_at,
    )


def time_is_billable(placed: Placed, card: Card, directory: Directory) -> bool:
    """A doubtful time bills only if both its bounds fall in one month and one tenancy; else staff decide."""
    if placed.earliest is None or placed.latest is None:
        return True
    if month_of(service_day(placed.earliest)) != month_of(service_day(placed.latest)):
        return False
    return directory.holder(card.hash, placed.earliest) == directory.holder(card.hash, placed.latest)
