"""The people's API of the audit log: filtered, newest first, as JSON or as a table for spreadsheets."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.access.audit_queries import Asked, entries, every_entry
from app.access.audit_schemas import AuditArguments, AuditPage
from app.access.audit_sentences import as_plain, told
from app.context import service
from app.csv_lines import MIME, csv_lines
from app.languages import choose_language

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1", description="Who changed or looked at what")

AS_CSV = {"schema": {"type": "string", "description": "All entries as a table, UTF-8 with a byte order mark"}}
or_csv = blueprint.doc(responses={200: {"content": {"application/json": {"schema": AuditPage}, MIME: AS_CSV}}})
COLUMNS = (
    *("id", "at", "actor", "actor_name", "sentence", "changes", "reason", "action", "subject_kind", "subject_id"),
    *("subject", "complex_id", "via", "address", "request_id"),
)


@blueprint.get("/audit")
@rules.scope("audit:read")
@blueprint.arguments(AuditArguments, location="query", unknown=RAISE)
@blueprint.response(200, AuditPage)
@or_csv
def list_audit(wanted: dict[str, Any]) -> Any:
    """The audit log, the newest entry first; `format=csv` gives all that the filters leave."""
    format_, before, limit = wanted.pop("format"), wanted.pop("before", None), wanted.pop("limit")
    asked, district_id, language = Asked(**wanted), current_district_id(), choose_language()
    if format_ == "csv":
        return _table(asked, language)
    with service().database.reading() as connection:
        rows = entries(connection, district_id, current_reach(), asked, before, limit)
    items = [as_plain(told(row), language) for row in rows]
    return {"items": items, "next_before": rows[-1]["id"] if len(rows) == limit else None}


def _table(asked: Asked, language: str) -> Response:
    database, district_id, reach = service().database, current_district_id(), current_reach()

    def lines() -> Any:
        with database.reading() as connection:
            rows = (as_plain(told(row), language) for row in every_entry(connection, district_id, reach, asked))
            yield from csv_lines(COLUMNS, map(_cells, rows))

    response = Response(lines(), mimetype=MIME)
    response.headers.set("Content-Disposition", "attachment", filename="audit.csv")
    return response


def _cells(row: dict[str, Any]) -> list[Any]:
    flat = row | {"at": row["at"].isoformat(), "changes": "; ".join(row["lines"])}
    return [flat[column] for column in COLUMNS]
