"""Somebody of the district office, whose program uses the people's API with a token."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.access import accounts
from app.access.models import Account
from app.access.rules import SCOPES
from app.context import Service
from app.times import now
from tests.access.people import add_person


class Staff:
    """An account with a token `desk`: what it changes carries the actor LOGIN/desk."""

    def __init__(
        self,
        app: Flask,
        login: str = "kim",
        district: str = "W0G",
        scopes: tuple[str, ...] = tuple(SCOPES),
        **who: Any,
    ) -> None:
        service: Service = app.extensions["jongnyang"]
        self.client = app.test_client()
        self.actor = f"{login}/desk"
        district_id, account_id = add_person(service.database, login, district, **who)
        with service.database.begin() as session:
            account = session.scalars(
                sa.select(Account).where(Account.district_id == district_id, Account.id == account_id)
            ).one()
            token = accounts.add_token(session, account, "desk", scopes, now(), now() + timedelta(days=1))
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **options: Any) -> TestResponse:
        """Read from /api/v1."""
        return self.client.get(f"/api/v1{path}", headers=self.headers, **options)

    def post(self, path: str, body: Any) -> TestResponse:
        """Send JSON to /api/v1."""
        return self.client.post(f"/api/v1{path}", headers=self.headers, json=body)
