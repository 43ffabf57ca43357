"""Lists of vendors from a CSV file: every row that can be taken in is, and what is known already is told."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.console import explain
from app.problems import Problem
from app.registry.imports.sheets import File, read_sheet
from app.registry.models import Vendor
from app.registry.vendors.service import add
from app.texts import Text

REQUIRED = ("name", "address")
OPTIONAL = ("src_id", "business_number", "representative", "phone", "email", "memo")
PREFIX = {"sales_point": "SP", "manufacturer": "MF"}

LINE = Text("{line}번째 줄 {name}: {why}", "line {line}, {name}: {why}")
KNOWN = Text("이름과 주소가 {code}과(와) 같아 건너뜁니다.", "skipped: name and address are those of {code}.")


class Taken(NamedTuple):
    """How many rows there were, the codes that were added, and what is told of the others."""

    rows: int
    codes: list[str]
    told: list[Text]


def take_in(session: Session, district_id: int, path: Path, kind: str, actor: str, now: datetime) -> Taken:
    """Add the vendors of a file. A row's code is its `src_id` after SP- or MF-, else its line.

    Raises Refused for a file that cannot be read at all.
    """
    sheet = read_sheet(File.opened(path), REQUIRED, OPTIONAL)
    known = _known(session, district_id, kind)
    codes: list[str] = []
    told: list[Text] = []
    for row in sheet.rows:
        same = (_plain(row.cells["name"]), _plain(row.cells["address"]))
        if same in known:
            told.append(LINE.fill(line=row.line, name=row.cells["name"], why=KNOWN.fill(code=known[same])))
            continue
        fields = {name: value for name, value in row.cells.items() if name != "src_id" and value}
        code = f"{PREFIX[kind]}-{row.cells.get('src_id') or row.line}"
        try:
            with session.begin_nested():
                add(session, district_id, code, kind, fields, actor, now)
        except Problem as problem:
            told += [LINE.fill(line=row.line, name=row.cells["name"], why=why) for why in explain(problem)]
        else:
            known[same] = code
            codes.append(code)
    return Taken(len(sheet.rows), codes, told)


def _known(session: Session, district_id: int, kind: str) -> dict[tuple[str, str], str]:
    mine = sa.select(Vendor.name, Vendor.address, Vendor.code).where(
        Vendor.district_id == district_id, Vendor.kind == kind
    )
    return {(_plain(name), _plain(address or "")): code for name, address, code in session.execute(mine)}


def _plain(text: str) -> str:
    """Blanks are typed by chance."""
    return "".join(text.split())
