"""What the people's API about accounts reads and writes, as documented in OpenAPI."""

from marshmallow import fields, validate

from app.access.accounts import LOGIN
from app.access.people import LONGEST_TOKEN_DAYS
from app.access.rules import ROLES, SCOPES
from app.schemas import Strict, Words

A_LOGIN = validate.Regexp(rf"\A{LOGIN.pattern}\Z")
STATES = ("active", "invited", "locked", "disabled")


def moment(nullable: bool = False) -> fields.DateTime:
    return fields.DateTime(format="iso", allow_none=nullable)


class PeopleArguments(Strict):
    """A page of people, after the login of the last one of the page before."""

    after = Words(load_default="", validate=validate.Length(max=64))
    search = Words(load_default="", validate=validate.Length(max=64), metadata={"description": "In login or name"})
    role = fields.String(load_default="", validate=validate.OneOf(["", *ROLES]))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


class AccountPlaceSchema(Strict):
    """A complex or a vendor."""

    code = fields.String()
    name = fields.String()


class ProfileSchema(Strict):
    """Who somebody is. Complexes are a manager's or contractor's, the vendor is of a vendor's people."""

    name = Words(required=True, validate=validate.Length(1, 100))
    role = fields.String(required=True, validate=validate.OneOf(list(ROLES)))
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=200))
    phone = Words(load_default=None, allow_none=True, validate=validate.Length(1, 40))
    complexes = fields.List(Words(validate=validate.Length(1, 64)), load_default=[], validate=validate.Length(max=1000))
    vendor = Words(load_default=None, allow_none=True, validate=validate.Length(1, 64))
    all_complexes = fields.Boolean(load_default=False)


class InvitationSchema(ProfileSchema):
    login = fields.String(required=True, validate=A_LOGIN)


class LinkSchema(Strict):
    """A one-time link, shown now and never again: `path` is where on this service its owner sets a password."""

    login = fields.String()
    path = fields.String()
    expires_at = moment()


class PersonSchema(Strict):
    """An account as administrators see it."""

    login = fields.String()
    name = fields.String()
    role = fields.String(validate=validate.OneOf(list(ROLES)))
    scopes = fields.List(fields.String(validate=validate.OneOf(list(SCOPES))))
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    complexes = fields.List(fields.Nested(AccountPlaceSchema))
    all_complexes = fields.Boolean()
    vendor = fields.Nested(AccountPlaceSchema, allow_none=True)
    state = fields.String(validate=validate.OneOf(STATES))
    second_factor = fields.Boolean()
    locked_until = moment(nullable=True)
    last_log_in_at = moment(nullable=True)
    created_at = moment()
    disabled_at = moment(nullable=True)


class PeoplePage(Strict):
    items = fields.List(fields.Nested(PersonSchema))
    next_after = fields.String(allow_none=True)


class AccountSessionSchema(Strict):
    """A log-in that still opens the service."""

    started_at = moment()
    seen_at = moment()
    address = fields.String(allow_none=True)
    agent = fields.String(allow_none=True, metadata={"description": "What the browser calls itself"})


class AccountSessionList(Strict):
    items = fields.List(fields.Nested(AccountSessionSchema))


class EndedSessionsSchema(Strict):
    ended = fields.Integer()


class ApiTokenSchema(Strict):
    """A token, without its secret."""

    name = fields.String()
    scopes = fields.List(fields.String())
    created_at = moment()
    expires_at = moment(nullable=True)
    revoked_at = moment(nullable=True)
    live = fields.Boolean()


class ApiTokenList(Strict):
    items = fields.List(fields.Nested(ApiTokenSchema))


class NewTokenSchema(Strict):
    name = Words(required=True, validate=validate.Length(1, 60))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES))),
        required=True,
        validate=validate.Length(1, len(SCOPES)),
        metadata={"description": "Some of those that the person has"},
    )
    days = fields.Integer(required=True, validate=validate.Range(1, LONGEST_TOKEN_DAYS))


class MadeTokenSchema(Strict):
    """The token, shown now and never again."""

    token = fields.String()
    expires_at = moment()


class MeSchema(Strict):
    """Who asks, and how far they see: `reach` is `district`, `complex` or `vendor`."""

    login = fields.String()
    name = fields.String()
    role = fields.String(validate=validate.OneOf(list(ROLES)))
    scopes = fields.List(fields.String(validate=validate.OneOf(list(SCOPES))))
    reach = fields.String(validate=validate.OneOf(["district", "complex", "vendor"]))
    complexes = fields.List(fields.Nested(AccountPlaceSchema), allow_none=True)
    vendor = fields.Nested(AccountPlaceSchema, allow_none=True)
