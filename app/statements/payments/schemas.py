"""What the API of payments reads and writes, as documented in OpenAPI."""

from typing import Any

from marshmallow import fields, validate

from app.schemas import MAX_ID, Strict, Words
from app.statements.models import SCHEMES
from app.statements.payments.lines import LONGEST, MOST_WON
from app.statements.payments.models import SOURCES
from app.statements.payments.revenue import SUMS
from app.statements.payments.service import MOST_WORDS, Report

ID = validate.Range(1, MAX_ID)
CODE = validate.Length(1, 40)


def moment() -> fields.DateTime:
    return fields.DateTime(format="iso")


def of_month(**options: Any) -> fields.Date:
    return fields.Date(metadata={"description": "A day of the month"}, **options)


class PaymentArguments(Strict):
    """Which payments, the newest first; `after` is the id of the last one of the page before."""

    complex = Words(validate=CODE)
    month = of_month()
    household = fields.Integer(validate=ID)
    after = fields.Integer(validate=ID)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class PaymentSchema(Strict):
    """A payment; household_id is null where the complex itself paid. Negative won were paid back or taken back."""

    id = fields.Integer()
    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer(allow_none=True)
    building = fields.String(allow_none=True)
    unit = fields.String(allow_none=True)
    month = fields.Date()
    won = fields.Integer()
    paid_on = fields.Date()
    source = fields.String(validate=validate.OneOf(SOURCES))
    reference = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    reverses_id = fields.Integer(allow_none=True)
    reversed_by_id = fields.Integer(allow_none=True)
    actor = fields.String()
    booked_at = moment()


class PaymentPage(Strict):
    items = fields.List(fields.Nested(PaymentSchema))
    next_after = fields.Integer(allow_none=True)


class NewPaymentSchema(Strict):
    """A payment for a statement (or the run of a complex) by its number, or by complex, building, unit and month.

    Without building and unit the complex paid. The same reference (receipt) counts once in a complex.
    """

    statement = Words(load_default="", validate=validate.Length(max=LONGEST["statement"]))
    complex = Words(load_default="", validate=validate.Length(max=LONGEST["complex"]))
    building = Words(load_default="", validate=validate.Length(max=LONGEST["building"]))
    unit = Words(load_default="", validate=validate.Length(max=LONGEST["unit"]))
    month = of_month(load_default=None, allow_none=True)
    won = fields.Integer(required=True, strict=True, validate=validate.Range(-MOST_WON, MOST_WON))
    paid_on = fields.Date(required=True)
    reference = Words(load_default="", validate=validate.Length(max=LONGEST["reference"]))
    note = Words(load_default="", validate=validate.Length(max=LONGEST["note"]))


class PaymentIdSchema(Strict):
    id = fields.Integer()


class ReversalSchema(Strict):
    reason = Words(required=True, validate=validate.Length(1, MOST_WORDS))


class PaymentFileArguments(Strict):
    """How a file is taken: `dry_run` only checks it, `skip_bad` books the others where lines cannot be used."""

    name = Words(load_default="payments.csv", validate=validate.Length(1, 100))
    complex = Words(load_default="", validate=validate.Length(max=40), metadata={"description": "Of lines without one"})
    dry_run = fields.Boolean(load_default=False)
    skip_bad = fields.Boolean(load_default=False)


class GoodLineSchema(Strict):
    line = fields.Integer()
    payer = fields.String()
    month = fields.Date()
    won = fields.Integer()
    paid_on = fields.Date()


class BadLineSchema(Strict):
    line = fields.Integer()
    reason = fields.String()


class PaymentFileSchema(Strict):
    """`good` are, or would be, booked; `known` are booked already; `bad` cannot be used."""

    name = fields.String()
    sha256 = fields.String()
    booked = fields.Boolean()
    won = fields.Integer()
    good = fields.List(fields.Nested(GoodLineSchema))
    known = fields.List(fields.Nested(GoodLineSchema))
    bad = fields.List(fields.Nested(BadLineSchema))


class ArrearsArguments(Strict):
    """Of a complex; `after` is `next_after` of the page before."""

    complex = Words(load_default="", validate=validate.Length(max=40))
    after = fields.String(validate=validate.Regexp(r"\A[0-9]{1,12}\.[0-9]{1,9}\.[0-9]{1,9}\Z"))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class ArrearSchema(Strict):
    """A tenancy that owes what was due: oldest_due_on is the oldest of it, `days` since then."""

    complex = fields.String()
    complex_name = fields.String()
    household_id = fields.Integer()
    tenancy_id = fields.Integer(allow_none=True)
    building = fields.String()
    unit = fields.String()
    moved_out = fields.DateTime(format="iso", allow_none=True)
    balance_won = fields.Integer()
    held_won = fields.Integer()
    arrears_won = fields.Integer()
    oldest_due_on = fields.Date(allow_none=True)
    days = fields.Integer()


class ArrearsPage(Strict):
    items = fields.List(fields.Nested(ArrearSchema))
    next_after = fields.String(allow_none=True)


class ComplexBalanceSchema(Strict):
    """What a complex owes the district, and what its households owe."""

    complex = fields.String()
    complex_name = fields.String()
    balance_won = fields.Integer()
    arrears_won = fields.Integer()
    households_balance_won = fields.Integer()
    households_arrears_won = fields.Integer()
    late_households = fields.Integer()


class ComplexBalanceList(Strict):
    items = fields.List(fields.Nested(ComplexBalanceSchema))


class AccountItemSchema(Strict):
    kind = fields.String(validate=validate.OneOf(("opening", "statement", "payment")))
    day = fields.Date()
    due_on = fields.Date(allow_none=True)
    month = fields.Date(allow_none=True)
    number = fields.String(allow_none=True)
    payment_id = fields.Integer(allow_none=True)
    note = fields.String(allow_none=True)
    won = fields.Integer()


class AccountSchema(Strict):
    """A tenancy's account: balance = opening + billed - paid."""

    tenancy_id = fields.Integer(allow_none=True)
    moved_in = fields.DateTime(format="iso", allow_none=True)
    moved_out = fields.DateTime(format="iso", allow_none=True)
    opening_won = fields.Integer()
    billed_won = fields.Integer()
    paid_won = fields.Integer()
    held_won = fields.Integer()
    balance_won = fields.Integer()
    arrears_won = fields.Integer()
    oldest_due_on = fields.Date(allow_none=True)
    days = fields.Integer()
    items = fields.List(fields.Nested(AccountItemSchema))


class AccountList(Strict):
    items = fields.List(fields.Nested(AccountSchema))


class RevenueArguments(Strict):
    """Closed months from `first` to `last`, by a day of each; the last twelve where nothing is said."""

    first = of_month()
    last = of_month()
    complex = Words(load_default="", validate=validate.Length(max=40))


RevenueSchema = Strict.from_dict(
    {
        **{"month": fields.Date(), "complex": fields.String(), "complex_name": fields.String()},
        **{"scheme": fields.String(validate=validate.OneOf(SCHEMES))},
        **{name: fields.Integer() for name in SUMS},
    },
    name="RevenueSchema",
)


class RevenueList(Strict):
    """By month and complex; `total` has the same sums of all rows."""

    items = fields.List(fields.Nested(RevenueSchema))
    total = fields.Dict(keys=fields.String(), values=fields.Integer())


def plain_report(report: Report, language: str) -> dict[str, Any]:
    """A report as programs read it."""
    lines = {
        name: [
            {"line": each.line.line, "payer": each.payer.name, "month": each.payer.month}
            | {"won": each.line.won, "paid_on": each.line.paid_on}
            for each in getattr(report, name)
        ]
        for name in ("good", "known")
    }
    bad = [{"line": each.line, "reason": each.text.said(language)} for each in report.bad]
    said = {"name": report.name, "sha256": report.sha256, "booked": report.booked, "won": report.won}
    return said | lines | {"bad": bad}
