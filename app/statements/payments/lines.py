"""Payments as people write them: a line of a CSV file, or a form. No database here."""

import re
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from app.registry.imports.sheets import File, Row, Sheet, read_sheet
from app.statements.payments import words
from app.texts import Refused, Text, listed

MOST_WON = 999_999_999
FIRST_YEAR = 1990
LONGEST = {"statement": 80, "complex": 40, "building": 40, "unit": 40, "reference": 60, "note": 200}
DAY = re.compile(r"(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})\.?", re.ASCII)
MONTH = re.compile(r"(\d{4})[-./]?(\d{1,2})", re.ASCII)
WON = re.compile(r"\d{1,3}(,\d{3})+|\d+", re.ASCII)


class Line(NamedTuple):
    """A payment before anybody knows whose it is: by a statement's number, or by complex, building, unit and month.

    Without building and unit it is the complex's. `line` is where it stands in the file, 0 for what no file holds.
    """

    line: int
    won: int
    paid_on: date
    statement: str = ""
    complex: str = ""
    building: str = ""
    unit: str = ""
    month: date | None = None
    reference: str = ""
    note: str = ""


class Bad(NamedTuple):
    """A line that cannot be used, and why."""

    line: int
    text: Text


class Lines(NamedTuple):
    """A file that was read."""

    sheet: Sheet
    good: list[Line]
    bad: list[Bad]


def read(file: File, default_complex: str, today: date) -> Lines:
    """The lines of a file, by Korean or English column names; `default_complex` is that of lines that name none.

    Raises Refused for what is no such file.
    """
    names = {said: name for name, text in words.COLUMNS.items() for said in text}
    sheet = read_sheet(file, (), tuple(names))
    present = {names[column] for column in sheet.rows[0].cells}
    _check_columns(present)
    good, bad = list[Line](), list[Bad]()
    for row in sheet.rows:
        cells = {names[column]: value for column, value in row.cells.items()}
        try:
            good.append(_line(row, {"complex": ""} | cells, default_complex, today))
        except Refused as refusal:
            bad.append(Bad(row.line, listed(refusal.texts, " ")))
    return Lines(sheet, good, bad)


def check_day(paid_on: date, today: date) -> Text | None:
    """What is wrong with the day of a payment."""
    if paid_on > today:
        return words.FUTURE.fill(value=paid_on)
    return words.POOR_DAY.fill(value=paid_on) if paid_on.year < FIRST_YEAR else None


def month_of(text: str) -> date | None:
    """`2026-10`, `2026.10` or `202610`; None for anything else."""
    parts = MONTH.fullmatch(text)
    return _date(parts[1], parts[2], "1") if parts else None


def day_of(text: str) -> date | None:
    """`2026-11-25`, `2026.11.25` or `20261125`; None for anything else."""
    parts = DAY.fullmatch(text.replace(" ", ""))
    return _date(*parts.groups()) if parts else None


def won_of(text: str) -> int | None:
    """`3120`, `3,120` or `3,120원`, from 1 on; None for anything else."""
    digits = text.removesuffix("원").strip()
    if not WON.fullmatch(digits) or len(digits) > len(f"{MOST_WON:,}"):
        return None
    won = int(digits.replace(",", ""))
    return won if 0 < won <= MOST_WON else None


def _check_columns(present: set[str]) -> None:
    needed = {"won", "paid_on"} - present
    if "statement" not in present:
        needed |= {"building", "unit", "month"} - present
    if needed:
        missing = listed(words.COLUMNS[name] for name in words.COLUMNS if name in needed)
        raise Refused(words.NO_AMOUNT_COLUMNS.fill(missing=missing))


def _line(row: Row, cells: Mapping[str, str], default_complex: str, today: date) -> Line:
    faults = [
        words.TOO_LONG.fill(field=words.COLUMNS[name], most=most)
        for name, most in LONGEST.items()
        if len(cells.get(name, "")) > most
    ]
    won, paid_on = won_of(cells["won"]), day_of(cells["paid_on"])
    month_text = cells.get("month", "")
    month = month_of(month_text)
    if won is None:
        faults.append(words.POOR_WON.fill(value=cells["won"][:40], most=f"{MOST_WON:,}"))
    if paid_on is None:
        faults.append(words.POOR_DAY.fill(value=cells["paid_on"][:40]))
    elif wrong := check_day(paid_on, today):
        faults.append(wrong)
    if month_text and month is None:
        faults.append(words.POOR_MONTH.fill(value=month_text[:40]))
    if won is None or paid_on is None or faults:
        raise Refused(*faults)
    texts = {name: cells.get(name, "") for name in LONGEST} | {"complex": cells["complex"] or default_complex}
    return Line(row.line, won, paid_on, month=month, **texts)


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year >= FIRST_YEAR else None
