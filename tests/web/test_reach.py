"""A manager sees the figures of their complexes, and of a gateway that two complexes share their own meters."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access.accounts import add_token
from app.access.models import Account
from app.access.reach import Reach
from app.db import Database
from app.fleet import queries as fleet
from app.fleet.touches import Touch, book_touches
from app.registry.service import install_meter
from app.times import now
from app.web.queries import overview
from app.web.trend import silent_meters, trend
from tests.access.people import add_person, log_in
from tests.web.bins import Bins

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def others(database: Database, bins: Bins) -> Bins:
    """Bins of another complex of the district."""
    return Bins(database, "방화2단지", meters=2)


@pytest.fixture
def manager(app: Flask, database: Database, bins: Bins) -> FlaskClient:
    """A program of the manager of the first complex."""
    add_person(database, "lee", role="manager", complex_ids=(bins.complex.id,))
    with database.begin() as session:
        account = session.scalars(sa.select(Account).where(Account.login == "lee")).one()
        scopes = ("metering:read", "household:write", "fleet:read")
        token = add_token(session, account, "desk", scopes, now(), now() + timedelta(days=1))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_the_first_page_adds_up_their_complexes_alone(database: Database, bins: Bins, others: Bins) -> None:
    bins.discharge(bins.add_household("3700A1B2CD"), 410)
    others.discharge(others.add_household("3700A1B2CE"), 620)
    with database.reading() as connection:
        seen = overview(connection, 1, now(), Reach(frozenset({bins.complex.id})))
        everything = overview(connection, 1, now())
    assert (seen.total.grams, everything.total.grams) == (410, 1030)
    assert [row.net_g for row in seen.latest] == [410]
    assert (seen.total.meters.all, everything.total.meters.all) == (1, 3)
    assert (seen.gateways.all, everything.gateways.all) == (1, 2)
    assert (seen.quarantined, everything.quarantined) == (None, 0)


def test_the_trend_compares_and_names_their_complexes_alone(database: Database, bins: Bins, others: Bins) -> None:
    bins.discharge(None, 410)
    others.discharge(None, 620)
    with database.reading() as connection:
        seen = trend(connection, 1, now(), Reach(frozenset({bins.complex.id})))
        nothing = trend(connection, 1, now(), Reach(frozenset()))
    assert (seen.today.grams, sum(row.grams for row in seen.hours), seen.today.meters) == (410, 410, 1)
    assert [one.complex_id for one in seen.silent] == [bins.complex.id]
    assert (nothing.today.meters if nothing.hours else 0, nothing.silent_count) == (0, 0)


def test_whether_a_whole_gateway_is_out_depends_on_all_its_meters(database: Database, bins: Bins, others: Bins) -> None:
    with database.begin() as session:
        shared = install_meter(session, others.gateway, bins.complex, "shared", now() - timedelta(days=1))
    others.report_alive(others.meters[0], now())
    with database.reading() as connection:
        found = silent_meters(connection, 1, now(), Reach(frozenset({bins.complex.id})))
    assert [(one.code, one.gateway_out) for one in found if one.code == shared.code] == [("shared", False)]


def test_a_shared_gateway_shows_each_complex_its_own_meters(
    manager: FlaskClient, database: Database, bins: Bins, others: Bins
) -> None:
    with database.begin() as session:
        install_meter(session, others.gateway, bins.complex, "shared", now() - timedelta(days=1))
    told: Any = manager.get(f"/api/v1/fleet/gateways/{others.gateway.code}").json
    assert (told["meters"], [each["name"] for each in told["complexes"]]) == (["shared"], ["가양1단지"])
    assert told["events"] == told["commands"] == []
    happened: Any = manager.get(f"/api/v1/fleet/gateways/{others.gateway.code}/events").json
    assert happened["items"] == []
    with database.session() as session:
        assert fleet.gateway_detail(session, 1, others.gateway.code, now())["events"]


def test_the_volumes_of_the_district_lead_to_their_complexes(app: Flask, manager: FlaskClient, others: Bins) -> None:
    client = app.test_client()
    log_in(client, "lee")
    assert client.get("/volumes").location == "/complexes"
    page = client.get("/complexes", headers=ENGLISH).text
    assert "가양1단지" in page
    assert "방화2단지" not in page
    assert manager.get("/api/v1/districts/W0G/volumes").status_code == 403


def test_a_manager_enrols_what_was_held_at_their_bins_for_their_households(
    manager: FlaskClient, database: Database, bins: Bins, others: Bins
) -> None:
    bins.add_household("3700A1B2CD")
    others.add_household("3700A1B2CE")
    with database.begin() as session:
        households = session.execute(sa.text("SELECT id FROM household ORDER BY id")).scalars().all()
        touched = ((bins, b"1" * 16), (others, b"2" * 16), (bins, b"3" * 16))
        touches = [
            Touch(card, "1B2C", place.meters[0].id, place.gateway.id, place.complex.id, "card_unknown", now())
            for place, card in touched
        ]
        book_touches(session, 1, touches, now())
    seen: Any = manager.get("/api/v1/touches").json
    assert {each["card_hash"][:2] for each in seen["items"]} == {"31", "33"}

    def enrol(card: bytes, **whom: object) -> int:
        return manager.post("/api/v1/enrolments", json={"card_hash": card.hex(), **whom}).status_code

    assert enrol(b"2" * 16, household_id=households[0]) == 404, "held elsewhere"
    assert enrol(b"1" * 16, household_id=households[1]) == 404, "lives elsewhere"
    assert enrol(b"1" * 16, role="collector") == 403, "opens every bin"
    assert enrol(b"1" * 16, household_id=households[0]) == 201
