"""Rows of the K-eco list: which are complexes, what each column becomes, and what makes a file unusable."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from app.registry.imports.masking import mask
from app.registry.imports.report import Report
from app.registry.imports.sheets import Row, Sheet, refuse_faults
from app.texts import Refused, Text, listed
from billing.days import SEOUL

COLUMNS = (
    *("aptCode", "aptName_x", "aptName_y", "aptMemo", "cityCode_x", "citySidoName", "citySggName"),
    *("equipName", "chargeName", "roadAddr1", "roadAddr2", "hbgvCode", "ctznCnt", "regDate", "xlatlng", "ylatlng"),
)
UNUSED = ("aptManage", "equipCode", "chargeCode", "cityCode_y")  # K-eco's own columns that the registry has no use for
CODE = re.compile(r"[0-9A-Za-z]{1,20}")
DONG_CODE = re.compile(r"\d{10}")
COUNT = re.compile(r"\d{1,6}|\d{1,3},\d{3}")
LONGEST = 500

BAD_CODE = Text(
    "{line}번째 줄: {column} {value}: 코드는 영문자와 숫자 1~20자입니다. 원본의 코드를 확인하세요.",
    "Line {line}: {column} {value}: a code has 1 to 20 letters and digits. Check it against the source.",
)
BAD_DONG = Text(
    "{line}번째 줄: hbgvCode {value}: 법정동 코드는 숫자 10자리입니다. 엑셀이 바꿨다면 열 서식을 ‘텍스트’로 하세요.",
    "Line {line}: hbgvCode {value}: a legal-dong code has 10 digits. If a spreadsheet changed it, format it as text.",
)
BAD_COUNT = Text(
    "{line}번째 줄: ctznCnt {value}: 세대수는 0 이상의 정수입니다. 숫자로 고쳐 주세요.",
    "Line {line}: ctznCnt {value}: a household count is a whole number of 0 or more. Correct it.",
)
BAD_TIME = Text(
    "{line}번째 줄: regDate {value}: 2016-10-09 19:51:43처럼 적어 주세요.",
    "Line {line}: regDate {value}: write it as 2016-10-09 19:51:43.",
)
NO_NAME = Text(
    "{line}번째 줄: {code} 단지의 이름(aptName_x, aptName_y)이 비어 있습니다. 하나는 채워 주세요.",
    "Line {line}: complex {code} has no name (aptName_x, aptName_y). Fill in one of them.",
)
TOO_LONG = Text(
    "{line}번째 줄: {column} 값이 {most}자를 넘습니다. 큰따옴표가 빠져 행이 합쳐지지 않았는지 확인하세요.",
    "Line {line}: {column} has more than {most} characters. Check whether a missing double quote joined rows.",
)
CODE_TWICE = Text(
    "{line}번째 줄: 단지 코드 {code}가 {first}번째 줄에도 있습니다. 맞는 행 하나만 남겨 주세요.",
    "Line {line}: complex code {code} stands on line {first} too. Keep the right one of them.",
)
TWO_DISTRICTS = Text(
    "한 파일에 자치구가 둘 이상입니다(cityCode_x): {districts}. 자치구별로 나눠 주세요.",
    "The file holds more than one district (cityCode_x): {districts}. Split it by district.",
)
AT_LINE = Text("{code} ({line}번째 줄)", "{code} (line {line})")
NO_COMPLEX = Text(
    "단지로 쓸 수 있는 행이 없습니다: 모든 행이 자리표시 행입니다. 파일을 확인하세요.",
    "No row is a complex: all of them are placeholders. Check the file.",
)


class Wanted(NamedTuple):
    """A complex as the file gives it, by column of the registry."""

    line: int
    fields: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.fields["code"])


def district_of(sheet: Sheet) -> tuple[str, str]:
    """Code and name of the one district of the file; raises Refused where there are several."""
    first: dict[str, Row] = {}
    for row in sheet.rows:
        first.setdefault(row.cells["cityCode_x"], row)
    refuse_faults(
        [
            BAD_CODE.fill(line=row.line, column="cityCode_x", value=repr(code))
            for code, row in first.items()
            if not CODE.fullmatch(code)
        ]
    )
    if len(first) > 1:
        lines = listed(AT_LINE.fill(code=code, line=row.line) for code, row in first.items())
        raise Refused(TWO_DISTRICTS.fill(districts=lines))
    ((code, row),) = first.items()
    return code, _squeezed(f"{row.cells['citySidoName']} {row.cells['citySggName']}") or code


def read_rows(sheet: Sheet, report: Report) -> list[Wanted]:
    """The complexes of the file. The report receives placeholders and oddities.

    Raises Refused with everything that makes the file unusable: nothing of it is then imported.
    """
    rows = [row for row in sheet.rows if not _is_placeholder(row)]
    faults = [fault for row in rows for fault in _faults(row)]
    refuse_faults([*_code_faults(sheet.rows), *faults])
    if not rows:
        raise Refused(NO_COMPLEX)
    for row in sheet.rows:
        if _is_placeholder(row):
            report.skip(row.line, f"{row.cells['aptCode']} {row.cells['aptName_x']}", "placeholder")
    wanted = [Wanted(row.line, _fields(row)) for row in rows]
    for row, each in zip(rows, wanted, strict=True):
        _note_gaps(row, each, report)
    _note_names(rows, wanted, report)
    return wanted


def _is_placeholder(row: Row) -> bool:
    """K-eco keeps rows that stand for the district itself: nobody lives there, nowhere, since never."""
    return not (row.cells["ctznCnt"] or row.cells["roadAddr1"] or row.cells["regDate"])


def _code_faults(rows: list[Row]) -> Iterator[Text]:
    first: dict[str, int] = {}
    for row in rows:
        code = row.cells["aptCode"]
        if not CODE.fullmatch(code):
            yield BAD_CODE.fill(line=row.line, column="aptCode", value=repr(mask(code)))
        elif first.setdefault(code, row.line) != row.line:
            yield CODE_TWICE.fill(line=row.line, code=code, first=first[code])


def _faults(row: Row) -> Iterator[Text]:
    cells, line = row.cells, row.line
    if not (cells["aptName_x"] or cells["aptName_y"]):
        yield NO_NAME.fill(line=line, code=cells["aptCode"])
    if cells["hbgvCode"] and not DONG_CODE.fullmatch(cells["hbgvCode"]):
        yield BAD_DONG.fill(line=line, value=repr(mask(cells["hbgvCode"])))
    if cells["ctznCnt"] and not COUNT.fullmatch(cells["ctznCnt"]):
        yield BAD_COUNT.fill(line=line, value=repr(mask(cells["ctznCnt"])))
    if cells["regDate"] and _instant(cells["regDate"]) is None:
        yield BAD_TIME.fill(line=line, value=repr(mask(cells["regDate"])))
    for column, value in cells.items():
        if len(value) > LONGEST:
            yield TOO_LONG.fill(line=line, column=column, most=LONGEST)


def _fields(row: Row) -> dict[str, Any]:
    cells = row.cells
    placed = _in_korea(cells)
    return {
        "code": cells["aptCode"],
        "name": _squeezed(cells["aptName_y"]) or _squeezed(cells["aptName_x"]),
        "dong_code": cells["hbgvCode"] or None,
        "declared_households": int(cells["ctznCnt"].replace(",", "")) if cells["ctznCnt"] else None,
        "road_address": cells["roadAddr1"] or None,
        "address_detail": cells["roadAddr2"] or None,
        "memo": cells["aptMemo"] or None,
        "equipment": cells["equipName"] or None,
        "charging": cells["chargeName"] or None,
        "latitude": cells["ylatlng"] if placed else None,
        "longitude": cells["xlatlng"] if placed else None,
        "registered_at": _instant(cells["regDate"]),
    }


def _note_gaps(row: Row, wanted: Wanted, report: Report) -> None:
    cells, code = row.cells, wanted.code
    blanks = {
        "count_missing": not cells["ctznCnt"],
        "dong_missing": not cells["hbgvCode"],
        "coordinates_missing": not (cells["xlatlng"] and cells["ylatlng"]),
        "address_missing": not cells["roadAddr1"],
        "date_missing": not cells["regDate"],
    }
    for reason, blank in blanks.items():
        if blank:
            report.note(row.line, f"{code} {wanted.fields['name']}", reason)
    if not blanks["coordinates_missing"] and wanted.fields["latitude"] is None:
        place = {"longitude": mask(cells["xlatlng"]), "latitude": mask(cells["ylatlng"])}
        report.note(row.line, f"{code} {wanted.fields['name']}", "coordinates_unusable", **place)


def _note_names(rows: list[Row], wanted: list[Wanted], report: Report) -> None:
    first: dict[str, Wanted] = {}
    for row, each in zip(rows, wanted, strict=True):
        name, other = each.fields["name"], _squeezed(row.cells["aptName_x"])
        if not row.cells["aptName_y"]:
            report.note(row.line, each.code, "name_fallback", name=name)
        elif other and other != name:
            report.note(row.line, each.code, "name_differs", other=other, name=name)
        same = first.setdefault(name, each)
        if same is not each:
            report.note(row.line, each.code, "name_twice", name=name, other_line=same.line, code=same.code)


def _in_korea(cells: dict[str, str]) -> bool:
    try:
        longitude, latitude = Decimal(cells["xlatlng"]), Decimal(cells["ylatlng"])
    except InvalidOperation:
        return False
    return longitude.is_finite() and latitude.is_finite() and 124 <= longitude <= 132 and 33 <= latitude <= 39


def _instant(text: str) -> datetime | None:
    """K-eco's registration time, which is Korean time, in UTC; None where it is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SEOUL).astimezone(UTC)
    except ValueError:
        return None


def _squeezed(text: str) -> str:
    return " ".join(text.split())
