"""Rows of a household file: one card of one tenancy each. Card numbers become hashes here and go no further."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from app.registry.cards import card_hash, last4
from app.registry.imports.masking import mask, mask_card
from app.registry.imports.report import Report
from app.registry.imports.sheets import Row, Sheet
from app.registry.imports.words import shown
from app.registry.moves import midnight
from app.registry.places import CARD_LIKE, plain
from app.registry.residents import LONGEST as LONGEST_DETAIL
from app.registry.residents import Details

COLUMNS = ("complex_code", "building", "unit", "card_number", "moved_in")
PERSONAL = ("resident_name", "phone", "email")
OPTIONAL = ("moved_out", *PERSONAL)
NEEDED = ("complex_code", "building", "unit", "moved_in")
LONGEST = {"complex_code": 20, "building": 40, "unit": 40} | dict.fromkeys(PERSONAL, LONGEST_DETAIL)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
YEARS = range(1990, 2101)
USUAL_DIGITS = 10  # of an EM4100 card (docs/gateway-api.md, "Claim")


class CardNumber(NamedTuple):
    """A card as the registry knows it."""

    hash: bytes
    last4: str


class Line(NamedTuple):
    """A usable row; instants in UTC. `end` is None where the file gives no moved_out."""

    line: int
    complex_code: str
    building: str
    unit: str
    card: CardNumber | None
    start: datetime
    end: datetime | None
    resident: Details | None

    @property
    def subject(self) -> str:
        return mask(f"{self.complex_code} {self.building}-{self.unit}")


@dataclass(slots=True)
class Group:
    """All rows of one tenancy: the same unit and the same moved_in."""

    start: datetime
    lines: list[Line] = field(default_factory=list)

    @property
    def end(self) -> datetime | None:
        """When the tenancy ended, as far as the file tells."""
        return next((line.end for line in self.lines if line.end), None)


def read_groups(sheet: Sheet, card_key: bytes, report: Report) -> list[Group]:
    """The tenancies of the file, the earliest first, so that one ends before the next begins."""
    groups: dict[tuple[str, str, str, datetime], Group] = {}
    for row in sheet.rows:
        line = _line(row, card_key, report)
        if line:
            group = groups.setdefault((line.complex_code, line.building, line.unit, line.start), Group(line.start))
            group.lines.append(line)
    agreed = [group for group in groups.values() if not _skip_if_ends_differ(group, report)]
    return sorted(agreed, key=lambda group: (group.start, group.lines[0].line))


def _line(row: Row, card_key: bytes, report: Report) -> Line | None:
    """A row as a Line, or None after telling the report why not."""
    cells = row.cells
    subject = mask(f"{cells['complex_code']} {plain(cells['building'])}-{plain(cells['unit'])}")
    fault = next(_faults(cells), None)
    if fault:
        reason, values = fault
        report.skip(row.line, subject, reason, **values)
        return None
    number = cells["card_number"]
    if not number:
        report.note(row.line, subject, "no_card")
    elif len(number) < USUAL_DIGITS:
        report.note(row.line, subject, "card_short", card=mask_card(number), digits=len(number))
    return Line(
        row.line,
        cells["complex_code"],
        plain(cells["building"]),
        plain(cells["unit"]),
        CardNumber(card_hash(card_key, number), last4(number)) if number else None,
        midnight(date.fromisoformat(cells["moved_in"])),
        midnight(date.fromisoformat(cells["moved_out"])) if cells.get("moved_out") else None,
        _resident(cells),
    )


def _resident(cells: dict[str, str]) -> Details | None:
    told = Details(*(cells.get(column) or None for column in PERSONAL))
    return told if any(told) else None


def _faults(cells: dict[str, str]) -> Iterator[tuple[str, dict[str, str | int]]]:
    missing = [column for column in NEEDED if not cells[column]]
    if missing:
        yield "value_missing", {"columns": ", ".join(missing)}
    for column, most in LONGEST.items():
        if len(cells.get(column, "")) > most:
            value = "…" if column in PERSONAL else mask(cells[column])
            yield "value_too_long", {"column": column, "most": most, "value": value}
    for column in ("building", "unit"):
        if CARD_LIKE.fullmatch(plain(cells[column])):
            yield "looks_like_card", {"column": column, "value": mask_card(cells[column])}
    for column in ("moved_in", "moved_out"):
        if cells.get(column) and not _is_day(cells[column]):
            yield "bad_date", {"column": column, "value": mask(cells[column])}
    if cells.get("moved_out") and cells["moved_out"] <= cells["moved_in"]:
        yield "dates_reversed", {"moved_in": cells["moved_in"], "moved_out": cells["moved_out"]}
    if cells["card_number"] and not _is_card(cells["card_number"]):
        yield "bad_card", {"card": mask_card(cells["card_number"])}


def _skip_if_ends_differ(group: Group, report: Report) -> bool:
    ends = {line.end for line in group.lines if line.end}
    if len(ends) < 2:
        return False
    values = {
        "moved_in": shown(group.start),
        "ends": " / ".join(shown(end) for end in sorted(ends)),
        "lines": ", ".join(str(line.line) for line in group.lines),
    }
    for line in group.lines:
        report.skip(line.line, line.subject, "ends_differ", **values)
    return True


def _is_day(text: str) -> bool:
    try:
        return bool(DAY.fullmatch(text)) and date.fromisoformat(text).year in YEARS
    except ValueError:
        return False


def _is_card(number: str) -> bool:
    try:
        card_hash(b"", number)
    except ValueError:
        return False
    return True
