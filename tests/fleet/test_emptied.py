"""The database that these tests share is as a fresh one each time."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.db import Database
from tests.builders import Box
from tests.fleet.reports import notice, told
from tests.metering.reading import rows_of


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_an_emptied_database_has_no_row_be_it_append_only(
    emptied_postgres: Callable[[], str], box: Box, database: Database
) -> None:
    told(box, notices=[notice(box, 1)])
    database.engine.dispose()
    assert emptied_postgres() == database.engine.url.render_as_string(hide_password=False)
    tables = sa.inspect(database.engine).get_table_names()
    held = [table for table in tables if rows_of(database, f"SELECT count(*) FROM {table}") != [(0,)]]
    assert held == ["alembic_version"]
