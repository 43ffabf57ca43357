"""What the registry's commands share: the district that is meant, and rows for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from app.console import open_database
from app.registry.districts import the_district
from app.times import format_instant

as_json = click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Print the same report and change nothing.")
day_type = click.DateTime(["%Y-%m-%d"])


@contextmanager
def in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    """A transaction, and the id of the district that is meant."""
    with open_database() as database, database.begin() as session:
        yield session, the_district(session, code).id


def printable(value: Any) -> Any:
    """A row with its instants and days as text."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else str(value)
