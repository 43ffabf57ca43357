"""Imports of published totals: again is nothing, other figures supersede, an undo brings back what was."""

from datetime import date

import pytest
import sqlalchemy as sa

from app.metering.reported.models import ReportedRow
from app.registry.imports.queries import past_imports
from app.texts import Refused
from tests.metering.reported.support import Desk, jeju, sites

FIRST = ("2018-01-01", "건입동", 668, 1708250, 51079)
SECOND = ("2018-01-01", "연동", 100, 200000, 5980)


def stored(desk: Desk) -> int:
    with desk.database.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(ReportedRow)) or 0


def test_a_second_import_of_the_same_file_changes_nothing(desk: Desk) -> None:
    assert desk.take_in(jeju(FIRST, SECOND)).batch == "T0X/1"
    again = desk.take_in(jeju(SECOND, FIRST))
    assert (again.changes, again.batch, stored(desk)) == (0, None, 2)


def test_a_dry_run_reports_the_same_and_stores_nothing(desk: Desk) -> None:
    dry = desk.take_in(jeju(FIRST, SECOND), dry_run=True)
    assert (dry.changes, dry.batch, stored(desk)) == (2, None, 0)
    assert desk.take_in(jeju(FIRST, SECOND)).batch == "T0X/1"


def test_other_figures_supersede_the_earlier_and_those_stay_stored(desk: Desk) -> None:
    desk.take_in(jeju(FIRST, SECOND))
    report = desk.take_in(jeju(FIRST, ("2018-01-01", "연동", 101, 202000, 6040)))
    (change,) = report.updates
    assert change.fields == {"grams": (200_000, 202_000), "count": (100, 101), "won": (5980, 6040)}
    assert desk.grams() == {"건입동": 1_708_250, "연동": 202_000}
    assert stored(desk) == 3


def test_a_figure_that_is_now_blank_supersedes_as_nothing_reported(desk: Desk) -> None:
    desk.take_in(jeju(FIRST, SECOND))
    desk.take_in(jeju(("2018-01-01", "연동", "", "", "")))
    assert desk.grams() == {"건입동": 1_708_250, "연동": None}


def test_an_undo_brings_back_what_counted_before(desk: Desk) -> None:
    desk.take_in(jeju(FIRST))
    later = desk.take_in(jeju(("2018-01-01", "건입동", 1, 2000, 60), SECOND))
    desk.undo(later.batch)
    assert desk.grams() == {"건입동": 1_708_250}
    assert desk.take_in(jeju(FIRST)).changes == 0
    assert desk.take_in(jeju(SECOND)).created == 1


def test_a_file_undone_can_be_imported_again(desk: Desk) -> None:
    desk.undo(desk.take_in(jeju(FIRST)).batch)
    assert desk.volumes() == []
    assert desk.take_in(jeju(FIRST)).batch == "T0X/2"
    assert desk.grams() == {"건입동": 1_708_250}


def test_an_import_that_was_superseded_since_is_taken_back_only_after_the_later(desk: Desk) -> None:
    first = desk.take_in(jeju(FIRST, SECOND))
    later = desk.take_in(jeju(("2018-01-01", "연동", 1, 2000, 60)))
    with pytest.raises(Refused, match="later import T0X/2"):
        desk.undo(first.batch)
    desk.undo(later.batch)
    desk.undo(first.batch)
    assert desk.volumes() == []


def test_the_list_of_imports_counts_the_rows(desk: Desk) -> None:
    desk.take_in(jeju(FIRST, SECOND))
    with desk.database.session() as session:
        (past,) = past_imports(session)
    assert (past.batch, past.kind, past.created) == ("T0X/1", "volumes", 2)


def test_another_district_neither_sees_nor_changes_them(desk: Desk) -> None:
    desk.another_district("T0Y")
    desk.take_in(jeju(FIRST))
    assert desk.volumes(district="T0Y") == []
    desk.take_in(jeju(("2018-01-01", "건입동", 1, 1, 0)), district="T0Y")
    assert desk.grams() == {"건입동": 1_708_250}
    assert desk.grams(district="T0Y") == {"건입동": 1}


def test_sources_and_levels_are_never_added_up(desk: Desk) -> None:
    desk.take_in(jeju(FIRST))
    desk.take_in(sites(("2018-01", "W6X001", "건입동", 5000, 2)), "keco")
    columns = "disYear,disMonth,disDate,disQuantity,disCount"
    desk.take_in(f"{columns}\n2018,01,01,70000,30\n", "keco")
    assert desk.grams() == {"건입동": 1_708_250}
    assert desk.grams(source="keco", per="site", by="dong") == {"건입동": 5000}
    assert desk.grams(source="keco", per="nation") == {"KR": 70_000}


@pytest.mark.parametrize("column", ["grams", "count", "won"])
def test_the_database_itself_refuses_an_amount_below_zero(desk: Desk, column: str) -> None:
    desk.take_in(jeju(FIRST))
    with desk.database.session() as session, pytest.raises(sa.exc.IntegrityError, match="amounts"):
        session.execute(sa.update(ReportedRow).values({column: -1}))


def test_a_big_nation_fits(desk: Desk) -> None:
    columns = "disYear,disMonth,disDate,disQuantity,disCount"
    desk.take_in(f"{columns}\n2018,01,01,{10**15 - 1},{10**10}\n", "keco")
    (volume,) = desk.volumes("day", "nation", "keco")
    assert (volume.starts_on, volume.grams, volume.count) == (date(2018, 1, 1), 10**15 - 1, 10**10)
