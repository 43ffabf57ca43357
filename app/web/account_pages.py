"""Pages of everybody about their own account: contact, password, second factor, sessions, tokens."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access import log_ins, own, rules, second_factor
from app.access.accounts import current_identity
from app.access.pages import set_up, unstored
from app.access.people_queries import person_detail, session_list
from app.access.sealing import seal, unseal
from app.context import service
from app.problems import Problem
from app.texts import Refused
from app.times import now
from app.web import people_words as words
from app.web.forms import failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("account_pages", __name__)

OFFERED = "offered"  # in the session: the sealed secret of a second factor that waits for its first code
OFFERED_FOR = timedelta(minutes=10)


@blueprint.get("/account")
@rules.logged_in
def account() -> str:
    """The reader's own account."""
    return _account(told=flashed())


@blueprint.post("/account")
@rules.logged_in
def act() -> Response | tuple[str, int]:
    """Change the reader's contact or password, or end their other sessions."""
    action = request.form.get("action", "")
    doing = {"contact": _change_contact, "password": _change_password, "end_sessions": _end_sessions}.get(action)
    if doing is None:
        raise Problem("invalid", errors={"action": action[:40]})
    try:
        own.refuse_token(current_identity())
        flash(doing())
    except Refused as refusal:
        return _account(failure=failure_of(refusal), given=typed("name", "email", "phone")), 422
    return redirect(url_for("account_pages.account"))


@blueprint.get("/account/second-factor")
@rules.logged_in
def offer_second_factor() -> Response:
    """A new second factor to put on the phone; nothing changes before its first code is entered."""
    return _second_factor(_offered() or _offer())


@blueprint.post("/account/second-factor")
@rules.logged_in
def set_second_factor() -> Response | tuple[Response, int]:
    """Confirm the new second factor by the password and its first code."""
    secret = _offered()
    if secret is None:
        return _second_factor(_offer(), _("The form has expired. Enter it once more.")), 422
    asked = typed("code")
    try:
        own.refuse_token(current_identity())
        _check_password(request.form.get("password", ""))
        with service().database.begin() as database:
            key = service().settings.secret_key
            own.change_second_factor(database, current_identity(), key, secret, asked["code"], now())
    except Refused as refusal:
        return _second_factor(secret, failure_of(refusal)), 422
    session.pop(OFFERED)
    flash(_("The second factor is set up. Your other sessions have ended."))
    return redirect(url_for("account_pages.account"))


def _change_contact() -> str:
    asked, me = typed("name", "email", "phone"), current_identity()
    with service().database.begin() as database:
        own.change_contact(
            database, me, asked["name"] or me.login, asked["email"] or None, asked["phone"] or None, now()
        )
    return str(_("Changed."))


def _change_password() -> str:
    new, again = request.form.get("new_password", ""), request.form.get("again", "")
    if new != again:
        raise Refused(own.NOT_THE_SAME)
    _check_password(request.form.get("password", ""))
    with service().database.begin() as database:
        own.change_password(database, current_identity(), new, now())
    return str(_("The password is changed. Your other sessions have ended."))


def _end_sessions() -> str:
    with service().database.begin() as database:
        ended = own.end_other_sessions(database, current_identity(), now())
    return str(_("Sessions ended: %(count)s.", count=ended))


def _check_password(password: str) -> None:
    """Raise Refused for a wrong password; that it was one is kept, for it counts towards the lock."""
    with service().database.begin() as database:
        right = own.check_password(database, current_identity(), password, now())
    if not right:
        raise Refused(own.WRONG_PASSWORD)


def _offer() -> str:
    secret, key = second_factor.new_secret(), service().settings.secret_key
    session[OFFERED] = seal(key, OFFERED, secret.encode(), now()).decode()
    return secret


def _offered() -> str | None:
    sealed = session.get(OFFERED)
    if not isinstance(sealed, str):
        return None
    secret = unseal(service().settings.secret_key, OFFERED, sealed.encode(), now(), OFFERED_FOR)
    return None if secret is None else secret.decode()


def _second_factor(secret: str, failure: str = "") -> Response:
    me = current_identity()
    with service().database.session() as database:
        name = log_ins.name_in_app(database, me.district_id, me.account_id)
    return unstored(render_template("account_second_factor.html", failure=failure, **set_up(secret, name)))


def _account(told: str = "", failure: str = "", given: dict[str, Any] | None = None) -> str:
    me, moment = current_identity(), now()
    with service().database.session() as database:
        row = person_detail(database, me.district_id, me.login, moment)
        row["sessions"] = session_list(database, me.district_id, me.account_id, moment, me.session_id)
    is_contact = request.form.get("action") == "contact"
    return render_template(
        "account.html",
        row=row,
        given=given if is_contact else row,
        told=told,
        failure=failure,
        words=words,
        today=service_day(moment),
    )
