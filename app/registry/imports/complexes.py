"""The K-eco list of complexes (data.go.kr 3045421), compared with the registry. docs/imports.md tells every rule."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.imports.changes import Rows, new_ids
from app.registry.imports.complex_rows import Wanted
from app.registry.imports.report import Report, Update
from app.registry.models import Complex, District, Dong

DONG_IN_ADDRESS = re.compile(r"\(([가-힣0-9·]+[동가리])\s*[,)]")


def compare(session: Session, district: District, wanted: list[Wanted], report: Report) -> Rows:
    """What has to be created; the report receives what has to be updated, and what is odd."""
    created = {
        "dong": _dongs(session, district, wanted, report),
        "complex": _complexes(session, district, wanted, report),
    }
    report.created |= {table: len(rows) for table, rows in created.items() if rows}
    report.totals = {
        "complexes": len(wanted),
        "declared_households": sum(each.fields["declared_households"] or 0 for each in wanted),
    }
    return created


def _complexes(session: Session, district: District, wanted: list[Wanted], report: Report) -> list[dict[str, Any]]:
    known = {each.code: each for each in session.scalars(sa.select(Complex).where(Complex.district_id == district.id))}
    new = [each for each in wanted if each.code not in known]
    for each in wanted:
        if each.code in known:
            _compare_complex(known[each.code], each, report)
    for code in sorted(known.keys() - {row.cells["aptCode"] for row in report.sheet.rows}):
        report.note(None, code, "not_in_file", name=known[code].name)
    ids = new_ids(session, district.id, "complex", len(new))
    return [{"district_id": district.id, "id": next(ids), **each.fields} for each in new]


def _compare_complex(known: Complex, wanted: Wanted, report: Report) -> None:
    fields = {
        name: (getattr(known, name), value) for name, value in wanted.fields.items() if getattr(known, name) != value
    }
    if fields:
        report.updates.append(Update("complex", known.id, wanted.line, known.code, fields))


def _dongs(session: Session, district: District, wanted: list[Wanted], report: Report) -> list[dict[str, Any]]:
    known = {each.code: each for each in session.scalars(sa.select(Dong).where(Dong.district_id == district.id))}
    created = []
    for code, names in _dong_names(wanted).items():
        if len(names) > 1:
            said = ", ".join(f"{name} ({count})" for name, count in names.most_common())
            report.note(None, code, "dong_names_differ", names=said)
        name = next(iter(names)) if len(names) == 1 else None
        if code not in known:
            created.append({"district_id": district.id, "code": code, "name": name})
        elif name and known[code].name != name:
            report.updates.append(Update("dong", code, None, code, {"name": (known[code].name, name)}))
    return created


def _dong_names(wanted: Iterable[Wanted]) -> dict[str, Counter[str]]:
    """By dong code, the names that the addresses give it and how often; a code without any has an empty Counter."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for each in wanted:
        if code := each.fields["dong_code"]:
            found = DONG_IN_ADDRESS.match(each.fields["address_detail"] or "")
            names[code].update([found[1]] if found else [])
    return names
