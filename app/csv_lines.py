"""Tables for spreadsheets: UTF-8 text with a byte order mark, a line at a time, and no cell can run as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

MIME = "text/csv"
BOM = "\ufeff"  # without it Excel takes Korean for something else
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # the wide ones are formulas to an Excel of East Asia


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A line for the names of the columns and one for each row; None is empty."""
    yield BOM + _line(columns)
    for row in rows:
        yield _line(map(_safe, row))


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
