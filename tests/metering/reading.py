"""What tests look at: the ledger, the quarantine and the results of a batch, as plain values."""

from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.db import Database
from app.metering import service
from app.metering.models import Discharge, Quarantine


def ledger(database: Database) -> list[Discharge]:
    """Every row of the ledger, by number."""
    with database.session() as session:
        order = (Discharge.gateway_id, Discharge.epoch_no, Discharge.seq)
        return list(session.scalars(sa.select(Discharge).order_by(*order)))


def quarantine(database: Database) -> list[Quarantine]:
    """Everything kept aside, in order of arrival."""
    with database.session() as session:
        return list(session.scalars(sa.select(Quarantine).order_by(Quarantine.id)))


def statuses(response: TestResponse) -> list[tuple[int | None, str, str | None]]:
    """Number, status and code of each record of a batch."""
    assert response.status_code == 200, response.text
    return [(item["seq"], item["status"], item["code"]) for item in response.json["results"]]


def problem(response: TestResponse) -> tuple[int, str]:
    """Status and slug of a refusal."""
    assert response.content_type == "application/problem+json", response.text
    return response.status_code, response.json["type"].removeprefix("/problems/")


def totals(database: Database, table: str) -> dict[str, int]:
    """Sums of all measures of a rollup."""
    names = (
        "weighed_count",
        "weighed_g",
        "billable_count",
        "billable_g",
        "suspense_count",
        "suspense_g",
        "event_count",
    )
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    with database.session() as session:
        row = session.execute(sa.text(f"SELECT {sums} FROM {table}")).one()
    return dict(zip(names, map(int, row), strict=True))


def agrees(database: Database, district_id: int = 1) -> bool:
    """Whether the rollups say what the ledger says."""
    return service.check_rollups(database, district_id) == []


def rows_of(database: Database, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a plain query."""
    with database.session() as session:
        return [tuple(row) for row in session.execute(sa.text(sql), parameters)]
