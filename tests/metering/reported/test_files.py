"""What is read of published files, and what is told about the rest."""

import json
import unicodedata
from datetime import date

import pytest

from app.metering.reported.rendering import as_text
from app.texts import Refused
from tests.metering.reported.support import JEJU, NOW, SITES, Desk, jeju, noted, published, sites, skipped

GOOD = ("2018-01-01", "건입동", 668, 1708250, 51079)


@pytest.mark.parametrize(
    ("case", "source", "level", "rows", "grams"),
    [
        ("cases/01_keco_getTotalDateList_2018-01.csv", "keco", "nation", 31, 58_128_399_079),
        ("cases/04_keco_getCityDateList_edges.csv", "keco", "city", 14, 745_740_570),
        ("cases/08_keco_api_envelope_RECONSTRUCTED.json", "keco", "city", 1, 64_831_400),
        ("cases/11_jeju_emd_day_normal.csv", "jeju", "dong", 11, 26_209_450),
        ("cases/12_jeju_emd_day_tariff_anomalies.csv", "jeju", "dong", 7, 19_272_569),
        ("cases/14_jeju_emd_day_unknown_location.csv", "jeju", "dong", 8, 2_291_900),
        ("cases/16_jeju_typhoon_days.csv", "jeju", "dong", 9, 52_107_750),
        ("cases/17_jeju_site_month.csv", "keco", "site", 42, 52_187_600),
        ("cases/19_jeju_site_month_scale_fault.csv", "keco", "site", 8, 35_181_090),
        ("keco/national_2018_by_date.csv", "keco", "nation", 365, 757_253_570_747),
    ],
)
def test_every_published_form_is_known_by_its_columns(
    desk: Desk, case: str, source: str, level: str, rows: int, grams: int
) -> None:
    report = desk.take_in(published(case), source)
    assert (report.form.level, report.used, report.skipped) == (level, rows, [])
    assert report.totals.grams == grams
    assert sum(volume.grams or 0 for volume in desk.volumes(per=level, source=source)) == grams


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_file_may_be_saved_in_three_ways(desk: Desk, encoding: str) -> None:
    desk.take_in(jeju(GOOD).encode(encoding))
    assert desk.grams() == {"건입동": 1_708_250}


@pytest.mark.parametrize("name", ["02_keco_getTotalDayList_2018.csv", "../keco/national_2018_by_weekday.csv"])
def test_sums_by_weekday_are_refused_since_the_list_by_date_holds_them(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match=r"list by weekday.*list by date"):
        desk.take_in(published(f"cases/{name}"), "keco")


def test_a_file_of_the_other_source_is_refused_with_the_right_one(desk: Desk) -> None:
    with pytest.raises(Refused, match="--source jeju"):
        desk.take_in(jeju(GOOD), "keco")


def test_unknown_columns_are_refused_with_those_that_are_known(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"Its columns: a, b(.|\n)*waste_em_g"):
        desk.take_in("a,b\n1,2\n")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("2018-02-30", "연동", 1, 1, 1), "bad_day"),
        (("20180201", "연동", 1, 1, 1), "bad_day"),
        (("", "연동", 1, 1, 1), "bad_day"),
        (("1918-01-01", "연동", 1, 1, 1), "out_of_time"),
        (("2026-11-23", "연동", 1, 1, 1), "out_of_time"),
        (("2018-01-01", "", 1, 1, 1), "place_missing"),
        (("2018-01-01", "연" * 101, 1, 1, 1), "place_too_long"),
        (("2018-01-01", "연동", -1, 1, 1), "not_whole"),
        (("2018-01-01", "연동", 1, 1.5, 1), "not_whole"),
        (("2018-01-01", "연동", 1, "1e3", 1), "not_whole"),
        (("2018-01-01", "연동", 1, "열", 1), "not_whole"),
        (("2018-01-01", "연동", 1, 1, "9" * 16), "not_whole"),
        (("2018-01-01", "연동", 1, "１２", 1), "not_whole"),
    ],
)
def test_a_bad_row_is_skipped_with_its_line_and_its_neighbours_are_taken(
    desk: Desk, row: tuple[object, ...], reason: str
) -> None:
    report = desk.take_in(jeju(GOOD, row))
    assert skipped(report) == [(3, reason)]
    assert desk.grams() == {"건입동": 1_708_250}
    assert "line 3" in as_text(report, "en")
    assert "3번째 줄" in as_text(report, "ko")


def test_a_site_without_a_usable_code_is_skipped(desk: Desk) -> None:
    report = desk.take_in(sites(("2018-01", "W6X 001", "연동", 1, 1), ("2018-13", "W6X001", "연동", 1, 1)), "keco")
    assert skipped(report) == [(2, "bad_code"), (3, "bad_month")]


def test_whole_numbers_may_end_in_a_zero_fraction_or_have_commas(desk: Desk) -> None:
    desk.take_in(jeju(("2018-01-01", "연동", "620.0", '"1,858,600"', "55758.00")))
    (volume,) = desk.volumes()
    assert (volume.grams, volume.count, volume.won) == (1_858_600, 620, 55_758)


def test_an_equal_row_is_noted_and_differing_ones_are_all_kept_aside(desk: Desk) -> None:
    other, changed = ("2018-01-01", "연동", 1, 2000, 60), ("2018-01-01", "연동", 2, 4000, 120)
    report = desk.take_in(jeju(GOOD, GOOD, other, changed, other))
    assert noted(report) == [(3, "twice")]
    assert skipped(report) == [(4, "conflict"), (5, "conflict"), (6, "conflict")]
    assert "differs from 4, 6" in report.skipped[1].text.en
    assert desk.grams() == {"건입동": 1_708_250}


def test_hangul_stored_in_parts_is_the_same_place(desk: Desk) -> None:
    desk.take_in(jeju(GOOD))
    taken_apart = unicodedata.normalize("NFD", jeju(GOOD))
    assert taken_apart != jeju(GOOD)
    assert desk.take_in(taken_apart).changes == 0


def test_a_device_without_location_stays_a_place_of_its_own_and_is_marked(desk: Desk) -> None:
    report = desk.take_in(jeju(GOOD, ("2018-01-01", "알수없음", 41, 398950, 11960)))
    assert noted(report) == [(None, "unlocated")]
    assert {volume.place: volume.located for volume in desk.volumes()} == {"건입동": True, "알수없음": False}


def test_a_weekday_that_is_not_the_dates_is_noted(desk: Desk) -> None:
    columns = "disYear,disMonth,disDate,disDay,disQuantity,disCount"
    report = desk.take_in(f"{columns}\n2018,1,1,2,100,1\n2018,01,02,2,100,1\n", "keco")
    assert noted(report) == [(3, "weekday_differs")]


def test_json_is_told_by_item_and_never_by_a_traceback(desk: Desk) -> None:
    day = {"disYear": "2018", "disMonth": "01", "disDate": "01", "disCount": 5}
    envelope = {"data": {"list": [day | {"disQuantity": 10}, day | {"disDate": "02", "disQuantity": 1.5}]}}
    report = desk.take_in(json.dumps(envelope), "keco")
    assert skipped(report) == [(2, "not_whole")]
    assert "item 2" in as_text(report, "en")
    assert report.totals.grams == 10


@pytest.mark.parametrize(
    "content",
    [
        '{"data": {"resultMsg": "실패"}}',
        "{}",
        "[]",
        "[1]",
        '[{"a": []}]',
        '{"data": ',
        "[" * 100_000,
        b"[\xff]",
        r'[{"cityCode": "\u0000"}]',
        r'[{"\ud800": 1}]',
    ],
)
def test_json_that_holds_no_list_is_refused(desk: Desk, content: str | bytes) -> None:
    with pytest.raises(Refused, match="JSON"):
        desk.take_in(content, "keco")


@pytest.mark.parametrize("content", ["", JEJU, SITES, "\x00\x01", "PK\x03\x04"])
def test_a_file_without_rows_or_without_text_is_refused(desk: Desk, content: str) -> None:
    with pytest.raises(Refused):
        desk.take_in(content)


def test_today_in_seoul_is_the_last_day_that_is_taken(desk: Desk) -> None:
    assert NOW.date() == date(2026, 11, 22)
    assert skipped(desk.take_in(jeju(("2026-11-22", "연동", 1, 1, 0)))) == []
