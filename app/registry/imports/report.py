"""What an import found and did: one object, filled while a file is compared with the registry."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.registry.imports.reasons import REASONS
from app.registry.imports.sheets import Sheet
from app.texts import Text
from app.times import format_instant


class Note(NamedTuple):
    """Something to tell about one row (`line` is None for what is not in the file). `reason` is a key of REASONS."""

    line: int | None
    subject: str
    reason: str
    values: dict[str, Any]

    @property
    def text(self) -> Text:
        return REASONS[self.reason].detail.fill(**self.values)


class Update(NamedTuple):
    """A row of the registry that the file changes; `fields` gives each column's value before and after."""

    table: str
    key: int | str
    line: int | None
    subject: str
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Report:
    """The same for a dry run and for the import itself, but for `dry_run` and `batch`."""

    kind: str
    sheet: Sheet
    district: str
    totals: dict[str, int] = field(default_factory=dict)
    skipped: list[Note] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    created: dict[str, int] = field(default_factory=dict)
    updates: list[Update] = field(default_factory=list)
    dry_run: bool = False
    batch: str | None = None
    re_attributed: int = 0  # discharges that belong to others than before

    @property
    def changes(self) -> int:
        """How many rows of the registry the file creates or changes."""
        return sum(self.created.values()) + len(self.updates)

    @property
    def used(self) -> int:
        """How many rows of the file could be used."""
        return len(self.sheet.rows) - len(self.skipped)

    def skip(self, line: int, subject: str, reason: str, **values: Any) -> None:
        """A row that cannot be used."""
        self.skipped.append(Note(line, subject, reason, values))

    def note(self, line: int | None, subject: str, reason: str, **values: Any) -> None:
        """Something about a row that is used, or about a thing that the file does not name."""
        self.notes.append(Note(line, subject, reason, values))


def as_json(report: Report, language: str) -> dict[str, Any]:
    """The report for programs; times in UTC."""
    sheet = report.sheet
    return {
        "kind": report.kind,
        "file": sheet.name,
        "sha256": sheet.sha256,
        "encoding": sheet.encoding,
        "district": report.district,
        "dry_run": report.dry_run,
        "batch": report.batch,
        "rows": {"read": len(sheet.rows), "used": report.used, "skipped": len(report.skipped)},
        "totals": report.totals,
        "changes": report.changes,
        "re_attributed": report.re_attributed,
        "created": report.created,
        "updated": [change for update in report.updates for change in _changes(update)],
        "skipped": [_note(note, language) for note in report.skipped],
        "notes": [_note(note, language) for note in report.notes],
        "ignored_columns": sheet.ignored_columns,
    }


def _note(note: Note, language: str) -> dict[str, Any]:
    return {"line": note.line, "subject": note.subject, "reason": note.reason, "message": note.text.said(language)}


def _changes(update: Update) -> list[dict[str, Any]]:
    where = {"line": update.line, "subject": update.subject, "table": update.table}
    return [
        {**where, "field": name, "old": _plain(old), "new": _plain(new)} for name, (old, new) in update.fields.items()
    ]


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value
