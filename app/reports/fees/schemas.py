"""What programs send and get about fee files."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.reports.fees.layout import FIELDS, LONGEST_TITLE, MOST_COLUMNS
from app.reports.fees.models import FORMATS
from app.schemas import Strict, Words


class FeeColumnSchema(Strict):
    field = fields.String(required=True, validate=validate.OneOf(sorted(FIELDS)))
    title = Words(required=True, validate=validate.Length(1, LONGEST_TITLE))


class FeeLayoutSchema(Strict):
    columns = fields.List(fields.Nested(FeeColumnSchema), required=True, validate=validate.Length(1, MOST_COLUMNS))
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))


class FeeFileArguments(Strict):
    format = fields.String(validate=validate.OneOf(FORMATS), metadata={"description": "default: the complex's own"})


class FeeDifferenceSchema(Schema):
    kind = fields.String(required=True)
    line = fields.Integer(required=True)
    who = fields.String(required=True)
    field = fields.String(required=True)
    expected = fields.String(required=True)
    found = fields.String(required=True)


class FeeSumSchema(Schema):
    field = fields.String(required=True)
    expected = fields.String(required=True)
    found = fields.String(required=True)


class FeeCheckSchema(Schema):
    agrees = fields.Boolean(required=True)
    rows = fields.Integer(required=True)
    count = fields.Integer(required=True)
    differences = fields.List(fields.Nested(FeeDifferenceSchema), required=True)
    sums = fields.List(fields.Nested(FeeSumSchema), required=True)


def plain_report(report: Any) -> dict[str, Any]:
    """A report as programs read it."""
    sums = [{"field": name, "expected": str(want), "found": str(got)} for name, (want, got) in report.sums.items()]
    differences = [each._asdict() for each in report.differences]
    return {"agrees": report.agrees, "rows": report.rows, "count": report.count} | {
        "differences": differences,
        "sums": sums,
    }
