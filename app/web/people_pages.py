"""Pages of administrators about people: the list, an invitation, one person with their role, tokens and log-ins."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import people, rules
from app.access.accounts import current_actor, current_district_id, current_identity
from app.access.links import Link
from app.access.pages import unstored
from app.access.people import LONGEST_TOKEN_DAYS
from app.access.people_queries import complex_choices, people_page, person_detail
from app.access.profiles import Profile
from app.access.rules import ROLES, SCOPES
from app.context import service
from app.problems import Problem
from app.texts import Refused
from app.times import now
from app.web import people_words as words
from app.web.forms import failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("people_pages", __name__)

PAGE = 100
PERSON = "/people/<string(maxlength=64):login>"
DEFAULT_DAYS = "365"
PROFILE = ("name", "role", "email", "phone", "vendor")


@blueprint.get("/people")
@rules.scope("access:admin")
def list_people() -> str:
    """Everybody who may log in, by login; `search` and `only` (a role) narrow the list."""
    return _list()


@blueprint.post("/people")
@rules.scope("access:admin")
def invite() -> Response | tuple[str, int]:
    """Invite somebody: their page shows the link, this once."""
    login = typed("login")["login"].lower()
    try:
        with service().database.begin() as session:
            link = people.invite(session, current_district_id(), login, _profile(login), current_actor(), now())
    except Refused as refusal:
        return _list(failure_of(refusal)), 422
    return _once(login, link=link)


@blueprint.get(PERSON)
@rules.scope("access:admin")
def person(login: str) -> str:
    """One person."""
    return _person(login, told=flashed())


@blueprint.post(PERSON)
@rules.scope("access:admin")
def act(login: str) -> Response | tuple[str, int]:
    """Change a person, or do one of the ACTIONS with their account."""
    action = request.form.get("action", "")
    if action not in ACTIONS:
        raise Problem("invalid", errors={"action": action[:40]})
    try:
        with service().database.begin() as session:
            done = ACTIONS[action](session, login)
    except Refused as refusal:
        return _person(login, failure=failure_of(refusal), given=_given()), 422
    if isinstance(done, str):
        flash(done)
        return redirect(url_for("people_pages.person", login=login))
    return _once(login, **done)


def _change(session: Session, login: str) -> str:
    people.change(session, current_district_id(), login, _profile(login), current_actor(), now())
    return str(_("Changed."))


def _disable(session: Session, login: str) -> str:
    people.disable(session, current_district_id(), login, current_actor(), now())
    return str(_("The account is disabled: sessions and tokens are refused from now on."))


def _enable(session: Session, login: str) -> str:
    people.enable(session, current_district_id(), login, current_actor(), now())
    return str(_("The account may log in again."))


def _end_sessions(session: Session, login: str) -> str:
    ended = people.end_sessions(session, current_district_id(), login, current_actor(), now())
    return str(_("Sessions ended: %(count)s.", count=ended))


def _recover(session: Session, login: str) -> dict[str, Any]:
    return {"link": people.recover(session, current_district_id(), login, current_actor(), now())}


def _invite_again(session: Session, login: str) -> dict[str, Any]:
    return {"link": people.invite_again(session, current_district_id(), login, current_actor(), now())}


def _make_token(session: Session, login: str) -> dict[str, Any]:
    asked = typed("token", "days")
    days = int(asked["days"]) if re.fullmatch(r"[0-9]{1,4}", asked["days"]) else 0
    scopes = request.form.getlist("scopes")
    me = current_identity()
    secret, until = people.make_token(
        session, me.district_id, login, asked["token"], scopes, days, me.actor, now(), me.scopes
    )
    return {"token": {"name": asked["token"], "secret": secret, "until": until}}


def _revoke_token(session: Session, login: str) -> str:
    name = typed("token")["token"]
    people.revoke_token(session, current_district_id(), login, name, current_actor(), now())
    return str(_("The token %(name)s is revoked.", name=name))


ACTIONS: dict[str, Callable[[Session, str], str | dict[str, Any]]] = {
    "change": _change,
    "disable": _disable,
    "enable": _enable,
    "end_sessions": _end_sessions,
    "recover": _recover,
    "invite_again": _invite_again,
    "make_token": _make_token,
    "revoke_token": _revoke_token,
}


def _profile(login: str) -> Profile:
    """What the form says of a person."""
    asked = typed(*PROFILE)
    if asked["role"] not in ROLES:
        raise Problem("invalid", errors={"role": asked["role"][:40]})
    return Profile(
        name=asked["name"] or login,
        role=asked["role"],
        email=asked["email"] or None,
        phone=asked["phone"] or None,
        complexes=tuple(_complexes()),
        vendor=asked["vendor"] or None,
        all_complexes="all_complexes" in request.form,
    )


def _complexes() -> list[str]:
    return [code.replace("\0", "") for code in request.form.getlist("complexes")]


def _given() -> dict[str, Any]:
    more = {"complexes": _complexes(), "scopes": request.form.getlist("scopes")}
    return typed(*PROFILE, "login", "token", "days") | more | {"all_complexes": "all_complexes" in request.form}


def _list(failure: str = "") -> str:
    asked = {name: request.args.get(name, "")[:64] for name in ("after", "search", "only")}
    with service().database.session() as session:
        found = people_page(
            session, current_district_id(), now(), asked["after"], asked["search"], role=asked["only"], limit=PAGE + 1
        )
        places = complex_choices(session, current_district_id())
    more: dict[str, Any] = asked | {"after": found[PAGE - 1]["login"]} if len(found) > PAGE else {}
    return render_template(
        "people.html",
        people=found[:PAGE],
        more=url_for("people_pages.list_people", **more) if more else None,
        asked=asked,
        failure=failure,
        given=_given() if failure else {"role": "viewer"},
        places=places,
        **_shared(),
    )


def _person(login: str, told: str = "", failure: str = "", given: dict[str, Any] | None = None, **once: Any) -> str:
    with service().database.session() as session:
        row = person_detail(session, current_district_id(), login, now())
        places = complex_choices(session, current_district_id())
    stored = row | {"complexes": [place["code"] for place in row["complexes"]], "days": DEFAULT_DAYS, "scopes": []}
    stored["vendor"] = row["vendor"] and row["vendor"]["code"]
    filled = given if given is not None and request.form.get("action") == "change" else stored
    token = given if given is not None and request.form.get("action") == "make_token" else stored
    return render_template(
        "person.html",
        row=row,
        given=filled,
        token_given=token,
        places=places,
        told=told,
        failure=failure,
        is_self=login == current_actor(),
        longest=LONGEST_TOKEN_DAYS,
        **(dict.fromkeys(("link", "token")) | once),
        **_shared(),
    )


def _once(login: str, link: Link | None = None, token: dict[str, Any] | None = None) -> Response:
    """A person's page with what is shown only now: neither an address nor a cookie may hold it."""
    address = None
    if link is not None:
        address = {"url": request.url_root.rstrip("/") + link.path, "until": link.expires_at}
    return unstored(_person(login, link=address, token=token))


def _shared() -> dict[str, Any]:
    return {"words": words, "today": service_day(now()), "roles": ROLES, "scopes": SCOPES}
