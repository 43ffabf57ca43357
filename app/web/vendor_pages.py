"""Pages of vendors: the district's list, and each vendor's profile, which its own people keep in part."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.access.audit_queries import history
from app.context import service
from app.problems import Problem
from app.registry.vendors import queries
from app.registry.vendors import service as vendors_service
from app.times import now
from app.web import device_words as words
from app.web import fields, forms
from app.web.fields import Fields
from billing.days import service_day

blueprint = Blueprint("vendor_pages", __name__)

PAGE = 200
WRITE = "vendor:write"
VENDOR = "/vendors/<string(maxlength=40):code>"
TEXTS = ("name", "business_number", *vendors_service.OWN, "memo")


@blueprint.get("/vendors")
@rules.scope("vendor:read")
def vendors() -> str:
    """The vendors, found by kind, state and text."""
    return _vendors(told=forms.flashed())


@blueprint.post("/vendors")
@rules.scope(WRITE)
def add() -> Response | tuple[str, int]:
    """Add a vendor."""
    form = Fields("add")
    try:
        values = _values(form, staff=True)
        code = form.text("code")
        form.check()
        with service().database.begin() as session:
            vendors_service.add(session, current_district_id(), code, form.text("kind"), values, current_actor(), now())
    except Problem as problem:
        return _vendors(forms.failure_of(problem), fields.errors_of("add", problem)), 422
    flash(_("The vendor %(code)s is added.", code=code))
    return redirect(url_for("vendor_pages.vendor", code=code))


@blueprint.get("/vendor")
@rules.scope("vendor:read", reach="vendor")
def own() -> Response:
    """A vendor's people go to their own profile, everybody else to the list."""
    vendor_id = current_reach().vendor_id
    if vendor_id is None:
        return redirect(url_for("vendor_pages.vendors"))
    with service().database.session() as session:
        code = queries.code_of(session, current_district_id(), vendor_id)
    return redirect(url_for("vendor_pages.vendor", code=code))


@blueprint.get(VENDOR)
@rules.scope("vendor:read", reach="vendor")
def vendor(code: str) -> str:
    """A vendor's profile."""
    return _vendor(code, told=forms.flashed())


@blueprint.post(VENDOR)
@rules.scope(WRITE, reach="vendor")
def act(code: str) -> Response | tuple[str, int]:
    """Change the profile, or end the vendor, which staff alone do."""
    district_id, reach, action = current_district_id(), current_reach(), request.form.get("action", "")
    if action not in ("change", "end") or (action == "end" and not reach.whole):
        raise Problem("invalid", errors={"action": action[:40]})
    form, who = Fields(action), (current_actor(), now())
    try:
        with service().database.begin() as session:
            queries.vendor(session, district_id, code, reach)
            if action == "change":
                values = _values(form, staff=reach.whole)
                form.check()
                vendors_service.change(session, district_id, code, values, *who)
            else:
                day = form.day("ended_on")
                form.check()
                vendors_service.end(session, district_id, code, day, form.text("reason"), *who)
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _vendor(code, forms.failure_of(problem), fields.errors_of(action, problem)), 422
    flash(_("Saved."))
    return redirect(url_for("vendor_pages.vendor", code=code))


def _values(form: Fields, staff: bool) -> dict[str, Any]:
    """The fields that whoever fills in the form may set."""
    values: dict[str, Any] = {name: form.text(name) for name in (TEXTS if staff else vendors_service.OWN)}
    if staff:
        values["designated_on"] = form.day("designated_on") if form.text("designated_on") else None
    return values


def _vendors(failure: str = "", errors: dict[str, Any] | None = None, told: str = "") -> str:
    asked: dict[str, Any] = {
        name: request.args.get(name, "").strip()[:100] for name in ("kind", "search", "state", "after")
    }
    with service().database.session() as session:
        rows = queries.vendor_page(session, current_district_id(), **asked, limit=PAGE + 1)
    more = url_for("vendor_pages.vendors", **asked | {"after": rows[PAGE - 1]["code"]}) if len(rows) > PAGE else None
    return render_template(
        "vendors.html",
        **{"rows": rows[:PAGE], "more": more, "asked": asked, "failure": failure, "errors": errors, "told": told},
        **_shared(),
    )


def _vendor(code: str, failure: str = "", errors: dict[str, Any] | None = None, told: str = "") -> str:
    district_id, reach = current_district_id(), current_reach()
    with service().database.session() as session:
        row = queries.vendor(session, district_id, code, reach)
        done = history(session, district_id, reach, "vendor", row["id"])
    kept = {f"change_{name}": value for name, value in row.items()}
    given = request.form if request.form.get("action") == "change" else kept
    return render_template(
        "vendor.html",
        **{"row": row, "history": done, "given": given, "staff": reach.whole, "own": vendors_service.OWN},
        **{"failure": failure, "errors": errors, "told": told},
        **_shared(),
    )


def _shared() -> dict[str, Any]:
    return {"words": words, "today": service_day(now()), "may_write": current_identity().may(WRITE)}
