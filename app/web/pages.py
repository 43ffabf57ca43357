"""Pages for people: the first page with what arrives now, the language switch, and an explanation of every problem."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, abort, current_app, make_response, redirect, render_template, request
from flask_babel import force_locale
from werkzeug.wrappers import Response as AnyResponse

from app import __version__
from app.access import rules
from app.access.accounts import current_district_id, current_identity, current_reach
from app.access.enforce import HEADERS
from app.access.pages import safe_path
from app.access.reach import Reach
from app.context import service
from app.languages import COOKIE, LANGUAGES, choose_language
from app.problems import KINDS
from app.times import now
from app.web import (
    account_pages,
    audit_pages,
    billing_correction_pages,
    billing_pages,
    board_pages,
    device_pages,
    dispute_pages,
    document_pages,
    estimate_pages,
    fault_pages,
    fault_rule_pages,
    fee_pages,
    fleet_pages,
    formats,
    household_pages,
    import_pages,
    installation_pages,
    manual_pages,
    message_pages,
    owed_pages,
    payer_class_pages,
    payment_pages,
    people_pages,
    tariff_pages,
    terms_pages,
    vendor_pages,
    volume_pages,
)
from app.web.menu import first_page, may_open, menu
from app.web.queries import overview
from app.web.trend import trend

blueprint = Blueprint("web", __name__)

YEAR = 365 * 24 * 3600
Answer = TypeVar("Answer")
SWAGGER_IMAGES = "; img-src 'self' data:"  # Swagger UI's style sheet carries its icons in itself


def init(app: Flask) -> None:
    """Add the pages to the app."""
    app.register_blueprint(blueprint)
    app.register_blueprint(volume_pages.blueprint)
    app.register_blueprint(fleet_pages.blueprint)
    app.register_blueprint(message_pages.blueprint)
    app.register_blueprint(audit_pages.blueprint)
    app.register_blueprint(people_pages.blueprint)
    app.register_blueprint(account_pages.blueprint)
    app.register_blueprint(household_pages.blueprint)
    app.register_blueprint(import_pages.blueprint)
    app.register_blueprint(device_pages.blueprint)
    app.register_blueprint(fault_pages.blueprint)
    app.register_blueprint(fault_rule_pages.blueprint)
    app.register_blueprint(installation_pages.blueprint)
    app.register_blueprint(vendor_pages.blueprint)
    app.register_blueprint(manual_pages.blueprint)
    app.register_blueprint(billing_pages.blueprint)
    app.register_blueprint(board_pages.blueprint)
    app.register_blueprint(tariff_pages.blueprint)
    app.register_blueprint(terms_pages.blueprint)
    app.register_blueprint(payer_class_pages.blueprint)
    app.register_blueprint(dispute_pages.blueprint)
    app.register_blueprint(estimate_pages.blueprint)
    app.register_blueprint(billing_correction_pages.blueprint)
    app.register_blueprint(payment_pages.blueprint)
    app.register_blueprint(owed_pages.blueprint)
    app.register_blueprint(document_pages.blueprint)
    app.register_blueprint(fee_pages.blueprint)
    shared = {"formats": formats, "version": __version__}
    app.context_processor(lambda: {"language": choose_language(), "menu": menu(app), **shared})


@blueprint.get("/")
@rules.logged_in
def home() -> str | AnyResponse:
    """What was thrown away today, complete without JavaScript; whoever may not see it begins elsewhere."""
    if not may_open(current_app, "web.live", current_identity()):
        return redirect(first_page(current_app))
    return render_template("home.html", overview=_read(overview), trend=_read(trend))


@blueprint.get("/live")
@rules.scope("metering:read", reach="complex")
def live() -> Response:
    """The part of the first page that changes all the time, or 304 when it has not."""
    return _fragment("live.html", overview=_read(overview))


@blueprint.get("/trend")
@rules.scope("metering:read", reach="complex")
def show_trend() -> Response:
    """The part that costs more to read and changes slowly, or 304."""
    return _fragment("trend.html", trend=_read(trend))


def _fragment(template: str, **values: Any) -> Response:
    response = make_response(render_template(template, **values))
    response.add_etag()
    response.vary.update(("Cookie", "Accept-Language"))
    response.make_conditional(request)
    return response


@blueprint.get("/language/<language>")
@rules.public
def choose(language: str) -> AnyResponse:
    """Remember the reader's language and go back to where they were."""
    if language not in LANGUAGES:
        abort(404)
    response = redirect(safe_path(request.args.get("next")))
    secure = service().settings.secure_cookies
    response.set_cookie(COOKIE, language, max_age=YEAR, httponly=True, samesite="Lax", secure=secure)
    return response


@blueprint.get("/api/docs")
@rules.public
def api_docs() -> Response:
    """The people's API to browse and to try."""
    response = make_response(render_template("api_docs.html"))
    response.headers["Content-Security-Policy"] = HEADERS["Content-Security-Policy"] + SWAGGER_IMAGES
    return response


@blueprint.get("/problems")
@rules.public
def problems() -> str:
    """Every kind of problem."""
    return render_template("problems.html", kinds=KINDS)


@blueprint.get("/problems/<slug>")
@rules.public
def problem(slug: str) -> str:
    """What happened and what to do, in both languages; every problem's `type` leads here."""
    if slug not in KINDS:
        abort(404)
    first = choose_language()
    languages = sorted(LANGUAGES, key=lambda language: language != first)
    return render_template("problem.html", slug=slug, texts=[_told(slug, language) for language in languages])


def _told(slug: str, language: str) -> dict[str, Any]:
    with force_locale(language):
        kind = KINDS[slug]
        return {
            "language": language,
            "status": kind.status,
            "title": str(kind.title),
            "detail": str(kind.detail),
        }


def _read(query: Callable[[sa.Connection, int, datetime, Reach], Answer]) -> Answer:
    with service().database.reading() as connection:
        return query(connection, current_district_id(), now(), current_reach())
