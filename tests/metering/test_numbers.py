"""Exactly once in effect: what a number's first arrival, repetition, conflict and gap do."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from app.db import Database
from app.metering.cursors import MAX_RANGES, Cursor
from tests.builders import Box, Town
from tests.metering.reading import agrees, ledger, quarantine, statuses, totals


def test_a_batch_is_stored_and_answered_record_by_record(box: Box, town: Town, database: Database) -> None:
    card = town.move_in("1001", "0D00319CD0")
    answer = box.post([box.weighing(1, 410, card=card), box.weighing(2, 590)])
    assert statuses(answer) == [(1, "stored", None), (2, "stored", None)]
    assert answer.json["acked_through"] == answer.json["high_seq"] == 2
    assert [(row.seq, row.net_g, row.billable) for row in ledger(database)] == [(1, 410, True), (2, 590, False)]
    assert totals(database, "complex_day")["weighed_g"] == 1000
    assert totals(database, "household_month")["billable_g"] == 410


def test_a_repeated_batch_is_all_duplicates_and_changes_nothing(box: Box, database: Database) -> None:
    records = [box.weighing(seq, 100 * seq) for seq in (1, 2, 3)]
    box.post(records)
    assert statuses(box.post(records)) == [(seq, "duplicate", None) for seq in (1, 2, 3)]
    assert sum(row.net_g or 0 for row in ledger(database)) == 600
    assert agrees(database)


def test_a_number_used_with_other_content_is_a_conflict_and_the_original_stands(box: Box, database: Database) -> None:
    box.post([box.weighing(1, 400)])
    other = box.weighing(1, 900)
    assert statuses(box.post([other])) == [(1, "quarantined", "number_conflict")]
    assert statuses(box.post([other])) == [(1, "quarantined", "number_conflict")]
    assert [row.net_g for row in ledger(database)] == [400]
    assert [kept.code for kept in quarantine(database)] == ["number_conflict"]


def test_a_number_twice_in_one_batch_is_booked_once(box: Box, database: Database) -> None:
    record = box.weighing(1, 400)
    results = statuses(box.post([record, record, box.weighing(1, 500)]))
    assert results == [(1, "stored", None), (1, "duplicate", None), (1, "quarantined", "number_conflict")]
    assert totals(database, "meter_hour")["weighed_g"] == 400


def test_a_skipped_number_is_missing_until_it_arrives(box: Box, database: Database) -> None:
    first, second, fourth = (box.record(seq) for seq in (1, 2, 4))
    assert box.post([first, fourth]).json["acked_through"] == 1
    assert box.post([second]).json["acked_through"] == 2
    last = box.post([box.record(3)]).json
    assert (last["acked_through"], last["high_seq"]) == (4, 4)
    assert len(ledger(database)) == 4


def test_a_resent_record_whose_time_the_server_now_knows_better_is_still_a_duplicate(
    box: Box, database: Database
) -> None:
    record = box.record(1, clock="unset", occurred_at="1970-01-01T00:10:00.000Z")
    box.post([record])
    box.mono_ms += 40 * 24 * 3600 * 1000  # the next attempt is made from another month
    assert statuses(box.post([record])) == [(1, "duplicate", None)]
    assert len(ledger(database)) == 1


def test_a_quarantined_record_sent_again_gets_the_same_answer_and_is_kept_once(box: Box, database: Database) -> None:
    record = box.record(1, meter="nowhere")
    expected = [(1, "quarantined", "unknown_meter")]
    answer = box.post([record])
    assert statuses(answer) == expected
    assert answer.json["acked_through"] == 1
    assert statuses(box.post([record])) == expected
    assert len(quarantine(database)) == 1


def test_a_new_epoch_counts_from_one_again(box: Box, database: Database) -> None:
    box.post([box.weighing(1, 100)])
    box.epoch = "00000000000000aa"
    assert statuses(box.post([box.weighing(1, 200)])) == [(1, "stored", None)]
    assert [(row.epoch_no, row.seq, row.net_g) for row in ledger(database)] == [(1, 1, 100), (2, 1, 200)]


def test_an_empty_batch_asks_for_the_cursor(box: Box) -> None:
    box.post([box.record(1), box.record(5)])
    answer = box.post([]).json
    assert (answer["acked_through"], answer["high_seq"], answer["results"]) == (1, 5, [])


def test_the_same_batch_from_many_threads_at_once_is_booked_once(box: Box, database: Database) -> None:
    records = [box.weighing(seq, seq) for seq in range(1, 101)]
    start, answers = Barrier(6), []

    def post() -> None:
        sender = Box(box.client.application.test_client())
        start.wait()
        answers.append(sender.post(records))

    threads = [Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = sorted(status for answer in answers for _, status, _ in statuses(answer))
    assert outcomes == ["duplicate"] * 500 + ["stored"] * 100
    assert totals(database, "complex_day")["weighed_g"] == sum(range(1, 101))
    assert agrees(database)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_missing_ranges_are_capped_and_nothing_is_lost_or_doubled_by_it(box: Box, database: Database) -> None:
    odd = [box.record(seq) for seq in range(1, 2 * MAX_RANGES + 200, 2)]
    for start in range(0, len(odd), 500):
        box.post(odd[start : start + 500])
    assert {status for _, status, _ in statuses(box.post(odd[:500]))} == {"duplicate"}
    even = [box.record(seq) for seq in range(2, 2 * MAX_RANGES + 200, 2)]
    for start in range(0, len(even), 500):
        assert {status for _, status, _ in statuses(box.post(even[start : start + 500]))} == {"stored"}
    assert [row.seq for row in ledger(database)] == list(range(1, len(odd) + len(even) + 1))
    assert agrees(database)


def test_an_old_record_of_a_long_backlog_keeps_its_own_day(box: Box, database: Database) -> None:
    box.post([box.record(1, ago=timedelta(days=40)), box.record(2)])
    days = [row.service_day for row in ledger(database)]
    assert (days[1] - days[0]).days == 40


def test_a_cursor_splits_and_closes_its_gaps() -> None:
    cursor = Cursor((1, 1, "e"), None, 1)
    cursor.advance(10)
    assert (cursor.missing, cursor.acked_through) == ([[1, 9]], 0)
    assert cursor.fill(5)
    assert cursor.missing == [[1, 4], [6, 9]]
    assert not cursor.fill(5)
    assert all(cursor.fill(seq) for seq in (1, 2, 3, 4))
    assert cursor.acked_through == 5
