"""What the people's API of faults reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.fleet.faults.models import EVENT_KINDS, SOURCES, STATES
from app.fleet.faults.policy import CLASSES, CONDITIONS, NAMES
from app.fleet.faults.queries import LISTS
from app.fleet.faults.service import MAX_WORDS
from app.schemas import MAX_ID, Strict, Words

CLASS = validate.OneOf(CLASSES)
CODE = validate.Length(1, 64)
FIRST_YEAR, LAST_YEAR = 2000, 2100


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


def note() -> Words:
    return Words(required=True, validate=validate.Length(1, MAX_WORDS))


class FaultArguments(Strict):
    """Which faults. Open ones come by their due time, others newest first; `after` is the id of the last one before.

    Those of an outage that goes on are listed by its `incident`, or among `all`.
    """

    which = fields.String(load_default="open", validate=validate.OneOf(LISTS))
    fault_class = fields.String(validate=CLASS)
    complex = Words(validate=CODE)
    mine = fields.Boolean(load_default=False, metadata={"description": "Only those that the account answers for"})
    incident = fields.Integer(validate=validate.Range(1, MAX_ID))
    after = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class FaultSchema(Strict):
    """A fault. `opened_at` is its last opening; `closed_by` is null where it ended by itself."""

    id = fields.Integer()
    fault_class = fields.String(validate=CLASS)
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    source = fields.String(validate=validate.OneOf(SOURCES))
    state = fields.String(validate=validate.OneOf(STATES))
    words = fields.String(allow_none=True)
    complex = fields.String(allow_none=True)
    complex_name = fields.String(allow_none=True)
    gateway = fields.String(allow_none=True)
    meter = fields.String(allow_none=True)
    first_opened_at = moment()
    opened_at = moment()
    opened_by = fields.String(allow_none=True)
    openings = fields.Integer()
    owner = fields.String(allow_none=True)
    owner_name = fields.String(allow_none=True)
    due_at = moment()
    overdue = fields.Boolean()
    escalation_level = fields.Integer()
    incident_id = fields.Integer(allow_none=True)
    closed_at = moment(nullable=True)
    closed_by = fields.String(allow_none=True)
    closing_note = fields.String(allow_none=True)


class FaultPage(Strict):
    items = fields.List(fields.Nested(FaultSchema))
    next_after = fields.Integer(allow_none=True)


class EventSchema(Strict):
    """An entry of the history; without an actor the watch did it."""

    kind = fields.String(validate=validate.OneOf(EVENT_KINDS))
    actor = fields.String(allow_none=True)
    at = moment()
    before = fields.String(allow_none=True)
    after = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class FaultDetailSchema(FaultSchema):
    last_contact_at = moment(nullable=True)
    events = fields.List(fields.Nested(EventSchema))


class ReportSchema(Strict):
    """A fault at a bin, in words."""

    meter = Words(required=True, validate=CODE)
    fault_class = fields.String(required=True, validate=CLASS)
    words = note()


class NoteSchema(Strict):
    note = note()


class OwnerSchema(Strict):
    """Who answers from now on, by login."""

    owner = Words(required=True, validate=CODE)


class ReclassificationSchema(Strict):
    fault_class = fields.String(required=True, validate=CLASS)
    note = note()


class DueSchema(Strict):
    due_at = fields.AwareDateTime(required=True, format="iso")
    note = note()


class CountSchema(Strict):
    """How many faults are open, overdue, without an owner, and the account's own."""

    open = fields.Integer()
    overdue = fields.Integer()
    unowned = fields.Integer()
    mine = fields.Integer()


class YearArguments(Strict):
    year = fields.Integer(validate=validate.Range(FIRST_YEAR, LAST_YEAR))


class MonthSchema(Strict):
    """Faults first opened in a month (Asia/Seoul), by class; `devices` stood there at some time in it."""

    month = fields.Date()
    devices = fields.Integer()
    total = fields.Integer()
    by_class = fields.Dict(keys=fields.String(), values=fields.Integer())


class StatisticsSchema(Strict):
    items = fields.List(fields.Nested(MonthSchema))


class RuleSchema(Strict):
    """A setting, SUBJECT.SETTING; its unit stands at the end of its name."""

    name = fields.String(validate=validate.OneOf(NAMES))
    value = fields.Integer()
    default = fields.Integer()
    least = fields.Integer()
    most = fields.Integer()


class RuleListSchema(Strict):
    items = fields.List(fields.Nested(RuleSchema))


class NewRuleSchema(Strict):
    """A setting and its value; null returns to the default."""

    name = fields.String(required=True, validate=validate.OneOf(NAMES))
    value = fields.Integer(required=True, strict=True, allow_none=True, validate=validate.Range(0, MAX_ID))


class DutySchema(Strict):
    """Who answers at a complex (null: anywhere) for a class (null: any), and whom to turn to; people by login."""

    id = fields.Integer()
    complex = fields.String(allow_none=True)
    complex_name = fields.String(allow_none=True)
    fault_class = fields.String(allow_none=True, validate=CLASS)
    owner = fields.String()
    owner_name = fields.String()
    escalate_to = fields.String(allow_none=True)
    escalate_to_name = fields.String(allow_none=True)
    set_by = fields.String()
    set_at = moment()


class DutyListSchema(Strict):
    items = fields.List(fields.Nested(DutySchema))


class NewDutySchema(Strict):
    complex = Words(load_default=None, allow_none=True, validate=CODE)
    fault_class = fields.String(load_default=None, allow_none=True, validate=CLASS)
    owner = Words(required=True, validate=CODE)
    escalate_to = Words(load_default=None, allow_none=True, validate=CODE)


class IdSchema(Strict):
    id = fields.Integer()


class IncidentArguments(Strict):
    before = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 500))


class IncidentSchema(Strict):
    """A network-wide outage: how many of how many gateways were silent when it opened; its faults that you may see."""

    id = fields.Integer()
    opened_at = moment()
    closed_at = moment(nullable=True)
    silent = fields.Integer()
    gateways = fields.Integer()
    owner = fields.String(allow_none=True)
    due_at = moment()
    escalation_level = fields.Integer()
    faults = fields.Integer()
    open_faults = fields.Integer()


class IncidentPage(Strict):
    items = fields.List(fields.Nested(IncidentSchema))
    next_before = fields.Integer(allow_none=True)
