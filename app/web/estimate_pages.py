"""Estimates of days on which meters failed: what is suggested, what counts, and what each household's follows from."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.schemas import MAX_ID
from app.statements.estimates import queries
from app.statements.estimates import service as estimates
from app.statements.estimates.queries import LISTS, Wanted
from app.statements.estimates.suggesting import suggestions
from app.times import now
from app.web import billing_words as words
from app.web import fields
from app.web.fault_pages import is_whole
from app.web.fields import Fields
from app.web.forms import failure_of, flashed
from billing.days import DAY, month_after, month_of, service_day

blueprint = Blueprint("estimate_pages", __name__)

PAGE = 100
SHARES = 200
FIRST_YEAR = 1990
ESTIMATE = f"/billing/estimates/<int(max={MAX_ID}):estimate_id>"
WHICH = {"active": _l("Counting"), "settled": _l("Settled"), "all": _l("All")}


@blueprint.get("/billing/estimates")
@rules.scope("billing:read", reach="complex")
def desk() -> str:
    """Days worth an estimate, the form to enter one, and the estimates there are."""
    return _desk()


@blueprint.post("/billing/estimates")
@rules.scope("billing:write")
def add() -> Response | tuple[str, int]:
    """Estimate days of a complex from the 28 before."""
    form = Fields("add")
    days = (form.day("first_day"), form.day("last_day"))
    wanted = estimates.Wanted(form.text("complex"), *days, form.text("reason"))
    try:
        form.check()
        with service().database.begin() as session:
            made = estimates.add(session, current_district_id(), wanted, current_actor(), now())
    except Problem as problem:
        return _desk(problem), 422
    flash(_("The estimate is entered. It counts from the next preview on; a month that is closed is adjusted."))
    return redirect(url_for("estimate_pages.estimate", estimate_id=made))


@blueprint.get(ESTIMATE)
@rules.scope("billing:read", reach="complex")
def estimate(estimate_id: int) -> str:
    """One estimate: what it rests on, and what of it still counts, household by household."""
    return _estimate(estimate_id)


@blueprint.post(ESTIMATE)
@rules.scope("billing:write")
def settle(estimate_id: int) -> Response | tuple[str, int]:
    """End an estimate, for a reason."""
    reason = Fields("settle").text("reason")
    try:
        with service().database.begin() as session:
            estimates.settle(session, current_district_id(), estimate_id, reason, current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _estimate(estimate_id, problem), 422
    flash(_("The estimate is settled. Only what was weighed counts from now on."))
    return redirect(url_for("estimate_pages.estimate", estimate_id=estimate_id))


def _desk(refusal: Problem | None = None) -> str:
    asked, month = _asked(), _month()
    wanted = Wanted(asked.get("which", "active"), asked.get("complex"))
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        found = suggestions(*here, month, now())
        rows = queries.estimate_page(*here, wanted, _id("after"), PAGE + 1)
        complexes = complex_choices(*here)
    given = request.form if refusal else {f"add_{name}": _text(name) for name in ("complex", "first_day", "last_day")}
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return render_template(
        "estimates.html",
        **{"suggestions": found, "rows": rows[:PAGE], "more": more, "complexes": complexes, "which": WHICH},
        **{"month": month, "before": month_after(month, -1), "after": _next(month), "asked": asked, "given": given},
        **_said("add", refusal),
    )


def _estimate(estimate_id: int, refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id())
        row = queries.estimate_detail(*here, current_reach(), estimate_id, now())
        shares = queries.share_page(*here, row, _id("after"), SHARES + 1)
    more = shares[SHARES - 1]["tenancy_id"] if len(shares) > SHARES else None
    return render_template(
        "estimate.html",
        **{"row": row, "shares": shares[:SHARES], "more": more, "given": request.form},
        **{"days": (row["last_day"] - row["first_day"]).days + 1},
        **_said("settle", refusal),
    )


def _said(action: str, refusal: Problem | None) -> dict[str, Any]:
    """What these pages tell, and what the reader may do."""
    identity = current_identity()
    return {
        "told": flashed(),
        "failure": _failure(refusal) if refusal else "",
        "errors": fields.errors_of(action, refusal) if refusal else {},
        "words": words,
        "may": identity.may,
        "may_write": identity.may("billing:write") and identity.reach.whole,
        "yesterday": service_day(now()) - DAY,
    }


def _failure(refusal: Problem) -> str:
    """A refusal with the record that it names."""
    if "estimate" not in refusal.extra:
        return failure_of(refusal)
    named = "#{estimate} {first_day} – {last_day}".format(**refusal.extra)
    return f"{failure_of(refusal)} ({named})"


def _asked() -> dict[str, Any]:
    """What of the address narrows the list; what makes no sense is left out."""
    asked: dict[str, Any] = {}
    if _text("which") in LISTS:
        asked["which"] = _text("which")
    if code := _text("complex"):
        asked["complex"] = code
    if _text("month"):
        asked["month"] = f"{_month():%Y-%m}"
    return asked


def _month() -> date:
    """The month that suggestions are for: as asked, else that of yesterday."""
    last = month_of(service_day(now()) - DAY)
    try:
        asked = date.fromisoformat(f"{_text('month')}-01")
    except ValueError:
        return last
    return asked if asked.year >= FIRST_YEAR and asked <= last else last


def _next(month: date) -> date | None:
    after = month_after(month)
    return after if after < service_day(now()) else None


def _text(name: str) -> str:
    return request.args.get(name, "").strip()[:40]


def _id(name: str) -> int | None:
    text = _text(name)
    return int(text) if is_whole(text) and 0 < int(text) < MAX_ID else None
