"""Rows of a published file as figures; what cannot be one is skipped with its line and reason."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from app.metering.reported.forms import Form, Place
from app.metering.reported.models import UNLOCATED
from app.metering.reported.report import Report
from app.registry.imports.sheets import Row

WHOLE = re.compile(r"([0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.0+)?")
CODE = re.compile(r"[0-9A-Za-z]{1,20}")
LONGEST = 100
EARLIEST = date(2000, 1, 1)  # no bin weighed before


Fault = tuple[str, dict[str, Any]]  # a reason and what fills its sentence


class Figure(NamedTuple):
    """One usable row. `values` is what is stored of it, in the order of ReportedRow's columns."""

    line: int
    starts_on: date
    place: Place
    grams: int | None
    count: int | None  # type: ignore[assignment]
    won: int | None

    @property
    def key(self) -> tuple[date, str]:
        return self.starts_on, self.place.code

    @property
    def values(self) -> tuple[str, str | None, int | None, int | None, int | None]:
        return self.place.name, self.place.dong_name, self.grams, self.count, self.won


def read_figures(form: Form, report: Report, today: date) -> list[Figure]:
    """The figures of the file, one for each place and period. The report receives skipped rows and notes."""
    figures = [found for row in report.sheet.rows if (found := _figure(form, row, report, today))]
    unlocated = sum(figure.place.code == UNLOCATED for figure in figures)
    if unlocated:
        report.note(None, UNLOCATED, "unlocated", count=f"{unlocated:,}")
    return _once(figures, report)


def whole(text: str) -> int | None:
    """A whole number as WHOLE has it, such as `620.0` or `1,469`; None for a blank and for anything else."""
    found = WHOLE.fullmatch(text)
    return int(found[1].replace(",", "")) if found else None


def _figure(form: Form, row: Row, report: Report, today: date) -> Figure | None:
    cells = {column: _clean(value) for column, value in row.cells.items()}
    when = "-".join(cells[column] for column in form.when)
    subject = f"{when} {' '.join(cells[column] for column in form.where)}".strip()[:LONGEST]
    starts_on, place = form.starts_on(cells), form.place(cells)
    fault = _when_fault(form, when, starts_on, today) or _place_fault(form, place) or _amount_fault(form, cells)
    if fault:
        report.skip(row.line, subject, fault[0], **fault[1])
    if fault or starts_on is None:
        return None
    weekday = str(starts_on.isoweekday() % 7 + 1)
    if form.weekday and cells.get(form.weekday, "") not in ("", weekday):
        report.note(row.line, subject, "weekday_differs", given=cells[form.weekday][:40], weekday=weekday)
    won = whole(cells[form.won]) if form.won else None
    return Figure(row.line, starts_on, place, whole(cells[form.grams]), whole(cells[form.count]), won)


def _when_fault(form: Form, when: str, starts_on: date | None, today: date) -> Fault | None:
    if starts_on is None:
        return f"bad_{form.period}", {"columns": "-".join(form.when), "value": repr(when[:40])}
    if not EARLIEST <= starts_on <= today:
        return "out_of_time", {"value": when, "earliest": EARLIEST, "today": today}
    return None


def _place_fault(form: Form, place: Place) -> Fault | None:
    columns = ", ".join(form.where)
    if not place.code:
        return "place_missing", {"columns": columns}
    if form.level in ("city", "site") and not CODE.fullmatch(place.code):
        return "bad_code", {"columns": columns}
    if max(map(len, filter(None, place))) > LONGEST:
        return "place_too_long", {"columns": columns, "most": LONGEST}
    return None


def _amount_fault(form: Form, cells: dict[str, str]) -> Fault | None:
    for column in filter(None, (form.grams, form.count, form.won)):
        if cells[column] and not WHOLE.fullmatch(cells[column]):
            return "not_whole", {"column": column, "value": repr(cells[column][:40])}
    return None


def _once(figures: Iterable[Figure], report: Report) -> list[Figure]:
    """One figure a place and period: equal ones are noted, those that differ are all kept aside."""
    by_key: dict[tuple[date, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        by_key[figure.key].append(figure)
    kept = []
    for same in by_key.values():
        first, *more = same
        subject = f"{first.starts_on} {first.place.code}"
        if len({figure.values for figure in same}) > 1:
            for figure in same:
                others = ", ".join(str(each.line) for each in same if each is not figure)
                report.skip(figure.line, subject, "conflict", others=others)
            continue
        kept.append(first)
        for figure in more:
            report.note(figure.line, subject, "twice", first=first.line)
    return kept


def _clean(text: str) -> str:
    # A Mac stores Hangul in parts (NFD): the same dong would be two places.
    return " ".join(unicodedata.normalize("NFC", text).split())
