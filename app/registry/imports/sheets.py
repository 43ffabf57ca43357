"""CSV files as people really save them: which encoding, which columns, and on which line each row begins."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from app.registry.imports.masking import mask
from app.texts import Refused, Text

MOST_FAULTS = 20  # more than anybody corrects before trying again
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

UNREADABLE = Text(
    "파일을 읽을 수 없습니다: {path} ({error}). 경로와 권한을 확인하세요.",
    "The file cannot be read: {path} ({error}). Check the path and its permissions.",
)
EMPTY = Text(
    "파일이 비어 있습니다: {name}. 첫 줄에 열 이름이 있는 CSV 파일을 주세요.",
    "The file is empty: {name}. Give a CSV file whose first line names the columns.",
)
NO_ROWS = Text(
    "파일에 열 이름만 있고 행이 없습니다: {name}. 자료가 들어 있는 파일을 주세요.",
    "The file names its columns but has no row: {name}. Give the file that holds the data.",
)
WORKBOOK = Text(
    "CSV가 아니라 엑셀 통합 문서입니다: {name}. 엑셀에서 ‘CSV UTF-8(쉼표로 분리)’ 형식으로 저장해 주세요.",
    "This is an Excel workbook, not CSV: {name}. Save it in Excel as “CSV UTF-8 (comma delimited)”.",
)
UTF16 = Text(
    "UTF-16으로 저장된 파일입니다: {name}. UTF-8 CSV로 다시 저장해 주세요.",
    "The file is stored as UTF-16: {name}. Save it again as CSV in UTF-8.",
)
ENCODING = Text(
    "{line}번째 줄의 글자가 UTF-8도 CP949도 아닙니다: {name}. 원본을 UTF-8 CSV로 다시 저장해 주세요.",
    "Line {line} is neither UTF-8 nor CP949: {name}. Save the original again as CSV in UTF-8.",
)
BROKEN_UTF8 = Text(
    "{line}번째 줄에서 UTF-8이 깨져 있습니다: {name}. 잘리거나 손상된 파일이니 원본에서 다시 받아 주세요.",
    "Line {line} is broken UTF-8: {name}. The file was cut or damaged; fetch it again from its source.",
)
NOT_TEXT = Text(
    "{line}번째 줄에 글자가 아닌 제어 문자가 있습니다: {name}. CSV 텍스트 파일인지 확인하세요.",
    "Line {line} holds a control character that is no text: {name}. Check that this is a CSV text file.",
)
NOT_CSV = Text(
    "{line}번째 줄부터 CSV로 읽을 수 없습니다({error}): {name}. 그 줄의 큰따옴표를 확인하세요.",
    "From line {line} on the file cannot be read as CSV ({error}): {name}. Check the double quotes there.",
)
SEPARATOR = Text(
    "열이 쉼표가 아니라 {separator} 문자로 나뉘어 있습니다: {name}. 쉼표로 분리된 CSV로 저장해 주세요.",
    "The columns are separated by {separator}, not by commas: {name}. Save it as comma-separated CSV.",
)
MISSING_COLUMNS = Text(
    "{line}번째 줄에 없는 열: {missing}. 있는 열: {found}. 열 이름은 바꾸지 말고 첫 줄에 그대로 두세요.",
    "Line {line} lacks the columns {missing}. It has {found}. Keep the column names as they are, on the first line.",
)
TWICE = Text(
    "{line}번째 줄에 두 번 나오는 열: {columns}. 하나만 남겨 주세요.",
    "Line {line} names these columns twice: {columns}. Keep one of each.",
)
FIELD_COUNT = Text(
    "{line}번째 줄: 열이 {expected}개여야 하는데 {found}개입니다. 쉼표가 든 값은 큰따옴표로 감싸 주세요.",
    "Line {line}: {found} fields where {expected} are expected. Put values that hold a comma into double quotes.",
)
AND_MORE = Text("… 같은 종류를 포함해 {count}건이 더 있습니다.", "… and {count} more.")


class File(NamedTuple):
    """A file as it came, with its name."""

    name: str
    content: bytes

    @classmethod
    def opened(cls, path: Path) -> "File":
        """The file at a path; raises Refused where it cannot be read."""
        try:
            return cls(path.name, path.read_bytes())
        except OSError as error:
            raise Refused(UNREADABLE.fill(path=path, error=error.strerror)) from error

    @property
    def sha256(self) -> str:
        """What names its content."""
        return hashlib.sha256(self.content).hexdigest()


class Row(NamedTuple):
    """A row by column name, blanks at the ends removed; `line` is where it begins in the file, counted from 1."""

    line: int
    cells: dict[str, str]


class Sheet(NamedTuple):
    """A file that could be read."""

    name: str
    sha256: str
    encoding: str
    ignored_columns: list[str]
    rows: list[Row]


def read_sheet(file: File, required: Sequence[str], optional: Sequence[str] = ()) -> Sheet:
    """A UTF-8 (with or without BOM) or CP949 file with these columns in any order.

    Raises Refused for what is no such file: empty, other encodings, broken CSV, missing columns, rows whose
    number of fields differs. Blank lines are not rows.
    """
    name = file.name
    encoding, text = _decode(file.content, name)
    lines = list(_parse(text, name))
    header, known = _header(lines, (*required, *optional), required, name)
    rows = _rows(lines[1:], header, known)
    if not rows:
        raise Refused(NO_ROWS.fill(name=name))
    ignored = [mask(name) for name in header if name not in known]
    return Sheet(name, file.sha256, encoding, ignored, rows)


def refuse_faults(faults: Sequence[Text]) -> None:
    """Raise what is wrong with a file, all at once, so that it is corrected in one go."""
    if not faults:
        return
    more = [AND_MORE.fill(count=len(faults) - MOST_FAULTS)] if len(faults) > MOST_FAULTS else []
    raise Refused(*faults[:MOST_FAULTS], *more)


def _decode(content: bytes, name: str) -> tuple[str, str]:
    if content.startswith(b"PK\x03\x04"):
        raise Refused(WORKBOOK.fill(name=name))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(UTF16.fill(name=name))
    encoding, text = _decode_text(content, name)
    if not text.strip():
        raise Refused(EMPTY.fill(name=name))
    control = CONTROL.search(text)
    if control:
        raise Refused(NOT_TEXT.fill(line=_line_at(text[: control.start()]), name=name))
    return encoding, text


def _decode_text(content: bytes, name: str) -> tuple[str, str]:
    try:
        return "UTF-8", content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _mostly_utf8(content):
            line = content[: error.start].count(b"\n") + 1
            raise Refused(BROKEN_UTF8.fill(line=line, name=name)) from error
    try:
        return "CP949", content.decode("cp949")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(ENCODING.fill(line=line, name=name)) from error


def _mostly_utf8(content: bytes) -> bool:
    # Damaged UTF-8 may well be valid CP949, and would be imported as gibberish.
    text = content.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    return sum(not character.isascii() for character in text) - damaged > damaged


def _line_at(before: str) -> int:
    return before.count("\n") + before.replace("\r\n", "").count("\r") + 1


def _parse(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, [field.strip() for field in fields]
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refused(NOT_CSV.fill(line=line, error=error, name=name)) from error


def _header(
    lines: list[tuple[int, list[str]]], known: Sequence[str], required: Sequence[str], name: str
) -> tuple[list[str], set[str]]:
    line, header = lines[0]
    if len(header) == 1 and (separators := set(header[0]) & set(";\t|")):
        raise Refused(SEPARATOR.fill(separator=repr(min(separators)), name=name))
    missing = [column for column in required if column not in header]
    if missing:
        found = ", ".join(mask(column) for column in header)
        raise Refused(MISSING_COLUMNS.fill(line=line, missing=", ".join(missing), found=found))
    twice = sorted({column for column in header if column in known and header.count(column) > 1})
    if twice:
        raise Refused(TWICE.fill(line=line, columns=", ".join(twice)))
    return header, set(known) & set(header)


def _rows(lines: list[tuple[int, list[str]]], header: list[str], known: set[str]) -> list[Row]:
    width = len(header)
    refuse_faults(
        [
            FIELD_COUNT.fill(line=line, expected=width, found=len(fields))
            for line, fields in lines
            if len(fields) != width
        ]
    )
    places = [(index, column) for index, column in enumerate(header) if column in known]
    return [Row(line, {column: fields[index] for index, column in places}) for line, fields in lines]
