"""One transaction of ingest: verified batches become ledger rows, quarantine and rollups, or nothing at all.

The order of locks is the same for all: registry (shared), gateways, rollups by key. The result of a record is decided
here and nowhere else; whatever the gateway repeats, reorders or sends twice at once ends in the same ledger.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from app.access.nonces import admit, purge
from app.db import Database, make_engine, pipelined, upsert
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
        self._engine = make_engine(str(database.engine.url.render_as_string(hide_password=False)), ping=False)
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
            admitted = _admitted(connection, batches)
            if not admitted:
                return
            self._purge_nonces(connection)
            self._refresh(connection, admitted)
            held = cursors.lock(connection, [batch.cursor_key for batch in admitted])
            transaction = Transaction(connection, datetime.now(UTC))
            for batch in admitted:
                cursor = held[batch.cursor_key]
                transaction.take(batch, cursor, self._directories[batch.district_id])
                batch.acked_through, batch.high_seq = cursor.acked_through, cursor.high_seq
            self._partitions.require({month_of(row.service_day) for row in transaction.rows})
            transaction.write(list(held.values()))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                yield self._connection
        except sa.exc.DBAPIError:
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

    def _refresh(self, connection: sa.Connection, batches: Sequence[Batch]) -> None:
        districts = {batch.district_id for batch in batches}
        registry.hold_still(connection, districts)
        versions = registry.versions(connection)
        for district_id in districts:
            directory = self._directories.setdefault(district_id, Directory())
            records = (item for batch in batches if batch.district_id == district_id for item in batch.incoming)
            directory.refresh(connection, district_id, versions[district_id], records)


def _admitted(connection: sa.Connection, batches: Sequence[Batch]) -> list[Batch]:
    refused = admit(connection, [(batch.district_id, batch.key_id, batch.nonce, batch.created) for batch in batches])
    for batch, reason in zip(batches, refused, strict=True):
        batch.refused = reason
    return [batch for batch in batches if batch.refused is None]


class Transaction:
    """What one transaction is going to write."""

    def __init__(self, connection: sa.Connection, booked_at: datetime) -> None:
        self._connection = connection
        self._booked_at = booked_at
        self._kept: list[Kept] = []
        self._unknown_cards: dict[tuple[int, bytes], dict[str, Any]] = {}
        self._pending: dict[tuple[int, int, int, int], tuple[bytes, Result]] = {}
        self.rows: list[Row] = []
        self._deltas = rollups.Deltas()

    def take(self, batch: Batch, cursor: Cursor, directory: Directory) -> None:
        """Decide about each record of the batch, in order."""
        stored = self._stored(cursor, [item.seq for item in batch.incoming if item.seq is not None])
        batch.results = [self._decide(item, batch, cursor, directory, stored) for item in batch.incoming]

    def write(self, held: Sequence[Cursor]) -> None:
        """Everything that was decided, to the database."""
        if self.rows:
            ledger.write(self._connection, self.rows)
        keep(self._connection, self._kept)
        self._note_unknown_cards()
        with pipelined(self._connection):
            rollups.add(self._connection, self._deltas)
            cursors.save(self._connection, held, self._booked_at)

    def _stored(self, cursor: Cursor, numbers: Iterable[int]) -> dict[int, tuple[bytes, Result]]:
        seen = [seq for seq in numbers if seq <= cursor.high_seq]
        return stored_numbers(self._connection, cursor, seen) if seen else {}

    def _decide(
        self,
        item: Incoming,
        batch: Batch,
        cursor: Cursor,
        directory: Directory,
        stored: dict[int, tuple[bytes, Result]],
    ) -> Result:
        seq = item.seq
        if seq is None:
            return self._keep(item, batch, cursor, item.fault or Fault("malformed", "no number"))
        if seq > cursor.high_seq:
            cursor.advance(seq)
        else:
            known = stored.get(seq) or self._pending.get((cursor.district_id, cursor.gateway_id, cursor.epoch_no, seq))
            if known is not None:
                return self._repeat(item, batch, cursor, *known)
            if not cursor.fill(seq):
                return self._keep(
                    item, batch, cursor, Fault("number_unverifiable", f"number {seq} is in no open month")
                )
        result = self._accept(item, batch, cursor, directory)
        self._pending[cursor.district_id, cursor.gateway_id, cursor.epoch_no, seq] = (item.content_hash, result)
        return result

    def _accept(self, item: Incoming, batch: Batch, cursor: Cursor, directory: Directory) -> Result:
        record, fault = item.record, item.fault
        if record is None or fault is not None:
            return self._keep(item, batch, cursor, fault or Fault("malformed", "unreadable"))
        source = Source(batch.district_id, batch.gateway_id, cursor.epoch_no, batch.sending, cursor.last_occurred_at)
        booked = book_record(record, item.content_hash, source, directory, self._booked_at)
        if isinstance(booked, Fault):
            return self._keep(item, batch, cursor, booked)
        self.rows.append(booked)
        self._deltas.add(booked)
        if record.seq == cursor.high_seq:
            cursor.last_occurred_at = booked.occurred_at
        if record.card is not None and directory.cards.get(record.card.hash) is None:
            self._unknown_card(booked, record.card.last4)
        return Result(record.seq, "stored")

    def _repeat(self, item: Incoming, batch: Batch, cursor: Cursor, first_hash: bytes, first: Result) -> Result:
        if first_hash == item.content_hash:
            return first if first.status == "quarantined" else Result(item.seq, "duplicate")
        fault = Fault("number_conflict", f"number {item.seq} was used with other content")
        return self._keep(item, batch, cursor, fault)

    def _keep(self, item: Incoming, batch: Batch, cursor: Cursor, fault: Fault) -> Result:
        self._kept.append(
            Kept(
                batch.district_id,
                "discharge",
                batch.gateway_id,
                cursor.epoch_no,
                item.seq,
                fault,
                item.raw,
                batch.envelope,
                item.content_hash,
                batch.sending.received_at,
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


def stored_numbers(
    connection: sa.Connection, cursor: Cursor, numbers: Sequence[int]
) -> dict[int, tuple[bytes, Result]]:
    """What was decided earlier about these numbers, with the content hash it was decided for.

    A number can stand in quarantine more than once (its conflicts); the first entry is the number's own.
    """
    found: dict[int, tuple[bytes, Result]] = {}
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


class Source(NamedTuple):
    """Where a record came from; `previous` is the time of the newest record before it."""

    district_id: int
    gateway_id: int
    epoch_no: int
    sending: Sending
    previous: datetime | None


def book_record(
    record: Record, content_hash: bytes, source: Source, directory: Directory, booked_at: datetime
) -> Row | Fault:
    """The ledger row of a well-formed record: when, at which meter, of which household, billable or not."""
    sending = source.sending
    placed = place(record.occurred_at, record.clock, record.boot_id, record.mono_ms, sending, source.previous)
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
        source.epoch_no,
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
        booked_at,
    )


def time_is_billable(placed: Placed, card: Card, directory: Directory) -> bool:
    """A doubtful time bills only if both its bounds fall in one month and one tenancy; else staff decide."""
    if placed.earliest is None or placed.latest is None:
        return True
    if month_of(service_day(placed.earliest)) != month_of(service_day(placed.latest)):
        return False
    return directory.holder(card.hash, placed.earliest) == directory.holder(card.hash, placed.latest)
