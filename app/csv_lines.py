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
    yield BOM + _line(map(_safe, columns))
    for row in rows:
        yield _line(map(_safe, row))


def unescaped(text: str) -> str:
    """A cell as it was before `csv_lines` kept it from running as a formula."""
    return text[1:] if text.startswith("'") and _runs(text) else text


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _runs(value) else value


def _runs(text: str) -> bool:
    """Whether it is a formula, or one kept from running already: `unescaped` must give back either."""
    return text.lstrip("'").startswith(FORMULA)


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
