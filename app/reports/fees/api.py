"""Maintenance-fee files and printed statements for programs."""

from typing import Any

from flask import Response as FlaskResponse
from flask import request
from flask_babel import lazy_gettext as _l
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.places import complex_of
from app.reports.fees import files, layout, rows
from app.reports.fees import service as fees_service
from app.reports.fees.layout import Column, Layout
from app.reports.fees.models import FORMATS
from app.reports.fees.rows import Fees
from app.reports.fees.schemas import FeeCheckSchema, FeeFileArguments, FeeLayoutSchema, plain_report
from app.statements.api import month_of as _month
from app.texts import Refused
from app.times import now

blueprint = Blueprint("fee_files", __name__, url_prefix="/api/v1/billing", description="Maintenance-fee files")
MONTH = "/complexes/<string(maxlength=40):code>/months/<string(maxlength=10):month>"
LAYOUT = "/complexes/<string(maxlength=40):code>/fee-layout"
MULTIPART = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    }
}
CONFLICT = {"$ref": "#/components/responses/CONFLICT"}  # no preview yet
BINARY = {"schema": {"type": "string", "format": "binary"}}
KINDS = {media_type.partition(";")[0]: BINARY for media_type in files.TYPES.values()}


@blueprint.get(f"{MONTH}/fees")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(FeeFileArguments, location="query", unknown=RAISE)
@blueprint.doc(responses={"200": {"description": "The file", "content": KINDS}, "409": CONFLICT})
def fee_file(asked: dict[str, str], code: str, month: str) -> FlaskResponse:
    """A complex's month for its maintenance-fee bill, in the complex's own layout."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        fees = rows.fees(session, place, _month(month), current_reach())
    return sent(fees, asked.get("format"))


@blueprint.post(f"{MONTH}/fees/check")
@rules.scope("billing:review", reach="complex")
@blueprint.doc(requestBody={"required": True, "content": MULTIPART})
@blueprint.response(200, FeeCheckSchema)
def check_fee_file(code: str, month: str) -> dict[str, Any]:
    """Hold a file that was taken out before, and perhaps changed since, against the statements."""
    with service().database.begin() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        fees = rows.fees(session, place, _month(month), current_reach())
        try:
            return plain_report(fees_service.bring_back(session, fees, _upload(), current_actor(), now()))
        except Refused as refusal:
            said = [text.said(choose_language()) for text in refusal.texts]
            raise Problem("invalid", errors={"file": said}) from refusal


def _upload() -> File:
    upload = request.files.get("file")
    if upload is None:
        raise Problem("invalid", errors={"file": _l("Send the file as the part “file” of multipart/form-data.")})
    with upload.stream as stream:
        return File((upload.filename or "fees")[-100:], stream.read())


@blueprint.get(LAYOUT)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, FeeLayoutSchema)
def show_layout(code: str) -> dict[str, Any]:
    """The columns and the format of a complex's file."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        return _plain(layout.of(session, place.district_id, place.id))


@blueprint.put(LAYOUT)
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(FeeLayoutSchema)
@blueprint.response(200, FeeLayoutSchema)
def change_layout(wanted: dict[str, Any], code: str) -> dict[str, Any]:
    """Change them."""
    columns = tuple(Column(each["field"], each["title"]) for each in wanted["columns"])
    with service().database.begin() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        layout.change(session, place, Layout(columns, wanted["format"]), current_actor(), now())
    return wanted


def sent(fees: Fees, format_: str | None) -> FlaskResponse:
    """A file to be kept, its control totals in headers for programs."""
    made = files.write(fees, format_ if format_ in FORMATS else None)
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Jongnyang-Rows": str(fees.totals.rows),
        "Jongnyang-Grams": str(fees.totals.grams),
        "Jongnyang-Won": str(fees.totals.won),
        "Jongnyang-Replaced": str(made.replaced),
    }
    return FlaskResponse(made.content, content_type=made.media_type, headers=headers)


def _plain(found: Layout) -> dict[str, Any]:
    return {"columns": [column._asdict() for column in found.columns], "format": found.format}
