"""What a list of complexes becomes, and what is told about it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.registry.imports.rendering import as_text
from app.registry.imports.report import as_json
from tests.registry.support import NOW, Registry, complexes, noted, reasons

PLACEHOLDER = {
    **{"aptCode": "T0X000", "aptName_x": "새싹구", "aptName_y": "", "roadAddr1": "", "roadAddr2": ""},
    **{"hbgvCode": "", "ctznCnt": "", "regDate": "", "xlatlng": "", "ylatlng": ""},
}


def test_the_real_list_has_149_complexes_and_62016_declared_households(registry: Registry, keco: Path) -> None:
    report = registry.complexes(keco)
    assert report.totals == {"complexes": 149, "declared_households": 62_016}
    assert report.created == {"district": 1, "dong": 8, "complex": 149}
    assert reasons(report) == [(2, "placeholder"), (158, "placeholder")]
    assert [line for line, reason in noted(report) if reason == "dong_missing"] == [135, 147, 155]
    assert [line for line, reason in noted(report) if reason == "coordinates_missing"] == [15, 26, 43]
    assert ("1150010500", "마곡동") in registry.rows("dong", "code", "name")
    assert sum(count for (count,) in registry.rows("complex", "declared_households")) == 62_016
    assert "household" not in report.created


def test_importing_the_real_list_again_changes_nothing(registry: Registry, keco: Path) -> None:
    registry.complexes(keco)
    before = registry.everything(), registry.rows("import_batch"), registry.rows("district")
    report = registry.complexes(keco)
    assert report.changes == 0
    assert report.batch is None
    assert (registry.everything(), registry.rows("import_batch"), registry.rows("district")) == before
    assert "0 changes" in as_text(report, "en")


def test_a_dry_run_reports_the_same_and_leaves_no_trace(registry: Registry, keco: Path) -> None:
    dry = registry.complexes(keco, dry_run=True)
    assert registry.rows("district") == registry.rows("import_batch") == registry.rows("id_counter") == []
    real = registry.complexes(keco)
    assert as_text(dry, "ko").split("\n")[:-1] == as_text(real, "ko").split("\n")[:-1]
    assert {**as_json(dry, "en"), "dry_run": False, "batch": "W0G/1"} == as_json(real, "en")


def test_a_complex_is_stored_as_the_file_gives_it(registry: Registry) -> None:
    registry.complexes(complexes({"aptMemo": "첫 줄\n둘째 줄\n"}))
    columns = ("code", "name", "dong_code", "declared_households", "road_address", "address_detail", "memo")
    assert registry.rows("complex", *columns) == [
        ("T0X001", "새싹", "9950010200", 251, "시험특별시 새싹구 새싹로 1", "(새싹동, 새싹)", "첫 줄\n둘째 줄")
    ]
    assert registry.rows("complex", "equipment", "charging", "latitude", "longitude", "registered_at") == [
        ("개별계량장비", "후불", "37.54", "126.85", datetime(2016, 10, 9, 10, 51, 43, tzinfo=UTC))
    ]
    ((code, name, key),) = registry.rows("district", "code", "name", "card_key")
    assert (code, name, len(key)) == ("T0X", "시험특별시 새싹구", 32)


def test_lines_are_counted_as_an_editor_shows_them(registry: Registry) -> None:
    report = registry.complexes(
        complexes({"aptMemo": "세\n줄\n메모"}, PLACEHOLDER, {"aptCode": "T0X002", "xlatlng": ""})
    )
    assert reasons(report) == [(5, "placeholder")]
    assert (6, "coordinates_missing") in noted(report)


def test_windows_line_ends_and_blank_lines_do_not_shift_the_lines(registry: Registry) -> None:
    text = complexes({"aptMemo": "세\n줄\n메모"}, {"aptCode": "T0X002", "ctznCnt": ""})
    lines = text.split("\n")
    report = registry.complexes("\r\n".join([*lines[:4], "", *lines[4:]]))
    assert (6, "count_missing") in noted(report)


def test_a_code_that_looks_like_a_placeholder_is_a_complex_if_people_live_there(registry: Registry) -> None:
    report = registry.complexes(complexes({"aptCode": "T0X000"}, {"aptCode": "T0XFFF", "regDate": "", "ctznCnt": ""}))
    assert reasons(report) == []
    assert [code for (code,) in registry.rows("complex", "code")] == ["T0X000", "T0XFFF"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"ctznCnt": ""}, "count_missing"),
        ({"hbgvCode": ""}, "dong_missing"),
        ({"xlatlng": ""}, "coordinates_missing"),
        ({"xlatlng": "37.54", "ylatlng": "126.85"}, "coordinates_unusable"),
        ({"xlatlng": "동경"}, "coordinates_unusable"),
        ({"xlatlng": "NaN"}, "coordinates_unusable"),
        ({"roadAddr1": ""}, "address_missing"),
        ({"regDate": ""}, "date_missing"),
        ({"aptName_y": ""}, "name_fallback"),
        ({}, "name_differs"),
    ],
)
def test_what_is_odd_about_a_row_is_noted(registry: Registry, row: dict[str, str], reason: str) -> None:
    report = registry.complexes(complexes(row))
    assert (2, reason) in noted(report)
    assert report.totals["complexes"] == 1


def test_the_second_name_wins_and_the_first_stands_in_for_a_blank_one(registry: Registry) -> None:
    registry.complexes(complexes({}, {"aptCode": "T0X002", "aptName_x": " 큰  나무 ", "aptName_y": ""}))
    assert registry.rows("complex", "name") == [("새싹",), ("큰 나무",)]


def test_a_name_that_stands_twice_is_noted_with_the_other_line(registry: Registry) -> None:
    report = registry.complexes(complexes({}, {"aptCode": "T0X002"}))
    (note,) = [note for note in report.notes if note.reason == "name_twice"]
    assert (note.line, note.values["other_line"], note.values["code"]) == (3, 2, "T0X001")


def test_a_dong_is_named_only_where_all_addresses_agree(registry: Registry) -> None:
    report = registry.complexes(
        complexes(
            {"roadAddr2": "(새싹동)"},
            {"aptCode": "T0X002", "roadAddr2": "(새싹동)[*미고시]"},
            {"aptCode": "T0X003", "roadAddr2": ""},
            {"aptCode": "T0X004", "hbgvCode": "9950010300", "roadAddr2": "(나무동, 큰나무)"},
            {"aptCode": "T0X005", "hbgvCode": "9950010300", "roadAddr2": "(가지동)"},
            {"aptCode": "T0X006", "hbgvCode": "9950010400", "roadAddr2": "상가"},
        )
    )
    assert registry.rows("dong", "code", "name") == [
        ("9950010200", "새싹동"),
        ("9950010300", None),
        ("9950010400", None),
    ]
    assert [note.subject for note in report.notes if note.reason == "dong_names_differ"] == ["9950010300"]


def test_a_changed_file_changes_what_differs_and_tells_old_and_new(registry: Registry) -> None:
    registry.complexes(complexes({}, {"aptCode": "T0X002"}))
    report = registry.complexes(complexes({"ctznCnt": "260", "xlatlng": ""}, {"aptCode": "T0X002"}))
    (update,) = report.updates
    assert (update.line, update.subject) == (2, "T0X001")
    assert update.fields == {
        "declared_households": (251, 260),
        "latitude": ("37.54", None),
        "longitude": ("126.85", None),
    }
    assert "declared households: 251 → 260" in as_text(report, "en")
    assert "신고 세대수: 251 → 260" in as_text(report, "ko")
    assert sorted(registry.rows("complex", "declared_households")) == [(251,), (260,)]


def test_a_complex_that_is_missing_from_a_later_file_stays_and_is_noted(registry: Registry) -> None:
    registry.complexes(complexes({}, {"aptCode": "T0X002"}))
    report = registry.complexes(complexes({}))
    assert (None, "not_in_file") in noted(report)
    assert report.changes == 0
    assert len(registry.rows("complex")) == 2


def test_the_district_keeps_its_name_and_its_card_key(registry: Registry) -> None:
    registry.complexes(complexes({}))
    before = registry.rows("district", "id", "name", "card_key")
    report = registry.complexes(complexes({"citySggName": "다른구", "ctznCnt": "1"}))
    assert (None, "district_name_differs") in noted(report)
    assert registry.rows("district", "id", "name", "card_key") == before


def test_cp949_is_read_and_said(registry: Registry) -> None:
    report = registry.complexes(complexes({"aptName_y": "똠방각하"}).encode("cp949"))
    assert report.sheet.encoding == "CP949"
    assert "(CP949)" in as_text(report, "en")
    assert registry.rows("complex", "name") == [("똠방각하",)]


def test_columns_may_stand_in_any_order_and_unknown_ones_are_named(registry: Registry) -> None:
    header, row = complexes({}).splitlines()
    turned = "\n".join([f"비고,{header}", f"메모,{row}"])
    report = registry.complexes(turned)
    assert report.sheet.ignored_columns == ["비고"]
    assert report.totals["complexes"] == 1


def test_the_import_is_recorded_with_file_hash_and_actor(registry: Registry) -> None:
    registry.complexes(complexes({}))
    assert registry.rows("import_batch", "kind", "file_name", "actor", "imported_at", "undone_at") == [
        ("complexes", "file.csv", "tester", NOW, None)
    ]
    ((sha256,),) = registry.rows("import_batch", "file_sha256")
    assert len(sha256) == 64
