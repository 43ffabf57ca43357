"""Months of an earlier system, and who lives where: taken in, changed, and taken back."""

import pytest

from app.registry.imports import service
from app.registry.imports.report import Report
from app.registry.imports.undo import undo
from app.texts import Refused
from tests.registry.support import NOW, Registry, households, noted, reasons

HEAD = "complex_code,building,unit,month,grams,count,won,balance_won\n"
ROW = "T0X001,101,1203,2025-11,12400,30,1612,3200\n"


def take_in(registry: Registry, *rows: str) -> Report:
    return service.import_history(registry.database, registry.order(HEAD + "".join(rows)))


def test_months_and_balances_are_stored_once_and_change_with_the_file(settled: Registry) -> None:
    settled.households(households({}))
    assert take_in(settled, ROW).created == {"earlier_month": 1, "opening_balance": 1}
    assert take_in(settled, ROW).changes == 0
    changed = take_in(settled, ROW.replace("1612", "1700"))
    assert [update.fields for update in changed.updates] == [{"won": (1612, 1700)}]
    assert settled.rows("earlier_month", "grams", "count", "won") == [(12400, 30, 1700)]
    assert [str(row[0]) for row in settled.rows("opening_balance", "as_of")] == ["2025-12-01"]
    undo(settled.database, changed.batch or "", "tester", NOW)
    assert settled.rows("earlier_month", "won") == [(1612,)]
    undo(settled.database, "T0X/3", "tester", NOW)
    assert settled.rows("earlier_month") == settled.rows("opening_balance") == []


def test_rows_that_cannot_be_used_are_told_and_their_neighbours_taken(settled: Registry) -> None:
    settled.households(households({}))
    report = take_in(
        settled,
        ROW,
        ROW,
        ROW.replace("T0X001", "T0X999"),
        ROW.replace("1203", "9999"),
        ROW.replace("2025-11", "2025-13"),
        ROW.replace("2025-11", "2026-11"),
        ROW.replace("12400", "-1"),
        ROW.replace("12400", "12,400").replace("12,400", '"12,400"'),
        ROW.replace("30", ""),
    )
    expected = ["month_twice", "unknown_complex", "unknown_household", "bad_month", "bad_month"]
    assert reasons(report) == list(enumerate([*expected, "bad_amount", "bad_amount", "value_missing"], 3))
    assert report.totals == {"months": 1, "balances": 1}


def test_a_household_with_months_keeps_its_import_from_being_taken_back(settled: Registry) -> None:
    brought = settled.households(households({}))
    take_in(settled, ROW)
    with pytest.raises(Refused, match="months of an earlier system"):
        undo(settled.database, brought.batch or "", "tester", NOW)


def people(*rows: str) -> str:
    return "complex_code,building,unit,card_number,moved_in,resident_name,phone,email\n" + "".join(rows)


def test_who_lives_there_is_stored_and_never_overwritten_by_a_file(settled: Registry) -> None:
    row = "T0X001,101,1203,,2026-03-02,김철수,010-1234-5678,\n"
    first = settled.households(people(row))
    assert settled.rows("resident", "name", "phone", "email") == [("김철수", "010-1234-5678", None)]
    assert settled.households(people(row)).changes == 0
    other = settled.households(people(row.replace("김철수", "이영희")))
    assert (other.changes, noted(other)) == (0, [(2, "no_card"), (2, "resident_kept")])
    assert settled.rows("resident", "name") == [("김철수",)]
    stored = [str(row) for row in settled.rows("import_change", "row_key", "before")]
    assert not [row for row in stored if "김철수" in row], "What can be erased stands in one table alone."
    undo(settled.database, first.batch or "", "tester", NOW)
    assert settled.rows("resident") == []


def test_details_that_are_too_long_are_skipped_without_being_told(settled: Registry) -> None:
    report = settled.households(people(f"T0X001,101,1203,,2026-03-02,{'김' * 101},,\n"))
    assert reasons(report) == [(2, "value_too_long")]
    assert "김김" not in report.skipped[0].text.ko
