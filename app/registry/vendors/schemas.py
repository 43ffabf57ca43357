"""What the people's API of vendors reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.registry.models import VENDOR_KINDS
from app.schemas import Strict, Words

KIND = validate.OneOf(VENDOR_KINDS)


class VendorArguments(Strict):
    """Which vendors, by code after the last one of the page before."""

    kind = fields.String(load_default="", validate=validate.OneOf(("", *VENDOR_KINDS)))
    state = fields.String(load_default="", validate=validate.OneOf(("", "active", "ended")))
    search = Words(load_default="", validate=validate.Length(max=100))
    after = Words(load_default="", validate=validate.Length(max=64))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000))


class VendorSchema(Strict):
    """A vendor: one that makes bags, or a designated sales point; `business_number` has ten digits."""

    code = fields.String()
    kind = fields.String(validate=KIND)
    name = fields.String()
    business_number = fields.String(allow_none=True)
    representative = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    memo = fields.String(allow_none=True)
    designated_on = fields.Date(allow_none=True)
    ended_on = fields.Date(allow_none=True)


class VendorPage(Strict):
    items = fields.List(fields.Nested(VendorSchema))
    next_after = fields.String(allow_none=True)


class VendorChangeSchema(Strict):
    """Fields to set. A vendor's own people may set `representative`, `phone`, `email` and `address`."""

    name = Words(validate=validate.Length(1, 120))
    business_number = Words(validate=validate.Length(max=20))
    representative = Words(validate=validate.Length(max=60))
    phone = Words(validate=validate.Length(max=26))
    email = Words(validate=validate.Length(max=200))
    address = Words(validate=validate.Length(max=300))
    memo = Words(validate=validate.Length(max=500))
    designated_on = fields.Date()


class VendorAddSchema(VendorChangeSchema):
    """A new vendor."""

    code = Words(required=True, validate=validate.Length(1, 40))
    kind = fields.String(required=True, validate=KIND)
    name = Words(required=True, validate=validate.Length(1, 120))


class VendorEndSchema(Strict):
    ended_on = fields.Date(required=True)
    reason = Words(required=True, validate=validate.Length(1, 500))
