"""Logging in and out."""

from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from limits import parse
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.access import accounts, rules
from app.access.attempts import Attempts
from app.context import service
from app.times import now

blueprint = Blueprint("access", __name__)

STARTED_AT = "started_at"  # in the session: the log-in's Unix time
LIMITER = "jongnyang.log_in_limiter"
PER_ADDRESS = parse("60/5minutes")  # an office shares one address
PER_LOGIN = parse("10/15minutes")


class LogInForm(FlaskForm):  # type: ignore[misc]
    """Login and password, with a CSRF token."""

    login = StringField(_l("Login"), validators=[InputRequired(), Length(max=100)])
    password = PasswordField(_l("Password"), validators=[InputRequired(), Length(max=accounts.MAX_PASSWORD)])


def init(app: Flask) -> None:
    """Give the app its count of attempts to log in."""
    app.extensions[LIMITER] = Attempts()
    app.register_blueprint(blueprint)


@blueprint.get("/login")
@rules.public
def log_in() -> str:
    """The log-in page; `next` is where to go from there."""
    return render_template("login.html", form=LogInForm(), failure=None)


@blueprint.post("/login")
@rules.public
def check_log_in() -> Response | tuple[str, int]:
    """Begin a new session, or say that login and password do not fit."""
    form = LogInForm()
    if not form.validate_on_submit():
        failure = _("The form has expired. Enter it once more.") if "csrf_token" in form.errors else None
        return render_template("login.html", form=form, failure=failure or _("Enter login and password.")), 422
    count_attempt(form.login.data)
    identity = accounts.log_in(service().database, form.login.data, form.password.data)
    if identity is None:
        failure = _("Login or password is wrong, or the account is disabled. Check both, or ask an administrator.")
        return render_template("login.html", form=form, failure=failure), 422
    _limiter().clear(PER_LOGIN, _login_key(form.login.data))
    session.clear()  # nothing from before the log-in survives it
    session.permanent = True
    session[STARTED_AT] = int(now().timestamp())
    login_user(identity)
    return redirect(safe_path(request.args.get("next")))


@blueprint.post("/logout")
@rules.logged_in
def log_out() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("access.log_in"))


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


def _login_key(login: str) -> str:
    return "login " + login.strip().lower()


def _limiter() -> Attempts:
    return cast(Attempts, current_app.extensions[LIMITER])
