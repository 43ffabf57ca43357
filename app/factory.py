"""Puts the service together: settings in, a Flask app out."""

import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_babel import Babel
from flask_compress import Compress
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import logs, metrics, openapi
from app.access import enforce, signed
from app.access import pages as log_in_pages
from app.access.api import blueprint as people
from app.access.audit_api import blueprint as audit
from app.context import Service
from app.db import UNAVAILABLE, Database
from app.fleet import gateway_api as fleet_gateway_api
from app.fleet.api import blueprint as fleet
from app.fleet.faults.api import blueprint as faults
from app.fleet.messages.api import blueprint as messages
from app.languages import choose_language
from app.metering import gateway_api
from app.metering.api import blueprint as metering
from app.metering.devices.api import blueprint as devices
from app.metering.households.api import blueprint as households
from app.metering.imports.api import blueprint as imports
from app.metering.volumes.api import blueprint as volumes
from app.operations import blueprint as operations
from app.problems import Problem
from app.registry.certificates.api import blueprint as certificates
from app.registry.gateway_api import blueprint as claims
from app.registry.installations.api import blueprint as installations
from app.registry.vendors.api import blueprint as vendors
from app.reports.fees.api import blueprint as fee_files
from app.settings import Settings, from_environment
from app.statements.api import blueprint as billing
from app.statements.checks.api import blueprint as billing_board
from app.statements.corrections.api import blueprint as billing_corrections
from app.statements.disputes.api import blueprint as disputes
from app.statements.estimates.api import blueprint as estimates
from app.statements.payments.api import blueprint as payments
from app.statements.terms.api import blueprint as billing_terms
from app.texts import Refused
from app.web import errors, pages

log = structlog.get_logger()
RETRY_SECONDS = 5
OPENING = ("/invitation/", "/s/")  # links that open something to whoever has them


def create_app(settings: Settings | None = None) -> Flask:
    """The service on the database that the settings name."""
    app = build()
    start(app, settings or from_environment())
    return app


def build() -> Flask:
    """The routes with their rules, the same for every database; `start` makes it serve one."""
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        BABEL_DEFAULT_LOCALE="ko",
        BABEL_DEFAULT_TIMEZONE="Asia/Seoul",
    )
    Babel(app, locale_selector=choose_language)
    _compress_static(app)
    _log_requests(app)  # first, so that every answer has its request id
    _refuse_nul(app)
    enforce.init(app)
    app.register_blueprint(operations)
    app.register_blueprint(claims)
    app.register_blueprint(fleet_gateway_api.blueprint)
    app.register_blueprint(gateway_api.blueprint)
    blueprints = [metering, volumes, fleet, audit, devices, certificates, installations, vendors, faults, messages]
    blueprints += [billing, billing_board, billing_terms, billing_corrections, estimates, disputes, payments, fee_files]
    openapi.init(app, [*blueprints, households, imports, people])
    pages.init(app)
    _answer_errors(app)
    return app


def start(app: Flask, settings: Settings) -> None:
    """Give the app its database and settings, and everything that it remembers between requests."""
    logs.configure(settings.log_level)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.max_body,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
    )
    app.extensions["jongnyang"] = Service(settings, Database(settings.database_url, pool_size=settings.threads + 2))
    if settings.trusted_proxies:
        proxies = {"x_for": settings.trusted_proxies, "x_proto": settings.trusted_proxies}
        app.wsgi_app = ProxyFix(app.wsgi_app, **proxies)  # type: ignore[method-assign]
    for part in (log_in_pages, signed, fleet_gateway_api, gateway_api):
        part.start(app)


def _compress_static(app: Flask) -> None:
    """Styles and scripts alone: pages carry tokens beside what a stranger may have put there (BREACH)."""
    app.config.update(COMPRESS_REGISTER=False, COMPRESS_MIMETYPES=["text/css", "text/javascript", "image/svg+xml"])
    plain: Any = app.view_functions["static"]

    @Compress(app).compressed()
    def static(filename: str) -> Response:
        response: Response = plain(filename=filename)
        response.direct_passthrough = False
        response.make_sequence()  # what streams, the library neither compresses for all nor closes
        return response

    app.view_functions["static"] = static


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        metrics.REFUSED.labels(error.slug).inc()
        signed.log_refusal(error)
        return errors.answer(error)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return problem(Problem("invalid", detail=" ".join(text.said(choose_language()) for text in error.texts)))

    @app.errorhandler(HTTPException)
    def http_exception(error: HTTPException) -> Response:
        messages = (getattr(error, "data", None) or {}).get("messages")  # what webargs found wrong, by location
        if messages and error.code == 422:
            return problem(Problem("invalid", errors=_by_field(messages)))
        if messages and error.code == 400:
            return problem(Problem("broken-json", detail=str(next(iter(messages.values()))[0])))
        return errors.answer_http(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if isinstance(error, UNAVAILABLE):
            log.error("database away", error=str(error), request_id=g.get("request_id"))
            return problem(Problem("unavailable", retry_after=RETRY_SECONDS))
        log.exception("unexpected error", request_id=g.get("request_id"))
        metrics.REFUSED.labels("internal").inc()
        return errors.answer(Problem("internal", request_id=g.get("request_id")))


def _by_field(messages: dict[str, Any]) -> dict[str, Any]:
    return {field: told for fields in messages.values() for field, told in fields.items()}


def _log_requests(app: Flask) -> None:
    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        g.request_id = request.headers.get("X-Request-Id", "")[:64] or secrets.token_hex(8)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        log.info(
            "request",
            request_id=g.request_id,
            method=request.method,
            path=_loggable_path(),
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 2),
        )
        return response


def _refuse_nul(app: Flask) -> None:
    """No database stores the character NUL, and nobody types it: an address that holds one leads nowhere.

    The API's parameters say so themselves, each by its name.
    """

    @app.before_request
    def refuse() -> None:
        said = () if request.path.startswith("/api/") else (each for _, each in request.args.items(multi=True))
        if "\0" in request.path or any("\0" in each for each in said):
            raise Problem("not-found")


def _loggable_path() -> str:
    """The path of the request; a link's token stays out of the log, where it would open an account or a statement.

    It may be mistyped, or copied with the full stop after it, and then leads to no route.
    """
    opening = next((prefix for prefix in OPENING if request.path.startswith(prefix)), None)
    return request.path if opening is None else f"{opening}…"
