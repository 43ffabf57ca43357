"""What the people's API of meters and reducers reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.registry.certificates import queries as certificates
from app.registry.certificates.schemas import CertificateSchema
from app.schemas import Strict, Words

CODE = validate.Length(1, 40)
REASON = validate.Length(1, 500)


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


class MeterArguments(Strict):
    """Which meters, by code after the last one of the page before."""

    search = Words(load_default="", validate=validate.Length(max=100))
    complex = Words(load_default="", validate=validate.Length(max=64))
    gateway = Words(load_default="", validate=validate.Length(max=64))
    state = fields.String(load_default="", validate=validate.OneOf(("", "standing", "retired")))
    certificate = fields.String(load_default="", validate=validate.OneOf(("", *certificates.STATES)))
    after = Words(load_default="", validate=validate.Length(max=64))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000))


class MeterSchema(Strict):
    """A meter; where it stands nowhere, `complex`, `gateway` and `since` are null."""

    code = fields.String()
    name = fields.String(allow_none=True)
    complex = fields.String(allow_none=True)
    complex_name = fields.String(allow_none=True)
    gateway = fields.String(allow_none=True)
    since = moment(nullable=True)
    certificate = fields.String(validate=validate.OneOf(certificates.STATES))
    due_on = fields.Date(allow_none=True)


class MeterPage(Strict):
    items = fields.List(fields.Nested(MeterSchema))
    next_after = fields.String(allow_none=True)


class StoodSchema(Strict):
    complex = fields.String()
    complex_name = fields.String()
    gateway = fields.String()
    valid_from = moment()
    valid_to = moment(nullable=True)
    end_reason = fields.String(allow_none=True)


class DayAliveSchema(Strict):
    """How much of a day (Asia/Seoul) the meter was alive, in milliseconds."""

    day = fields.Date()
    alive_ms = fields.Integer()
    whole_ms = fields.Integer()


class MeterDetailSchema(MeterSchema):
    """A meter with where it stood, its certificates and the last 14 days; a move may be dated from `free_from` on."""

    places = fields.List(fields.Nested(StoodSchema))
    certificates = fields.List(fields.Nested(CertificateSchema))
    alive = fields.List(fields.Nested(DayAliveSchema))
    free_from = moment(nullable=True)


class MeterPlaceSchema(Strict):
    """Where a meter comes to stand, by code of complex and gateway; without `at`, from now on."""

    complex = Words(required=True, validate=CODE)
    gateway = Words(required=True, validate=CODE)
    at = fields.AwareDateTime(format="iso")


class MeterInstallSchema(MeterPlaceSchema):
    """A new meter, or one that stands nowhere."""

    code = Words(required=True, validate=CODE)
    name = Words(load_default="", validate=validate.Length(max=80))


class MeterMoveSchema(MeterPlaceSchema):
    reason = Words(load_default="", validate=validate.Length(max=500))


class MeterRetireSchema(Strict):
    """A meter is taken away; without `at`, now."""

    reason = Words(required=True, validate=REASON)
    at = fields.AwareDateTime(format="iso")


class ReducerArguments(Strict):
    after = Words(load_default="", validate=validate.Length(max=64))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000))


class ReducerSchema(Strict):
    code = fields.String()
    complex = fields.String()
    complex_name = fields.String()
    installed_on = fields.Date(allow_none=True)
    retired_on = fields.Date(allow_none=True)
    retired_reason = fields.String(allow_none=True)


class ReducerPage(Strict):
    items = fields.List(fields.Nested(ReducerSchema))
    next_after = fields.String(allow_none=True)


class InstallReducerSchema(Strict):
    code = Words(required=True, validate=CODE)
    complex = Words(required=True, validate=CODE)
    installed_on = fields.Date(required=True)


class RetireReducerSchema(Strict):
    retired_on = fields.Date(required=True)
    reason = Words(required=True, validate=REASON)
