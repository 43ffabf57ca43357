"""No column can hold a rounded gram, a rounded won or a time without its zone."""

import importlib
import pkgutil

import pytest
import sqlalchemy as sa

import app
from app.db import Base


@pytest.fixture(scope="module")
def columns() -> list[sa.Column[object]]:
    """Every column of every table; the tables are known once each module of the service has been imported."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.rsplit(".", 1)[-1] == "models":
            importlib.import_module(module.name)
    found = [column for table in Base.metadata.tables.values() for column in table.columns]
    assert found, "No table is known: this test would pass whatever the tables hold."
    return found


def stored_type(column: sa.Column[object]) -> sa.types.TypeEngine[object]:
    """The type below our own decorators."""
    kind = column.type
    return kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind


def rounds(kind: sa.types.TypeEngine[object]) -> bool:
    """Whether values of this type come back as binary fractions (`Float` is no `Numeric` since SQLAlchemy 2.1)."""
    return isinstance(kind, sa.Float) or (isinstance(kind, sa.Numeric) and not kind.asdecimal)


def test_no_column_is_a_float(columns: list[sa.Column[object]]) -> None:
    assert not [str(column) for column in columns if rounds(stored_type(column))]


def test_grams_and_won_are_whole_numbers(columns: list[sa.Column[object]]) -> None:
    measured = [column for column in columns if column.name.endswith(("_g", "_won", "_grams"))]
    assert measured, "No column is named for grams or won: this test looks for the wrong names."
    assert not [str(column) for column in measured if not isinstance(stored_type(column), sa.Integer)]


def test_no_instant_is_without_its_zone(columns: list[sa.Column[object]]) -> None:
    instants = [column for column in columns if isinstance(stored_type(column), sa.DateTime)]
    assert instants, "No instant is stored: this test looks for the wrong type."
    assert not [str(column) for column in instants if not stored_type(column).timezone]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(sa.Float(), True), (sa.Double(), True), (sa.Numeric(asdecimal=False), True), (sa.Numeric(), False)],
)
def test_a_rounding_type_is_recognised(kind: sa.types.TypeEngine[object], expected: bool) -> None:
    assert rounds(kind) is expected
