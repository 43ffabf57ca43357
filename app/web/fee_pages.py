"""A complex's maintenance-fee file: taken out, brought back and held against the statements, its columns."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.models import Complex
from app.registry.places import complex_of
from app.reports.fees import files, layout, rows
from app.reports.fees import service as fees_service
from app.reports.fees.api import sent
from app.reports.fees.checking import Report, titled
from app.reports.fees.layout import FIELDS, Column, Layout
from app.reports.fees.models import FORMATS
from app.reports.fees.rows import Fees
from app.statements import finding
from app.texts import Refused
from app.times import now
from app.web import billing_words as words
from app.web.billing_pages import month_of_address
from app.web.forms import errors_of, failure_of, flashed
from billing.days import month_after, month_of, service_day

blueprint = Blueprint("fee_pages", __name__)

Row = dict[str, Any]
FEES = "/billing/fees/<string(maxlength=40):code>"
MONTH = f"{FEES}/<string(length=7):month>"
FORMAT_NAMES = {
    "csv": _l("CSV (UTF-8, for Excel)"),
    "csv-cp949": _l("CSV (CP949, for older programs)"),
    "xlsx": _l("Excel workbook (XLSX)"),
}
KINDS = {
    "changed": _l("Changed"),
    "missing": _l("Missing from the file"),
    "foreign": _l("No statement of this month"),
    "twice": _l("Stands there twice"),
}


@blueprint.get(FEES)
@rules.scope("billing:read", reach="complex")
def newest(code: str) -> AnyResponse:
    """The file of the newest month that was billed, or else of last month."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        month = finding.newest_month(session, place.district_id, place.id) or month_after(month_of(_today()), -1)
    return redirect(url_for("fee_pages.fees", code=code, month=f"{month:%Y-%m}"))


@blueprint.get(MONTH)
@rules.scope("billing:read", reach="complex")
def fees(code: str, month: str) -> str:
    """The file with its control totals, the form to bring one back, and the columns."""
    return _page(code, month_of_address(month), told=flashed())


@blueprint.get(f"{MONTH}/file")
@rules.scope("billing:read", reach="complex")
def download(code: str, month: str) -> Response:
    """The file itself."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        found = rows.fees(session, place, month_of_address(month), current_reach())
    return sent(found, request.args.get("format"))


@blueprint.post(f"{MONTH}/check")
@rules.scope("billing:review", reach="complex")
def check(code: str, month: str) -> str | tuple[str, int]:
    """What a file that comes back says against the statements."""
    first_day, upload = month_of_address(month), request.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise Problem("invalid", errors={"file": _("Choose the file that you took out here.")})
        with upload.stream as stream:
            file = File(upload.filename[-100:], stream.read())
        with service().database.begin() as session:
            place = complex_of(session, current_district_id(), code, current_reach())
            found = rows.fees(session, place, first_day, current_reach())
            report = fees_service.bring_back(session, found, file, current_actor(), now())
    except (Problem, Refused) as refusal:
        if isinstance(refusal, Problem) and refusal.slug == "not-found":
            raise
        return _page(code, first_day, failure=failure_of(refusal), errors=errors_of(refusal)), 422
    return _page(code, first_day, report=report)


@blueprint.post(MONTH)
@rules.scope("billing:review", reach="complex")
def change(code: str, month: str) -> AnyResponse | tuple[str, int]:
    """Keep other columns or another format."""
    first_day, wanted = month_of_address(month), _wanted()
    try:
        with service().database.begin() as session:
            place = complex_of(session, current_district_id(), code, current_reach())
            layout.change(session, place, wanted, current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _page(code, first_day, wanted=wanted, failure=failure_of(problem), errors=errors_of(problem)), 422
    flash(_("The columns are kept for this complex."))
    return redirect(url_for("fee_pages.fees", code=code, month=month))


def _wanted() -> Layout:
    """The columns that have a place in the form, in the order of these numbers."""
    placed = [(_place(name), name) for name in FIELDS]
    columns = [Column(name, _typed(f"title_{name}")) for place, name in sorted(placed) if place]
    return Layout(tuple(columns), _typed("format"))


def _place(name: str) -> int:
    text = _typed(f"place_{name}")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _typed(name: str) -> str:
    return request.form.get(name, "").strip().replace("\0", "")


def _page(
    code: str,
    month: date,
    *,
    told: str = "",
    failure: str = "",
    errors: Row | None = None,
    wanted: Layout | None = None,
    report: Report | None = None,
) -> str:
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        found = _fees(session, place, month)
        shown = wanted or layout.of(session, place.district_id, place.id)
    made = files.write(found) if found else None
    return render_template(
        "fees.html",
        **{"place": place, "month": month, "fees": found, "made": made, "columns": _columns(shown)},
        **{"format": shown.format, "formats": {name: FORMAT_NAMES[name] for name in FORMATS}, "kinds": KINDS},
        **{"report": report, "sums": files.summed(found) if found else {}, "told": told, "failure": failure},
        **{"errors": errors or {}, "words": words, "may": current_identity().may},
        sha256=rows.sha256(made.content) if made else "",
        titled=lambda field: titled(shown, field),
    )


def _fees(session: Session, place: Complex, month: date) -> Fees | None:
    try:
        return rows.fees(session, place, month, current_reach())
    except Problem as problem:
        if problem.slug != "no-preview":
            raise
        return None


def _columns(shown: Layout) -> list[Row]:
    """Each field with its place (empty: not in the file) and title."""
    titles = {column.field: column.title for column in shown.columns}
    places = {column.field: place for place, column in enumerate(shown.columns, 1)}
    language = choose_language()
    return [
        {"field": name, "name": field.title.said(language), "place": places.get(name, "")}
        | {"title": titles.get(name, field.title.ko)}
        for name, field in FIELDS.items()
    ]


def _today() -> date:
    return service_day(now())
