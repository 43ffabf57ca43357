"""A town whose gateway weighs, a second complex with a gateway, staff with a token, and people who see less."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from app import cli
from app.access import accounts
from app.access.models import Account
from app.access.rules import ROLES
from app.db import Database
from app.ids import allocate
from app.registry import service as registry
from app.registry.models import Complex
from app.registry.vendors import service as vendors
from app.times import format_instant, now
from tests.access.people import SECRET_KEY, add_person, database_of, running_app
from tests.builders import LONG_AGO, Box, Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.staff import Staff


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:  # noqa: F811
    with running_app(database_url, log_level="WARNING") as app:
        yield app


@pytest.fixture
def database(app: Flask) -> Database:
    return database_of(app)


@dataclass
class Place:
    """The town of `tests.builders`, and a complex W0G002 with the gateway GW-9, which runs nothing yet."""

    town: Town
    other_id: int
    box: Box

    @property
    def district_id(self) -> int:
        return self.town.district.id

    def heard(self, ago: timedelta) -> datetime:
        """The meter W0G-M1 weighs something; when."""
        at = now() - ago
        (answer,) = self.box.post([self.box.record(1, ago=ago)]).json["results"]
        assert answer["status"] == "stored"
        return at

    def alive(self, ago: timedelta, until_ago: timedelta) -> datetime:
        """The meter W0G-M1 is alive from so long ago until so long ago; the end."""
        end = now() - until_ago
        interval = {
            "from": format_instant(now() - ago),
            "to": format_instant(end),
            "clock": "synced",
            "boot_id": self.box.boot_id,
            "mono_ms": self.box.mono_ms - int(until_ago.total_seconds() * 1000),
        }
        looks = {"gross_g": 0, "fill_percent": 0, "zero_drift_g": 0, "lid": "closed", "faults": []}
        body = {name: value for name, value in self.box.envelope([]).items() if name != "discharges"}
        body |= {"clock": "synced", "firmware": "0.2.0", "spool": {"depth": 0, "oldest_age_s": 0}}
        body |= {"meters": [{"meter": "W0G-M1", "alive": [interval]} | looks]}
        answer = self.box.post_body(msgspec.json.encode(body), f"/api/v1/gateways/{self.box.code}/status")
        assert answer.status_code == 200, answer.text
        assert not answer.json["refused"], answer.text
        return end


@pytest.fixture
def place(app: Flask, database: Database) -> Place:
    town = Town(database)
    with database.begin() as session:
        district_id = town.district.id
        other = Complex(
            district_id=district_id, id=allocate(session, district_id, "complex")[0], code="W0G002", name="나무"
        )
        session.add(other)
        registry.add_gateway(session, district_id, "GW-9", LONG_AGO)
        session.flush()
        return Place(town, other.id, Box(app.test_client()))


@pytest.fixture
def staff(app: Flask, place: Place) -> Staff:
    return Staff(app)


@pytest.fixture
def program(app: Flask, place: Place) -> Callable[..., FlaskClient]:
    """A program of an account with a role and a reach: `program("manager", complex_ids=(1,))`."""

    def make(role: str, code: str = "W0G", login: str = "park", **reach: Any) -> FlaskClient:
        database = database_of(app)
        key = add_person(database, login, code, role=role, **reach)
        with database.begin() as session:
            account = session.get_one(Account, key)
            token = accounts.add_token(session, account, "desk", ROLES[role].scopes, now(), now() + timedelta(days=1))
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return make


@pytest.fixture
def terminal(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:  # noqa: F811
    """Types a command in English; what it says."""
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", SECRET_KEY)

    def type_(*words: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(cli.main, ["--lang", "en", *words])
        assert result.exit_code == exit_code, result.output
        return result.output

    return type_


@pytest.fixture
def shop(database: Database, place: Place) -> int:
    """The id of a sales point."""
    with database.begin() as session:
        fields = {"name": "가게", "phone": "02-1234-5678", "representative": "김철수"}
        return vendors.add(session, place.district_id, "SP-1", "sales_point", fields, "kim", now()).id


@pytest.fixture
def booked(database: Database) -> Callable[[], list[Any]]:
    """What the audit log holds: (action, subject, actor, reason)."""

    def read() -> list[Any]:
        columns = "action, subject, actor, reason"
        with database.begin() as session:
            rows = session.execute(sa.text(f"SELECT {columns} FROM audit_entry ORDER BY id"))
            return [tuple(row) for row in rows]

    return read
