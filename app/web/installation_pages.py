"""Pages of the programme: what was installed by year, applications of complexes, one application with its steps."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.access.audit_queries import history
from app.context import service
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.registry.installations import queries
from app.registry.installations import service as programme
from app.registry.installations.models import STATES
from app.registry.installations.service import ENOUGH_HOUSEHOLDS, Step, Wish
from app.schemas import MAX_ID
from app.times import now
from app.web import device_words as words
from app.web import fields, forms
from app.web.fields import Fields
from billing.days import service_day

blueprint = Blueprint("installation_pages", __name__)

PAGE = 100
WRITE, APPLY = "registry:write", "programme:apply"
APPLICATION = f"/installations/<int(max={MAX_ID}):application_id>"


@blueprint.get("/installations")
@rules.scope("registry:read", reach="complex")
def installations() -> str:
    """What was installed by year and kind, and the applications within reach."""
    return _installations(told=forms.flashed())


@blueprint.post("/installations")
@rules.scope(APPLY, reach="complex")
def apply() -> Response | tuple[str, int]:
    """Apply for a complex."""
    form, district_id, reach = Fields("apply"), current_district_id(), current_reach()
    try:
        place, kind, units = form.text("complex"), form.text("kind"), form.whole("units")
        wish = Wish(place, kind, units, form.whole("households"), form.text("applicant"), form.day("applied_on"))
        form.check()
        with service().database.begin() as session:
            made = programme.apply(session, district_id, wish, current_actor(), now(), reach)
    except Problem as problem:
        return _installations(forms.failure_of(problem), fields.errors_of("apply", problem)), 422
    told = _("The application is entered.")
    if wish.households < ENOUGH_HOUSEHOLDS:
        told += " " + _("It names fewer than 60 households: it is selected only for a reason.")
    flash(told)
    return redirect(url_for("installation_pages.application", application_id=made.id))


@blueprint.post("/installations/targets")
@rules.scope(WRITE)
def set_target() -> Response | tuple[str, int]:
    """Set how many are to be installed in a year."""
    form = Fields("target")
    try:
        values = (form.text("kind"), form.whole("year"), form.whole("units"))
        form.check()
        with service().database.begin() as session:
            programme.set_target(session, current_district_id(), *values, current_actor(), now())
    except Problem as problem:
        return _installations(forms.failure_of(problem), fields.errors_of("target", problem)), 422
    flash(_("The target is set."))
    return redirect(url_for("installation_pages.installations"))


@blueprint.get(APPLICATION)
@rules.scope("registry:read", reach="complex")
def application(application_id: int) -> str:
    """One application: its steps, and the next."""
    return _application(application_id, told=forms.flashed())


@blueprint.post(APPLICATION)
@rules.scope(WRITE)
def take_step(application_id: int) -> Response | tuple[str, int]:
    """Take the application to its next state."""
    form = Fields("step")
    state = form.text("state")
    try:
        figures: dict[str, Any] = {}
        if state == "installed":
            figures = {"units": form.whole("units"), "meters": tuple(form.text("meters").replace(",", " ").split())}
        elif state == "surveyed":
            figures = {"score": form.whole("score"), "answers": form.whole("answers")}
        step = Step(state, form.day("on_day"), form.text("note"), **figures)
        form.check()
        with service().database.begin() as session:
            programme.take_step(session, current_district_id(), application_id, step, current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _application(application_id, forms.failure_of(problem), fields.errors_of("step", problem)), 422
    flash(_("Entered: %(state)s.", state=words.name_of(words.STATES, state)))
    return redirect(url_for("installation_pages.application", application_id=application_id))


def _installations(failure: str = "", errors: dict[str, Any] | None = None, told: str = "") -> str:
    district_id, reach = current_district_id(), current_reach()
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    before = request.args.get("before", type=int)
    before = before if before and 0 < before <= MAX_ID else None
    with service().database.session() as session:
        rows = queries.application_page(session, district_id, reach, state, before, PAGE + 1)
        counts = queries.state_counts(session, district_id, reach)
        table = queries.table(session, district_id) if reach.whole else {}
        choices = complex_choices(session, district_id, reach)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    years = sorted({year.year for found in table.values() for year in found})
    until = {year.year for found in table.values() for year in found if year.until}
    by_year = {kind: {year.year: year for year in found} for kind, found in table.items()}
    return render_template(
        "installations.html",
        **{"rows": rows[:PAGE], "counts": counts, "state": state, "years": years, "until": until, "table": by_year},
        **{"more": more and url_for("installation_pages.installations", state=state or None, before=more)},
        **{"choices": choices, "failure": failure, "errors": errors, "told": told},
        **_shared(),
    )


def _application(application_id: int, failure: str = "", errors: dict[str, Any] | None = None, told: str = "") -> str:
    district_id, reach = current_district_id(), current_reach()
    with service().database.session() as session:
        row = queries.application(session, district_id, application_id, reach)
        done = history(session, district_id, reach, "installation", application_id)
    return render_template(
        "installation.html",
        **{"row": row, "history": done, "failure": failure, "errors": errors, "told": told},
        **_shared(),
    )


def _shared() -> dict[str, Any]:
    may = current_identity().may
    today = service_day(now())
    return {
        **{"words": words, "today": today, "given": request.form, "may_write": may(WRITE), "may_apply": may(APPLY)},
        "enough": ENOUGH_HOUSEHOLDS,
    }
