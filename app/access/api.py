"""The people's API about people: who am I; accounts with their sessions and tokens, for administrators."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import people, people_queries, rules
from app.access.accounts import current_actor, current_district_id, current_identity
from app.access.links import Link
from app.access.profiles import Profile
from app.access.schemas import (
    AccountSessionList,
    ApiTokenList,
    EndedSessionsSchema,
    InvitationSchema,
    LinkSchema,
    MadeTokenSchema,
    MeSchema,
    NewTokenSchema,
    PeopleArguments,
    PeoplePage,
    PersonSchema,
    ProfileSchema,
)
from app.context import service
from app.times import now

blueprint = Blueprint("people", __name__, url_prefix="/api/v1", description="Accounts, their sessions and API tokens")
PERSON = "/people/<string(maxlength=64):login>"
ADMIN = "access:admin"


@blueprint.get("/me")
@rules.logged_in
@blueprint.response(200, MeSchema)
def show_me() -> dict[str, Any]:
    """Who asks, with which scopes, and how far they see."""
    me = current_identity()
    with service().database.session() as session:
        ids = me.reach.complex_ids
        return {
            "login": me.login,
            "name": me.name,
            "role": me.role,
            "scopes": sorted(me.scopes),
            "reach": me.reach.kind,
            "complexes": None if ids is None else people_queries.complex_list(session, me.district_id, ids),
            "vendor": people_queries.vendor_row(session, me.district_id, me.reach.vendor_id),
        }


@blueprint.get("/people")
@rules.scope(ADMIN)
@blueprint.arguments(PeopleArguments, location="query", unknown=RAISE)
@blueprint.response(200, PeoplePage)
def list_people(page: dict[str, Any]) -> dict[str, Any]:
    """People by login."""
    with service().database.session() as session:
        items = people_queries.people_page(session, current_district_id(), now(), **page)
    return {"items": items, "next_after": items[-1]["login"] if len(items) == page["limit"] else None}


@blueprint.post("/people")
@rules.scope(ADMIN)
@blueprint.arguments(InvitationSchema)
@blueprint.response(201, LinkSchema)
def invite(wanted: dict[str, Any]) -> dict[str, Any]:
    """Invite somebody: an account, and the link by which its owner sets a password within 72 hours."""
    login = wanted.pop("login")
    with service().database.begin() as session:
        link = people.invite(session, current_district_id(), login, _profile(wanted), current_actor(), now())
    return _link(login, link)


@blueprint.get(PERSON)
@rules.scope(ADMIN)
@blueprint.response(200, PersonSchema)
def show_person(login: str) -> dict[str, Any]:
    """One person."""
    return _person(login)


@blueprint.put(PERSON)
@rules.scope(ADMIN)
@blueprint.arguments(ProfileSchema)
@blueprint.response(200, PersonSchema)
def change_person(wanted: dict[str, Any], login: str) -> dict[str, Any]:
    """Another name, role, reach or contact; what is left out is emptied."""
    with service().database.begin() as session:
        people.change(session, current_district_id(), login, _profile(wanted), current_actor(), now())
    return _person(login)


@blueprint.post(f"{PERSON}/disable")
@rules.scope(ADMIN)
@blueprint.response(200, PersonSchema)
def disable(login: str) -> dict[str, Any]:
    """Refuse a person and their tokens from now on."""
    with service().database.begin() as session:
        people.disable(session, current_district_id(), login, current_actor(), now())
    return _person(login)


@blueprint.post(f"{PERSON}/enable")
@rules.scope(ADMIN)
@blueprint.response(200, PersonSchema)
def enable(login: str) -> dict[str, Any]:
    """Let a disabled or locked person in again."""
    with service().database.begin() as session:
        people.enable(session, current_district_id(), login, current_actor(), now())
    return _person(login)


@blueprint.post(f"{PERSON}/invitations")
@rules.scope(ADMIN)
@blueprint.response(201, LinkSchema)
def invite_again(login: str) -> dict[str, Any]:
    """Another link for somebody who has set no password yet; the one before ends."""
    with service().database.begin() as session:
        return _link(login, people.invite_again(session, current_district_id(), login, current_actor(), now()))


@blueprint.post(f"{PERSON}/recoveries")
@rules.scope(ADMIN)
@blueprint.response(201, LinkSchema)
def recover(login: str) -> dict[str, Any]:
    """Void password, second factor and sessions of somebody else, and get the link by which they come back."""
    with service().database.begin() as session:
        return _link(login, people.recover(session, current_district_id(), login, current_actor(), now()))


@blueprint.get(f"{PERSON}/sessions")
@rules.scope(ADMIN)
@blueprint.response(200, AccountSessionList)
def list_sessions(login: str) -> dict[str, Any]:
    """The sessions of a person that still open the service."""
    with service().database.session() as session:
        return {"items": people_queries.person_detail(session, current_district_id(), login, now())["sessions"]}


@blueprint.delete(f"{PERSON}/sessions")
@rules.scope(ADMIN)
@blueprint.response(200, EndedSessionsSchema)
def end_sessions(login: str) -> dict[str, int]:
    """End all sessions of a person."""
    with service().database.begin() as session:
        return {"ended": people.end_sessions(session, current_district_id(), login, current_actor(), now())}


@blueprint.get(f"{PERSON}/tokens")
@rules.scope(ADMIN)
@blueprint.response(200, ApiTokenList)
def list_tokens(login: str) -> dict[str, Any]:
    """The tokens of a person: those that live, and those that did."""
    with service().database.session() as session:
        return {"items": people_queries.person_detail(session, current_district_id(), login, now())["tokens"]}


@blueprint.post(f"{PERSON}/tokens")
@rules.scope(ADMIN)
@blueprint.arguments(NewTokenSchema)
@blueprint.response(201, MadeTokenSchema)
def make_token(wanted: dict[str, Any], login: str) -> dict[str, Any]:
    """A new token of a person, which may do no more than they may."""
    with service().database.begin() as session:
        token, until = people.make_token(
            *(session, current_district_id(), login),
            **wanted,
            actor=current_actor(),
            now=now(),
            granted=current_identity().scopes,
        )
    return {"token": token, "expires_at": until}


@blueprint.delete(f"{PERSON}/tokens/<string(maxlength=60):name>")
@rules.scope(ADMIN)
@blueprint.response(204)
def revoke_token(login: str, name: str) -> None:
    """Refuse a token from now on."""
    with service().database.begin() as session:
        people.revoke_token(session, current_district_id(), login, name, current_actor(), now())


def _person(login: str) -> dict[str, Any]:
    with service().database.session() as session:
        return people_queries.person_detail(session, current_district_id(), login, now())


def _profile(wanted: dict[str, Any]) -> Profile:
    return Profile(**(wanted | {"complexes": tuple(wanted["complexes"])}))


def _link(login: str, link: Link) -> dict[str, Any]:
    return {"login": login, "path": link.path, "expires_at": link.expires_at}
