"""What Prometheus reads at /metrics: records by outcome, latency, lag, quarantine size, silent gateways."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.factory import create_app
from app.metering import service
from app.settings import Settings
from app.times import now
from tests.builders import Box, Town
from tests.metering.reading import problem

Sample = tuple[str, frozenset[tuple[str, str]]]


def scrape(client: FlaskClient) -> dict[Sample, float]:
    """Every sample by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


class Watch:
    """What has been added since it was made: counters of this process go on from test to test."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._before = scrape(client)

    def added(self, name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return scrape(self._client).get(key, 0) - self._before.get(key, 0)


def gauge(client: FlaskClient, name: str) -> float:
    return scrape(client)[name, frozenset()]


@pytest.fixture
def watch(client: FlaskClient, town: Town) -> Watch:
    return Watch(client)


def test_records_are_counted_by_status_and_code(box: Box, watch: Watch) -> None:
    good, bad = box.record(1), box.record(2, meter="nowhere")
    box.post([good, bad, box.record(3, net_g=1), box.record(4)])
    box.post([good, bad, box.record(1, flags=["other"])])
    counted = {
        (status, code): watch.added("jongnyang_records_total", status=status, code=code)
        for status, code in (
            ("stored", ""),
            ("duplicate", ""),
            ("quarantined", "unknown_meter"),
            ("quarantined", "net_mismatch"),
            ("quarantined", "number_conflict"),
        )
    }
    assert counted == {
        ("stored", ""): 2,
        ("duplicate", ""): 1,
        ("quarantined", "unknown_meter"): 2,
        ("quarantined", "net_mismatch"): 1,
        ("quarantined", "number_conflict"): 1,
    }


def test_the_latency_of_each_batch_is_observed(box: Box, watch: Watch) -> None:
    for seq in (1, 2, 3):
        box.post([box.record(seq)])
    assert watch.added("jongnyang_ingest_seconds_count") == 3
    assert 0 < watch.added("jongnyang_ingest_seconds_sum") < 60
    assert watch.added("jongnyang_ingest_seconds_bucket", le="+Inf") == 3


def test_the_lag_from_a_discharge_to_the_ledger_is_observed(box: Box, watch: Watch) -> None:
    box.post([box.record(1, ago=timedelta(hours=2)), box.record(2, ago=timedelta(minutes=2))])
    assert watch.added("jongnyang_lag_seconds_count") == 1
    assert 115 < watch.added("jongnyang_lag_seconds_sum") < 240
    assert watch.added("jongnyang_lag_seconds_bucket", le="60.0") == 0
    assert watch.added("jongnyang_lag_seconds_bucket", le="300.0") == 1


def test_a_clock_that_cannot_be_trusted_tells_no_lag(box: Box, watch: Watch) -> None:
    box.post([box.record(1, clock="unset", occurred_at="1970-01-01T00:00:00.000Z")])
    box.post([])
    assert watch.added("jongnyang_lag_seconds_count") == 0


def test_refused_requests_are_counted_by_problem_and_count_no_records(
    box: Box, client: FlaskClient, watch: Watch
) -> None:
    client.post("/api/v1/gateways/GW-1/discharges", data=b"{}")
    box.post_body(b"{")
    box.post([box.record(1)], nonce="one-nonce-for-two-batches")
    box.post([box.record(2)], nonce="one-nonce-for-two-batches")
    for slug in ("signature-missing", "broken-json", "nonce-replayed"):
        assert watch.added("jongnyang_refused_requests_total", problem=slug) == 1
    assert watch.added("jongnyang_records_total", status="stored", code="") == 1


def test_the_quarantine_is_measured_until_it_is_decided(box: Box, town: Town, client: FlaskClient) -> None:
    assert gauge(client, "jongnyang_quarantine_open") == 0
    box.post([box.record(seq, net_g=1) for seq in (1, 2, 3)])
    assert gauge(client, "jongnyang_quarantine_open") == 3
    service.discard(town.database, 1, 1, "why", "kim")
    service.release_record(town.database, 1, 2, "why", "kim", {"net_g": 410})
    assert gauge(client, "jongnyang_quarantine_open") == 1


def test_the_quarantine_of_every_district_is_measured(box: Box, town: Town, client: FlaskClient) -> None:
    Town(town.database, code="W0K")
    other = Box(client, district="W0K")
    box.post([box.record(1, net_g=1)])
    other.post([other.record(1, net_g=1)])
    service.discard(town.database, 1, 1, "why", "kim")
    assert gauge(client, "jongnyang_quarantine_open") == 1


def status(box: Box) -> bytes:
    envelope = box.envelope([]) | {"clock": "synced", "firmware": "1", "spool": {"depth": 0, "oldest_age_s": 0}}
    del envelope["discharges"]
    return msgspec.json.encode(envelope | {"meters": []})


def test_a_gateway_is_silent_until_it_reports_and_again_a_quarter_of_an_hour_later(
    box: Box, town: Town, client: FlaskClient
) -> None:
    town.add_gateway("GW-2", ["W0G-M3"])
    assert gauge(client, "jongnyang_silent_gateways") == 2
    box.post([])
    assert gauge(client, "jongnyang_silent_gateways") == 1
    other = Box(client, code="GW-2")
    assert other.post_body(status(other), "/api/v1/gateways/GW-2/status").status_code == 200
    assert gauge(client, "jongnyang_silent_gateways") == 0
    moment = now()
    with time_machine.travel(moment + timedelta(minutes=14), tick=False):
        assert gauge(client, "jongnyang_silent_gateways") == 0
    with time_machine.travel(moment + timedelta(minutes=16), tick=False):
        assert gauge(client, "jongnyang_silent_gateways") == 2


def test_a_gateway_that_starts_a_new_epoch_is_not_silent(box: Box, client: FlaskClient) -> None:
    with time_machine.travel(now() - timedelta(hours=1), tick=True):
        box.post([box.record(1)])
    assert gauge(client, "jongnyang_silent_gateways") == 1
    box.epoch = "00000000000000aa"
    box.post([box.record(1)])
    assert gauge(client, "jongnyang_silent_gateways") == 0


@pytest.fixture
def guarded(database_url: str) -> Iterator[Flask]:
    made = create_app(Settings(database_url, secret_key="only for tests", metrics_token="scrape", log_level="WARNING"))
    yield made
    made.extensions["jongnyang"].close()


def test_a_token_keeps_the_metrics_from_strangers(guarded: Flask) -> None:
    client = guarded.test_client()
    assert problem(client.get("/metrics")) == (401, "not-authenticated")
    for wrong in ("Bearer other", "Bearer ", "Bearer scrape ", "Bearer 토큰"):
        headers = {"Authorization": wrong.encode().decode("latin-1")}
        assert problem(client.get("/metrics", headers=headers)) == (401, "not-authenticated")
    assert client.get("/metrics", headers={"Authorization": "Bearer scrape"}).status_code == 200
