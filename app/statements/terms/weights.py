"""What complexes weighed elsewhere in a month, as by the truck: by hand or from a file. Nothing here commits."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.problems import Problem
from app.registry.imports.sheets import File, read_sheet
from app.registry.models import Complex
from app.statements.terms import closed
from app.statements.terms.models import ComplexWeight

MOST_G = 1_000_000_000
MOST_SOURCE = 200
NO_WEIGHT = "no weight in kilograms to the gram"
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
Row = dict[str, Any]


class Checked(NamedTuple):
    """A line of a file: what it says, what stood there before, and why it cannot be used (None: it can)."""

    line: int
    complex: str
    name: str | None
    text: str
    weighed_g: int | None
    before_g: int | None
    wrong: Any


def listed(session: Session, district_id: int, reach: Reach, month: date) -> list[Row]:
    """By complex code the weights of a month: complex, complex_name, weighed_g, source, actor, made_at."""
    rows = _rows(session, district_id, month)
    mine = (Complex.district_id == district_id, Complex.id.in_(rows), reach.within(Complex.id))
    found = session.execute(sa.select(Complex.id, Complex.code, Complex.name).where(*mine).order_by(Complex.code))
    names = ("weighed_g", "source", "actor", "made_at")
    return [
        {"complex": row.code, "complex_name": row.name} | {name: getattr(rows[row.id], name) for name in names}
        for row in found
    ]


def grams_of(text: str) -> int:
    """Kilograms as people write them, `1,234.5`, in grams. Raises ValueError for what is no weight to the gram."""
    text = text.strip().removesuffix("kg").strip()
    text = text.replace(",", "") if THOUSANDS.fullmatch(text) else text
    try:
        grams = Decimal(text) * 1000
    except ArithmeticError:  # no number, or one beyond all bounds
        raise ValueError(NO_WEIGHT) from None
    if not grams.is_finite() or not 0 <= grams <= MOST_G or grams != int(grams):
        raise ValueError(NO_WEIGHT)
    return int(grams)


def check_file(session: Session, district_id: int, month: date, file: File) -> list[Checked]:
    """The lines of a CSV file with the columns `complex` (code) and `kg`; lines without kg are left out.

    Nothing is changed. Raises Refused where the file cannot be read at all.
    """
    names = _complexes(session, district_id)
    before = {id_: row.weighed_g for id_, row in _rows(session, district_id, month).items()}
    seen: set[str] = set()
    found = []
    for row in read_sheet(file, ("complex", "kg")).rows:
        code, kg = row.cells["complex"], row.cells["kg"]
        if not kg:
            continue
        id_, name = names.get(code, (None, None))
        grams, wrong = _grams(kg)
        if id_ is None:
            wrong = _l("There is no such complex: %(code)s", code=code[:40])
        elif code in seen:
            wrong = _l("The file names this complex twice.")
        elif wrong is None and month < closed.first_open_of_complex(session, district_id, id_):
            wrong = _l("The month is closed for this complex.")
        seen.add(code)
        found.append(Checked(row.line, code[:40], name, kg[:40], grams, before.get(id_) if id_ else None, wrong))
    return found


def usable(lines: Sequence[Checked]) -> dict[str, int]:
    """Grams by complex of the lines that can be used."""
    return {each.complex: each.weighed_g for each in lines if each.wrong is None and each.weighed_g is not None}


def set_weights(
    session: Session,
    district_id: int,
    month: date,
    grams: Mapping[str, int],
    source: str,
    actor: str,
    now: datetime,
) -> int:
    """Write what complexes (by code) weighed in a month; how many of them are new or other than before.

    `source` says where it comes from, as a weighing note. Raises `invalid`, `month-closed`, `nothing-changes`.
    """
    closed.check_month(month, "month")
    source = _source(source)
    chosen = _chosen(session, district_id, grams)
    before = _rows(session, district_id, month)
    changed = {id_: each for id_, each in chosen.items() if id_ not in before or before[id_].weighed_g != each[2]}
    if not changed:
        raise Problem("nothing-changes")
    for id_, (_, _, weighed_g) in sorted(changed.items()):
        closed.hold(session, district_id, id_)
        closed.check(month, closed.first_open_of_complex(session, district_id, id_), "month")
        revision = before[id_].revision + 1 if id_ in before else 1
        key = {"district_id": district_id, "complex_id": id_, "month": month, "revision": revision}
        session.add(ComplexWeight(**key, weighed_g=weighed_g, source=source, actor=actor, made_at=now))
    session.flush()
    for id_, (_, name, weighed_g) in sorted(changed.items()):
        old = {"weighed_g": before[id_].weighed_g} if id_ in before else None
        told = {"month": month, "weighed_g": weighed_g, "source": source}
        entry = audit.Entry("weight.set", "complex", id_, name, old, told, complex_id=id_)
        audit.book(session, district_id, entry, actor, now)
    return len(changed)


def book_check(
    session: Session, district_id: int, month: date, file_name: str, lines: int, actor: str, now: datetime
) -> None:
    """Tell the audit log that somebody looked at a file."""
    entry = audit.Entry(
        "weight.checked", "weight_file", month.isoformat(), file_name[:MOST_SOURCE], None, {"lines": lines}
    )
    audit.book(session, district_id, entry, actor, now)


def _chosen(session: Session, district_id: int, grams: Mapping[str, int]) -> dict[int, tuple[str, str, int]]:
    """By id: code, name and grams of each complex named."""
    names = _complexes(session, district_id)
    missing = [code[:40] for code in grams if code not in names]
    if missing or not grams:
        told = _l("There is no such complex: %(code)s", code=", ".join(missing)) if missing else _l("Choose a complex.")
        raise Problem("invalid", errors={"complex": told})
    poor = [code for code, weighed_g in grams.items() if not 0 <= weighed_g <= MOST_G]
    if poor:
        raise Problem("invalid", errors={"weighed_g": _l("Write kilograms as 1234.5.")})
    return {names[code][0]: (code, names[code][1], weighed_g) for code, weighed_g in grams.items()}


def _source(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MOST_SOURCE:
        raise Problem("invalid", errors={"source": _l("Write 1 to %(most)s characters.", most=MOST_SOURCE)})
    return text


def _grams(text: str) -> tuple[int | None, Any]:
    try:
        return grams_of(text), None
    except ValueError:
        return None, _l("Write kilograms as 1234.5.")


def _complexes(session: Session, district_id: int) -> dict[str, tuple[int, str]]:
    asked = sa.select(Complex.code, Complex.id, Complex.name).where(Complex.district_id == district_id)
    return {row.code: (row.id, row.name) for row in session.execute(asked)}


def _rows(session: Session, district_id: int, month: date) -> dict[int, ComplexWeight]:
    asked = sa.select(ComplexWeight).where(ComplexWeight.district_id == district_id, ComplexWeight.month == month)
    return {row.complex_id: row for row in session.scalars(asked.order_by(ComplexWeight.revision))}
