"""Which columns a complex's maintenance-fee file has, in which order, under which titles, and in which format."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from msgspec.json import decode, encode
from sqlalchemy.orm import Session

from app.access import audit
from app.csv_lines import FORMULA
from app.problems import Problem
from app.registry.models import Complex
from app.reports.fees.models import FORMATS, FeeLayout
from app.statements.finding import Row
from app.texts import Text

LONGEST_TITLE = 40
MOST_COLUMNS = 30
BREAKS = frozenset("\r\n\0")


class Field(NamedTuple):
    """What a column can hold: its usual title, and its value of a statement, text or whole number."""

    title: Text
    value: Callable[[Row], str | int | Decimal]


FIELDS = {
    "building": Field(Text("동", "Building"), lambda row: row["building"]),
    "unit": Field(Text("호", "Unit"), lambda row: row["unit"]),
    "month": Field(Text("부과월", "Month"), lambda row: f"{row['month']:%Y-%m}"),
    "number": Field(Text("고지 번호", "Statement"), lambda row: row["number"]),
    "discharges": Field(Text("배출 횟수", "Discharges"), lambda row: row["count"]),
    "kg": Field(Text("배출량(kg)", "Weight (kg)"), lambda row: Decimal(row["grams"]) / 1000),
    "own": Field(Text("당월 수수료(원)", "This month (won)"), lambda row: row["won"] - row["adjusted_won"]),
    "adjustment": Field(Text("정산(원)", "Adjustment (won)"), lambda row: row["adjusted_won"]),
    "total": Field(Text("부과액(원)", "Total (won)"), lambda row: row["won"]),
    "note": Field(Text("비고", "Note"), lambda row: note(row)),
}
USUAL = ("building", "unit", "month", "discharges", "kg", "own", "adjustment", "total", "note", "number")
SUMMED = ("discharges", "kg", "own", "adjustment", "total")
PREVIEW = "미리보기(확정 전)"
ADJUSTED = "이전 달 정산 포함"
MOVED = "재발행·무효 고지 차액 포함"
VOIDED = "무효 또는 재발행됨(차액은 다음 달에 정산)"


class Column(NamedTuple):
    """A column of the file: one of FIELDS under a title."""

    field: str
    title: str


class Layout(NamedTuple):
    """The columns from left to right, and the format: one of FORMATS."""

    columns: tuple[Column, ...]
    format: str


def note(row: Row) -> str:
    """What whoever enters the amounts should know of a statement."""
    told = [PREVIEW] if row["state"] == "preview" else []
    told += [VOIDED] if row["state"] == "voided" else []
    told += [ADJUSTED] if row["adjusted_won"] != row["moved_won"] else []
    return ", ".join([*told, *([MOVED] if row["moved_won"] else [])])


def usual() -> Layout:
    """What a complex's file looks like before anybody changes it."""
    return Layout(tuple(Column(name, FIELDS[name].title.ko) for name in USUAL), FORMATS[0])


def of(session: Session, district_id: int, complex_id: int) -> Layout:
    """A complex's layout."""
    row = session.get(FeeLayout, (district_id, complex_id))
    if row is None:
        return usual()
    return Layout(tuple(Column(*each) for each in decode(row.columns)), row.format)


def change(session: Session, place: Complex, wanted: Layout, actor: str, now: datetime) -> None:
    """Keep a complex's layout. Raises the Problem `invalid` by field, and `nothing-changes`."""
    check(wanted)
    before = of(session, place.district_id, place.id)
    if before == wanted:
        raise Problem("nothing-changes")
    key = {"district_id": place.district_id, "complex_id": place.id}
    said = {"columns": encode(wanted.columns).decode(), "format": wanted.format}
    session.merge(FeeLayout(**key, **said, actor=actor, changed_at=now))
    entry = audit.Entry(
        "fee_layout.changed",
        "complex",
        str(place.id),
        f"{place.name} ({place.code})",
        before=_told(before),
        after=_told(wanted),
        complex_id=place.id,
    )
    audit.book(session, place.district_id, entry, actor, now)


def check(wanted: Layout) -> None:
    """Raise the Problem `invalid` for columns from which the statements could not be told apart again."""
    errors: dict[str, Any] = {}
    fields, titles = [column.field for column in wanted.columns], [column.title for column in wanted.columns]
    unknown = sorted(set(fields) - FIELDS.keys())
    if unknown or not 0 < len(fields) <= MOST_COLUMNS:
        told = _l("Choose 1 to %(most)s columns of these: %(names)s", most=MOST_COLUMNS, names=", ".join(FIELDS))
        errors["columns"] = told
    elif not all(map(_is_title, titles)):
        told = _l("Write titles of 1 to %(most)s characters that Excel's Korean code page has.", most=LONGEST_TITLE)
        errors["columns"] = told
    elif _twice(fields) or _twice(titles):
        twice = ", ".join(_twice(fields) or _twice(titles))
        errors["columns"] = _l("These stand there twice, keep each once: %(names)s", names=twice)
    elif "total" not in fields or not ("number" in fields or {"building", "unit"} <= set(fields)):
        errors["columns"] = _l(
            "Keep the total, and either the statement's number or building and unit: rows are known again by them."
        )
    if wanted.format not in FORMATS:
        errors["format"] = _l("Choose one: %(choices)s", choices=", ".join(FORMATS))
    if errors:
        raise Problem("invalid", errors=errors)


def _is_title(text: str) -> bool:
    """Whether every format can hold it, so that the file is known again by its titles, and no program runs it."""
    fits = 0 < len(text.strip()) <= LONGEST_TITLE and text.strip() == text and not BREAKS & set(text)
    return fits and not text.startswith(FORMULA) and text == text.encode("cp949", "ignore").decode("cp949")


def _twice(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _told(layout: Layout) -> Row:
    return {"columns": ", ".join(column.title for column in layout.columns), "format": layout.format}
