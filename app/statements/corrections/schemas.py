"""What the people's API of adjustments, voids and late usage reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.schemas import MAX_ID, Strict, Words
from app.statements.corrections.late import CAUSES, DECISIONS
from app.statements.corrections.manual import LISTS, MOST_WON, MOST_WORDS
from app.statements.models import CREDIT_KINDS, LINE_KINDS

CODE = validate.Length(1, 64)
NUMBER = validate.Length(1, 80)
KEY = validate.Length(1, 60)


def reason() -> Words:
    return Words(required=True, validate=validate.Length(1, MOST_WORDS))


class AdjustmentArguments(Strict):
    """Which manual adjustments, the newest first; `before` is the id of the last one of the page before."""

    which = fields.String(load_default="pending", validate=validate.OneOf(LISTS))
    before = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class AdjustmentSchema(Strict):
    """Won added to (or, negative, taken off) a tenancy's next statement; `pending` until one that counts carries it."""

    id = fields.Integer()
    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer()
    building = fields.String()
    unit = fields.String()
    tenancy_id = fields.Integer()
    usage_month = fields.Date()
    kind = fields.String(validate=validate.OneOf(CREDIT_KINDS))
    won = fields.Integer()
    reason = fields.String()
    dispute_id = fields.Integer(allow_none=True)
    actor = fields.String()
    made_at = fields.DateTime(format="iso")
    pending = fields.Boolean()


class AdjustmentPage(Strict):
    items = fields.List(fields.Nested(AdjustmentSchema))
    next_before = fields.Integer(allow_none=True)


class NewAdjustmentSchema(Strict):
    """Won about the month of a final statement; a credit is negative, and at most what is left of what was billed."""

    statement = Words(required=True, validate=NUMBER)
    won = fields.Integer(required=True, strict=True, validate=validate.Range(-MOST_WON, MOST_WON))
    reason = reason()


class NewAdjustmentIdSchema(Strict):
    id = fields.Integer()


class FiguresSchema(Strict):
    grams = fields.Integer()
    discharges = fields.Integer()
    won = fields.Integer()


class LineChangeSchema(Strict):
    """A line before and after a reissue; null where a side has none."""

    kind = fields.String(validate=validate.OneOf(LINE_KINDS))
    usage_month = fields.Date()
    old = fields.Nested(FiguresSchema, allow_none=True)
    new = fields.Nested(FiguresSchema, allow_none=True)


class ReissueSchema(Strict):
    items = fields.List(fields.Nested(LineChangeSchema))


class NewVoidSchema(Strict):
    """Why a statement is void. Without `reissue` its usage waits in the late queue."""

    reason = reason()
    reissue = fields.Boolean(load_default=True)


class VoidedSchema(Strict):
    """The credit note with its won (negative for what was owed), and the statement issued instead."""

    credit_note = fields.String()
    won = fields.Integer()
    reissued_as = fields.String(allow_none=True)
    reissued_won = fields.Integer(allow_none=True)


class LateArguments(Strict):
    """Usage that waits for one cause, by month, complex and household; `after` is the key of the last row before."""

    cause = fields.String(load_default="old", validate=validate.OneOf(CAUSES))
    complex = Words(load_default="", validate=validate.Length(0, 64))
    after = Words(validate=KEY)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class LateSchema(Strict):
    """Usage that no statement bills. A complex's month has no household. `won` is null where nothing says it yet."""

    key = fields.String()
    cause = fields.String(validate=validate.OneOf(CAUSES))
    month = fields.Date()
    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer(allow_none=True)
    building = fields.String(allow_none=True)
    unit = fields.String(allow_none=True)
    tenancy_id = fields.Integer(allow_none=True)
    grams = fields.Integer()
    count = fields.Integer()
    won = fields.Integer(allow_none=True)
    decision = fields.String(allow_none=True, validate=validate.OneOf(DECISIONS))


class LatePage(Strict):
    items = fields.List(fields.Nested(LateSchema))
    next_after = fields.String(allow_none=True)


class LateSumsArguments(Strict):
    complex = Words(load_default="", validate=validate.Length(0, 64))


class LateSumSchema(Strict):
    """How much waits for a cause."""

    cause = fields.String(validate=validate.OneOf(CAUSES))
    rows = fields.Integer()
    grams = fields.Integer()
    count = fields.Integer()
    won = fields.Integer()


class LateSumsSchema(Strict):
    items = fields.List(fields.Nested(LateSumSchema))


class NewLateDecisionSchema(Strict):
    """Let the next run bill what waits of a tenancy's month, or write it off as it stands now."""

    tenancy_id = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_ID))
    usage_month = fields.Date(required=True)
    decision = fields.String(required=True, validate=validate.OneOf(DECISIONS))
    reason = reason()


class LateDecisionIdSchema(Strict):
    id = fields.Integer()
