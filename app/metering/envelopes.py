"""From a request's bytes to a batch: decompressed within limits, and with an envelope that can be read."""

import zlib
from datetime import datetime
from typing import TypeVar

import msgspec

from app.access.signatures import SignedBy
from app.metering.ingest import Batch
from app.metering.placing import Sending
from app.metering.records import MAX_RECORDS, Sent, in_calendar, read_record
from app.metering.splitting import split
from app.problems import Problem
from app.times import format_instant

SCHEMA = 1
Envelope = TypeVar("Envelope")

_sent = msgspec.json.Decoder(Sent)


class _Versioned(msgspec.Struct):
    schema: int


_versioned = msgspec.json.Decoder(_Versioned)


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The content of a body; a gzip bomb is stopped at `limit` bytes of output."""
    if not encoding:
        return body
    if encoding.lower() != "gzip":
        raise Problem("broken-gzip")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise Problem("broken-gzip") from error
    if len(content) > limit:
        raise Problem("body-too-large")
    if not stream.eof or stream.unused_data:
        raise Problem("broken-gzip")
    return content


def read_envelope(content: bytes, decoder: "msgspec.json.Decoder[Envelope]") -> Envelope:
    """The envelope, or the Problem that tells broken JSON, an unknown schema and a wrong envelope apart."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        if _schema_of(content) not in (None, SCHEMA):
            raise Problem("unknown-schema") from error
        raise Problem("broken-envelope", detail=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("broken-json", detail=str(error)) from error


def check_schema(schema: int) -> None:
    if schema != SCHEMA:
        raise Problem("unknown-schema")


def _schema_of(content: bytes) -> int | None:
    try:
        return _versioned.decode(content).schema
    except msgspec.DecodeError:
        return None


def read_batch(content: bytes, signer: SignedBy, received_at: datetime) -> Batch:
    """A batch of discharges, each record decoded by itself."""
    sent, raws = _read_sent(content)
    check_schema(sent.schema)
    if not in_calendar(sent.sent_at):
        raise Problem("broken-envelope", detail=f"{sent.sent_at.isoformat()} is at the edge of the calendar")
    return Batch(
        district_id=signer.district_id,
        gateway_id=signer.gateway_id,
        key_id=signer.key_id,
        nonce=signer.nonce,
        created=signer.created,
        epoch=sent.epoch,
        sending=Sending(sent.boot_id, sent.mono_ms, received_at),
        incoming=[read_record(raw) for raw in raws],
        envelope=envelope_note(sent),
    )


def _read_sent(content: bytes) -> tuple[Sent, list[msgspec.Raw]]:
    try:
        sent = read_envelope(content, _sent)
        return sent, sent.discharges
    except Problem as problem:
        if problem.slug != "broken-json":
            raise
        try:
            envelope, records = split(content)
        except ValueError:
            raise problem from None
        if len(records) > MAX_RECORDS:
            raise
        return read_envelope(envelope, _sent), [msgspec.Raw(record) for record in records]


def envelope_note(sent: Sent) -> str:
    """What quarantine keeps of the envelope, enough to place the record later."""
    note = {"epoch": sent.epoch, "boot_id": sent.boot_id, "mono_ms": sent.mono_ms}
    return msgspec.json.encode(note | {"sent_at": format_instant(sent.sent_at)}).decode()
