"""Fee files as bytes: CSV in UTF-8 or CP949, and XLSX with its control totals on a second sheet."""

import io
from decimal import Decimal
from typing import NamedTuple

from app.csv_lines import BOM, csv_lines
from app.reports.fees.layout import SUMMED
from app.reports.fees.rows import Fees
from app.texts import Text

MISSING = "〓"  # what stands for a character that CP949 lacks; the code page has it
ENDINGS = {"csv": "csv", "csv-cp949": "csv", "xlsx": "xlsx"}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "csv-cp949": "text/csv; charset=euc-kr",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TOTALS = {
    "number": Text("고지 번호", "Run"),
    "state": Text("상태", "State"),
    "rows": Text("건수", "Rows"),
    "grams": Text("배출량(g)", "Weight (g)"),
    "discharges": Text("배출 횟수", "Discharges"),
    "won": Text("부과액(원)", "Total (won)"),
    "at_the_bin_won": Text("배출할 때 결제(원)", "Paid at the bin (won)"),
    "residue_won": Text("단수 차액(원)", "Rounding residue (won)"),
    "complex_won": Text("단지 고지액(원)", "The complex's statement (won)"),
}
SHEETS = ("관리비", "대조")


class Made(NamedTuple):
    """A file: its name, content and media type; how many characters its code page lacked (they read 〓)."""

    name: str
    content: bytes
    media_type: str
    replaced: int


def write(fees: Fees, format_: str | None = None) -> Made:
    """The file of a complex's month, in its layout's format or another one of FORMATS."""
    wanted = format_ or fees.layout.format
    content, replaced = (_workbook(fees), 0) if wanted == "xlsx" else _csv(fees, wanted)
    return Made(f"{fees.name}.{ENDINGS[wanted]}", content, TYPES[wanted], replaced)


def _csv(fees: Fees, wanted: str) -> tuple[bytes, int]:
    text = "".join(csv_lines([column.title for column in fees.layout.columns], map(_plain, fees.cells())))
    if wanted == "csv":
        return text.encode(), 0
    text = text.removeprefix(BOM)
    lacking = sum(not _in_cp949(sign) for sign in set(text))
    if not lacking:
        return text.encode("cp949"), 0
    kept = [sign if _in_cp949(sign) else MISSING for sign in text]
    return "".join(kept).encode("cp949"), sum(sign == MISSING for sign in kept) - text.count(MISSING)


def _plain(cells: list[object]) -> list[object]:
    return [format(cell, "f") if isinstance(cell, Decimal) else cell for cell in cells]


def _in_cp949(sign: str) -> bool:
    try:
        sign.encode("cp949")
    except UnicodeEncodeError:
        return False
    return True


def _workbook(fees: Fees) -> bytes:
    """Text stays text (0101 keeps its zero, = is no formula), numbers are numbers; the last row adds up."""
    import xlsxwriter  # type: ignore[import-untyped]  # slow to load, and rarely needed

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet(SHEETS[0])
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(fees.layout.columns):
            sheet.write_string(0, place, column.title, bold)
        sheet.set_column(0, len(fees.layout.columns) - 1, 14)
        rows = fees.cells()
        for line, cells in enumerate(rows, 1):
            for place, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(line, place, cell)
                else:
                    sheet.write_number(line, place, cell)
        sums = book.add_worksheet(SHEETS[1])
        for line, (name, value) in enumerate(_control(fees).items()):
            sums.write_string(line, 0, TOTALS[name].ko, bold)
            (sums.write_string if isinstance(value, str) else sums.write_number)(line, 1, value)
        sums.set_column(0, 1, 24)
    return buffer.getvalue()


def _control(fees: Fees) -> dict[str, str | int]:
    return {"number": fees.number, "state": fees.state, **fees.totals._asdict(), **fees.owed._asdict()}


def summed(fees: Fees) -> dict[str, object]:
    """The sum of each column that has one, by its title: what the management's program must show, too."""
    columns = list(zip(*fees.cells(), strict=True)) or [() for _ in fees.layout.columns]
    return {
        column.title: sum(cells)
        for column, cells in zip(fees.layout.columns, columns, strict=True)
        if column.field in SUMMED
    }
