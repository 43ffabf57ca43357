"""For those who run the service: is it alive, is it ready, what does it measure."""

import hmac

import sqlalchemy as sa
from flask import Blueprint, Response, request

from app import __version__, metrics
from app.access import rules
from app.context import service
from app.db import UNAVAILABLE, current_revision, head_revision
from app.fleet.messages import queries as messages
from app.metering import queries
from app.problems import Problem
from app.times import now

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@rules.public
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@rules.public
def readyz() -> tuple[dict[str, str], int]:
    """The database answers and its migrations are at head."""
    answer = {"status": "ready", "version": __version__, "revision": "", "head": head_revision()}
    try:
        with service().database.engine.connect() as connection:
            answer["revision"] = current_revision(connection)
    except sa.exc.SQLAlchemyError:
        return answer | {"status": "database unreachable"}, 503
    if answer["revision"] != answer["head"]:
        return answer | {"status": "migrations missing: run jongnyang db upgrade"}, 503
    return answer, 200


@blueprint.get("/metrics")
@rules.public
def prometheus() -> Response:
    """Prometheus's text format; with JONGNYANG_METRICS_TOKEN set, only for its bearer."""
    token = service().settings.metrics_token
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(token.encode(), sent.encode()):
        raise Problem("not-authenticated")
    try:
        with service().database.session() as session:
            told = messages.state_counts(session)
            gauges = {
                **{f"jongnyang_messages_{state}": told[state] for state in ("failed", "unknown", "waiting")},
                "jongnyang_quarantine_open": queries.open_quarantine(session),
                "jongnyang_silent_gateways": queries.silent_gateways(session, now()),
            }
    except UNAVAILABLE:
        gauges = {}  # what is not known is left out: a zero would look like all is well
    return Response(metrics.render(gauges), content_type="text/plain; version=0.0.4; charset=utf-8")
