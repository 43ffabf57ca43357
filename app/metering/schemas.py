"""The documented form of what gateways send and of what people's programs read and write. Unknown fields are refused.

`RecordSchema` is the specification of a record; the hot path reads with `records.Record`, 26 times faster, and a
property test holds that both accept and refuse the same.
"""

from datetime import datetime
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from app.metering.models import CLOCKS, CORRECTIONS, OUTCOMES
from app.metering.records import (
    MAX_GROSS_G,
    MAX_MONO_MS,
    MAX_NET_G,
    MAX_RECORDS,
    MAX_SEQ,
    weight_fault,
)
from app.schemas import MAX_ID, Strict, Words

NAME = validate.Length(min=1, max=64)


def whole(minimum: int, maximum: int, **options: Any) -> fields.Integer:
    return WholeNumber(strict=True, required=True, validate=validate.Range(minimum, maximum), **options)


class WholeNumber(fields.Integer):
    """A JSON number without a fraction; not a text, not true or false, not 1.0."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Moment(fields.AwareDateTime):
    """RFC 3339 with a time zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type="datetime")
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        return moment


class CardSchema(Strict):
    """A card by its keyed hash; see "Claim" in docs/gateway-api.md."""

    hash = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{32}\Z"))
    last4 = fields.String(required=True, validate=validate.Regexp(r"\A[0-9A-F]{4}\Z"))


class RecordSchema(Strict):
    """One deposit or event at a meter. Weights in grams."""

    seq = whole(1, MAX_SEQ)
    meter = fields.String(required=True, validate=NAME)
    card = fields.Nested(CardSchema, required=True, allow_none=True)
    occurred_at = Moment(required=True, format="iso")
    clock = fields.String(required=True, validate=validate.OneOf(CLOCKS))
    boot_id = fields.String(required=True, validate=NAME)
    mono_ms = whole(0, MAX_MONO_MS)
    gross_before_g = whole(-MAX_GROSS_G, MAX_GROSS_G, allow_none=True)
    gross_after_g = whole(-MAX_GROSS_G, MAX_GROSS_G, allow_none=True)
    net_g = whole(-MAX_GROSS_G, MAX_GROSS_G, allow_none=True)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    flags = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(max=32))
    evidence = fields.Dict(keys=fields.String(), required=True)

    @validates_schema
    def weights_fit(self, data: dict[str, Any], **_: Any) -> None:
        fault = weight_fault(data["outcome"], data["gross_before_g"], data["gross_after_g"], data["net_g"])
        if fault is not None:
            raise ValidationError(fault.detail, "net_g")


class BatchSchema(Strict):
    """A batch of discharges as a gateway posts it."""

    schema = fields.Integer(required=True, strict=True, validate=validate.Equal(1))
    epoch = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{16}\Z"))
    boot_id = fields.String(required=True, validate=NAME)
    sent_at = Moment(required=True, format="iso")
    mono_ms = whole(0, MAX_MONO_MS)
    discharges = fields.List(fields.Nested(RecordSchema), required=True, validate=validate.Length(max=MAX_RECORDS))


class ResultSchema(Strict):
    seq = fields.Integer(allow_none=True)
    status = fields.String(validate=validate.OneOf(("stored", "duplicate", "quarantined")))
    code = fields.String(allow_none=True)


class AnswerSchema(Strict):
    """What a gateway reads: it forgets a record only by the record's own result."""

    server_time = fields.String()
    acked_through = fields.Integer()
    high_seq = fields.Integer()
    results = fields.List(fields.Nested(ResultSchema))
    commands = fields.List(fields.Dict(), metadata={"description": "Signed, as docs/gateway-api.md says"})


class ProblemSchema(Schema):
    """An RFC 9457 problem, in the reader's language. `errors` tells what is wrong by field; others may join."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String()
    errors = fields.Raw(metadata={"description": "What is wrong, by field or one after the other"})


class PageArguments(Strict):
    """A page of a list, after the key of the last row of the page before."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    state = fields.String(load_default="open", validate=validate.OneOf(("open", "decided", "all")))


class QuarantinedSchema(Strict):
    """A record kept aside, as it came, with its reason and what was decided."""

    id = fields.Integer()
    kind = fields.String()
    gateway = fields.String()
    epoch_no = fields.Integer()
    seq = fields.Integer(allow_none=True)
    code = fields.String()
    detail = fields.String()
    raw = fields.String()
    received_at = fields.DateTime(format="iso")
    decision = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    actor = fields.String(allow_none=True)
    decided_at = fields.DateTime(format="iso", allow_none=True)


class QuarantinePage(Strict):
    items = fields.List(fields.Nested(QuarantinedSchema))
    next_after = fields.Integer(allow_none=True)


NOTE = validate.Length(min=1, max=2000)


class DiscardSchema(Strict):
    note = Words(required=True, validate=NOTE)


class ReleaseSchema(Strict):
    """Why the record is booked after all, and the fields that staff correct (as in a record)."""

    note = Words(required=True, validate=NOTE)
    corrected = fields.Dict(keys=fields.String(), load_default=dict)


class NumberSchema(Strict):
    number = fields.String(metadata={"description": "gateway-epoch-seq, the discharge's name"})


class CorrectionSchema(Strict):
    """A correction: `net_g` for re_weigh, `household_id` (null for nobody) for re_attribute."""

    kind = fields.String(required=True, validate=validate.OneOf(CORRECTIONS))
    reason = Words(required=True, validate=NOTE)
    net_g = fields.Integer(strict=True, validate=validate.Range(0, MAX_NET_G))
    household_id = fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, MAX_ID))

    NEEDS: ClassVar[dict[str, str]] = {"re_weigh": "net_g", "re_attribute": "household_id"}

    @validates_schema
    def value_fits_kind(self, data: dict[str, Any], **_: Any) -> None:
        needed = self.NEEDS.get(data["kind"])
        given = {"net_g", "household_id"} & data.keys()
        if given != ({needed} if needed else set()):
            raise ValidationError(f"{data['kind']} takes {needed or 'no value'}.", needed or "kind")


class StateSchema(Strict):
    """How a discharge reads after `revision` corrections."""

    revision = fields.Integer()
    outcome = fields.String()
    net_g = fields.Integer(allow_none=True)
    household_id = fields.Integer(allow_none=True)
    tenancy_id = fields.Integer(allow_none=True)
    billable = fields.Boolean()
    voided = fields.Boolean()


class RevisionSchema(StateSchema):
    kind = fields.String()
    reason = fields.String()
    actor = fields.String()
    booked_at = fields.DateTime(format="iso")


class DischargeSchema(Strict):
    """A discharge as first booked, how it reads now, and the corrections between."""

    number = fields.String()
    meter = fields.String()
    complex_id = fields.Integer()
    occurred_at = fields.DateTime(format="iso")
    claimed_at = fields.DateTime(format="iso")
    received_at = fields.DateTime(format="iso")
    booked_at = fields.DateTime(format="iso")
    service_day = fields.Date()
    clock = fields.String()
    gross_before_g = fields.Integer(allow_none=True)
    gross_after_g = fields.Integer(allow_none=True)
    flags = fields.List(fields.String())
    evidence = fields.Dict()
    booked = fields.Nested(StateSchema)
    now = fields.Nested(StateSchema)
    corrections = fields.List(fields.Nested(RevisionSchema))


class SuspenseArguments(Strict):
    """Since when; by default since today began in Korea."""

    since = Moment(format="iso")


class SuspenseSchema(Strict):
    """Discharges of a card that are nobody's, by number."""

    numbers = fields.List(fields.String())


class AttributionSchema(Strict):
    """Whose the suspense of a card becomes, and why."""

    household_id = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_ID))
    reason = Words(required=True, validate=NOTE)
    since = Moment(format="iso")
