"""Imports for programs: files taken in, or only checked, and taken back."""

from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_district_id, current_identity
from app.context import service
from app.languages import choose_language
from app.metering.imports import desk
from app.metering.imports.schemas import (
    FileArguments,
    ImportArguments,
    ImportPage,
    ImportReportSchema,
    PastImportSchema,
    UndoneSchema,
)
from app.metering.imports.service import take_back, take_in
from app.problems import Problem
from app.registry.imports.queries import Past, import_of, import_page, refuse_foreign
from app.registry.imports.report import as_json
from app.registry.imports.sheets import File
from app.texts import Refused
from app.times import now

blueprint = Blueprint("imports", __name__, url_prefix="/api/v1/imports", description="Files of households")
NUMBER = "/<int(max=2147483647):number>"
CSV = {"text/csv": {"schema": {"type": "string"}}}
MULTIPART = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    }
}


@blueprint.url_value_preprocessor
def let_large_files_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Files of whole districts pass, before anything reads the body."""
    desk.let_large_files_in(request)


@blueprint.get("")
@rules.scope("household:read", reach="complex")
@blueprint.arguments(ImportArguments, location="query", unknown=RAISE)
@blueprint.response(200, ImportPage)
def list_imports(page: dict[str, Any]) -> dict[str, Any]:
    """What was imported, the latest first; a manager sees their own."""
    with service().database.session() as session:
        items = import_page(session, current_district_id(), desk.only_actor(current_identity()), **page)
    return {"items": items, "next_before": _number(items[-1]) if len(items) == page["limit"] else None}


@blueprint.get(NUMBER)
@rules.scope("household:read", reach="complex")
@blueprint.response(200, PastImportSchema)
def show_import(number: int) -> Past:
    """One import."""
    with service().database.session() as session:
        return import_of(session, current_district_id(), number, desk.only_actor(current_identity()))


@blueprint.post("")
@rules.scope("household:write", reach="complex")
@blueprint.arguments(FileArguments, location="query", unknown=RAISE)
@blueprint.doc(requestBody={"required": True, "content": CSV | MULTIPART})
@blueprint.response(200, ImportReportSchema)
def import_file(wanted: dict[str, Any]) -> dict[str, Any]:
    """Take in a CSV file, sent as the body or as the part `file` of a form; the report tells of every row."""
    identity, moment = current_identity(), now()
    desk.check_kind(identity, wanted["kind"])
    database, dry_run = service().database, wanted["dry_run"]
    with database.session() as session:
        order = desk.order_of(session, identity, _file(wanted["name"]), moment, dry_run=dry_run)
    try:
        report = take_in(database, wanted["kind"], order)
    except Refused as refusal:
        raise refused("import-refused", refusal) from refusal
    if report.batch is None:  # whatever was asked for changed nothing: that somebody looked is what is booked
        with database.begin() as session:
            desk.book_check(session, identity, wanted["kind"], order.file, moment)
    return as_json(report, choose_language())


@blueprint.post(f"{NUMBER}/undo")
@rules.scope("household:write", reach="complex")
@blueprint.response(200, UndoneSchema)
def undo_import(number: int) -> dict[str, Any]:
    """Take an import back as a whole, or not at all: then `errors` says what stands in the way."""
    past = show_past(number)
    try:
        batch, counts = take_back(service().database, past.batch, current_identity().actor, now())
    except Refused as refusal:
        raise refused("undo-refused", refusal) from refusal
    return {"batch": batch, "rows": counts}


def show_past(number: int) -> Past:
    """The import that this person may take back; raises `not-found` and `not-allowed`."""
    identity = current_identity()
    with service().database.session() as session:
        past = import_of(session, current_district_id(), number, desk.only_actor(identity))
    if past.kind != "households" and not identity.may(desk.WHOLE_DISTRICT):
        raise Problem("not-allowed", scope=desk.WHOLE_DISTRICT)
    if not identity.reach.whole:
        with service().database.session() as session:
            refuse_foreign(session, current_district_id(), number, identity.reach)
    return past


def refused(slug: str, refusal: Refused) -> Problem:
    """A refusal for a program, in the reader's language."""
    return Problem(slug, errors=[text.said(choose_language()) for text in refusal.texts])


def _file(name: str) -> File:
    sent = request.files.get("file")
    if sent is None:
        return File(name, request.get_data())
    with sent.stream as stream:  # a large one lies in a file of its own
        return File(desk.file_name(sent.filename or name), stream.read())


def _number(past: Past) -> int:
    return int(past.batch.rpartition("/")[2])
