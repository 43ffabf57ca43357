"""What the people's API of the programme reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.registry.installations.models import KINDS, STATES
from app.registry.installations.service import MOST_HOUSEHOLDS, MOST_UNITS, YEARS
from app.schemas import MAX_ID, Strict, Words

KIND = validate.OneOf(KINDS)
UNITS = validate.Range(1, MOST_UNITS)
HOUSEHOLDS = validate.Range(0, MOST_HOUSEHOLDS)
YEAR = validate.Range(*YEARS)


class ApplicationArguments(Strict):
    """Which applications, numbered below the last one of the page before."""

    state = fields.String(load_default="", validate=validate.OneOf(("", *STATES)))
    before = fields.Integer(load_default=None, validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class ApplicationSchema(Strict):
    """An application and how it stands; `few` marks fewer than 60 households."""

    id = fields.Integer()
    complex = fields.String()
    complex_name = fields.String()
    kind = fields.String(validate=KIND)
    units = fields.Integer()
    households = fields.Integer()
    few = fields.Boolean()
    applicant = fields.String()
    applied_on = fields.Date()
    recorded_by = fields.String()
    recorded_at = fields.DateTime(format="iso")
    state = fields.String(validate=validate.OneOf(STATES))
    on_day = fields.Date()


class ApplicationPage(Strict):
    items = fields.List(fields.Nested(ApplicationSchema))
    next_before = fields.Integer(allow_none=True)


class ApplicationStepSchema(Strict):
    """A step that was taken."""

    step = fields.Integer()
    state = fields.String(validate=validate.OneOf(STATES))
    on_day = fields.Date()
    units = fields.Integer(allow_none=True)
    meters = fields.List(fields.String())
    score = fields.Integer(allow_none=True)
    answers = fields.Integer(allow_none=True)
    note = fields.String(allow_none=True)
    actor = fields.String()
    booked_at = fields.DateTime(format="iso")


class ApplicationDetailSchema(ApplicationSchema):
    """An application with its steps, and the states that may follow."""

    steps = fields.List(fields.Nested(ApplicationStepSchema))
    next = fields.List(fields.String())


class ApplicationWishSchema(Strict):
    """What a complex applies for."""

    complex = Words(required=True, validate=validate.Length(1, 64))
    kind = fields.String(required=True, validate=KIND)
    units = fields.Integer(required=True, strict=True, validate=UNITS)
    households = fields.Integer(required=True, strict=True, validate=HOUSEHOLDS)
    applicant = Words(required=True, validate=validate.Length(1, 500))
    applied_on = fields.Date(required=True)


class ApplicationTakeStepSchema(Strict):
    """The next step: `installed` takes `units` and may name `meters`, `surveyed` takes `score` of 100 and `answers`."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    on_day = fields.Date(required=True)
    note = Words(load_default="", validate=validate.Length(max=500))
    units = fields.Integer(load_default=None, allow_none=True, strict=True, validate=UNITS)
    meters = fields.List(Words(validate=validate.Length(1, 64)), load_default=list, validate=validate.Length(max=200))
    score = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 100))
    answers = fields.Integer(load_default=None, allow_none=True, strict=True, validate=HOUSEHOLDS)


class InstalledYearSchema(Strict):
    """A year of a kind: installed in it (`until`: and before), in all until then, the target and its share."""

    year = fields.Integer()
    until = fields.Boolean()
    installed = fields.Integer()
    cumulative = fields.Integer()
    target = fields.Integer(allow_none=True)
    share = fields.Float(allow_none=True)


class InstalledTableSchema(Strict):
    meter = fields.List(fields.Nested(InstalledYearSchema))
    reducer = fields.List(fields.Nested(InstalledYearSchema))


class OpeningCountSchema(Strict):
    """Installed in a year, as an earlier system counted; with `until`, in it and all years before."""

    kind = fields.String(required=True, validate=KIND)
    year = fields.Integer(required=True, strict=True, validate=YEAR)
    units = fields.Integer(required=True, strict=True, validate=HOUSEHOLDS)
    until = fields.Boolean(load_default=False)


class OpeningCountListSchema(Strict):
    counts = fields.List(fields.Nested(OpeningCountSchema), required=True, validate=validate.Length(1, 500))


class CountsChangedSchema(Strict):
    changed = fields.Integer()


class InstallationTargetSchema(Strict):
    kind = fields.String(required=True, validate=KIND)
    year = fields.Integer(required=True, strict=True, validate=YEAR)
    units = fields.Integer(required=True, strict=True, validate=HOUSEHOLDS)
