"""What the API says of a month's board and its warnings."""

from marshmallow import fields, validate

from app.problems import KINDS as PROBLEMS
from app.schemas import Strict, Words
from app.statements.board import STATES
from app.statements.models import SCHEMES
from app.statements.warnings import KINDS


class BoardArguments(Strict):
    blocked = fields.Boolean(load_default=False, metadata={"description": "Only complexes that cannot be closed yet"})


class BoardRowSchema(Strict):
    """How far a complex's month is. `blocks` are slugs of the problems that closing it now would raise."""

    complex = fields.String()
    complex_name = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    run = fields.String(allow_none=True)
    scheme = fields.String(validate=validate.OneOf(SCHEMES))
    review_until = fields.DateTime(format="iso", allow_none=True)
    households = fields.Integer()
    grams = fields.Integer(allow_none=True)
    won = fields.Integer(allow_none=True)
    before_won = fields.Integer(allow_none=True, metadata={"description": "The month before"})
    change_won = fields.Integer(allow_none=True)
    warnings = fields.Dict(keys=fields.String(validate=validate.OneOf(list(KINDS))), values=fields.Integer())
    disputes = fields.Integer(metadata={"description": "Open ones, of whatever month"})
    late = fields.Integer(metadata={"description": "Tenancies' months that wait for a decision"})
    blocks = fields.List(fields.String(validate=validate.OneOf(list(PROBLEMS))))


class BoardSchema(Strict):
    """Complexes by code; `states` and `warnings` count them and what they are warned of; weights in grams."""

    month = fields.Date()
    states = fields.Dict(keys=fields.String(), values=fields.Integer())
    warnings = fields.Dict(keys=fields.String(), values=fields.Integer())
    sums = fields.Dict(keys=fields.String(), values=fields.Integer())
    ready = fields.List(fields.String(), metadata={"description": "Codes of complexes that can be closed now"})
    items = fields.List(fields.Nested(BoardRowSchema))


class WarningArguments(Strict):
    """`after` is `next_after` of the page before."""

    complex = Words(validate=validate.Length(1, 40))
    after = fields.String(validate=validate.Regexp(r"\A[0-9]{1,9}\.[0-9]{1,9}\Z"))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class WarningRowSchema(Strict):
    """One row of a warning; which of its members are there depends on the kind."""

    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer()
    building = fields.String()
    unit = fields.String()
    meter = fields.String(allow_none=True)
    gateway = fields.String()
    code = fields.String(metadata={"description": "Why the record is in quarantine"})
    received_at = fields.DateTime(format="iso")
    count = fields.Integer()
    then = fields.Integer(metadata={"description": "Discharges that the preview was made from"})
    grams = fields.Integer()
    usual_g = fields.Integer(allow_none=True, metadata={"description": "The median of its own months"})
    last_g = fields.Integer(metadata={"description": "In the month before"})
    suspense_g = fields.Integer()
    weighed_g = fields.Integer()
    alive_percent = fields.Integer()
    fault_id = fields.Integer()
    opened_at = fields.DateTime(format="iso")
    closed_at = fields.DateTime(format="iso", allow_none=True)
    days = fields.Integer(metadata={"description": "Without a certificate that holds"})
    first_day = fields.Date()
    state = fields.String()
    payer_class = fields.String()
    day = fields.Date(metadata={"description": "The first day without a tariff"})


class WarningPage(Strict):
    items = fields.List(fields.Nested(WarningRowSchema))
    next_after = fields.String(allow_none=True)
