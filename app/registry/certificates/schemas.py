"""What the people's API of certificates reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.registry.certificates.models import RESULTS
from app.registry.certificates.queries import STATES
from app.schemas import Strict, Words

LAST_SEEN = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}~.{1,64}\Z"


class DueArguments(Strict):
    """Which scales; `after` is the `next_after` of the page before."""

    state = fields.String(load_default="", validate=validate.OneOf(("", *STATES)))
    complex = Words(load_default="", validate=validate.Length(max=64))
    after = fields.String(load_default="", validate=validate.Regexp(rf"\A\Z|{LAST_SEEN}"))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000))


class CertificateDueSchema(Strict):
    """How the scale of a meter in use is certified; `due` means within 60 days."""

    meter = fields.String()
    name = fields.String(allow_none=True)
    complex = fields.String()
    complex_name = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    number = fields.String(allow_none=True)
    body = fields.String(allow_none=True)
    result = fields.String(allow_none=True)
    inspected_on = fields.Date(allow_none=True)
    due_on = fields.Date(allow_none=True)


class CertificateDuePage(Strict):
    items = fields.List(fields.Nested(CertificateDueSchema))
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    next_after = fields.String(allow_none=True)


class InspectionSchema(Strict):
    """An inspection of a meter's scale; without `due_on`, the next is due when the legal period of two years ends."""

    meter = Words(required=True, validate=validate.Length(1, 64))
    number = Words(required=True, validate=validate.Length(1, 40))
    inspected_on = fields.Date(required=True)
    due_on = fields.Date(load_default=None, allow_none=True)
    body = Words(required=True, validate=validate.Length(1, 80))
    result = fields.String(load_default="passed", validate=validate.OneOf(RESULTS))
    remark = Words(load_default="", validate=validate.Length(max=500))


class CertificateSchema(Strict):
    """A certificate; one that was withdrawn counts no longer."""

    id = fields.Integer()
    number = fields.String()
    inspected_on = fields.Date()
    due_on = fields.Date()
    body = fields.String()
    result = fields.String(validate=validate.OneOf(RESULTS))
    remark = fields.String(allow_none=True)
    recorded_by = fields.String()
    recorded_at = fields.DateTime(format="iso")
    withdrawn_at = fields.DateTime(format="iso", allow_none=True)
    withdrawn_by = fields.String(allow_none=True)
    withdrawn_reason = fields.String(allow_none=True)


class CertificateWithdrawalSchema(Strict):
    reason = Words(required=True, validate=validate.Length(1, 500))
