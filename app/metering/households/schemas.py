"""What the people's API of households reads and writes, as documented in OpenAPI. Days are Korean."""

from marshmallow import fields, validate

from app.registry.card_changes import HANDLINGS
from app.registry.household_queries import STATES
from app.registry.residents import LONGEST
from app.schemas import MAX_ID, Strict, Words

NAME = validate.Length(1, 40)
HASH = validate.Regexp(r"\A[0-9a-f]{32}\Z")


def moment() -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=True)


def reason() -> Words:
    return Words(required=True, validate=validate.Length(1, 500))


def detail() -> Words:
    return Words(load_default=None, allow_none=True, validate=validate.Length(max=LONGEST))


class HouseholdArguments(Strict):
    """Which households, after the id of the last one of the page before."""

    complex = Words(load_default="", validate=validate.Length(max=40))
    building = Words(load_default="", validate=validate.Length(max=40))
    unit = Words(load_default="", validate=validate.Length(max=40))
    last4 = fields.String(load_default="", validate=validate.Regexp(r"\A([0-9A-Fa-f]{4})?\Z"))
    state = fields.String(load_default="", validate=validate.OneOf(("", *STATES)))
    after = fields.Integer(load_default=None, validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


class HouseholdSchema(Strict):
    """A household; `since` is when who lives there moved in, `cards` how many open now, the name is masked."""

    id = fields.Integer()
    complex = fields.String()
    complex_name = fields.String()
    building = fields.String()
    unit = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    since = moment()
    resident = fields.String(allow_none=True)
    cards = fields.Integer()


class HouseholdPage(Strict):
    items = fields.List(fields.Nested(HouseholdSchema))
    next_after = fields.Integer(allow_none=True)


class TenancySchema(Strict):
    """Who lived there, from and to; personal details masked unless they were asked for."""

    id = fields.Integer()
    valid_from = moment()
    valid_to = moment()
    current = fields.Boolean()
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)


class HeldCardSchema(Strict):
    """A card with its newest assignment here; what it is worth now stands in `state`."""

    id = fields.Integer()
    last4 = fields.String(allow_none=True)
    state = fields.String(validate=validate.OneOf(("open", "lost", "replaced", "blocked", "kept", "gone")))
    valid_from = moment()
    valid_to = moment()
    lost_at = moment()
    blocked_at = moment()
    blocked_by = fields.String(allow_none=True)
    blocked_reason = fields.String(allow_none=True)
    replaced_by = fields.String(allow_none=True)


class EarlierMonthSchema(Strict):
    month = fields.Date()
    grams = fields.Integer()
    count = fields.Integer()
    won = fields.Integer()


class OpeningBalanceSchema(Strict):
    as_of = fields.Date()
    won = fields.Integer()


class HouseholdDetailSchema(HouseholdSchema):
    """A household with its tenancies and cards, and what an earlier system left."""

    abandoned_at = moment()
    abandoned_by = fields.String(allow_none=True)
    abandoned_reason = fields.String(allow_none=True)
    tenancies = fields.List(fields.Nested(TenancySchema))
    held_cards = fields.List(fields.Nested(HeldCardSchema))
    earlier_months = fields.List(fields.Nested(EarlierMonthSchema))
    opening_balances = fields.List(fields.Nested(OpeningBalanceSchema))
    revealed = fields.Boolean()


class UnitSchema(Strict):
    """Building and unit, with or without 동 and 호."""

    building = Words(required=True, validate=NAME)
    unit = Words(required=True, validate=NAME)


class NewHouseholdSchema(UnitSchema):
    complex = Words(required=True, validate=NAME)


class HouseholdIdSchema(Strict):
    id = fields.Integer()


class ResidentSchema(Strict):
    """Who lives there; what is left out or null is erased."""

    name = detail()
    phone = detail()
    email = detail()
    tenancy_id = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, MAX_ID))


class ArrivalSchema(Strict):
    """Who moves in, and with which new card (its hash, as in the list of touches)."""

    on = fields.Date(required=True)
    name = detail()
    phone = detail()
    email = detail()
    card_hash = fields.String(load_default=None, allow_none=True, validate=HASH)


class MoveInSchema(ArrivalSchema):
    until = fields.Date(load_default=None, allow_none=True)


class MoveOutSchema(Strict):
    """From when on nobody lives there, and what becomes of the cards."""

    on = fields.Date(required=True)
    cards = fields.String(load_default="returned", validate=validate.OneOf(HANDLINGS))


class AbandonSchema(Strict):
    on = fields.Date(required=True)
    reason = reason()


class MoveAnswerSchema(Strict):
    """How many discharges belong to somebody else than before, each by a correction of its own."""

    re_attributed = fields.Integer()


class ReasonSchema(Strict):
    reason = reason()


class GivenCardSchema(Strict):
    """A card that was held at a bin, from now on or from the beginning of a day."""

    card_hash = fields.String(required=True, validate=HASH)
    on = fields.Date(load_default=None, allow_none=True)


class NewCardSchema(Strict):
    card_hash = fields.String(required=True, validate=HASH)


class CardBackSchema(Strict):
    on = fields.Date(load_default=None, allow_none=True)
    cards = fields.String(load_default="returned", validate=validate.OneOf(HANDLINGS))


class ReissuedSchema(Strict):
    card_id = fields.Integer()
    role = fields.String()
    household_id = fields.Integer(allow_none=True)
    tenancy_id = fields.Integer(allow_none=True)
