"""What the people's API of imports reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.registry.imports.service import IMPORTS
from app.schemas import MAX_ID, Strict


class FileArguments(Strict):
    """What file is sent; `dry_run` only tells what would become of it."""

    kind = fields.String(required=True, validate=validate.OneOf(tuple(IMPORTS)))
    name = fields.String(load_default="file.csv", validate=validate.Regexp(r"\A[^\x00-\x1f]{1,200}\Z"))
    dry_run = fields.Boolean(load_default=False)


class ImportArguments(Strict):
    """A page of imports, the latest first, before the number of the last one of the page before."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 500))


class PastImportSchema(Strict):
    """A file that was taken in; `batch` is DISTRICT/NUMBER."""

    batch = fields.String()
    kind = fields.String()
    name = fields.String()
    sha256 = fields.String()
    actor = fields.String()
    imported_at = fields.DateTime(format="iso")
    undone_at = fields.DateTime(format="iso", allow_none=True)
    undone_by = fields.String(allow_none=True)
    created = fields.Integer()
    updated = fields.Integer()


class ImportPage(Strict):
    items = fields.List(fields.Nested(PastImportSchema))
    next_before = fields.Integer(allow_none=True)


class RowNoteSchema(Strict):
    """What is told about a row of the file; `line` is null for what the file does not name."""

    line = fields.Integer(allow_none=True)
    subject = fields.String()
    reason = fields.String()
    message = fields.String()


class ReadRowsSchema(Strict):
    read = fields.Integer()
    used = fields.Integer()
    skipped = fields.Integer()


class ImportReportSchema(Strict):
    """The same for a dry run and for the import itself, but for `dry_run` and `batch`."""

    kind = fields.String()
    file = fields.String()
    sha256 = fields.String()
    encoding = fields.String()
    district = fields.String()
    dry_run = fields.Boolean()
    batch = fields.String(allow_none=True)
    rows = fields.Nested(ReadRowsSchema)
    totals = fields.Dict(keys=fields.String(), values=fields.Integer())
    changes = fields.Integer()
    re_attributed = fields.Integer()
    created = fields.Dict(keys=fields.String(), values=fields.Integer())
    updated = fields.List(fields.Dict())
    skipped = fields.List(fields.Nested(RowNoteSchema))
    notes = fields.List(fields.Nested(RowNoteSchema))
    ignored_columns = fields.List(fields.String())


class UndoneSchema(Strict):
    """What was taken back: rows by table."""

    batch = fields.String()
    rows = fields.Dict(keys=fields.String(), values=fields.Integer())
