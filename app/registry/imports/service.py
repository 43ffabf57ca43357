"""Imports from file to batch. Each runs in one transaction of its own: all of a file, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.db import Database
from app.ids import allocate
from app.registry import service as registry
from app.registry.card_changes import Moved
from app.registry.districts import the_district
from app.registry.imports import complex_rows, complexes, history, household_rows, households
from app.registry.imports.changes import Rows, moved_by, write
from app.registry.imports.report import Report
from app.registry.imports.sheets import File, read_sheet
from app.registry.models import District, ImportBatch
from app.texts import Refused, Text
from billing.days import service_day

OTHER_DISTRICT = Text(
    "자치구 {expected}이(가) 아니라 {found}의 파일입니다. 파일이나 지정한 자치구를 확인하세요.",
    "The file is of district {found}, not of {expected}. Check the file, or the district that was given.",
)


Then = Callable[[Session, int, Moved], int]


@dataclass(frozen=True)
class Order:
    """Who imports which file, when, and whether only to look. `district` is a code, where one was given.

    `then` runs in the same transaction once everything is written: what other domains make of the cards that have
    other holders now, and how many rows that were.
    """

    file: File
    actor: str
    now: datetime
    dry_run: bool = False
    district: str | None = None
    reach: Reach = WHOLE
    then: Then | None = None


def import_complexes(database: Database, order: Order) -> Report:
    """Take in a K-eco list of complexes. Raises Refused for an unusable file; then nothing has changed."""
    sheet = read_sheet(order.file, complex_rows.COLUMNS, complex_rows.UNUSED)
    code, name = complex_rows.district_of(sheet)
    if order.district not in (None, code):
        raise Refused(OTHER_DISTRICT.fill(found=code, expected=order.district))
    report = Report("complexes", sheet, f"{code} {name}")
    wanted = complex_rows.read_rows(sheet, report)

    def work(session: Session) -> tuple[District, Rows]:
        district = _district(session, code, name, report)
        return district, complexes.compare(session, district, wanted, report)

    return _run(database, order, report, work)


def import_households(database: Database, order: Order) -> Report:
    """Take in households, tenancies and cards. Raises Refused for an unusable file; then nothing has changed."""
    sheet = read_sheet(order.file, household_rows.COLUMNS, household_rows.OPTIONAL)
    report = Report("households", sheet, "")

    def work(session: Session) -> tuple[District, Rows]:
        district = the_district(session, order.district)
        registry.changing(session, district.id)
        report.district = f"{district.code} {district.name}"
        return district, households.compare(session, district, sheet, report, order.reach)

    return _run(database, order, report, work)


def import_history(database: Database, order: Order) -> Report:
    """Take in months of an earlier system. Raises Refused for an unusable file; then nothing has changed."""
    sheet = read_sheet(order.file, history.COLUMNS, history.OPTIONAL)
    report = Report("history", sheet, "")

    def work(session: Session) -> tuple[District, Rows]:
        district = the_district(session, order.district)
        registry.changing(session, district.id)
        report.district = f"{district.code} {district.name}"
        return district, history.compare(session, district, sheet, report, order.reach, service_day(order.now))

    return _run(database, order, report, work)


IMPORTS = {"households": import_households, "complexes": import_complexes, "history": import_history}


def _run(database: Database, order: Order, report: Report, work: Callable[[Session], tuple[District, Rows]]) -> Report:
    """Do it all, then keep it only if it was meant and changed something: a dry run cannot differ from the import."""
    report.dry_run = order.dry_run
    with database.session() as session:
        district, created = work(session)
        if not report.changes:
            session.rollback()
            return report
        batch = _batch(session, district, order, report)
        write(session, batch, created, report.updates)
        moved = moved_by(session, batch) if order.then else None
        report.re_attributed = order.then(session, district.id, moved) if order.then and moved else 0
        told = {"kind": report.kind, "sha256": report.sheet.sha256, "created": report.created}
        book_taken_in(session, district, batch, told | {"updated": len(report.updates)})
        if order.dry_run:
            session.rollback()
        else:
            session.commit()
            report.batch = f"{district.code}/{batch.id}"
    return report


def book_taken_in(session: Session, district: District, batch: ImportBatch, told: dict[str, Any]) -> None:
    """Book an import as one entry of the audit log, with what is told of it."""
    reference = f"{district.code}/{batch.id}"
    entry = audit.Entry("import.taken_in", "import", batch.id, f"{reference} {batch.file_name}", after=told)
    audit.book(session, district.id, entry, batch.actor, batch.imported_at)


def _batch(session: Session, district: District, order: Order, report: Report) -> ImportBatch:
    return ImportBatch(
        district_id=district.id,
        id=allocate(session, district.id, "import_batch")[0],
        kind=report.kind,
        file_name=report.sheet.name,
        file_sha256=report.sheet.sha256,
        actor=order.actor,
        imported_at=order.now,
        undone_at=None,
        undone_by=None,
    )


def _district(session: Session, code: str, name: str, report: Report) -> District:
    district = registry.district_by_code(session, code)
    if district is None:
        report.created["district"] = 1
        district = registry.add_district(session, code, name)
    elif district.name != name:
        report.note(None, code, "district_name_differs", name=name)
    registry.changing(session, district.id)
    return district
