"""What the people's API of disputes reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.schemas import MAX_ID, Strict, Words
from app.statements.disputes.models import EVENTS, STATES
from app.statements.disputes.queries import LISTS
from app.statements.disputes.service import DECISIONS, MAX_WORDS
from app.statements.models import LINE_KINDS

CODE = validate.Length(1, 64)
MOST_WON = 2**53


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


def words() -> Words:
    return Words(required=True, validate=validate.Length(1, MAX_WORDS))


def won() -> fields.Integer:
    return fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, MOST_WON))


class DisputeArguments(Strict):
    """Which disputes: open ones by the day on which a reply is due, others the newest first.

    `after` is the id of the last one of the page before.
    """

    which = fields.String(load_default="open", validate=validate.OneOf(LISTS))
    complex = Words(validate=CODE)
    household = fields.Integer(validate=validate.Range(1, MAX_ID))
    after = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class DisputeSchema(Strict):
    """An objection to a line. While it is open, `held_won` less `credit_won` are not asked for.

    `days_left` until a reply is due is negative where it is overdue, and null once it is closed.
    """

    id = fields.Integer()
    state = fields.String(validate=validate.OneOf(STATES))
    statement = fields.String()
    line = fields.Integer()
    kind = fields.String(validate=validate.OneOf(LINE_KINDS))
    month = fields.Date()
    usage_month = fields.Date()
    line_won = fields.Integer()
    held_won = fields.Integer()
    credit_won = fields.Integer()
    due_on = fields.Date()
    days_left = fields.Integer(allow_none=True)
    opened_at = moment()
    opened_by = fields.String()
    decided_at = moment(nullable=True)
    decided_by = fields.String(allow_none=True)
    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer()
    tenancy_id = fields.Integer()
    building = fields.String()
    unit = fields.String()
    voided = fields.Boolean(metadata={"description": "Its statement is void, so that nothing of it is owed"})


class DisputePage(Strict):
    items = fields.List(fields.Nested(DisputeSchema))
    next_after = fields.Integer(allow_none=True)


class DisputeEventSchema(Strict):
    """What happened, in whose words; `state` is that of the dispute after it."""

    kind = fields.String(validate=validate.OneOf(EVENTS))
    state = fields.String(validate=validate.OneOf(STATES))
    words = fields.String()
    actor = fields.String()
    at = moment()


class DisputeDetailSchema(DisputeSchema):
    events = fields.List(fields.Nested(DisputeEventSchema))


class DisputeCountSchema(Strict):
    """How many disputes are open, how many of them overdue, and what they hold altogether."""

    open = fields.Integer()
    overdue = fields.Integer()
    held_won = fields.Integer()


class NewDisputeSchema(Strict):
    """An objection to a line of a final statement; without `held_won` the whole line is held."""

    statement = Words(required=True, validate=CODE)
    line = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_ID))
    words = words()
    held_won = won()


class DisputeDecisionSchema(Strict):
    """How it ends, in words that the resident reads. A part says what it is worth in `credit_won`.

    `by_correction`: the discharges are corrected instead, and the adjustment follows from that.
    """

    state = fields.String(required=True, validate=validate.OneOf(DECISIONS))
    words = words()
    credit_won = won()
    by_correction = fields.Boolean(load_default=False)


class DisputeWordsSchema(Strict):
    words = words()


class NewDisputeIdSchema(Strict):
    id = fields.Integer()


class DisputeSentenceSchema(Strict):
    ko = fields.String()
    en = fields.String()


class DisputeLineSchema(Strict):
    """The line as it stands on the statement, and what its won follow from."""

    line = fields.Integer()
    kind = fields.String(validate=validate.OneOf(LINE_KINDS))
    usage_month = fields.Date()
    grams = fields.Integer()
    count = fields.Integer()
    won = fields.Integer()
    words = fields.List(fields.Nested(DisputeSentenceSchema))


class DisputeCorrectionSchema(Strict):
    kind = fields.String()
    net_g = fields.Integer(allow_none=True)
    reason = fields.String()
    actor = fields.String()
    booked_at = moment()


class DisputeReadingSchema(Strict):
    """What the same meter weighed before or after, by whomever; weights in grams."""

    occurred_at = moment()
    weighed_g = fields.Integer(allow_none=True)
    gross_before_g = fields.Integer(allow_none=True)
    gross_after_g = fields.Integer(allow_none=True)


class DisputedWeighingSchema(Strict):
    """A discharge as first booked, with its corrections.

    `billed_g` of it were on the statement, `now_g` count today. `certificate` is the state of the scale on that day,
    `faults` are the numbers of those that were open then.
    """

    number = fields.String()
    meter = fields.String()
    occurred_at = moment()
    service_day = fields.Date()
    booked_at = moment()
    clock = fields.String()
    outcome = fields.String()
    flags = fields.List(fields.String())
    gross_before_g = fields.Integer(allow_none=True)
    gross_after_g = fields.Integer(allow_none=True)
    weighed_g = fields.Integer(allow_none=True)
    corrections = fields.List(fields.Nested(DisputeCorrectionSchema))
    billed_g = fields.Integer()
    now_g = fields.Integer()
    before = fields.Nested(DisputeReadingSchema, allow_none=True)
    after = fields.Nested(DisputeReadingSchema, allow_none=True)
    certificate = fields.String()
    certificate_due_on = fields.Date(allow_none=True)
    faults = fields.List(fields.Integer())


class FaultSpellSchema(Strict):
    """When a fault was open; `end` is null while it still is."""

    fault_id = fields.Integer()
    fault_class = fields.String()
    condition = fields.String()
    start = moment()
    end = moment(nullable=True)


class DisputePastSchema(Strict):
    month = fields.Date()
    grams = fields.Integer()
    count = fields.Integer()


class DisputeEvidenceSchema(Strict):
    """What a disputed line follows from, and the tenancy's months before."""

    line = fields.Nested(DisputeLineSchema)
    weighings = fields.List(fields.Nested(DisputedWeighingSchema))
    faults = fields.List(fields.Nested(FaultSpellSchema))
    past = fields.List(fields.Nested(DisputePastSchema))
