"""An account or token of one district reaches nothing of another, by whatever way."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access.accounts import add_token
from app.access.models import Account
from app.access.rules import SCOPES
from app.db import Database
from app.times import now
from tests.access.people import add_person
from tests.web.bins import Bins

CORRECTION = {"kind": "void", "reason": "a stranger's wish"}


@pytest.fixture
def stranger(app: Flask, database: Database) -> FlaskClient:
    """A program of another district that may do everything there."""
    add_person(database, "park", code="W0K")
    with database.begin() as session:
        account = session.scalars(sa.select(Account).where(Account.login == "park")).one()
        token = add_token(session, account, "export", SCOPES, now(), now() + timedelta(days=1))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_a_discharge_of_another_district_cannot_be_found(stranger: FlaskClient, bins: Bins) -> None:
    number = f"{bins.gateway.id}-1-{bins.discharge(bins.card('3700A1B2CD'), 410)}"
    assert stranger.get(f"/api/v1/discharges/{number}").status_code == 404


def test_a_discharge_of_another_district_cannot_be_corrected(stranger: FlaskClient, bins: Bins) -> None:
    number = f"{bins.gateway.id}-1-{bins.discharge(bins.card('3700A1B2CD'), 410)}"
    assert stranger.post(f"/api/v1/discharges/{number}/corrections", json=CORRECTION).status_code == 404


def test_quarantine_of_another_district_is_neither_seen_nor_decided(stranger: FlaskClient, bins: Bins) -> None:
    bins.discharge(None, 100, meter="nowhere")
    assert stranger.get("/api/v1/quarantine").json["items"] == []
    assert stranger.post("/api/v1/quarantine/1/discard", json={"note": "away with it"}).status_code == 404
    assert stranger.post("/api/v1/quarantine/1/release", json={"note": "let it in"}).status_code == 404


def test_the_same_number_in_two_districts_is_two_discharges(stranger: FlaskClient, bins: Bins) -> None:
    other = Bins(bins.database, "창동1단지", code="W0K")
    bins.discharge(bins.card("3700A1B2CD"), 410)
    other.discharge(other.card("3700A1B2CD"), 620)
    assert stranger.get("/api/v1/discharges/1-1-1").json["now"]["net_g"] == 620
    assert stranger.post("/api/v1/discharges/1-1-1/corrections", json=CORRECTION).status_code == 201
    with bins.database.begin() as session:
        voided = session.execute(sa.text("SELECT district_id FROM discharge_correction")).scalars().all()
    assert voided == [other.district.id]
