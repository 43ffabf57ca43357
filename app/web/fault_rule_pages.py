"""The page of what counts as a fault, by when it must be mended, and who answers for it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.fleet.faults import queries
from app.fleet.faults import rules as policy
from app.fleet.faults.policy import NAMES, SETTINGS, setting_of
from app.problems import Problem
from app.times import now
from app.web import fields
from app.web.fault_pages import is_whole, shared
from app.web.fields import Fields
from app.web.forms import errors_of, failure_of, flashed

blueprint = Blueprint("fault_rule_pages", __name__)

SUBJECTS = {
    "gateway_silent": _l("Gateway silent"),
    "meter_silent": _l("Meter silent"),
    "no_discharges": _l("No discharges, unlike usual"),
    "network": _l("Outage of the network"),
}
SETTING_NAMES = {
    "open_after_minutes": _l("Opens after (min)"),
    "close_after_minutes": _l("Closes after (min)"),
    "due_hours": _l("Due within (h)"),
    "escalate_after_hours": _l("Next person after (h)"),
    "one_in_thousands": _l("Chance below one in … thousand"),
    "least_gateways": _l("At least … gateways"),
    "share_percent": _l("Share of them at least (per cent)"),
    "close_share_percent": _l("Ends at a share of (per cent)"),
}


@blueprint.get("/faults/rules")
@rules.scope("fault:read")
def show_rules() -> str:
    """Thresholds, due times, and who answers for what."""
    return _rules()


@blueprint.post("/faults/rules")
@rules.scope("fault:manage")
def change_rules() -> Response | tuple[str, int]:
    """Change thresholds and due times, or who answers."""
    action = request.form.get("action", "")
    try:
        told = {"rules": _set_rules, "duty": _set_duty, "remove": _remove_duty}[action]()
    except KeyError as error:
        raise Problem("invalid", errors={"action": action[:40]}) from error
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _rules(action, problem), 422
    flash(told)
    return redirect(url_for("fault_rule_pages.show_rules"))


def _rules(action: str = "", refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        district_id = current_district_id()
        found = policy.read_policy(session, district_id)
        duties = queries.duty_list(session, district_id)
        people = policy.answerers(session, district_id, anywhere=True)
        complexes = queries.complexes_within(session, district_id, current_reach())
    values = {name: str(found[name]) for name in NAMES}
    if action == "rules":
        values |= {name: request.form.get(name, "")[:10] for name in NAMES}
    errors = errors_of(refusal) if action == "rules" and refusal else {}
    return render_template(
        "fault_rules.html",
        values=values,
        settings={name: setting_of(name) for name in NAMES},
        subjects={subject: list(found) for subject, found in SETTINGS.items()},
        subject_names=SUBJECTS,
        setting_names=SETTING_NAMES,
        duties=duties,
        people=people,
        complexes=complexes,
        given=dict(request.form.items()) if action == "duty" else {},
        errors=errors or (fields.errors_of(action, refusal) if refusal else {}),
        told=flashed(),
        failure=failure_of(refusal) if refusal else "",
        manages=current_identity().may("fault:manage"),
        **shared(),
    )


def _set_rules() -> str:
    """Set what was changed; an empty field returns to the default."""
    wanted = {name: request.form[name].strip() for name in NAMES if name in request.form}
    poor = {name: fields.POOR_NUMBER for name, text in wanted.items() if text and not is_whole(text)}
    if poor:
        raise Problem("invalid", errors=poor)
    with service().database.begin() as session:
        district_id, actor, moment = current_district_id(), current_actor(), now()
        values = {name: int(text) if text else None for name, text in wanted.items()}
        changed = [policy.set_rule(session, district_id, *each, actor, moment) for each in values.items()]
    if not any(changed):
        raise Problem("fault-unchanged")
    return str(_("The settings are changed; the next check goes by them."))


def _set_duty() -> str:
    form = Fields("duty")
    complex_, fault_class, above = (form.text(name) or None for name in ("complex", "fault_class", "escalate_to"))
    with service().database.begin() as session:
        wanted = policy.Wanted(complex_, fault_class, form.text("owner"), above)
        policy.set_duty(session, current_district_id(), wanted, current_actor(), now())
    return str(_("It is set who answers."))


def _remove_duty() -> str:
    text = request.form.get("duty_id", "")
    with service().database.begin() as session:
        id_ = int(text) if is_whole(text) else 0
        policy.remove_duty(session, current_district_id(), id_, current_actor(), now())
    return str(_("The duty is removed. What is open keeps who is in charge."))
