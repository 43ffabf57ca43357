"""What the people's API of estimates reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.schemas import MAX_ID, Strict, Words
from app.statements.estimates.queries import LISTS
from app.statements.estimates.service import MAX_WORDS

CODE = validate.Length(1, 64)


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


def month(required: bool = False) -> fields.Date:
    return fields.Date(required=required, metadata={"description": "A day of the month"})


class EstimateArguments(Strict):
    """Which estimates, the newest first; `after` is the id of the last one of the page before."""

    which = fields.String(load_default="active", validate=validate.OneOf(LISTS))
    complex = Words(validate=CODE)
    month = month()
    after = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class EstimateSchema(Strict):
    """Service days of a complex, both included, estimated from the mean of its basis days. Weights in grams."""

    id = fields.Integer()
    complex = fields.String()
    complex_name = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    basis_first_day = fields.Date()
    basis_last_day = fields.Date()
    households = fields.Integer()
    expected_g = fields.Integer()
    reason = fields.String()
    actor = fields.String()
    made_at = moment()
    settled_at = moment(nullable=True)
    settled_by = fields.String(allow_none=True)
    settled_reason = fields.String(allow_none=True)


class EstimatePage(Strict):
    items = fields.List(fields.Nested(EstimateSchema))
    next_after = fields.Integer(allow_none=True)


class EstimateDetailSchema(EstimateSchema):
    """`estimated_g` is what still counts: what is expected of each tenancy less what was weighed meanwhile."""

    weighed_g = fields.Integer()
    estimated_g = fields.Integer()


class EstimateShareArguments(Strict):
    after = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


class EstimateShareSchema(Strict):
    """A tenancy: `basis_g` in `basis_days`, carried over to the estimate's days, less what was weighed on them."""

    tenancy_id = fields.Integer()
    household_id = fields.Integer()
    building = fields.String()
    unit = fields.String()
    basis_g = fields.Integer()
    basis_days = fields.Integer()
    expected_g = fields.Integer()
    weighed_g = fields.Integer()
    estimated_g = fields.Integer()


class EstimateSharePage(Strict):
    items = fields.List(fields.Nested(EstimateShareSchema))
    next_after = fields.Integer(allow_none=True)


class NewEstimateSchema(Strict):
    """Days of one month that are over, and why they are estimated."""

    complex = Words(required=True, validate=CODE)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    reason = Words(required=True, validate=validate.Length(1, MAX_WORDS))


class EstimateSettlementSchema(Strict):
    reason = Words(required=True, validate=validate.Length(1, MAX_WORDS))


class NewEstimateIdSchema(Strict):
    id = fields.Integer()


class EstimateSuggestionArguments(Strict):
    month = month(required=True)


class MeterHoursSchema(Strict):
    """Hours that a meter was alive, of those that it stood there."""

    meter = fields.String()
    hours = fields.Integer()
    of_hours = fields.Integer()


class EstimateSuggestionSchema(Strict):
    """Days in a row on which a complex's meters were hardly heard and less was weighed than usual."""

    complex = fields.String()
    complex_name = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    meters = fields.List(fields.Nested(MeterHoursSchema))
    weighed_g = fields.Integer()
    usual_g = fields.Integer()
    faults = fields.List(fields.Integer())
    final = fields.Boolean(metadata={"description": "The month is closed: an estimate becomes an adjustment"})


class EstimateSuggestionListSchema(Strict):
    items = fields.List(fields.Nested(EstimateSuggestionSchema))
