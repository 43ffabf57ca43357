"""The papers of the simulated gateways: which of their keys still open."""

import base64
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from flask import Flask

from app.access.models import GatewayKey
from app.demo.fleet import _has_key
from app.times import now
from tests.access.people import database_of
from tests.builders import Town
from tests.metering.conftest import app  # noqa: F401 - a fixture


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(("hours", "opens"), [(None, True), (1, True), (-1, False)])
def test_a_key_that_has_ended_counts_as_none(app: Flask, tmp_path: Path, hours: int | None, opens: bool) -> None:  # noqa: F811
    database, moment = database_of(app), now()
    gateway = Town(database).gateway
    kept = {"key_id": "W0G/GW-1/1", "secret": base64.urlsafe_b64encode(b"GW-1".ljust(32)).decode()}
    path = tmp_path / "gateway.key"
    path.write_bytes(msgspec.json.encode(kept))
    path.chmod(0o600)
    with database.begin() as session:
        key = session.get_one(GatewayKey, (gateway.district_id, "W0G/GW-1/1"))
        key.retires_at = None if hours is None else moment + timedelta(hours=hours)
        session.flush()
        assert _has_key(session, gateway, tmp_path, moment) is opens
