"""Payer classes, and which household belongs to which."""

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.registry.places import complex_of, plain
from app.registry.queries import households_of
from app.statements.terms import classes
from app.statements.terms.closed import month_named
from app.times import now
from app.web.fault_pages import is_whole
from app.web.forms import typed
from app.web.terms_pages import CLOSE, page
from billing.days import month_of, service_day

blueprint = Blueprint("payer_class_pages", __name__)

PLACE = ("complex", "building", "unit")


@blueprint.get("/billing/classes")
@rules.scope("billing:read", reach="complex")
def list_classes() -> str:
    """Payer classes, who belongs to one, and a household's tenancies."""
    return _classes()


@blueprint.post("/billing/classes")
@rules.scope("billing:write")
def change_classes() -> Response | tuple[str, int]:
    """Put a tenancy into a class, or make a class of the district's own."""
    action = request.form.get("action", "")
    try:
        told = {"set": _set_class, "add": _add_class}[action]()
    except KeyError as error:
        raise Problem("invalid", errors={"action": action[:40]}) from error
    except Problem as problem:
        if problem.slug in ("not-found", "not-allowed"):
            raise
        return _classes(problem), 422
    flash(told)
    place: dict[str, Any] = {name: request.form[name] for name in PLACE if request.form.get(name)}
    return redirect(url_for("payer_class_pages.list_classes", **place))


def _classes(refusal: Problem | None = None) -> str:
    asked = {name: request.values.get(name, "").strip()[:40] for name in PLACE}
    may_see = classes.may_see(current_identity())
    month = month_of(service_day(now()))
    with service().database.session() as session:
        district_id, reach = current_district_id(), current_reach()
        household_id = _household(session, asked)
        shown = {
            "class_rows": classes.listed(session, district_id),
            "complexes": complex_choices(session, district_id, reach),
            "members": classes.members(session, district_id, reach, month) if may_see else [],
            "tenancies": classes.of_household(session, district_id, household_id, reach, may_see)
            if household_id
            else [],
        }
    sought = any(asked.values())
    return page("payer_classes.html", refusal, **shown, asked=asked, sought=sought, may_see=may_see, month=month)


def _household(session: Session, asked: dict[str, str]) -> int | None:
    if not all(asked.values()):
        return None
    found = complex_of(session, current_district_id(), asked["complex"], current_reach())
    homes = households_of(session, found.district_id, found.code, plain(asked["building"]), plain(asked["unit"]))
    return int(homes[0]["id"]) if homes else None


def _set_class() -> str:
    form = typed("tenancy", "payer_class", "first_month", "reason")
    with service().database.begin() as session:
        id_ = int(form["tenancy"]) if is_whole(form["tenancy"]) else 0
        month = month_named(form["first_month"], "first_month")
        said = (month, form["payer_class"], form["reason"], current_actor(), now())
        classes.set_class(session, current_district_id(), id_, *said, current_reach())
    return str(_("The payer class is set."))


def _add_class() -> str:
    if not current_identity().may(CLOSE):
        raise Problem("not-allowed", scope=CLOSE)
    form = typed("code", "name_ko", "name_en")
    with service().database.begin() as session:
        said = (form["code"], form["name_ko"], form["name_en"], current_actor(), now())
        classes.add(session, current_district_id(), *said)
    return str(_("The payer class is added."))
