"""The way in and out as pages: password, code, the set-up of a second factor, one-time links, and the log-out."""

import time
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import UserMixin, login_user, logout_user
from flask_wtf import FlaskForm
from limits import parse
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.access import links, log_ins, own, passwords, rules, second_factor
from app.access.accounts import current_identity
from app.access.attempts import Attempts
from app.access.log_ins import Pending, Step
from app.access.models import Account
from app.access.sessions import Origin
from app.context import service
from app.languages import choose_language
from app.texts import Refused
from app.times import now

blueprint = Blueprint("access", __name__)

LINK = "/invitation/<string(length=43):token>"
PENDING = "pending"  # in the session, between the two steps
LIMITER = "jongnyang.log_in_limiter"
PER_ADDRESS = parse("60/5minutes")  # an office shares one address
PER_LOGIN = parse("10/15minutes")
# A refusal takes this long at least: counting the failure of a login that exists must not show in the time.
REFUSED_AFTER = timedelta(milliseconds=400)


class LogInForm(FlaskForm):  # type: ignore[misc]
    """Login and password, with a CSRF token."""

    login = StringField(_l("Login"), validators=[InputRequired(), Length(max=100)])
    password = PasswordField(_l("Password"), validators=[InputRequired(), Length(max=passwords.LONGEST)])


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of the second factor, with a CSRF token."""

    code = StringField(_l("Six-digit code"), validators=[InputRequired(), Length(max=20)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, typed twice, with a CSRF token."""

    password = PasswordField(_l("New password"), validators=[InputRequired(), Length(max=passwords.LONGEST)])
    again = PasswordField(
        _l("The new password once more"), validators=[EqualTo("password", _l("The new passwords differ."))]
    )


class Entered(UserMixin):  # type: ignore[misc]
    """What Flask-Login keeps of a new session: its id."""

    def __init__(self, session_id: str) -> None:
        self.id = session_id


def start(app: Flask) -> None:
    """Give the app its count of attempts to log in."""
    app.extensions[LIMITER] = Attempts()


@blueprint.get("/login")
@rules.public
def log_in() -> str:
    """The log-in page; `next` is where to go from there."""
    return render_template("login.html", form=LogInForm(), failure=None)


@blueprint.post("/login")
@rules.public
def check_log_in() -> Response | tuple[str, int]:
    """Begin a new session or go on to the second step, or say that login and password do not fit."""
    form, started = LogInForm(), time.monotonic()
    if not form.validate_on_submit():
        failure = _expired(form) or _("Enter login and password.")
        return render_template("login.html", form=form, failure=failure), 422
    count_attempt(form.login.data)
    account = log_ins.check_password(service().database, form.login.data, form.password.data, now())
    if account is None:
        time.sleep(max(0.0, started + REFUSED_AFTER.total_seconds() - time.monotonic()))
        failure = (
            _("Login or password is wrong, or the account is disabled or locked.")
            + " "
            + _("Check both, or ask an administrator.")
        )
        return render_template("login.html", form=form, failure=failure), 422
    _limiter().clear(PER_LOGIN, _login_key(form.login.data))
    return go_on(account)


@blueprint.get("/login/code")
@rules.public
def ask_code() -> Response | str:
    """The second step: a code from the app on the phone."""
    return _restart() if _pending() is None else _code_page(CodeForm())


@blueprint.post("/login/code")
@rules.public
def check_code() -> Response | tuple[str, int]:
    """Begin a new session if the code is right."""
    pending, form = _pending(), CodeForm()
    if pending is None:
        return _restart()
    if not form.validate_on_submit():
        return _code_page(form, _expired(form) or _("Enter the six digits that the app shows.")), 422
    return _enter(pending, form.code.data) or (_code_page(form, _wrong_code()), 422)


@blueprint.get("/login/second-factor")
@rules.public
def offer_second_factor() -> Response:
    """The second step where the role needs a second factor and the account has none: set it up."""
    pending = _pending()
    if pending is None or pending.secret is None:
        return _restart()
    return _set_up_page(CodeForm(), pending)


@blueprint.post("/login/second-factor")
@rules.public
def set_second_factor() -> Response | tuple[Response, int]:
    """Confirm the new second factor by its first code, and begin a new session."""
    pending, form = _pending(), CodeForm()
    if pending is None or pending.secret is None:
        return _restart()
    if not form.validate_on_submit():
        return _set_up_page(form, pending, _expired(form) or _("Enter the six digits that the app shows.")), 422
    return _enter(pending, form.code.data) or (_set_up_page(form, pending, _wrong_code()), 422)


@blueprint.get(LINK)
@rules.public
def open_link(token: str) -> tuple[Response, int] | Response:
    """Where a one-time link leads: choose a password."""
    with service().database.session() as database:
        account = links.find(database, token, now())
    return unstored(_link_page(PasswordForm(), account)) if account else _dead_link()


@blueprint.post(LINK)
@rules.public
def use_link(token: str) -> tuple[Response, int] | Response:
    """Set the password by a one-time link, and go on as after a log-in."""
    form = PasswordForm()
    with service().database.session() as database:
        account = links.find(database, token, now())
    if account is None:
        return _dead_link()
    if not form.validate_on_submit():
        failure = _expired(form) or _("Enter the new password twice, the same each time.")
        return unstored(_link_page(form, account, failure)), 422
    try:
        with service().database.begin() as database:
            account = own.accept(database, token, form.password.data, now())
    except Refused as refusal:
        failure = " ".join(text.said(choose_language()) for text in refusal.texts)
        return unstored(_link_page(form, account, failure)), 422
    return go_on(account)


@blueprint.post("/logout")
@rules.logged_in
def log_out() -> Response:
    """End the session."""
    identity = current_identity()
    with service().database.begin() as database:
        log_ins.leave(database, identity.district_id, identity.account_id, identity.session_id, identity.actor, now())
    logout_user()
    session.clear()
    return redirect(url_for("access.log_in"))


def go_on(account: Account) -> Response:
    """What follows a right password, or one that was set by a link: the second step, or the session."""
    pending = log_ins.pending_of(account)
    if not log_ins.needs_code(account):
        return _enter(pending) or _restart()
    session.clear()
    session[PENDING] = log_ins.seal_pending(pending, service().settings.secret_key, now())
    step = "access.offer_second_factor" if pending.secret else "access.ask_code"
    return redirect(url_for(step, next=request.args.get("next")))


def count_attempt(login: str) -> None:
    """Count an attempt by address and by login; raises the Problem `too-many-requests` beyond the limits."""
    _limiter().count(PER_ADDRESS, f"address {request.remote_addr}")
    _limiter().count(PER_LOGIN, _login_key(login))


def safe_path(path: str | None) -> str:
    """A path on this service and nowhere else; the first page in place of anything doubtful."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc else path


def set_up(secret: str, name: str) -> dict[str, Any]:
    """What a page shows of a new second factor: the QR code, the address for the same phone, the secret to type."""
    address = second_factor.address_of(secret, name)
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    return {"picture": second_factor.picture_of(address), "address": address, "secret": " ".join(groups)}


def unstored(page: str) -> Response:
    """A page with a secret on it, which no cache keeps."""
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def _pending() -> Pending | None:
    sealed = session.get(PENDING)
    if not isinstance(sealed, str):
        return None
    return log_ins.unseal_pending(sealed, service().settings.secret_key, now())


def _enter(pending: Pending, code: str | None = None) -> Response | None:
    """Begin the session and go where one wanted to be; None where the code is not right."""
    _limiter().count(PER_ADDRESS, f"address {request.remote_addr}")
    step = Step(service().settings.secret_key, Origin(request.remote_addr, request.user_agent.string), now())
    with service().database.begin() as database:
        session_id = log_ins.enter(database, pending, step, code)
    if session_id is None:
        return None
    session.clear()  # nothing from before the log-in survives it
    session.permanent = True
    login_user(Entered(session_id))
    return redirect(safe_path(request.args.get("next")))


def _restart() -> Response:
    """Back to the first step: there is no second one, or it took too long."""
    session.pop(PENDING, None)
    return redirect(url_for("access.log_in", next=request.args.get("next")))


def _code_page(form: CodeForm, failure: str | None = None) -> str:
    return render_template("login_code.html", form=form, failure=failure)


def _set_up_page(form: CodeForm, pending: Pending, failure: str | None = None) -> Response:
    assert pending.secret is not None
    with service().database.session() as database:
        name = log_ins.name_in_app(database, pending.district_id, pending.account_id)
    page = render_template("login_second_factor.html", form=form, failure=failure, **set_up(pending.secret, name))
    return unstored(page)


def _link_page(form: PasswordForm, account: Account, failure: str | None = None) -> str:
    return render_template("invitation.html", form=form, account=account, failure=failure)


def _dead_link() -> tuple[Response, int]:
    return unstored(render_template("invitation.html", account=None)), 404


def _expired(form: FlaskForm) -> str | None:
    return _("The form has expired. Enter it once more.") if "csrf_token" in form.errors else None


def _wrong_code() -> str:
    return str(
        _(
            "The code does not fit, was used already, or the account is locked after too many attempts. "
            "Wait for the next code and check the clock of the phone."
        )
    )


def _login_key(login: str) -> str:
    return "login " + login.strip().lower()


def _limiter() -> Attempts:
    return cast(Attempts, current_app.extensions[LIMITER])
