"""The numbered migrations build both databases, go back, and agree with the models."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app import db
from app.db import Base, Database
from app.factory import create_app  # noqa: F401 - imports every model
from app.metering.ledger import Partitions

VERSIONS = Path(db.__file__).parent.parent / "migrations" / "versions"


def test_the_migrations_are_numbered_without_a_gap_or_a_branch() -> None:
    names = sorted(path.stem for path in VERSIONS.glob("[0-9]*.py"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    assert db.head_revision() == names[-1]


def test_migrations_run_up_down_and_up(empty_database_url: str) -> None:
    db.upgrade(empty_database_url)
    first = _schema(empty_database_url)
    db.downgrade(empty_database_url, "base")
    assert _schema(empty_database_url).keys() <= {"alembic_version"}
    db.upgrade(empty_database_url)
    assert _schema(empty_database_url) == first


def test_each_migration_can_be_taken_back_by_itself(empty_database_url: str) -> None:
    numbers = sorted(path.stem for path in VERSIONS.glob("[0-9]*.py"))
    for revision, before in zip(numbers, ["base", *numbers], strict=False):
        db.upgrade(empty_database_url, revision)
        db.downgrade(empty_database_url, before)
        db.upgrade(empty_database_url, revision)
    assert "discharge" in _schema(empty_database_url)


def test_the_models_equal_the_migrations(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    database.dispose()
    assert found == []


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_the_ledger_is_partitioned_by_korean_month(database_url: str) -> None:
    database = Database(database_url)
    Partitions(database).create({date(2026, 11, 1), date(2026, 12, 1)})
    Partitions(database).create({date(2026, 12, 1)})
    bounds = (
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY relname"
    )
    with database.engine.connect() as connection:
        found = [text for (text,) in connection.execute(sa.text(bounds))]
    database.dispose()
    assert [re.findall(r"\d{4}-\d\d-\d\d", text) for text in found] == [
        ["2026-11-01", "2026-12-01"],
        ["2026-12-01", "2027-01-01"],
    ]


def test_the_district_stands_in_every_key_and_unique_constraint(database_url: str) -> None:
    database = Database(database_url)
    inspector = sa.inspect(database.engine)
    lacking = []
    for table in set(inspector.get_table_names()) - {"alembic_version", "district"}:
        keys: list[Any] = [inspector.get_pk_constraint(table), *inspector.get_unique_constraints(table)]
        keys = [key.get("constrained_columns") or key.get("column_names") for key in keys]
        lacking += [(table, key) for key in keys if key and "district_id" not in key]
    database.dispose()
    assert lacking == []


def _schema(url: str) -> dict[str, list[str]]:
    database = Database(url)
    inspector = sa.inspect(database.engine)
    found = {
        table: sorted(column["name"] for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
    }
    database.dispose()
    return found


def test_whoever_ran_the_registry_may_run_the_fleet_and_loses_it_again(empty_database_url: str) -> None:
    db.upgrade(empty_database_url, "0005_reported_volumes")
    accounts = {"metering:read": "fleet:read metering:read", "access:admin": "access:admin"}
    accounts["registry:write"] = "fleet:read fleet:write registry:write"
    _run(
        empty_database_url,
        "INSERT INTO district (id, code, name, card_key) VALUES (1, 'W0G', '강서구', :key)",
        key=b"k",
    )
    for number, scopes in enumerate(accounts):
        _run(
            empty_database_url,
            "INSERT INTO account (district_id, id, login, name, password_hash, scopes, created_at) "
            "VALUES (1, :id, :login, 'x', 'x', :scopes, :at)",
            **{"id": number, "login": scopes, "scopes": scopes},
            at=0 if empty_database_url.startswith("sqlite") else "2026-01-01",
        )
    db.upgrade(empty_database_url, "0006_fleet")
    assert _run(empty_database_url, "SELECT scopes FROM account ORDER BY id") == list(accounts.values())
    db.downgrade(empty_database_url, "0005_reported_volumes")
    assert _run(empty_database_url, "SELECT scopes FROM account ORDER BY id") == list(accounts)


def test_roles_keep_what_could_be_done_and_nobody_sees_more_on_the_way_back(empty_database_url: str) -> None:
    all_, some = "fleet:read fleet:write metering:correct metering:read registry:write", "metering:correct"
    db.upgrade(empty_database_url, "0006_fleet")
    at = 0 if empty_database_url.startswith("sqlite") else "2026-01-01"
    district = "INSERT INTO district (id, code, name, card_key) VALUES (1, 'W0G', '강서구', :key)"
    _run(empty_database_url, district, key=b"k")
    names = "district_id, id, login, name, password_hash, created_at, scopes"
    for number, scopes in enumerate((all_, some), 1):
        account = f"INSERT INTO account ({names}) VALUES (1, :id, :login, 'x', 'x', :at, :scopes)"
        _run(empty_database_url, account, id=number, login=f"kim{number}", at=at, scopes=scopes)
    db.upgrade(empty_database_url, "0007_people")
    assert _run(empty_database_url, "SELECT role FROM account ORDER BY id") == ["operator", "operator"]
    assert _run(empty_database_url, "SELECT scopes FROM account ORDER BY id") == [None, some]
    manager = f"INSERT INTO account ({names}, role) VALUES (1, 3, 'lee', 'x', 'x', :at, 'metering:read', 'manager')"
    _run(empty_database_url, manager, at=at)
    db.downgrade(empty_database_url, "0006_fleet")
    assert _run(empty_database_url, "SELECT scopes FROM account ORDER BY id") == [all_, some, ""]


def _run(url: str, sql: str, **parameters: Any) -> list[Any]:
    """Run a statement; the first column of what comes back."""
    database = Database(url)
    with database.engine.begin() as connection:
        result = connection.execute(sa.text(sql), parameters)
        found = [row[0] for row in result] if result.returns_rows else []
    database.dispose()
    return found
