"""What the API of the audit log reads and writes, as documented in OpenAPI."""

from datetime import date

from marshmallow import Schema, fields, validate

from app.access.audit_queries import VIA
from app.schemas import MAX_ID, Strict, Words

DAYS = validate.Range(date(2000, 1, 1), date(2199, 12, 31))
NAMED = validate.Length(1, 200)


class AuditArguments(Strict):
    """Which entries, newest first, before the id of the last one of the page before. Days of Seoul, both included."""

    actor = Words(validate=NAMED, metadata={"description": "A login, its tokens included; or `cli:` and a user"})
    action = Words(validate=NAMED)
    kind = Words(validate=NAMED, metadata={"description": "Kind of subject, such as `household`"})
    subject = Words(validate=NAMED, metadata={"description": "Part of what staff call the subject"})
    subject_id = Words(validate=NAMED)
    complex = Words(validate=NAMED, metadata={"description": "Code of a complex"})
    first_day = fields.Date(data_key="from", validate=DAYS)
    last_day = fields.Date(data_key="to", validate=DAYS)
    via = fields.String(validate=validate.OneOf(VIA))
    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv"]))
    before = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class AuditChangeSchema(Schema):
    """A field that differs, in words; `before` is null where only what was given or done is told."""

    name = fields.String()
    before = fields.String(allow_none=True)
    after = fields.String()


class AuditEntrySchema(Schema):
    """Who did what to what, why and from where: in words of the reader's language, and as it is stored."""

    id = fields.Integer(metadata={"description": "Number in the chain of the district"})
    at = fields.DateTime(format="iso")
    sentence = fields.String()
    changes = fields.List(fields.Nested(AuditChangeSchema))
    actor = fields.String(metadata={"description": "LOGIN, LOGIN/TOKEN or cli:USER"})
    actor_name = fields.String(allow_none=True)
    action = fields.String()
    subject_kind = fields.String()
    subject_id = fields.String()
    subject = fields.String()
    complex_id = fields.Integer(allow_none=True)
    before = fields.Dict(allow_none=True)
    after = fields.Dict(allow_none=True)
    reason = fields.String(allow_none=True)
    via = fields.String(validate=validate.OneOf(VIA))
    address = fields.String(allow_none=True)
    request_id = fields.String(allow_none=True)


class AuditPage(Schema):
    """Entries, newest first."""

    items = fields.List(fields.Nested(AuditEntrySchema))
    next_before = fields.Integer(allow_none=True)
