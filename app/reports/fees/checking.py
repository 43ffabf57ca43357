"""A fee file that comes back, held against the statements: what was changed, is missing, or is nobody's."""

import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from app.csv_lines import BOM, unescaped
from app.registry.imports.sheets import NO_ROWS, File, read_sheet
from app.reports.fees.files import MISSING
from app.reports.fees.layout import FIELDS, SUMMED, Layout
from app.reports.fees.rows import Fees
from app.texts import Refused, Text

MOST_BYTES = 10_000_000  # of a workbook when unpacked: twenty times that of the largest complex
MOST_ROWS, MOST_COLUMNS = 20_000, 100
MOST_TOLD = 500
MOST_DIGITS = 20  # of an amount before its point

NOT_XLSX = Text(
    "엑셀 파일을 읽을 수 없습니다: {name}. 받은 파일을 다시 저장하거나 CSV로 저장해 주세요.",
    "The workbook cannot be read: {name}. Save it again, or as CSV.",
)
TOO_LARGE = Text(
    "파일이 관리비 파일로 보기에 너무 큽니다: {name}. 이 단지의 한 달 파일만 올려 주세요.",
    "The file is too large for a fee file: {name}. Give the file of one complex and month.",
)
LACKS = Text(
    "열 {missing} 이(가) 없습니다: {name}. 첫 줄의 열 이름을 바꾸지 마세요.",
    "The columns {missing} are missing: {name}. Leave the titles on the first line as they are.",
)
# What zipfile and openpyxl raise for files that are cut off, changed or encrypted.
DAMAGED = (
    *(BadZipFile, ParseError, zlib.error, EOFError, RuntimeError),
    *(LookupError, ValueError, TypeError, AttributeError),
)
Line = tuple[int, dict[str, str]]  # where it stands, and its cells by field


class Difference(NamedTuple):
    """`kind`: changed (in `field`: expected, found), missing, foreign or twice; `line` is 0 for what is missing."""

    kind: str
    line: int
    who: str
    field: str = ""
    expected: str = ""
    found: str = ""


class Report(NamedTuple):
    """What a file says against the statements: all differences counted, the first of them, and sums by field."""

    rows: int
    count: int  # type: ignore[assignment]
    differences: list[Difference]
    sums: dict[str, tuple[Decimal, Decimal]]

    @property
    def agrees(self) -> bool:
        """Whether the statements come back as they were sent."""
        return not self.count


def check(fees: Fees, file: File) -> Report:
    """Hold a file against the statements that it was made from. Raises Refused for what is no such file.

    Few Korean letters of CP949 may read as UTF-8 by chance; then the reading that agrees better counts.
    """
    other = _from_cp949(file)
    if other is None:
        return _check(fees, file)
    try:
        found = _check(fees, file)
    except Refused:
        return _check(fees, other)
    return found if found.agrees else min(found, _check(fees, other), key=lambda report: report.count)


def _from_cp949(file: File) -> File | None:
    """The file as CP949 has it, where both encodings are possible."""
    if file.content.isascii() or file.content.startswith((b"PK\x03\x04", BOM.encode())):
        return None
    try:
        file.content.decode()
        return file._replace(content=file.content.decode("cp949").encode())
    except UnicodeDecodeError:
        return None


def _check(fees: Fees, file: File) -> Report:
    lines = list(_lines(file, fees.layout))
    expected = [
        {column.field: _said(cell) for column, cell in zip(fees.layout.columns, cells, strict=True)}
        for cells in fees.cells()
    ]
    found = list(_differences(_keyed(fees.layout, [(0, cells) for cells in expected]), _keyed(fees.layout, lines)))
    sums = {
        field: (_sum(cells[field] for cells in expected), _sum(cells[field] for _, cells in lines))
        for field in SUMMED
        if any(column.field == field for column in fees.layout.columns)
    }
    return Report(len(lines), len(found), found[:MOST_TOLD], sums)


def _differences(expected: dict[tuple[str, ...], Line], given: dict[tuple[str, ...], Line]) -> Iterator[Difference]:
    for key, (line, cells) in given.items():
        who, times = " ".join(key[:-1]), int(key[-1])
        if key not in expected:
            yield Difference("twice" if times and (*key[:-1], "0") in expected else "foreign", line, who)
            continue
        for field, wanted in expected[key][1].items():
            if not _same(field, wanted, cells[field]):
                yield Difference("changed", line, who, field, wanted, cells[field])
    for key in expected:
        if key not in given:
            yield Difference("missing", 0, " ".join(key[:-1]))


def _keyed(layout: Layout, lines: Sequence[Line]) -> dict[tuple[str, ...], Line]:
    """Lines by statement number or, without it, by building and unit, and how often these came before."""
    numbered = any(column.field == "number" for column in layout.columns)
    names, seen = ("number",) if numbered else ("building", "unit"), Counter[tuple[str, ...]]()
    found = {}
    for line in lines:
        key = tuple(line[1][name] for name in names)
        found[*key, str(seen[key])] = line
        seen[key] += 1
    return found


def _lines(file: File, layout: Layout) -> Iterator[Line]:
    titles = {column.title.strip(): column.field for column in layout.columns}
    rows = _workbook(file) if file.content.startswith(b"PK\x03\x04") else _csv(file, list(titles))
    for line, cells in rows:
        missing = [title for title in titles if title not in cells]
        if missing:
            raise Refused(LACKS.fill(missing=", ".join(missing), name=file.name))
        yield line, {field: cells[title] for title, field in titles.items()}


def _csv(file: File, titles: list[str]) -> Iterator[Line]:
    for row in read_sheet(file, titles).rows:
        yield row.line, {title: unescaped(cell) for title, cell in row.cells.items()}


def _workbook(file: File) -> Iterator[Line]:
    """The rows of the first sheet by title."""
    import openpyxl

    try:
        with ZipFile(io.BytesIO(file.content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
                raise Refused(TOO_LARGE.fill(name=file.name))
        book = openpyxl.load_workbook(io.BytesIO(file.content), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True, max_row=MOST_ROWS, max_col=MOST_COLUMNS)
        titles = [str(title or "").strip() for title in next(rows, ())]
        found = [(line, cells) for line, cells in enumerate(rows, 2) if any(cell is not None for cell in cells)]
    except DAMAGED as error:
        raise Refused(NOT_XLSX.fill(name=file.name)) from error
    if not found:
        raise Refused(NO_ROWS.fill(name=file.name))
    for line, cells in found:
        yield line, {title: _said(cell) for title, cell in zip(titles, cells, strict=False)}


def _said(cell: object) -> str:
    """A cell as text: numbers without what follows from their being stored as binary fractions."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return format(Decimal(repr(cell)).normalize(), "f")
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell).strip()


def _same(field: str, expected: str, found: str) -> bool:
    """Numbers by value, whatever separators the program put in; texts letter by letter, but for what CP949 lacks."""
    if field in SUMMED:
        return _number(expected) == _number(found)
    plain = found.strip()
    if MISSING in plain and len(plain) == len(expected):
        return all(one in (other, MISSING) for one, other in zip(plain, expected, strict=True))
    return plain == expected.strip()


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "").strip() or "0")
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < MOST_DIGITS else None


def _sum(texts: Iterator[str]) -> Decimal:
    return sum((_number(text) or Decimal(0) for text in texts), Decimal(0))


def titled(layout: Layout, field: str) -> str:
    """What the file calls a field."""
    return next((column.title for column in layout.columns if column.field == field), FIELDS[field].title.ko)
