"""Accounts of before there were roles: each keeps what it could do, and none gains more."""

import sqlalchemy as sa

from app.access.accounts import scopes_of
from app.access.models import Account
from app.db import Database, downgrade, upgrade
from tests.builders import LONG_AGO

BEFORE = {
    "reader": "fleet:read metering:read",
    "corrector": "metering:correct metering:read",
    "clerk": "fleet:read fleet:write metering:correct metering:read registry:write",
    "chief": "access:admin fleet:read fleet:write metering:correct metering:read registry:write",
    "guest": "",
}


def test_an_account_keeps_its_rights_and_gains_none_that_were_withheld(empty_database_url: str) -> None:
    upgrade(empty_database_url, "0006_fleet")
    database = Database(empty_database_url)
    with database.engine.begin() as connection:
        district = sa.table("district", *map(sa.column, ("id", "code", "name", "card_key", "registry_version")))
        row = {"id": 1, "code": "W0G", "name": "강서구", "card_key": b"k" * 32, "registry_version": 0}
        connection.execute(sa.insert(district).values(row))
        names = ("district_id", "id", "login", "name", "password_hash", "scopes")
        account = sa.table("account", *map(sa.column, names), sa.column("created_at", Account.created_at.type))
        for number, (login, scopes) in enumerate(BEFORE.items(), 1):
            values = dict(zip(names, (1, number, login, login, "", scopes), strict=True))
            connection.execute(sa.insert(account).values(values | {"created_at": LONG_AGO}))
    upgrade(empty_database_url, "head")
    with database.session() as session:
        found = {each.login: each for each in session.scalars(sa.select(Account))}
        roles = {login: each.role for login, each in found.items()}
        assert roles == {
            "reader": "viewer",
            "corrector": "operator",
            "clerk": "operator",
            "chief": "administrator",
            "guest": "viewer",
        }
        assert "household:read" in scopes_of(found["reader"])
        assert scopes_of(found["corrector"]) == {"metering:correct", "metering:read"}
        assert scopes_of(found["guest"]) == frozenset()
    database.dispose()
    downgrade(empty_database_url, "0006_fleet")
    with database.engine.begin() as connection:
        kept = dict(connection.execute(sa.text("SELECT login, scopes FROM account")).all())
    database.dispose()
    assert kept == BEFORE
