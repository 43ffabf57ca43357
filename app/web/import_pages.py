"""Files taken in by browser: checked, then imported as they were checked, and taken back."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity
from app.context import service
from app.csv_lines import MIME, csv_lines
from app.languages import choose_language
from app.metering.imports import desk
from app.metering.imports.api import show_past
from app.metering.imports.service import take_back, take_in
from app.problems import Problem
from app.registry.imports import uploads
from app.registry.imports.queries import Past, created_by, import_of, import_page
from app.registry.imports.reasons import REASONS
from app.registry.imports.report import Note, Report
from app.registry.imports.service import IMPORTS
from app.registry.imports.sheets import File
from app.registry.imports.words import FIELDS, TOTALS, counted, shown
from app.schemas import MAX_ID
from app.texts import Refused, Text
from app.times import now
from app.web import forms
from app.web import household_words as words
from billing.days import service_day

blueprint = Blueprint("import_pages", __name__)

PAGE = 50
ROWS_SHOWN = 200  # of one reason; the whole report is a file
READ, WRITE = "household:read", "household:write"
CHECKED = "/imports/<any(households, complexes, history):kind>/<string(length=64):sha256>"


class Group(NamedTuple):
    """Rows of a report for the same reason."""

    title: str
    total: int
    notes: list[Note]


@blueprint.url_value_preprocessor
def let_large_files_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Files of whole districts pass, before anything reads the form."""
    desk.let_large_files_in(request)


@blueprint.get("/imports")
@rules.scope(READ, reach="complex")
def imports() -> str:
    """What was imported, the latest first, and the form for the next file."""
    return _imports(told=forms.flashed())


@blueprint.post("/imports")
@rules.scope(WRITE, reach="complex")
def check() -> Response | tuple[str, int]:
    """Keep the file for an hour, and show what would become of it."""
    identity, moment, kind = current_identity(), now(), request.form.get("kind", "")
    sent = request.files.get("file")
    try:
        desk.check_kind(identity, kind)
        if sent is None or not sent.filename:
            raise Problem("invalid", errors={"file": _("Choose a CSV file.")})
        with sent.stream as stream:  # a large one lies in a file of its own
            file = File(desk.file_name(sent.filename), stream.read())
    except Problem as problem:
        return _imports(failure=forms.failure_of(problem), errors=forms.errors_of(problem)), problem.kind.status
    with service().database.begin() as session:
        key = service().settings.secret_key
        sha256 = uploads.keep(session, identity.district_id, key, kind, file, identity.actor, moment)
        desk.book_check(session, identity, kind, file, moment)
    return redirect(url_for("import_pages.checked", kind=kind, sha256=sha256))


@blueprint.get(CHECKED)
@rules.scope(WRITE, reach="complex")
def checked(kind: str, sha256: str) -> str | tuple[str, int]:
    """What would become of the file, row by row."""
    try:
        report = _read(kind, _kept(kind, sha256), dry_run=True)
    except Refused as refusal:
        return _imports(refusal=refusal), 422
    return render_template("import_report.html", report=report, kind=kind, sha256=sha256, **_told(report))


@blueprint.get(f"{CHECKED}.csv")
@rules.scope(WRITE, reach="complex")
def checked_csv(kind: str, sha256: str) -> FlaskResponse:
    """The whole report as a table."""
    report = _read(kind, _kept(kind, sha256), dry_run=True)
    lines = csv_lines((_("Line"), _("Row"), _("Result"), _("Why")), _report_rows(report))
    name = {"Content-Disposition": f"attachment; filename=import-{sha256[:8]}.csv"}
    return FlaskResponse("".join(lines), mimetype=MIME, headers=name)


@blueprint.post(CHECKED)
@rules.scope(WRITE, reach="complex")
def take(kind: str, sha256: str) -> Response | tuple[str, int]:
    """Import the file that was checked."""
    file = _kept(kind, sha256)
    try:
        report = _read(kind, file, dry_run=False)
    except Refused as refusal:
        return _imports(refusal=refusal), 422
    with service().database.begin() as session:
        uploads.drop(session, current_district_id(), current_actor(), sha256)
        if report.batch is None:
            desk.book_check(session, current_identity(), kind, file, now())
    if report.batch is None:
        flash(_("The registry says already what the file says: nothing was changed."))
        return redirect(url_for("import_pages.imports"))
    said = {"used": report.used, "skipped": len(report.skipped), "discharges": report.re_attributed}
    flash(
        _("Imported: %(used)s rows used, %(skipped)s skipped, %(discharges)s discharges with another holder.", **said)
    )
    return redirect(url_for("import_pages.imported", number=report.batch.rpartition("/")[2]))


@blueprint.get(f"/imports/<int(max={MAX_ID}):number>")
@rules.scope(READ, reach="complex")
def imported(number: int) -> str:
    """One import: what it brought, and the way back."""
    return _imported(number, told=forms.flashed())


@blueprint.post(f"/imports/<int(max={MAX_ID}):number>/undo")
@rules.scope(WRITE, reach="complex")
def undo(number: int) -> Response | tuple[str, int]:
    """Take an import back as a whole, or say what stands in the way."""
    past = show_past(number)
    try:
        take_back(service().database, past.batch, current_actor(), now())
    except Refused as refusal:
        return _imported(number, refusal=refusal), 409
    flash(_("The import was taken back."))
    return redirect(url_for("import_pages.imported", number=number))


def _read(kind: str, file: File, *, dry_run: bool) -> Report:
    identity = current_identity()
    desk.check_kind(identity, kind)
    database = service().database
    with database.session() as session:
        order = desk.order_of(session, identity, file, now(), dry_run=dry_run)
    return take_in(database, kind, order)


def _kept(kind: str, sha256: str) -> File:
    key = service().settings.secret_key
    with service().database.session() as session:
        return uploads.kept(session, current_district_id(), key, kind, sha256, current_actor(), now())


def _imports(
    told: str = "", failure: str = "", errors: dict[str, Any] | None = None, refusal: Refused | None = None
) -> str:
    identity = current_identity()
    before = request.args.get("before", type=int)
    with service().database.session() as session:
        only = desk.only_actor(identity)
        before = before if before and 0 < before <= MAX_ID else None
        rows = import_page(session, current_district_id(), only, before, PAGE + 1)
    more = url_for("import_pages.imports", before=_number(rows[PAGE - 1])) if len(rows) > PAGE else None
    kinds = [(kind, words.FILES[kind]) for kind in IMPORTS if kind == "households" or identity.may(desk.WHOLE_DISTRICT)]
    return render_template(
        "imports.html",
        rows=[(_number(row), row) for row in rows[:PAGE]],
        **{"more": more, "kinds": kinds, "told": told, "failure": failure, "errors": errors or {}},
        **{"refused": _said(refusal), "given": request.form, **_shared()},
    )


def _imported(number: int, told: str = "", refusal: Refused | None = None) -> str:
    identity = current_identity()
    with service().database.session() as session:
        past = import_of(session, current_district_id(), number, desk.only_actor(identity))
        made = created_by(session, current_district_id(), number)
    may_undo = identity.may(WRITE) and (past.kind == "households" or identity.may(desk.WHOLE_DISTRICT))
    return render_template(
        "import.html",
        past=past,
        number=number,
        created=counted(made["created"]).said(choose_language()),
        updated=counted(made["updated"]).said(choose_language()),
        **{"told": told, "refused": _said(refusal), "may_undo": may_undo, **_shared()},
    )


def _told(report: Report) -> dict[str, Any]:
    """A report in the reader's language."""
    language = choose_language()
    return {
        "skipped": list(_groups(report.skipped, language)),
        "notes": list(_groups(report.notes, language)),
        "totals": [TOTALS[name].fill(count=f"{total:,}").said(language) for name, total in report.totals.items()],
        "created": counted(report.created).said(language),
        "updates": [(each, list(_changes(each.fields, language))) for each in report.updates[:ROWS_SHOWN]],
        "language_of": lambda text: text.said(language) if isinstance(text, Text) else text,
        "most": ROWS_SHOWN,
        **_shared(),
    }


def _groups(notes: list[Note], language: str) -> Iterator[Group]:
    order = {reason: index for index, reason in enumerate(REASONS)}
    for reason, group in groupby(sorted(notes, key=lambda note: order[note.reason]), key=lambda note: note.reason):
        same = list(group)
        yield Group(REASONS[reason].title.said(language), len(same), same[:ROWS_SHOWN])


def _changes(changed: dict[str, tuple[Any, Any]], language: str) -> Iterator[str]:
    for column, (old, new) in changed.items():
        yield f"{FIELDS[column].said(language)}: {shown(old)} → {shown(new)}"


def _report_rows(report: Report) -> Iterator[tuple[Any, ...]]:
    language = choose_language()
    for result, notes in ((_("Skipped"), report.skipped), (_("Noted"), report.notes)):
        for note in notes:
            why = f"{REASONS[note.reason].title.said(language)}: {note.text.said(language)}"
            yield note.line, note.subject, result, why


def _said(refusal: Refused | None) -> list[str]:
    return [text.said(choose_language()) for text in refusal.texts] if refusal else []


def _number(past: Past) -> int:
    return int(past.batch.rpartition("/")[2])


def _shared() -> dict[str, Any]:
    return {"words": words, "today": service_day(now()), "may_write": current_identity().may(WRITE)}
