"""Routes that gateways call; `docs/gateway-api.md` is their contract."""

import time
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import Blueprint, Response, current_app, request

from app import metrics
from app.access import rules
from app.access.signatures import SignedBy
from app.access.signed import signed_request, verifier
from app.context import Service, service
from app.fleet import orders
from app.fleet.gateway_api import card_versions, waiting_gateways
from app.fleet.replies import after_status
from app.metering.envelopes import decompress, read_batch
from app.metering.groups import GroupCommit
from app.metering.ingest import Batch, Ingest, Result
from app.metering.liveness import book_status
from app.metering.status import read_status
from app.problems import Problem
from app.times import format_instant, now

blueprint = Blueprint("gateway_api", __name__, url_prefix="/api/v1")
EXTENSION = "jongnyang.groups"


class Answer(msgspec.Struct):
    """What a gateway reads after posting discharges."""

    server_time: str
    acked_through: int
    high_seq: int
    results: list[Result]
    commands: list[orders.Signed]


encode = msgspec.json.Encoder().encode


def start(app: Any) -> None:
    """Give the app its ingest: one directory and one queue for group commits per process."""
    service: Service = app.extensions["jongnyang"]
    ingest = Ingest(service.database)
    service.closing.append(ingest.close)
    app.extensions[EXTENSION] = GroupCommit(ingest.book)


@blueprint.get("/time")
@rules.public
def server_time() -> dict[str, str]:
    """The server's time, for boxes that have none."""
    return {"server_time": format_instant(now())}


@blueprint.post("/gateways/<gateway>/discharges")
@rules.gateway
def post_discharges(gateway: str) -> Response:
    """Take a signed batch; the answer comes after its records are durable."""
    started = time.perf_counter()
    signed = signed_request(gateway)
    content = decompress(signed.body, request.headers.get("Content-Encoding", ""), service().settings.max_body)
    batch = read_batch(content, signed.signer, signed.received_at)
    groups: GroupCommit = current_app.extensions[EXTENSION]
    groups.submit(batch)
    if batch.refused:
        raise Problem(batch.refused)
    measure(batch, time.perf_counter() - started)
    answer = Answer(
        format_instant(now()), batch.acked_through, batch.high_seq, batch.results, commands_for(signed.signer)
    )
    return Response(encode(answer), content_type="application/json")


def commands_for(signer: SignedBy) -> list[orders.Signed]:
    """The commands that wait for a gateway; the database is asked only where one waited a second ago."""
    moment = now()
    if not waiting_gateways().holds(signer, moment):
        return []
    with service().database.engine.begin() as connection:
        return orders.waiting_for(connection, signer, verifier(), moment)


def measure(batch: Batch, seconds: float) -> None:
    """Count the results of a booked batch."""
    metrics.INGEST_SECONDS.observe(seconds)
    counts: dict[tuple[str, str], int] = {}
    for result in batch.results:
        key = (result.status, result.code or "")
        counts[key] = counts.get(key, 0) + 1
    for (status, code), count in counts.items():
        metrics.RECORDS.labels(status, code).inc(count)
    records = [item.record for item in batch.incoming if item.record is not None and item.record.clock == "synced"]
    if records:
        metrics.LAG_SECONDS.observe(max(0.0, (batch.sending.received_at - records[-1].occurred_at).total_seconds()))


@blueprint.post("/gateways/<gateway>/status")
@rules.gateway
def post_status(gateway: str) -> dict[str, Any]:
    """Take a signed status report with the alive intervals of the gateway's meters."""
    signed = signed_request(gateway)
    content = decompress(signed.body, request.headers.get("Content-Encoding", ""), service().settings.max_body)

    def tell(connection: sa.Connection) -> dict[str, Any]:
        return after_status(connection, signed.signer, verifier(), card_versions(), signed.received_at)

    refused, told = book_status(service().database, read_status(content), content, signed, tell)
    return {"server_time": format_instant(now()), "refused": refused} | told
