"""A run's statements with numbers, lines and hashes, ready to be stored."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from msgspec.json import encode

from app.statements import hashing
from app.statements.lived import Lived
from app.statements.storing import LineRow, StatementRow
from billing.statements import GENERAL, Assessment, ComplexMonth, Line, Part


class Adjusted(NamedTuple):
    """What earlier months add: lines, changes of their residues (by month), and what reissues changed since.

    `suspense_of`: grams and discharges of the suspense that was shared anew, by month, so that the next run knows.
    `first`: the earliest month that was looked at.
    """

    lines: Sequence[Line] = ()
    residues: Mapping[date, int] = {}
    reissued_won: int = 0
    suspense_of: Mapping[date, tuple[int, int]] = {}
    first: date | None = None


class Manual(NamedTuple):
    """A pending manual adjustment as a line, with its id."""

    id: int
    line: Line


class Draft(NamedTuple):
    """A statement before it has a number; each line with the id of the manual adjustment that it carries, if any."""

    household_id: int
    tenancy_id: int
    payer_class: str
    grams: int
    discharges: int
    lines: list[tuple[Line, int | None]]


class Key(NamedTuple):
    """What names a run."""

    district_id: int
    run_id: int
    complex_id: int
    number: str
    month: date
    version: int = 1


class Sums(NamedTuple):
    """What a complex owes beside the lines of its statements, and what that follows from."""

    suspense_g: int = 0
    suspense_count: int = 0
    suspense_won: int = 0
    residue_won: int = 0
    reissued_won: int = 0
    detail: Mapping[str, Any] = {}


class Composed(NamedTuple):
    """Columns of a run, and the rows of its statements and lines."""

    run: dict[str, Any]
    statements: list[StatementRow]
    lines: list[LineRow]


def number_of(code: str, month: date, version: int = 1) -> str:
    """`202610-W0G001`, `202610-W0G001-R2` where it reissues."""
    return f"{month:%Y%m}-{code}" + (f"-R{version}" if version > 1 else "")


def statement_number(run: str, serial: int) -> str:
    """`202610-W0G001-0007`."""
    return f"{run}-{serial:04d}"


def compose(key: Key, complex_month: ComplexMonth, drafts: Sequence[Draft], sums: Sums) -> Composed:
    """Number the statements in their order, add up, and hash."""
    statements, lines = list[StatementRow](), list[LineRow]()
    for serial, draft in enumerate(drafts, 1):
        those = [_line(key, serial, place, *line) for place, line in enumerate(draft.lines, 1)]
        statements.append(_statement(key, serial, draft, those))
        lines += those
    run = _run(key, complex_month, statements, lines, sums)
    run["content_hash"] = hashing.of_run(run, (statement.content_hash for statement in statements))
    return Composed(run, statements, lines)


def _line(key: Key, serial: int, place: int, line: Line, adjustment_id: int | None) -> LineRow:
    detail = encode(line.detail).decode()
    return LineRow(key.district_id, key.run_id, serial, place, *line[:7], adjustment_id, detail)


def _statement(key: Key, serial: int, draft: Draft, lines: list[LineRow]) -> StatementRow:
    won = lines[0].won if len(lines) == 1 else sum(line.won for line in lines)
    said = (draft.household_id, draft.tenancy_id, draft.payer_class, draft.grams, draft.discharges, won)
    number = statement_number(key.number, serial)
    content_hash = hashing.of_statement((number, key.month, *said), lines)
    return StatementRow(key.district_id, key.run_id, serial, key.month, *said, content_hash)


def _run(
    key: Key,
    complex_month: ComplexMonth,
    statements: Sequence[StatementRow],
    lines: Sequence[LineRow],
    sums: Sums,
) -> dict[str, Any]:
    """The columns that the hash covers, and the key."""
    lines_won = sum(line.won for line in lines if line.kind != "suspense_share")
    return {
        **{"district_id": key.district_id, "id": key.run_id, "complex_id": key.complex_id, "number": key.number},
        **{"month": key.month, "version": key.version, "scheme": complex_month.scheme},
        **{"suspense": complex_month.suspense_policy, "sharing": complex_month.sharing},
        **{"statements": len(statements), "grams": sum(each.grams for each in statements)},
        **{"count": sum(each.discharges for each in statements), "lines_won": lines_won},
        **sums._asdict(),
        "won": lines_won + sums.suspense_won + sums.residue_won + sums.reissued_won,
        "detail": encode(dict(sums.detail)).decode(),
    }


def drafts_of(
    complex_month: ComplexMonth,
    assessment: Assessment,
    further: Sequence[tuple[Line, int | None]],
    former: Mapping[int, Lived],
    classes: Mapping[int, str],
) -> list[Draft]:
    """A statement for each part, and for former tenancies (`former`, with their classes) that further lines name."""
    drafts = {part.tenancy_id: _draft(part) for part in complex_month.parts}
    for line in assessment.lines:
        drafts[line.tenancy_id].lines.append((line, None))
    for line, adjustment_id in further:
        if line.tenancy_id not in drafts:
            payer_class = classes.get(line.tenancy_id, GENERAL)
            drafts[line.tenancy_id] = Draft(line.household_id, line.tenancy_id, payer_class, 0, 0, [])
        drafts[line.tenancy_id].lines.append((line, adjustment_id))
    if len(drafts) == len(complex_month.parts):
        return list(drafts.values())
    return sorted(drafts.values(), key=lambda draft: former[draft.tenancy_id])


def _draft(part: Part) -> Draft:
    used, estimated = part.used, part.estimated
    if len(used) == 1 and not estimated:  # as nearly everywhere
        return Draft(part.household_id, part.tenancy_id, part.payer_class, used[0].grams, used[0].discharges, [])
    grams, count = sum(each.grams for each in used), sum(each.discharges for each in used)
    grams += sum(each.grams for each in estimated)
    return Draft(part.household_id, part.tenancy_id, part.payer_class, grams, count, [])


def sums_of(
    assessment: Assessment, complex_month: ComplexMonth, adjusted: Adjusted, position: Mapping[str, int]
) -> Sums:
    """The complex's own sums. `position`: how many rows there were of what they follow from."""
    detail = {
        **assessment.detail,
        "tariffs": {name: [tariff.id for tariff in those] for name, those in sorted(complex_month.tariffs.items())},
        "residues": {month.isoformat(): won for month, won in sorted(adjusted.residues.items())},
        "suspense_of": {month.isoformat(): those for month, those in sorted(adjusted.suspense_of.items())},
        "looked_from": (adjusted.first or complex_month.month).isoformat(),
        "position": dict(position),
    }
    suspense = (assessment.suspense_g, assessment.suspense_count, assessment.suspense_won)
    residue = assessment.residue_won + sum(adjusted.residues.values())
    return Sums(*suspense, residue, adjusted.reissued_won, detail)
