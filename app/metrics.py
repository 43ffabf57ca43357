"""What Prometheus scrapes at /metrics. With several workers each writes to PROMETHEUS_MULTIPROC_DIR (see app.serve)."""

import os
from collections.abc import Mapping

from prometheus_client import REGISTRY as IN_PROCESS
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

RECORDS = Counter("jongnyang_records", "Records received, by status and quarantine code", ["status", "code"])
INGEST_SECONDS = Histogram(
    "jongnyang_ingest_seconds",
    "Time from a batch's arrival to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LAG_SECONDS = Histogram(
    "jongnyang_lag_seconds",
    "Time from the newest discharge of a batch to its booking",
    buckets=(1, 2, 5, 10, 30, 60, 300, 3600, 21600, 86400, 604800),
)
REFUSED = Counter("jongnyang_refused_requests", "Requests answered with a problem", ["problem"])
UNAUDITED = Counter("jongnyang_unaudited_changes", "Changes by people that the audit log does not tell", ["endpoint"])


READ = {
    "jongnyang_quarantine_open": "Quarantined records without a decision",
    "jongnyang_messages_failed": "Messages that could not be sent and that nobody has dealt with",
    "jongnyang_messages_unknown": "Messages that may not have arrived and that nobody has dealt with",
    "jongnyang_messages_waiting": "Messages that wait to be sent, for the end of quiet hours or another attempt",
    "jongnyang_silent_gateways": "Gateways with a key not heard of for 15 minutes",
}


def render(gauges: Mapping[str, int]) -> bytes:
    """All metrics in Prometheus's text format, summed over the workers, with what was just read from the database."""
    read = CollectorRegistry()
    for name, value in gauges.items():
        Gauge(name, READ[name], registry=read).set(value)
    return _counted() + generate_latest(read)


def _counted() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(IN_PROCESS)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
