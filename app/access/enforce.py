"""Holds every request to the rule that its route declares, and puts the security headers on every answer."""

from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from app import metrics
from app.access import accounts, pages, rules, sessions
from app.access.accounts import Identity
from app.context import service
from app.problems import Problem
from app.times import now

log = structlog.get_logger()
csrf = CSRFProtect()
logins = LoginManager()
logins.session_protection = None  # it marks sessions from a changed address as stale, which no route here asks about

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
HSTS = "max-age=31536000"
POLL = "Jongnyang-Poll"  # what page.js sends with a request that nobody made by hand


def init(app: Flask) -> None:
    """Log-in, and the rule of each route, for this app."""
    app.config.update(
        PERMANENT_SESSION_LIFETIME=sessions.LENGTH,
        SESSION_REFRESH_EACH_REQUEST=False,  # a session ends eight hours after the log-in, used or not
        WTF_CSRF_CHECK_DEFAULT=False,  # `enforce` asks for a token wherever a cookie is what opens the door
        WTF_CSRF_TIME_LIMIT=int(sessions.LENGTH.total_seconds()),
    )
    csrf.init_app(app)
    logins.init_app(app, add_context_processor=False)  # or every page would read the session, even that of an error
    rules.public(app.view_functions["static"])
    app.before_request(enforce)
    app.after_request(add_headers)
    app.after_request(check_audited)
    app.register_blueprint(pages.blueprint)


@logins.user_loader  # type: ignore[untyped-decorator]
def load_session(session_id: str) -> Identity | None:
    """The account of the session cookie, unless the session is over. A page that asks by itself keeps none alive."""
    touch = POLL not in request.headers
    return sessions.of_session(service().database, session_id, now(), touch)


def enforce() -> AnyResponse | None:
    """Let the request pass, ask for a log-in, or raise the Problem that says what is missing."""
    if request.routing_exception is not None or request.endpoint is None or _asks_for_methods_only():
        return None
    rule = rule_for(current_app, request.endpoint, request.method)
    if rule is None:
        log.error("route without an access rule", endpoint=request.endpoint)
        raise Problem("internal", request_id=g.get("request_id"))
    if rule == rules.PUBLIC and wants_page() and current_user.is_authenticated:
        g.identity = current_user._get_current_object()  # the menu of a page that is open to all
    if rule in (rules.PUBLIC, rules.GATEWAY):
        return None
    g.identity = identify()
    if g.identity is None:
        if wants_page():
            return redirect(url_for("access.log_in", next=_page_to_return_to()))
        raise Problem("not-authenticated")
    if not g.identity.may(rule):
        raise Problem("not-allowed", scope=rule)
    kind = g.identity.reach.kind
    if rule != rules.LOGGED_IN and kind not in ("district", rules.reach_of(handler_for(current_app, *_asked()))):
        raise Problem("not-yours")
    return None


def _is_open() -> bool:
    """Whether the route asks nobody who they are: what it changes, such as a log-in that goes on, it books itself."""
    return rule_for(current_app, *_asked()) in (rules.PUBLIC, rules.GATEWAY)


def _asked() -> tuple[str, str]:
    assert request.endpoint is not None
    return request.endpoint, request.method


def rule_for(app: Flask, endpoint: str, method: str) -> str | None:
    """The rule that a route declares for a method, or None."""
    return rules.rule_of(handler_for(app, endpoint, method))


def handler_for(app: Flask, endpoint: str, method: str) -> Callable[..., Any]:
    """What carries the rule of a route for a method: on a class of views each method may have its own."""
    view = app.view_functions[endpoint]
    view_class = getattr(view, "view_class", None)
    handler = getattr(view_class, {"HEAD": "get"}.get(method, method.lower()), None)
    return handler if handler is not None and rules.rule_of(handler) is not None else view


def identify() -> Identity | None:
    """Who asks: the bearer of an API token, else the session. What a session changes needs its CSRF token."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return accounts.of_token(service().database, token.strip(), now())
    if not current_user.is_authenticated:
        return None
    try:
        csrf.protect()
    except CSRFError as error:
        raise Problem("form-expired") from error
    identity: Identity = current_user._get_current_object()
    return identity


def wants_page() -> bool:
    """Whether the reader is a browser that shows pages; a program gets JSON."""
    offered = ["application/problem+json", "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"


def check_audited(response: Response) -> Response:
    """Tell the operator of a change without a name on it: a route that forgot to book into the audit log."""
    changing = request.method not in ("GET", "HEAD", "OPTIONS") and response.status_code < 400
    if changing and g.get("identity") is not None and not g.get("audited") and not _is_open():
        log.error("change without an audit entry", endpoint=request.endpoint)
        metrics.UNAUDITED.labels(request.endpoint).inc()
    return response


def add_headers(response: Response) -> Response:
    """Nothing but our own scripts and styles, in nobody's frame, and no copy left in a shared cache."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if service().settings.secure_cookies:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response


def _asks_for_methods_only() -> bool:
    # Flask's own answer to OPTIONS, which names the methods and nothing else.
    return request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)


def _page_to_return_to() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" else None
