"""What programs send and get about runs and statements. Grams, won and counts are whole numbers."""

from marshmallow import Schema, fields, validate

from app.schemas import Strict, Words


class SentenceSchema(Schema):
    ko = fields.String(required=True)
    en = fields.String(required=True)


class BilledMonthSchema(Schema):
    month = fields.Date(required=True)
    complexes = fields.Integer(required=True)
    final = fields.Integer(required=True)
    statements = fields.Integer(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    won = fields.Integer(required=True)


class BilledMonthList(Schema):
    items = fields.List(fields.Nested(BilledMonthSchema), required=True)


class ReissueRunSchema(Schema):
    number = fields.String(required=True)
    won = fields.Integer(required=True)
    statements = fields.Integer(required=True)
    finalised_at = fields.AwareDateTime(allow_none=True)
    finalised_by = fields.String(allow_none=True)


class RunSchema(Schema):
    number = fields.String(required=True)
    complex = fields.String(required=True)
    complex_name = fields.String(required=True)
    month = fields.Date(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    ledger_at = fields.AwareDateTime(required=True)
    made_at = fields.AwareDateTime(required=True)
    made_by = fields.String(required=True)
    review_until = fields.AwareDateTime(required=True)
    reviewed_at = fields.AwareDateTime(allow_none=True)
    reviewed_by = fields.String(allow_none=True)
    finalised_at = fields.AwareDateTime(allow_none=True)
    finalised_by = fields.String(allow_none=True)
    early_reason = fields.String(allow_none=True)
    scheme = fields.String(required=True)
    suspense = fields.String(required=True)
    sharing = fields.String(required=True)
    statements = fields.Integer(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    lines_won = fields.Integer(required=True)
    suspense_g = fields.Integer(required=True)
    suspense_count = fields.Integer(required=True)
    suspense_won = fields.Integer(required=True)
    residue_won = fields.Integer(required=True)
    reissued_won = fields.Integer(required=True)
    won = fields.Integer(required=True)
    detail = fields.Dict(required=True)
    words = fields.List(fields.Nested(SentenceSchema), required=True)
    content_hash = fields.String(required=True)
    reissues = fields.List(fields.Nested(ReissueRunSchema), required=True)


class StatementSchema(Schema):
    number = fields.String(required=True)
    run = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    month = fields.Date(required=True)
    complex = fields.String(required=True)
    building = fields.String(required=True)
    unit = fields.String(required=True)
    household_id = fields.Integer(required=True)
    tenancy_id = fields.Integer(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    won = fields.Integer(required=True)
    content_hash = fields.String(required=True)
    ledger_at = fields.AwareDateTime(required=True)
    finalised_at = fields.AwareDateTime(allow_none=True)


class StatementPage(Schema):
    items = fields.List(fields.Nested(StatementSchema), required=True)
    next_after = fields.Integer(required=True, allow_none=True)


class StatementLineSchema(Schema):
    line = fields.Integer(required=True)
    kind = fields.String(required=True)
    usage_month = fields.Date(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    won = fields.Integer(required=True)
    adjustment_id = fields.Integer(allow_none=True)
    detail = fields.Dict(required=True)
    words = fields.List(fields.Nested(SentenceSchema), required=True)


class StatementVoidSchema(Schema):
    credit_note = fields.String(required=True)
    won = fields.Integer(required=True)
    reason = fields.String(required=True)
    actor = fields.String(required=True)
    voided_at = fields.AwareDateTime(required=True)
    reissued_as = fields.String(allow_none=True)


class StatementVersionSchema(Schema):
    number = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    won = fields.Integer(required=True)


class LaterLineSchema(Schema):
    number = fields.String(required=True)
    state = fields.String(required=True)
    line = fields.Integer(required=True)
    kind = fields.String(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    won = fields.Integer(required=True)


class StatementDetailSchema(StatementSchema):
    lines = fields.List(fields.Nested(StatementLineSchema), required=True)
    void = fields.Nested(StatementVoidSchema, required=True, allow_none=True)
    versions = fields.List(fields.Nested(StatementVersionSchema), required=True)
    adjustments = fields.List(fields.Nested(LaterLineSchema), required=True)


class DischargeOfDaySchema(Schema):
    number = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    meter = fields.String(required=True)
    grams = fields.Integer(required=True)
    weighed_g = fields.Integer(allow_none=True)


class BilledDaySchema(Schema):
    day = fields.Date(required=True)
    grams = fields.Integer(required=True)
    count = fields.Integer(required=True)
    discharges = fields.List(fields.Nested(DischargeOfDaySchema), required=True)


class BilledDayList(Schema):
    items = fields.List(fields.Nested(BilledDaySchema), required=True)


class StatementArguments(Strict):
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**31 - 1))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class PreviewMonthSchema(Strict):
    complexes = fields.List(Words(), metadata={"description": "codes; left out: all of the district"})


class FinaliseMonthSchema(PreviewMonthSchema):
    early_reason = Words(validate=validate.Length(1, 300), metadata={"description": "to close during the review"})


class RunOutcomeSchema(Schema):
    complex = fields.String(required=True)
    state = fields.String(required=True)
    changed = fields.Boolean(required=True)
    number = fields.String(allow_none=True)
    statements = fields.Integer(required=True)
    grams = fields.Integer(required=True)
    won = fields.Integer(required=True)
    content_hash = fields.String(required=True)
    problem = fields.String(allow_none=True)
    extra = fields.Dict(required=True)


class RunOutcomeList(Schema):
    items = fields.List(fields.Nested(RunOutcomeSchema), required=True)


class VerifyDifferenceSchema(Schema):
    run = fields.String(required=True)
    subject = fields.String(required=True)
    said = fields.String(required=True)


class VerifiedSchema(Schema):
    runs = fields.Integer(required=True)
    statements = fields.Integer(required=True)
    differences = fields.List(fields.Nested(VerifyDifferenceSchema), required=True)
