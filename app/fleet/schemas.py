"""What the people's API of the fleet reads and writes, as documented in OpenAPI."""

from marshmallow import Schema, fields, validate

from app.fleet.models import COMMAND_KINDS, COMMAND_STATES, TOUCH_REASONS
from app.registry.models import CARD_ROLES
from app.schemas import MAX_ID, Strict, Words

CODE = validate.Regexp(r"\A[0-9A-Za-z-]{0,40}\Z")


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


class GatewayArguments(Strict):
    """A page of gateways, after the code of the last one of the page before."""

    after = fields.String(load_default="", validate=CODE)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


class BackwardArguments(Strict):
    """A page of events, newest first, before the id of the last one of the page before."""

    before = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class TouchArguments(Strict):
    """Which refused cards."""

    minutes = fields.Integer(load_default=10, validate=validate.Range(1, 7 * 24 * 60))
    meter = fields.String(validate=validate.Length(1, 64))
    complex = fields.String(validate=validate.Length(1, 64))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class StandsAtSchema(Strict):
    code = fields.String()
    name = fields.String()


class KeySchema(Strict):
    """A key, without its secret. It lives until it is revoked, or until `retires_at`."""

    key_id = fields.String()
    hardware_id = fields.String()
    created_at = moment()
    confirmed_at = moment(nullable=True)
    retires_at = moment(nullable=True)
    revoked_at = moment(nullable=True)


class GatewaySchema(Strict):
    """A gateway as it stands. What comes from its status is null where it never sent any."""

    code = fields.String()
    created_at = moment()
    meters = fields.List(fields.String())
    complexes = fields.List(fields.Nested(StandsAtSchema))
    keys = fields.List(fields.Nested(KeySchema), metadata={"description": "Those that live"})
    last_contact_at = moment(nullable=True)
    silent_since = moment(nullable=True)
    reported_at = moment(nullable=True)
    clock = fields.String(allow_none=True)
    software = fields.String(allow_none=True)
    spool_depth = fields.Integer(allow_none=True)
    spool_oldest_age_s = fields.Integer(allow_none=True)
    refusing = fields.Boolean(allow_none=True, metadata={"description": "Its disk is full: the bins refuse service"})
    cards_version = fields.String(allow_none=True)
    cards_expired = fields.Boolean(allow_none=True)
    faults = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    epoch_count = fields.Integer()
    missing_ranges = fields.Integer()
    missing_count = fields.Integer(metadata={"description": "Records that the gateway numbered and never delivered"})
    open_commands = fields.Integer()


class GatewayPage(Strict):
    items = fields.List(fields.Nested(GatewaySchema))
    next_after = fields.String(allow_none=True)


class EpochSchema(Strict):
    """A spool of the gateway: the highest number seen and the ranges [from, to] that never came."""

    epoch_no = fields.Integer()
    epoch = fields.String()
    high_seq = fields.Integer()
    missing = fields.List(fields.List(fields.Integer()))
    missing_merged = fields.Boolean(metadata={"description": "There were too many ranges; some hold what did come"})
    first_contact_at = moment()
    last_contact_at = moment()


class ClaimSchema(Strict):
    created_at = moment()
    expires_at = moment()


class CommandSchema(Strict):
    """A command; `state` is `expired` too where nobody fetched it in time."""

    id = fields.String()
    gateway = fields.String()
    kind = fields.String(validate=validate.OneOf(COMMAND_KINDS))
    arguments = fields.Dict()
    created_at = moment()
    created_by = fields.String()
    expires_at = moment()
    delivered_at = moment(nullable=True)
    state = fields.String(validate=validate.OneOf(COMMAND_STATES))
    detail = fields.String(allow_none=True)
    finished_at = moment(nullable=True)


class GatewayEventSchema(Strict):
    """What happened to a gateway; `actor` is null for what the box did or told."""

    id = fields.Integer()
    gateway = fields.String()
    kind = fields.String()
    detail = fields.String()
    actor = fields.String(allow_none=True)
    at = moment()
    claimed_at = moment(nullable=True)
    clock = fields.String(allow_none=True)
    booked_at = moment()


class EventPage(Strict):
    items = fields.List(fields.Nested(GatewayEventSchema))
    next_before = fields.Integer(allow_none=True)


class GatewayDetailSchema(GatewaySchema):
    """A gateway with its newest status as it came, all its keys, epochs, open claims, commands and events."""

    report = fields.Dict(allow_none=True)
    epochs = fields.List(fields.Nested(EpochSchema))
    all_keys = fields.List(fields.Nested(KeySchema))
    claims = fields.List(fields.Nested(ClaimSchema))
    commands = fields.List(fields.Nested(CommandSchema))
    events = fields.List(fields.Nested(GatewayEventSchema))


class SummarySchema(Strict):
    """How many gateways, and how many of them are in each state."""

    gateways = fields.Integer()
    reporting = fields.Integer()
    silent = fields.Integer()
    never_seen = fields.Integer()
    without_key = fields.Integer()
    with_faults = fields.Integer()
    with_missing = fields.Integer()
    waiting_commands = fields.Integer()


class ClaimCodeSchema(Strict):
    """A one-time code; it is told only here."""

    claim_code = fields.String()
    expires_at = moment()


class RevocationSchema(Strict):
    """Which key ends; without one, all keys of the gateway."""

    key_id = fields.String(validate=validate.Length(1, 128))


class RevokedSchema(Strict):
    revoked = fields.List(fields.String())


class OrderSchema(Strict):
    """What the gateway is to do; `open_lid` takes a `meter`, `update` a `version`, the others nothing."""

    kind = fields.String(required=True, validate=validate.OneOf(COMMAND_KINDS))
    arguments = fields.Dict(keys=fields.String(), values=Words(validate=validate.Length(1, 64)), load_default=dict)


class RateSchema(Strict):
    """What the displays estimate a fee from, from `first_day` on; nothing is billed by it."""

    first_day = fields.Date(required=True)
    won_per_kg = fields.Decimal(required=True, as_string=True, allow_nan=False, metadata={"type": "string"})


class RateListSchema(Strict):
    items = fields.List(fields.Nested(RateSchema))


class GatewayReleaseSchema(Strict):
    version = fields.String()
    file_name = fields.String()
    sha256 = fields.String()
    size = fields.Integer()
    signature = fields.String()
    added_at = moment()
    added_by = fields.String()


class ReleaseListSchema(Strict):
    items = fields.List(fields.Nested(GatewayReleaseSchema))


class TouchSchema(Strict):
    """A card that a bin refused. One that is `unknown` or `free` may be enrolled."""

    card_hash = fields.String()
    last4 = fields.String()
    card = fields.String(validate=validate.OneOf(("unknown", "free", "held", "blocked")))
    reason = fields.String(validate=validate.OneOf(TOUCH_REASONS))
    meter = fields.String()
    gateway = fields.String()
    complex = fields.String()
    complex_name = fields.String()
    first_seen_at = moment()
    last_seen_at = moment()


class TouchListSchema(Strict):
    items = fields.List(fields.Nested(TouchSchema))


class EnrolmentSchema(Strict):
    """A card (its hash, as in the list of touches) for a household, for collectors or service staff, or for the common
    areas of a complex; `complex` is its code, and limits a collector's or service card to it.
    """

    card_hash = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{32}\Z"))
    role = fields.String(load_default="household", validate=validate.OneOf(CARD_ROLES))
    household_id = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, MAX_ID))
    complex = fields.String(load_default=None, allow_none=True, validate=CODE)


class EnrolledSchema(Schema):
    card_id = fields.Integer()
    role = fields.String()
    household_id = fields.Integer(allow_none=True)
    tenancy_id = fields.Integer(allow_none=True)
