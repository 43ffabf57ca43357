"""Households, tenancies and cards from a file: what they become, and which rows cannot be used."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from app.registry.imports.rendering import as_text
from app.registry.imports.report import as_json
from app.registry.queries import card_holdings
from app.texts import Refused
from tests.registry.support import HOUSEHOLD, Registry, households, noted, reasons

CARD = "0A1B2C3D4E"
OTHER = "0A1B2C3D4F"


def day(text: str) -> datetime:
    """Midnight in Korea, which has no summer time."""
    return datetime.fromisoformat(f"{text}T00:00:00+09:00").astimezone(UTC)


def test_a_line_becomes_building_household_tenancy_and_card(settled: Registry) -> None:
    report = settled.households(households({}))
    assert report.created == {"building": 1, "household": 1, "tenancy": 1, "card": 1, "card_assignment": 1}
    assert settled.rows("building", "name") == [("101",)]
    assert settled.rows("household", "unit") == [("1203",)]
    assert settled.rows("tenancy", "valid_from", "valid_to") == [(day("2026-03-02"), None)]
    assert settled.rows("card_assignment", "valid_from", "valid_to") == [(day("2026-03-02"), None)]


def test_a_card_is_stored_as_the_hash_that_the_gateways_compute(settled: Registry) -> None:
    settled.households(households({"card_number": CARD.lower()}))
    ((key,),) = settled.rows("district", "card_key")
    ((stored, last4),) = settled.rows("card", "card_hash", "last4")
    assert stored == hmac.digest(key, CARD.encode(), hashlib.sha256)[:16]
    assert last4 == "3D4E"
    with settled.database.begin() as session:
        ((holding,),) = card_holdings(session.connection(), 1, [stored]).values()
    assert holding.start == day("2026-03-02")


@pytest.mark.parametrize("number", ["0D00319CD0", "24D34F59", "04A1B2C3D4E5F6", "30751FEB705C5904E3D50D70"])
def test_cards_of_every_kind_of_reader_can_be_registered(settled: Registry, number: str) -> None:
    settled.households(households({"card_number": number}))
    assert settled.rows("card", "last4") == [(number[-4:],)]


def test_several_lines_of_a_unit_are_several_cards_of_one_tenancy(settled: Registry) -> None:
    report = settled.households(households({}, {"card_number": OTHER}))
    assert report.totals == {"households": 1, "tenancies": 1, "cards": 2}
    assert len(settled.rows("tenancy")) == 1
    assert len(settled.rows("card_assignment")) == 2


def test_the_next_tenancy_may_begin_on_the_day_the_last_one_ends(settled: Registry) -> None:
    report = settled.households(
        households(
            {"card_number": OTHER, "moved_in": "2026-09-01"},
            {"moved_out": "2026-09-01"},
            {"unit": "1204", "moved_in": "2026-09-01"},
        )
    )
    assert reasons(report) == []
    assert settled.rows("tenancy", "valid_from", "valid_to") == [
        (day("2026-03-02"), day("2026-09-01")),
        (day("2026-09-01"), None),
        (day("2026-09-01"), None),
    ]


@pytest.mark.parametrize("building", ["101동", "101 동", " 101", "101"])
def test_a_building_is_the_same_with_and_without_its_suffix(settled: Registry, building: str) -> None:
    settled.households(households({}))
    assert settled.households(households({"building": building, "unit": "1203호"})).changes == 0


def test_a_building_named_by_a_letter_keeps_its_name(settled: Registry) -> None:
    settled.households(households({"building": "가동", "unit": "지하 1호"}))
    assert settled.rows("building", "name") == [("가동",)]
    assert settled.rows("household", "unit") == [("지하1호",)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"building": ""}, "value_missing"),
        ({"unit": "9" * 41}, "value_too_long"),
        ({"unit": "00112233"}, "looks_like_card"),
        ({"complex_code": "T0X009"}, "unknown_complex"),
        ({"moved_in": "2026.03.02"}, "bad_date"),
        ({"moved_in": "20260302"}, "bad_date"),
        ({"moved_in": "2026-02-30"}, "bad_date"),
        ({"moved_in": "0026-03-02"}, "bad_date"),
        ({"moved_out": "나중에"}, "bad_date"),
        ({"moved_out": "2026-03-02"}, "dates_reversed"),
        ({"moved_out": "2026-03-01"}, "dates_reversed"),
        ({"card_number": "1.23E+09"}, "bad_card"),
        ({"card_number": "123"}, "bad_card"),
        ({"unit": "1204"}, "card_taken"),
        ({"complex_code": "T0X002"}, "card_taken"),
        ({"card_number": OTHER, "moved_in": "2026-04-01"}, "tenancy_overlap"),
        ({"card_number": OTHER, "moved_in": "2026-01-01"}, "tenancy_overlap"),
        ({"moved_in": "2026-03-02"}, "same_line"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_and_its_neighbours_are_taken(
    settled: Registry, row: dict[str, str], reason: str
) -> None:
    unit = {"unit": "1", "card_number": "1111111111"}
    report = settled.households(households({}, HOUSEHOLD | row, unit))
    refused_line = 2 if row.get("moved_in") == "2026-01-01" else 3
    assert reasons(report) == [(refused_line, reason)]
    assert report.used == 2
    again = settled.households(households({}, HOUSEHOLD | row, unit))
    assert again.changes == 0


def test_lines_of_one_tenancy_must_agree_on_its_end(settled: Registry) -> None:
    report = settled.households(
        households({"moved_out": "2026-05-01"}, {"card_number": OTHER, "moved_out": "2026-06-01"})
    )
    assert reasons(report) == [(2, "ends_differ"), (3, "ends_differ")]
    assert report.changes == 0


def test_one_line_may_give_the_end_for_all_cards_of_the_tenancy(settled: Registry) -> None:
    settled.households(households({}, {"card_number": OTHER, "moved_out": "2026-06-01"}))
    assert {end for (end,) in settled.rows("card_assignment", "valid_to")} == {day("2026-06-01")}


def test_a_later_file_ends_a_tenancy_and_its_cards_and_tells_old_and_new(settled: Registry) -> None:
    settled.households(households({}, {"card_number": OTHER}))
    report = settled.households(
        households({"moved_out": "2026-09-01"}, {"unit": "1204", "moved_in": "2026-09-01", "card_number": OTHER})
    )
    assert [update.table for update in report.updates] == ["tenancy", "card_assignment", "card_assignment"]
    assert {update.fields["valid_to"] for update in report.updates} == {(None, day("2026-09-01"))}
    assert "end: – → 2026-09-01" in as_text(report, "en")
    assert reasons(report) == []
    assert settled.households(households({"moved_out": "2026-09-01"})).changes == 0


def test_a_file_without_the_end_does_not_reopen_a_tenancy(settled: Registry) -> None:
    settled.households(households({"moved_out": "2026-09-01"}))
    report = settled.households(households({}))
    assert report.changes == 0
    assert noted(report) == [(2, "end_kept")]


def test_an_end_may_move_unless_it_would_overlap_what_came_after(settled: Registry) -> None:
    settled.households(households({"moved_out": "2026-09-01"}, {"card_number": OTHER, "moved_in": "2026-10-01"}))
    assert len(settled.households(households({"moved_out": "2026-10-01"})).updates) == 2
    report = settled.households(households({"moved_out": "2026-10-02"}))
    assert reasons(report) == [(2, "tenancy_overlap")]
    assert report.changes == 0


def test_an_end_cannot_move_past_the_next_holder_of_the_card(settled: Registry) -> None:
    settled.households(households({"moved_out": "2026-09-01"}, {"unit": "1204", "moved_in": "2026-09-01"}))
    report = settled.households(households({"moved_out": "2026-09-02"}))
    assert reasons(report) == [(2, "card_taken")]


def test_households_without_a_card_and_short_numbers_are_noted(settled: Registry) -> None:
    report = settled.households(households({"card_number": ""}, {"unit": "1204", "card_number": "12345678"}))
    assert noted(report) == [(2, "no_card"), (3, "card_short")]
    assert report.totals == {"households": 2, "tenancies": 2, "cards": 1}


def test_no_card_number_is_told_or_stored_wherever_it_stood(settled: Registry) -> None:
    report = settled.households(
        households(
            {},
            {"unit": "1204"},
            {"card_number": CARD + "ZZ"},
            {"moved_in": CARD},
            {"unit": CARD},
            {"unit": "1205", "moved_out": CARD},
            {"complex_code": CARD},
            {"building": CARD * 5},
        )
    )
    said = as_text(report, "ko") + as_text(report, "en") + json.dumps(as_json(report, "ko"), ensure_ascii=False)
    assert len(report.skipped) == 7
    assert CARD not in said
    assert "…3D4E" in said
    stored = [
        settled.rows(table)
        for table in ("card", "card_assignment", "import_batch", "import_change", "building", "household")
    ]
    assert CARD not in repr(stored)


def test_a_file_without_a_header_does_not_give_its_cards_away(settled: Registry) -> None:
    with pytest.raises(Refused) as caught:
        settled.households(f"T0X001,101,1203,{CARD},2026-03-02\n")
    assert CARD not in str(caught.value)


def test_households_need_a_district(registry: Registry) -> None:
    with pytest.raises(Refused, match="No district is registered yet"):
        registry.households(households({}))


def test_ingest_sees_that_the_registry_changed_but_not_that_it_stayed(settled: Registry) -> None:
    ((before,),) = settled.rows("district", "registry_version")
    settled.households(households({}))
    ((after,),) = settled.rows("district", "registry_version")
    settled.households(households({}))
    assert settled.rows("district", "registry_version") == [(after,)]
    assert after == before + 1
