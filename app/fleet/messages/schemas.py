"""What the people's API of channels and messages reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.fleet.messages.channels import QUIET_FROM, QUIET_TO
from app.fleet.messages.models import CHANNEL_KINDS, STATES
from app.fleet.schemas import moment
from app.schemas import MAX_ID, Strict, Words
from app.texts import LANGUAGES

CLOCK = "%H:%M"


class ChannelSchema(Strict):
    """How one is reached. Nothing is sent between `quiet_from` and `quiet_to` (Asia/Seoul, the same twice for never),
    but what is urgent where `urgent_breaks_quiet`.
    """

    id = fields.Integer(dump_only=True)
    kind = fields.String(required=True, validate=validate.OneOf(CHANNEL_KINDS))
    address = Words(
        required=True,
        validate=validate.Length(1, 500),
        metadata={"description": "name@example.kr, 010-1234-5678, or https:// on a host that the operator allows"},
    )
    language = fields.String(load_default="ko", validate=validate.OneOf(LANGUAGES))
    active = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    quiet_from = fields.Time(format=CLOCK, load_default=QUIET_FROM, metadata={"example": "22:00"})
    quiet_to = fields.Time(format=CLOCK, load_default=QUIET_TO, metadata={"example": "07:00"})
    urgent_breaks_quiet = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    created_at = fields.DateTime(format="iso", dump_only=True)


class ChannelListSchema(Strict):
    """Channels in the order in which they are tried."""

    items = fields.List(fields.Nested(ChannelSchema))


class TestSchema(Strict):
    message_id = fields.Integer()


class OwnMessageArguments(Strict):
    """A page of messages, newest first, before the id of the last one of the page before."""

    before = fields.Integer(validate=validate.Range(1, MAX_ID))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class MessageArguments(OwnMessageArguments):
    """Which messages of the district."""

    state = fields.String(validate=validate.OneOf(STATES))
    login = Words(validate=validate.Length(1, 64))


class MessageSchema(Strict):
    """What one person is told. Texts are null once they were removed for their age."""

    id = fields.Integer()
    login = fields.String()
    name = fields.String()
    kind = fields.String()
    subject_kind = fields.String()
    subject_id = fields.String()
    urgent = fields.Boolean()
    subject = fields.String(allow_none=True)
    body = fields.String(allow_none=True)
    path = fields.String(allow_none=True)
    channel = fields.String(allow_none=True)
    address = fields.String(allow_none=True, metadata={"description": "Masked where it is somebody else's"})
    state = fields.String(validate=validate.OneOf(STATES))
    digest_id = fields.Integer(allow_none=True, metadata={"description": "The message in which it was told"})
    attempts = fields.Integer(metadata={"description": "By its present channel"})
    created_at = moment()
    due_at = moment()
    sent_at = moment(nullable=True)
    last_error = fields.String(allow_none=True)


class MessagePage(Strict):
    items = fields.List(fields.Nested(MessageSchema))
    next_before = fields.Integer(allow_none=True)
