"""An import is taken back as a whole, once, and only while nothing rests on it."""

import pytest
import sqlalchemy as sa

from app.registry.imports.queries import past_imports
from app.registry.imports.undo import undo
from app.registry.models import Complex
from app.registry.service import add_gateway, install_meter
from app.texts import Refused
from tests.registry.support import NOW, Registry, complexes, households


def take_back(registry: Registry, reference: str) -> dict[str, int]:
    return undo(registry.database, reference, "somebody", NOW)[1]


def refusal(registry: Registry, reference: str) -> str:
    before = registry.everything()
    with pytest.raises(Refused) as caught:
        take_back(registry, reference)
    assert registry.everything() == before
    return str(caught.value)


def test_what_an_import_created_goes_again(registry: Registry) -> None:
    before = registry.everything()
    report = registry.complexes(complexes({}, {"aptCode": "T0X002"}))
    assert take_back(registry, str(report.batch)) == {"dong": 1, "complex": 2}
    assert registry.everything() == before
    with registry.database.begin() as session:
        (past,) = past_imports(session)
    assert (past.batch, past.created, past.undone_at, past.undone_by) == ("T0X/1", 3, NOW, "somebody")


def test_what_an_import_changed_comes_back(settled: Registry) -> None:
    settled.households(households({}))
    before = settled.everything()
    settled.complexes(complexes({"ctznCnt": "9", "regDate": "", "hbgvCode": "9950010900", "roadAddr2": "(콩동)"}))
    report = settled.households(households({"moved_out": "2026-09-01"}))
    assert take_back(settled, str(report.batch)) == {"tenancy": 1, "card_assignment": 1}
    assert take_back(settled, "3") == {"dong": 1, "complex": 1}
    assert settled.everything() == before


def test_an_import_is_taken_back_only_once(settled: Registry) -> None:
    take_back(settled, "T0X/1")
    assert "T0X/1 was taken back already (2026-11-22 12:00:00, somebody)" in refusal(settled, "T0X/1")


def test_the_same_file_can_be_imported_again_afterwards(settled: Registry) -> None:
    take_back(settled, "1")
    assert settled.complexes(complexes({})).batch == "T0X/2"
    assert len(settled.rows("complex")) == 1


def test_complexes_with_households_stay(settled: Registry) -> None:
    settled.households(households({}))
    said = refusal(settled, "1")
    assert "complexes of this import are in use since (buildings: 1, such as of T0X001)" in said
    assert "(households: 1" in said


def test_complexes_with_meters_stay(settled: Registry) -> None:
    with settled.database.begin() as session:
        gateway = add_gateway(session, 1, "GW-1", NOW)
        complex_ = session.scalars(sa.select(Complex).where(Complex.code == "T0X002")).one()
        install_meter(session, gateway, complex_, "M-1", NOW)
    assert "(meter installations: 1, such as of T0X002)" in refusal(settled, "1")


def test_households_with_discharges_stay(settled: Registry) -> None:
    settled.households(households({}))
    with settled.database.begin() as session:
        _store_month(session.connection())
    said = refusal(settled, "2")
    assert "households of this import are in use since (monthly totals of households: 1" in said
    assert "such as of T0X001 101-1203" in said


def _store_month(connection: sa.Connection) -> None:
    """A month's total of the household, every other column of the rollup at zero."""
    table = sa.Table("household_month", sa.MetaData(), autoload_with=connection)
    row: dict[str, object] = {column.name: 0 for column in table.columns}
    month = row | {"district_id": 1, "household_id": 1, "tenancy_id": 1, "month": NOW.date().replace(day=1)}
    connection.execute(table.insert().values(month))


def test_a_later_import_of_the_same_rows_goes_first(settled: Registry) -> None:
    settled.complexes(complexes({"ctznCnt": "300"}))
    assert "the later import T0X/2 changed some of the same rows (complexes: 1)" in refusal(settled, "1")
    take_back(settled, "2")
    take_back(settled, "1")


def test_a_row_that_was_changed_since_is_not_overwritten(settled: Registry) -> None:
    settled.complexes(complexes({"ctznCnt": "300", "aptName_y": "새 이름"}))
    with settled.database.begin() as session:
        session.execute(sa.update(Complex).where(Complex.code == "T0X001").values(name="고친 이름"))
    assert "(complexes 1: name)" in refusal(settled, "2")


def test_an_end_is_not_taken_back_over_a_tenancy_that_followed(settled: Registry) -> None:
    settled.households(households({}))
    settled.households(households({"moved_out": "2026-09-01"}))
    settled.households(households({"moved_in": "2026-09-01", "card_number": "2222222222"}))
    assert "a period would come back that overlaps one registered since" in refusal(settled, "3")
    take_back(settled, "4")
    take_back(settled, "3")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("9", "There is no import T0X/9"),
        ("T0X/9", "There is no import T0X/9"),
        ("T0Y/1", "No district has the code T0Y"),
        ("first", "Not an import: first"),
        ("T0X/", "Not an import"),
        ("99999999999", "Not an import"),
    ],
)
def test_an_import_that_is_none_is_told(settled: Registry, reference: str, expected: str) -> None:
    assert expected in refusal(settled, reference)


def test_with_several_districts_an_import_is_named_with_its_own(settled: Registry) -> None:
    settled.complexes(complexes({"cityCode_x": "T0Y"}))
    assert "There are several districts: T0X, T0Y" in refusal(settled, "1")
    assert take_back(settled, "T0Y/1") == {"dong": 1, "complex": 1}
