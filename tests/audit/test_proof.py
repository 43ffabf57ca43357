"""`audit.book` makes a chain; `audit_chain.verify` finds whatever was changed, removed or inserted since."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access import audit
from app.access.audit_chain import Head
from app.ids import IdCounter
from tests.audit.log import START, TABLE, Log

COUNT = 7
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COLUMNS = [column.name for column in TABLE.c if column.name not in ("district_id", "id")]


@pytest.fixture
def seven(log: Log) -> Log:
    log.book(COUNT)
    return log


def other(value: Any) -> Any:
    """Another value of the same column."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, int):
        return value + 1
    return f"{value or ''}."


def test_a_log_without_entries_is_whole(log: Log) -> None:
    assert log.faults() == []
    assert log.head == (0, "")


def test_a_log_as_it_was_booked_is_whole(seven: Log) -> None:
    assert seven.faults() == []
    assert seven.faults(since=4, expected=[seven.head]) == []
    assert seven.head.number == COUNT


def test_what_people_write_does_not_break_the_chain(log: Log) -> None:
    log.book(reason="'; \" \\ \x00 \u2028 😀 {actor}", subject="한\n글", before={"a": None, "b": [1, {"c": "ㄱ"}]})
    log.book(before=None, after=None, reason=None, complex_id=None)
    assert log.faults() == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("number", [1, 4, COUNT])
def test_a_change_of_any_column_is_found(seven: Log, column: str, number: int) -> None:
    with seven.tampering() as connection:
        value = other(seven.row(connection, number)[column])
    seven.change(number, **{column: value})
    assert seven.faults() == [("changed", number, number)]


@quick
@given(st.data())
def test_any_change_of_any_text_is_found(seven: Log, data: st.DataObject) -> None:
    texts = ("actor", "action", "subject_kind", "subject_id", "subject", "before", "after", "reason", "via", "address")
    number, column = data.draw(st.integers(1, COUNT)), data.draw(st.sampled_from(texts))
    with seven.tampering() as connection:
        before = seven.row(connection, number)[column]
    printable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    seven.change(number, **{column: data.draw(printable.filter(lambda text: text != before))})
    assert seven.faults() == [("changed", number, number)]
    seven.change(number, **{column: before})
    assert seven.faults() == []


def test_an_entry_that_was_changed_and_hashed_anew_is_found_by_the_one_after_it(seven: Log) -> None:
    for number in range(1, COUNT):
        with seven.tampering() as connection:
            before = seven.row(connection, number)
        seven.change(number, again=True, reason="forged")
        assert seven.faults() == [("changed", number, number)]
        seven.change(number, reason=before["reason"], hash=before["hash"])
    assert seven.faults() == []


def test_the_newest_entry_changed_and_hashed_anew_is_found_by_the_hash_that_was_noted(seven: Log) -> None:
    noted = seven.head
    seven.change(COUNT, again=True, reason="forged")
    assert seven.faults() == []
    assert seven.faults(expected=[noted]) == [("changed", COUNT, COUNT)]


def test_a_chain_forged_anew_from_an_entry_on_is_found_by_the_hash_that_was_noted(seven: Log) -> None:
    noted = seven.head
    seven.change(3, again=True, actor="nobody")
    for number in range(4, COUNT + 1):
        with seven.tampering() as connection:
            before = seven.row(connection, number - 1)["hash"]
        seven.change(number, again=True, previous_hash=before)
    assert seven.faults() == []
    assert seven.faults(expected=[noted]) == [("changed", COUNT, COUNT)]


@quick
@given(st.sets(st.integers(1, COUNT), min_size=1))
def test_any_removed_entries_are_found_first_and_last_ones_too(seven: Log, numbers: set[int]) -> None:
    with seven.tampering() as connection:
        rows = [seven.row(connection, number) for number in sorted(numbers)]
    seven.remove(*numbers)
    missing = {number for _, first, last in seven.faults() for number in range(first, last + 1)}
    assert {kind for kind, _, _ in seven.faults()} == {"removed"}
    assert missing == numbers
    with seven.tampering() as connection:
        connection.execute(sa.insert(TABLE), rows)
    assert seven.faults() == []


def test_an_end_that_was_cut_off_with_the_counter_is_found_by_the_hash_that_was_noted(seven: Log) -> None:
    noted = seven.head
    seven.remove(COUNT)
    with seven.tampering() as connection:
        audits = IdCounter.kind == "audit_entry"
        connection.execute(sa.update(IdCounter).where(audits).values(last_id=COUNT - 1))
    assert seven.faults() == []  # what docs/audit.md tells: nothing in the database shows it
    assert seven.faults(expected=[noted]) == [("removed", COUNT, COUNT)]


@quick
@given(st.integers(1, COUNT), st.booleans())
def test_an_entry_inserted_anywhere_is_found(seven: Log, number: int, fits: bool) -> None:
    """The later ones get the next numbers; the new one's own hash may fit."""
    with seven.tampering() as connection:
        row = seven.row(connection, number) | {"actor": "nobody"}
        row["hash"] = audit.hash_of(row) if fits else row["hash"]
        seven.shift(connection, number, 1)
        connection.execute(sa.insert(TABLE).values(row))
    faults = seven.faults()
    assert ("inserted", COUNT + 1, COUNT + 1) in faults  # one more than the service has numbered
    assert {first for kind, first, _ in faults if kind == "changed"} >= set(range(number + 1, COUNT + 1))
    with seven.tampering() as connection:
        connection.execute(sa.delete(TABLE).where(TABLE.c.id == number))
        seven.shift(connection, number + 1, -1)
    assert seven.faults() == []


@pytest.mark.parametrize("number", [COUNT + 1, COUNT + 9, 0, -3])
def test_an_entry_added_before_or_behind_the_chain_is_found(seven: Log, number: int) -> None:
    with seven.tampering() as connection:
        row = seven.row(connection, COUNT)
        row |= {"id": number, "previous_hash": row["hash"]}
        connection.execute(sa.insert(TABLE).values(row | {"hash": audit.hash_of(row)}))
    assert seven.faults() == [("inserted", number, number)]


@quick
@given(st.lists(st.integers(1, COUNT), min_size=2, max_size=2, unique=True))
def test_two_entries_that_changed_places_are_found(seven: Log, pair: list[int]) -> None:
    def swap() -> None:
        with seven.tampering() as connection:
            for number, to in ((pair[0], 1_000_000), (pair[1], pair[0]), (1_000_000, pair[1])):
                connection.execute(sa.update(TABLE).where(TABLE.c.id == number).values(id=to))

    swap()
    assert seven.faults() == [("changed", number, number) for number in sorted(pair)]
    swap()
    assert seven.faults() == []


def test_the_walk_may_begin_later_and_still_looks_at_what_was_noted(seven: Log) -> None:
    noted = seven.head
    seven.change(2, reason="forged")
    assert seven.faults(since=3) == []
    assert seven.faults(since=2) == [("changed", 2, 2)]
    assert seven.faults(since=3, expected=[Head(2, "00" * 32), noted]) == [("changed", 2, 2)]


def test_more_entries_than_are_read_at_once_are_walked_through(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.access.audit_chain.BATCH", 3)
    log.book(10)
    assert log.faults() == []
    log.change(7, reason="forged")
    log.remove(3, 4)
    assert log.faults() == [("removed", 3, 4), ("changed", 7, 7)]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("column", ["at", "reason", "hash", "previous_hash", "complex_id"])
def test_a_value_that_is_not_of_its_columns_type_is_a_finding_and_no_failure(seven: Log, column: str) -> None:
    with seven.tampering() as connection:
        value: Any = b"\xff" if column == "reason" else "x"
        connection.exec_driver_sql(f"UPDATE audit_entry SET {column} = ? WHERE id = 4", (value,))
    assert seven.faults() == [("changed", 4, 4)]


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_time_that_never_comes_is_a_finding_and_no_failure(seven: Log) -> None:
    with seven.tampering() as connection:
        connection.exec_driver_sql("UPDATE audit_entry SET at = 'infinity' WHERE id = 4")
    assert seven.faults() == [("changed", 4, 4)]


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET reason = ''", "DELETE FROM audit_entry"])
def test_the_database_itself_refuses_to_change_or_delete_entries(seven: Log, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError), seven.database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert seven.faults() == []


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_the_database_itself_refuses_to_empty_the_log(seven: Log) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append"), seven.database.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE audit_entry")


def test_several_who_book_at_once_make_one_unbroken_chain(log: Log) -> None:
    def book(name: str) -> None:
        for _ in range(5):
            with log.database.begin() as session:
                entry = audit.Entry("discharge.voided", "discharge", name, name)
                audit.book(session, log.district_id, entry, name, START)

    threads = [threading.Thread(target=book, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.head.number == 20
    assert log.faults() == []


def test_what_is_rolled_back_leaves_no_gap(log: Log) -> None:
    log.book()
    entry = audit.Entry("card.blocked", "card", 1, "1")
    with log.database.session() as session:
        assert audit.book(session, log.district_id, entry, "kim", START) == 2
        session.rollback()
    log.book()
    assert log.head.number == 2
    assert log.faults() == []
