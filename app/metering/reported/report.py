"""What an import of published totals found and did."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from app.metering.reported.forms import Form
from app.metering.reported.tariff import Fit
from app.metering.reported.texts import REASONS
from app.registry.imports.sheets import Sheet
from app.texts import Text

AMOUNTS = ("name", "dong_name", "grams", "count", "won")


class Note(NamedTuple):
    """Something about one row, or about the file where `line` is None. `reason` is a key of REASONS."""

    line: int | None
    subject: str
    reason: str
    values: dict[str, Any]

    @property
    def text(self) -> Text:
        return REASONS[self.reason].detail.fill(**self.values)


class Change(NamedTuple):
    """A figure that another import gave differently; `old` and `new` are in the order of AMOUNTS."""

    line: int
    subject: str
    old: tuple[Any, ...]
    new: tuple[Any, ...]

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What differs, before and after."""
        pairs = zip(AMOUNTS, self.old, self.new, strict=True)
        return {name: (old, new) for name, old, new in pairs if old != new}


@dataclass
class Totals:
    """Of the rows that are used, their first and last period; a sum is None where nothing was given."""

    rows: int = 0
    places: int = 0
    blank: int = 0
    first: date | None = None
    last: date | None = None
    grams: int | None = None
    count: int | None = None
    won: int | None = None


@dataclass
class Report:
    """The same for a dry run and for the import itself, but for `dry_run` and `batch`."""

    sheet: Sheet
    form: Form
    district: str = ""
    totals: Totals = field(default_factory=Totals)
    skipped: list[Note] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    created: int = 0
    updates: list[Change] = field(default_factory=list)
    fit: list[Fit] = field(default_factory=list)
    dry_run: bool = False
    batch: str | None = None

    @property
    def changes(self) -> int:
        """How many figures the file adds or supersedes."""
        return self.created + len(self.updates)

    @property
    def used(self) -> int:
        """How many rows of the file could be used."""
        return len(self.sheet.rows) - len(self.skipped)

    def skip(self, line: int, subject: str, reason: str, **values: Any) -> None:
        """A row that cannot be used."""
        self.skipped.append(Note(line, subject, reason, values))

    def note(self, line: int | None, subject: str, reason: str, **values: Any) -> None:
        """Something about a row that is used, or about the file."""
        self.notes.append(Note(line, subject, reason, values))


def as_json(report: Report, language: str) -> dict[str, Any]:
    """The report for programs; days as ISO 8601, weights in grams."""
    sheet, totals = report.sheet, report.totals
    return {
        "kind": "volumes",
        "form": report.form.key,
        "source": report.form.source,
        "level": report.form.level,
        "period": report.form.period,
        "file": sheet.name,
        "sha256": sheet.sha256,
        "encoding": sheet.encoding,
        "district": report.district,
        "dry_run": report.dry_run,
        "batch": report.batch,
        "rows": {"read": len(sheet.rows), "used": report.used, "skipped": len(report.skipped)},
        "totals": vars(totals) | {"first": _iso(totals.first), "last": _iso(totals.last)},
        "changes": report.changes,
        "created": report.created,
        "updated": [_change(change) for change in report.updates],
        "tariff": [fit._asdict() for fit in report.fit],
        "skipped": [_note(note, language) for note in report.skipped],
        "notes": [_note(note, language) for note in report.notes],
        "ignored_columns": list(filter(None, sheet.ignored_columns)),
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _note(note: Note, language: str) -> dict[str, Any]:
    return {"line": note.line, "subject": note.subject, "reason": note.reason, "message": note.text.said(language)}


def _change(change: Change) -> dict[str, Any]:
    fields = {name: {"old": old, "new": new} for name, (old, new) in change.fields.items()}
    return {"line": change.line, "subject": change.subject, "fields": fields}
