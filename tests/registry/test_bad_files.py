"""A file that cannot be used is refused as a whole, in both languages, with the line and with what to do."""

from pathlib import Path

import pytest

from app.registry.imports.complex_rows import COLUMNS
from app.texts import Refused
from tests.registry.support import Registry, complexes

GOOD = complexes({})
HEADER, ROW = GOOD.splitlines()


def refusal(registry: Registry, content: str | bytes | Path, **options: str) -> str:
    """What is said in English about a file that changes nothing; each sentence stands in Korean too."""
    with pytest.raises(Refused) as caught:
        registry.complexes(content, **options)
    assert all(text.ko and text.ko != text.en for text in caught.value.texts)
    assert not registry.rows("district")
    assert not registry.rows("import_batch")
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (HEADER, "has no row"),
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (HEADER.encode() + b"\n\xff\xff\xff,\x81\n", "Line 2 is neither UTF-8 nor CP949"),
        (GOOD.encode()[:-60] + b"\xec" + GOOD.encode()[-60:], "Line 2 is broken UTF-8"),
        (GOOD.replace("새싹로", "새싹\x00로"), "Line 2 holds a control character"),
        (GOOD + ROW.replace("새싹(BM)", '"새싹'), "From line 3 on the file cannot be read as CSV"),
        (GOOD.replace(",", ";"), "separated by ';'"),
        (GOOD.replace(",", "\t"), r"separated by '\t'"),
        (GOOD + "T0X002,나무\n", "Line 3: 2 fields where 16 are expected"),
        (GOOD.replace("aptCode", "aptNo"), "Line 1 lacks the columns aptCode"),
        (f"aptCode,{HEADER}\nT0X001,{ROW}\n", "Line 1 names these columns twice: aptCode"),
        ("그냥 글입니다.\n두 번째 줄\n", "Line 1 lacks the columns aptCode"),
    ],
)
def test_what_is_no_such_file_is_told(registry: Registry, content: str | bytes, expected: str) -> None:
    assert expected in refusal(registry, content)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"aptCode": ""}, "Line 3: aptCode ''"),
        ({"aptCode": "T0X001/2"}, "Line 3: aptCode 'T0X001/2'"),
        ({"aptCode": "A" * 21}, "Line 3: aptCode"),
        ({"aptCode": "T0X001"}, "Line 3: complex code T0X001 stands on line 2 too"),
        ({"aptName_x": "", "aptName_y": " "}, "Line 3: complex T0X002 has no name"),
        ({"hbgvCode": "1.15E+09"}, "Line 3: hbgvCode '1.15E+09'"),
        ({"hbgvCode": "11500102001"}, "Line 3: hbgvCode"),
        ({"ctznCnt": "약 250"}, "Line 3: ctznCnt '약 250'"),
        ({"ctznCnt": "-1"}, "Line 3: ctznCnt '-1'"),
        ({"ctznCnt": "12.5"}, "Line 3: ctznCnt '12.5'"),
        ({"ctznCnt": "1234567"}, "Line 3: ctznCnt"),
        ({"regDate": "2016/10/09"}, "Line 3: regDate '2016/10/09'"),
        ({"regDate": "2016-02-30 00:00:00"}, "Line 3: regDate"),
        ({"aptMemo": "긴" * 501}, "Line 3: aptMemo has more than 500 characters"),
        ({"cityCode_x": "T0Y"}, "T0X (line 2), T0Y (line 3)"),
        ({"cityCode_x": ""}, "Line 3: cityCode_x ''"),
    ],
)
def test_a_row_that_is_wrong_stops_the_file(registry: Registry, row: dict[str, str], expected: str) -> None:
    assert expected in refusal(registry, complexes({}, {"aptCode": "T0X002"} | row))


def test_all_faults_are_told_at_once_and_counted_beyond_twenty(registry: Registry) -> None:
    rows = [{"aptCode": f"T0X{number:03}", "ctznCnt": "?"} for number in range(30)]
    said = refusal(registry, complexes(*rows)).splitlines()
    assert len(said) == 21
    assert "10 more" in said[-1]


def test_a_file_of_placeholders_only_is_no_list_of_complexes(registry: Registry) -> None:
    assert "No row is a complex" in refusal(registry, complexes({"ctznCnt": "", "roadAddr1": "", "regDate": ""}))


def test_the_file_must_belong_to_the_district_that_was_named(registry: Registry) -> None:
    assert "is of district T0X, not of W0G" in refusal(registry, GOOD, district="W0G")


def test_a_missing_file_is_told_with_its_path(registry: Registry, tmp_path: Path) -> None:
    assert "No such file" in refusal(registry, tmp_path / "none.csv")


def test_thousands_may_be_written_with_a_comma(registry: Registry) -> None:
    report = registry.complexes(complexes({"ctznCnt": "1,469"}))
    assert report.totals["declared_households"] == 1469


def test_a_failure_on_the_way_leaves_nothing_behind(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power fails")

    monkeypatch.setattr("app.registry.imports.changes._remember", fail)
    with pytest.raises(RuntimeError):
        registry.complexes(GOOD)
    assert not registry.rows("complex")
    assert not registry.rows("district")


def test_every_column_that_is_needed_is_missed(registry: Registry) -> None:
    for column in COLUMNS:
        kept = [name for name in COLUMNS if name != column]
        assert f"lacks the columns {column}." in refusal(registry, complexes({}, columns=kept))
