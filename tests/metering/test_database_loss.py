"""A database that goes away costs a retry or a 503, never a record."""

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.db import Database
from app.metering import ledger as booking
from tests.builders import Box
from tests.metering.reading import agrees, ledger, problem, statuses


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_ingest_opens_a_new_connection_when_the_server_dropped_the_old(box: Box, database: Database) -> None:
    box.post([box.record(1)])
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.engine.connect() as connection:
        assert connection.execute(sa.text(others)).all()
    assert statuses(box.post([box.record(1), box.record(2)]))[1] == (2, "stored", None)
    assert len(ledger(database)) == 2
    assert agrees(database)


def test_a_database_that_stays_away_is_told_with_a_time_to_come_back(
    box: Box, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    record = box.record(1)
    with monkeypatch.context() as broken:
        broken.setattr(booking, "write", gone)
        answer = box.post([record])
    assert problem(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert ledger(database) == []
    assert statuses(box.post([record])) == [(1, "stored", None)]


def test_a_defect_is_no_outage_and_is_not_tried_again(
    box: Box, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def twice(*_: Any) -> None:
        attempts.append(1)
        raise psycopg.errors.UniqueViolation("duplicate key value violates unique constraint")

    with monkeypatch.context() as broken:
        broken.setattr(booking, "write", twice)
        assert problem(box.post([box.record(1)])) == (500, "internal")
    assert attempts == [1]
    assert ledger(database) == []
