"""Pages of devices: the meters, one meter with its history, certificates of scales, and reducers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.access.audit_queries import history
from app.context import service
from app.csv_lines import csv_lines
from app.fleet.faults import queries as faults
from app.fleet.faults import words as fault_words
from app.fleet.queries import events_of
from app.metering.devices import service as moves
from app.metering.devices.queries import alive_days, free_from
from app.problems import Problem
from app.registry.certificates import queries as certificates
from app.registry.certificates import service as certifying
from app.registry.certificates.api import last_seen, name_of
from app.registry.devices import queries
from app.registry.devices import service as devices
from app.registry.devices.queries import Standing, Wanted, find_meter
from app.registry.devices.service import To
from app.times import now
from app.web import device_words as words
from app.web import fields, fleet_words, formats, forms
from app.web.fields import Fields
from billing.days import service_day

blueprint = Blueprint("device_pages", __name__)

PAGE = 200
WRITE = "registry:write"
METER = "/meters/<string(maxlength=40):code>"
MINUTE = timedelta(minutes=1)
CSV_COLUMNS = (
    *("meter", "name", "complex", "complex_name", "state", "due_on"),
    *("number", "inspected_on", "result", "body"),
)


@blueprint.get("/meters")
@rules.scope("registry:read", reach="complex")
def meters() -> str:
    """The meters, found by name, place, gateway, state and certificate."""
    return _meters()


@blueprint.post("/meters")
@rules.scope(WRITE)
def install() -> Response | tuple[str, int]:
    """Install a new meter, or one that was taken away."""
    form, moment = Fields("install"), now()
    try:
        to = To(form.text("complex"), form.text("gateway"), form.moment("at", moment))
        form.check()
        code, name = form.text("code"), form.text("name")
        with service().database.begin() as session:
            devices.install(session, current_district_id(), code, to, current_actor(), moment, name)
    except Problem as problem:
        return _meters(failure_of(problem), fields.errors_of("install", problem)), 422
    flash(_("The meter %(meter)s is installed.", meter=code))
    return redirect(url_for("device_pages.meter", code=code))


@blueprint.get(METER)
@rules.scope("registry:read", reach="complex")
def meter(code: str) -> str:
    """One meter: where it stands and stood, its certificates, signs of life, events and history."""
    return _meter(code, told=forms.flashed())


@blueprint.post(METER)
@rules.scope(WRITE)
def act(code: str) -> Response | tuple[str, int]:
    """Move the meter, take it away, record a certificate or withdraw one."""
    action = request.form.get("action", "")
    if action not in ACTIONS:
        raise Problem("invalid", errors={"action": action[:40]})
    try:
        with service().database.begin() as session:
            told = ACTIONS[action](session, code, Fields(action), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _meter(code, failure_of(problem), fields.errors_of(action, problem)), 422
    flash(told)
    return redirect(url_for("device_pages.meter", code=code))


@blueprint.get("/certificates")
@rules.scope("registry:read", reach="complex")
def due() -> str:
    """How the scales are certified, the most pressing first, and where."""
    moment, asked = now(), _asked("state", "complex", "after")
    where = (current_district_id(), moment, service_day(moment), current_reach())
    with service().database.session() as session:
        rows = certificates.due_page(session, *where, **_chosen(asked), limit=PAGE + 1)
        counts, complexes = certificates.counts(session, *where)
        choices = queries.complex_choices(session, current_district_id(), current_reach())
    more = name_of(rows[PAGE - 1]) if len(rows) > PAGE else None
    filters: dict[str, Any] = {name: value for name, value in asked.items() if name != "after"}
    return render_template(
        "certificates.html",
        **{"rows": rows[:PAGE], "counts": counts, "complexes": complexes, "choices": choices, "asked": asked},
        **{"filters": filters, "more": more and url_for("device_pages.due", **filters, after=more), "words": words},
    )


@blueprint.get("/certificates.csv")
@rules.scope("registry:read", reach="complex")
def due_as_csv() -> FlaskResponse:
    """The same list, all of it, as CSV."""
    moment, asked = now(), _asked("state", "complex")
    with service().database.session() as session:
        where = (current_district_id(), moment, service_day(moment), current_reach())
        rows = certificates.due_page(session, *where, **_chosen(asked | {"after": ""}), limit=None)
    lines = csv_lines(CSV_COLUMNS, ([row[column] for column in CSV_COLUMNS] for row in rows))
    answer = FlaskResponse("".join(lines), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename=certificates-{service_day(moment)}.csv"
    return answer


@blueprint.get("/reducers")
@rules.scope("registry:read", reach="complex")
def reducers() -> str:
    """The reducers, and where they stand."""
    return _reducers(told=forms.flashed())


@blueprint.post("/reducers")
@rules.scope(WRITE)
def act_on_reducers() -> Response | tuple[str, int]:
    """Register a reducer, or retire one."""
    action = request.form.get("action", "")
    if action not in ("install", "retire"):
        raise Problem("invalid", errors={"action": action[:40]})
    form, who = Fields(action), (current_actor(), now())
    try:
        with service().database.begin() as session:
            code = form.text("code")
            if action == "retire":
                day, reason = form.day("retired_on"), form.text("reason")
                form.check()
                devices.retire_reducer(session, current_district_id(), code, day, reason, *who)
            else:
                day, complex_code = form.day("installed_on"), form.text("complex")
                form.check()
                devices.install_reducer(session, current_district_id(), code, complex_code, day, *who)
    except Problem as problem:
        return _reducers(failure=failure_of(problem), errors=fields.errors_of(action, problem)), 422
    flash(_("Saved: reducer %(code)s.", code=code))
    return redirect(url_for("device_pages.reducers"))


def failure_of(problem: Problem) -> str:
    """A refusal in one paragraph; where a move was too early, with the first minute that is not."""
    told = forms.failure_of(problem)
    free = problem.extra.get("not_before")
    if free is None:
        return told
    first = free.replace(second=0, microsecond=0)
    first += MINUTE if first < free else timedelta(0)
    return f"{told} {_('It is free from %(moment)s on.', moment=formats.moment(first, service_day(now())))}"


def _move(session: Session, code: str, form: Fields, moment: datetime) -> str:
    to = To(form.text("complex"), form.text("gateway"), form.moment("at", moment))
    form.check()
    moves.move(session, current_district_id(), code, to, form.text("reason"), current_actor(), moment)
    return str(_("The meter %(meter)s is moved.", meter=code))


def _retire(session: Session, code: str, form: Fields, moment: datetime) -> str:
    at = form.moment("at", moment)
    form.check()
    moves.retire(session, current_district_id(), code, at, form.text("reason"), current_actor(), moment)
    return str(_("The meter %(meter)s is taken away. It keeps its history.", meter=code))


def _certify(session: Session, code: str, form: Fields, moment: datetime) -> str:
    due_on = form.day("due_on") if form.text("due_on") else None
    texts = {name: form.text(name) for name in ("number", "body", "result", "remark")}
    seen = certifying.Inspection(inspected_on=form.day("inspected_on"), due_on=due_on, **texts)
    form.check()
    made = certifying.record(session, current_district_id(), code, seen, current_actor(), moment)
    return str(_("Recorded. The next inspection is due by %(day)s.", day=format_date(made.due_on)))


def _withdraw(session: Session, code: str, form: Fields, moment: datetime) -> str:
    id_, reason = form.whole("certificate"), form.text("reason")
    form.check()
    certifying.withdraw(session, current_district_id(), id_, reason, current_actor(), moment, meter=code)
    return str(_("The certificate is withdrawn. It stays on the record."))


ACTIONS: dict[str, Callable[[Session, str, Fields, datetime], str]] = {
    "move": _move,
    "retire": _retire,
    "certify": _certify,
    "withdraw": _withdraw,
}


def _meters(failure: str = "", errors: dict[str, Any] | None = None) -> str:
    moment = now()
    asked = _asked("search", "complex", "gateway", "state", "certificate", "after")
    wanted = Wanted(*(asked[name] for name in Wanted._fields))
    district_id, reach = current_district_id(), current_reach()
    with service().database.session() as session:
        where = (district_id, moment, service_day(moment), reach)
        rows = queries.meter_page(session, *where, wanted, asked["after"], PAGE + 1)
        choices = queries.complex_choices(session, district_id, reach)
        gateways = queries.gateway_codes(session, district_id) if _may_write() else []
    filters: dict[str, Any] = {name: value for name, value in asked.items() if name != "after"}
    more = url_for("device_pages.meters", **filters, after=rows[PAGE - 1]["code"]) if len(rows) > PAGE else None
    return render_template(
        "meters.html",
        **{"rows": rows[:PAGE], "more": more, "asked": asked, "choices": choices, "gateways": gateways},
        **{"failure": failure, "errors": errors, "told": forms.flashed()},
        **_shared(moment),
    )


def _meter(code: str, failure: str = "", errors: dict[str, Any] | None = None, told: str = "") -> str:
    moment, district_id, reach = now(), current_district_id(), current_reach()
    with service().database.session() as session:
        found = find_meter(session, district_id, code, moment, reach)
        places = queries.places(session, district_id, found.id, reach)
        row = queries.meter_row(session, found, moment)
        shown = {
            "certificates": certificates.of_meter(session, district_id, found.id),
            "days": alive_days(session, district_id, found.id, {each["complex_id"] for each in places}, moment),
            "free_from": free_from(session, found),
            "faults": _faults(session, found.id, moment),
            "events": _events(session, row["gateway"], moment),
            "history": history(session, district_id, reach, "meter", found.id),
            "choices": queries.complex_choices(session, district_id, reach),
            "gateways": queries.gateway_codes(session, district_id) if _may_write() else [],
        }
    return render_template(
        "meter.html",
        **{"row": row, "places": places, "volumes": _volumes(found), "told": told, "failure": failure},
        **{"errors": errors, "given": request.form, "fleet": fleet_words, "fault_words": fault_words},
        **shown | _shared(moment),
    )


def _events(session: Session, gateway: str | None, moment: datetime) -> list[dict[str, Any]]:
    """What happened to the gateway that runs the meter, for whoever may know it."""
    if gateway is None or not current_identity().may("fleet:read"):
        return []
    return events_of(session, current_district_id(), gateway, moment, limit=20, reach=current_reach())


def _faults(session: Session, meter_id: int, moment: datetime) -> list[dict[str, Any]]:
    """The meter's faults, those that are open first, for whoever may read faults."""
    if not current_identity().may("fault:read"):
        return []
    return faults.of_meter(session, current_district_id(), meter_id, reach=current_reach(), now=moment)


def _volumes(meter: Standing) -> str | None:
    """Where to read what was weighed at the complex."""
    if meter.complex_id is None or not current_identity().may("metering:read"):
        return None
    return url_for("volume_pages.complex_", key=meter.complex_id)


def _reducers(told: str = "", failure: str = "", errors: dict[str, Any] | None = None) -> str:
    district_id, reach, after = current_district_id(), current_reach(), _asked("after")["after"]
    with service().database.session() as session:
        rows = queries.reducer_page(session, district_id, reach, after, PAGE + 1)
        choices = queries.complex_choices(session, district_id, reach)
    more = url_for("device_pages.reducers", after=rows[PAGE - 1]["code"]) if len(rows) > PAGE else None
    return render_template(
        "reducers.html",
        **{"rows": rows[:PAGE], "more": more, "choices": choices, "told": told, "failure": failure},
        **{"errors": errors, "given": request.form},
        **_shared(now()),
    )


def _asked(*names: str) -> dict[str, Any]:
    """Arguments of the address, without what a database cannot store."""
    return {name: request.args.get(name, "").strip()[:100] for name in names}


def _chosen(asked: dict[str, str]) -> dict[str, Any]:
    return {"state_is": asked["state"], "complex_code": asked["complex"], "after": last_seen(asked["after"])}


def _may_write() -> bool:
    return current_identity().may(WRITE)


def _shared(moment: datetime) -> dict[str, Any]:
    may = current_identity().may
    return {"words": words, "today": service_day(moment), "may_write": _may_write(), "may_fleet": may("fleet:read")}
