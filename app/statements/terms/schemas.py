"""What the people's API of tariffs and terms reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.schemas import MAX_ID, Strict, Words
from app.statements.models import SCHEMES, SHARING, SUSPENSE
from app.statements.terms.policy import BOUNDS
from billing.checking import CHOICES, MOST_GRAMS, MOST_WON

CODE = validate.Length(1, 64)
SCHEME = validate.OneOf(SCHEMES)
NUMBER = validate.Regexp(r"^[0-9]{1,9}(\.[0-9]{1,4})?$", error="Write a decimal number as text, as in “130” or “7.5”.")
MONTH = validate.Regexp(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", error="Write a month as 2026-10.")


def reason() -> Words:
    return Words(required=True, validate=validate.Length(1, 300))


def month(required: bool = False) -> fields.String:
    return fields.String(required=required, validate=MONTH, metadata={"description": "as in 2026-10"})


def _grams(default: int = 0, least: int = 0) -> fields.Integer:
    return fields.Integer(strict=True, load_default=default, validate=validate.Range(least, MOST_GRAMS))


def _one_of(name: str) -> fields.String:
    return fields.String(load_default=CHOICES[name][0], validate=validate.OneOf(CHOICES[name]))


class TierSchema(Strict):
    """A price (a decimal as text) from so many grams of a month on."""

    from_g = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_GRAMS))
    won_per_kg = fields.String(required=True, validate=NUMBER)


class TermsSchema(Strict):
    """How weight becomes won. Rounding at each discharge takes one tier and no free weight."""

    tiers = fields.List(fields.Nested(TierSchema), required=True, validate=validate.Length(1, 20))
    tiering = fields.String(load_default="graduated", validate=validate.OneOf(CHOICES["tiering"]))
    rounding = _one_of("rounding")
    round_to_won = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, MOST_WON))
    rounded_at = _one_of("rounded_at")
    unit_g = _grams(1, 1)
    unit_rounding = _one_of("unit_rounding")
    free_g = _grams()
    relief_percent = fields.String(load_default="0", validate=NUMBER)


class TariffWordsSchema(Strict):
    """A sentence in both languages."""

    ko = fields.String()
    en = fields.String()


class TariffSchema(Strict):
    """A tariff from `first_day` to `until` (null: it goes on); `open` while it may be replaced or withdrawn."""

    id = fields.Integer()
    scheme = fields.String(validate=SCHEME)
    payer_class = fields.String()
    first_day = fields.Date()
    until = fields.Date(allow_none=True)
    open = fields.Boolean()
    revision = fields.Integer()
    terms = fields.Nested(TermsSchema)
    reference = fields.String()
    actor = fields.String()
    made_at = fields.DateTime(format="iso")
    prices = fields.Nested(TariffWordsSchema)
    conditions = fields.Nested(TariffWordsSchema)


class TariffListSchema(Strict):
    items = fields.List(fields.Nested(TariffSchema))


class TariffArguments(Strict):
    scheme = fields.String(validate=SCHEME)


class NewTariffSchema(Strict):
    """A tariff from a day on. `replaces` is the id of the one of the same first day whose place it takes, if any."""

    scheme = fields.String(required=True, validate=SCHEME)
    payer_class = fields.String(load_default="general", validate=CODE)
    first_day = fields.Date(required=True)
    terms = fields.Nested(TermsSchema, required=True)
    reference = reason()
    replaces = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, MAX_ID))


class WithdrawalOfTariffSchema(Strict):
    reason = reason()


class TariffIdSchema(Strict):
    id = fields.Integer()


class ChangedComplexesSchema(Strict):
    """How many rows are other than before."""

    changed = fields.Integer()


class PayerClassSchema(Strict):
    """A payer class; `used` is false for one that is offered and was not used yet."""

    code = fields.String()
    name_ko = fields.String()
    name_en = fields.String()
    used = fields.Boolean()


class PayerClassListSchema(Strict):
    items = fields.List(fields.Nested(PayerClassSchema))


class NewPayerClassSchema(Strict):
    code = Words(required=True, validate=CODE)
    name_ko = Words(required=True, validate=validate.Length(1, 40))
    name_en = Words(required=True, validate=validate.Length(1, 40))


class MonthArguments(Strict):
    month = month()


class ComplexTermsSchema(Strict):
    """How a complex is billed in a month."""

    complex = fields.String()
    complex_name = fields.String()
    scheme = fields.String(validate=SCHEME)
    suspense = fields.String(validate=validate.OneOf(SUSPENSE))
    sharing = fields.String(validate=validate.OneOf(SHARING))


class ComplexTermsListSchema(Strict):
    month = fields.String()
    items = fields.List(fields.Nested(ComplexTermsSchema))


class NewTermsSchema(Strict):
    """Terms of several complexes from a month on."""

    complexes = fields.List(Words(validate=CODE), required=True, validate=validate.Length(1, 1000))
    first_month = month(required=True)
    scheme = fields.String(required=True, validate=SCHEME)
    suspense = fields.String(load_default="shared", validate=validate.OneOf(SUSPENSE))
    sharing = fields.String(load_default="equal", validate=validate.OneOf(SHARING))
    reason = reason()


class WeightSchema(Strict):
    """What a complex weighed elsewhere in a month."""

    complex = fields.String()
    complex_name = fields.String()
    weighed_g = fields.Integer()
    source = fields.String()
    actor = fields.String()
    made_at = fields.DateTime(format="iso")


class WeightListSchema(Strict):
    month = fields.String()
    items = fields.List(fields.Nested(WeightSchema))


class NewWeightSchema(Strict):
    complex = Words(required=True, validate=CODE)
    weighed_g = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_GRAMS))


class NewWeightsSchema(Strict):
    """Weights of complexes in a month; `source` says where they come from, as a weighing note."""

    month = month(required=True)
    weights = fields.List(fields.Nested(NewWeightSchema), required=True, validate=validate.Length(1, 5000))
    source = Words(required=True, validate=validate.Length(1, 200))


class HeldClassSchema(Strict):
    """A class from a month on; class and reason are null unless the reader may see them."""

    first_month = fields.Date()
    payer_class = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    actor = fields.String()
    made_at = fields.DateTime(format="iso")


class TenancyClassesSchema(Strict):
    """A tenancy with its classes; the general one where none is listed."""

    id = fields.Integer()
    valid_from = fields.DateTime(format="iso")
    valid_to = fields.DateTime(format="iso", allow_none=True)
    classes = fields.List(fields.Nested(HeldClassSchema))


class TenancyClassListSchema(Strict):
    items = fields.List(fields.Nested(TenancyClassesSchema))


class NewClassSchema(Strict):
    """The class of a household's tenancy from a month on; without `tenancy_id` of the last one."""

    payer_class = Words(required=True, validate=CODE)
    first_month = month(required=True)
    tenancy_id = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, MAX_ID))
    reason = reason()


class LimitsSchema(Strict):
    """Months that late usage is billed by itself; days to review a preview, to answer a dispute, to pay."""

    late_months = fields.Integer(required=True, strict=True, validate=validate.Range(*BOUNDS["late_months"]))
    review_days = fields.Integer(required=True, strict=True, validate=validate.Range(*BOUNDS["review_days"]))
    reply_days = fields.Integer(required=True, strict=True, validate=validate.Range(*BOUNDS["reply_days"]))
    pay_days = fields.Integer(required=True, strict=True, validate=validate.Range(*BOUNDS["pay_days"]))


class WhatIfArguments(Strict):
    """A draft and a month; without `terms` one price, rounded down once per statement.

    `terms` is JSON as a tariff's `terms` are written.
    """

    scheme = fields.String(load_default="household", validate=SCHEME)
    payer_class = fields.String(load_default="general", validate=CODE)
    won_per_kg = fields.String(validate=NUMBER)
    terms = fields.String(validate=validate.Length(1, 4000))
    month = month()
    complex = Words(validate=CODE)


class SumsSchema(Strict):
    """Won by the tariffs in force, by the draft, and the difference."""

    before = fields.Integer()
    after = fields.Integer()
    difference = fields.Integer()


class CountsSchema(Strict):
    """How many tenancies would pay more, less, the same."""

    households = fields.Integer()
    more = fields.Integer()
    less = fields.Integer()
    same = fields.Integer()


class ComparedComplexSchema(SumsSchema, CountsSchema):
    complex = fields.String()
    complex_name = fields.String()


class TenthSchema(Strict):
    """A tenth of the tenancies that discharged something, by weight: its heaviest, and its mean won."""

    tenth = fields.Integer()
    households = fields.Integer()
    most_g = fields.Integer()
    mean_before = fields.Integer()
    mean_after = fields.Integer()


class ComparedHouseholdSchema(SumsSchema):
    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer()
    building = fields.String()
    unit = fields.String()
    grams = fields.Integer()


class FailedSchema(Strict):
    """A complex whose month cannot be assessed, and why."""

    complex = fields.String()
    complex_name = fields.String()
    problem = fields.String()


class WhatIfSchema(Strict):
    """A month by the tariffs in force and by the draft; nothing is stored."""

    month = fields.String()
    scheme = fields.String()
    payer_class = fields.String()
    terms = fields.Nested(TermsSchema)
    total = fields.Nested(SumsSchema)
    households = fields.Nested(CountsSchema)
    complexes = fields.List(fields.Nested(ComparedComplexSchema))
    tenths = fields.List(fields.Nested(TenthSchema))
    biggest = fields.List(fields.Nested(ComparedHouseholdSchema))
    failed = fields.List(fields.Nested(FailedSchema))
