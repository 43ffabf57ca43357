"""Pages of the fleet: how the gateways do, one gateway with what can be done to it, and cards enrolled at the bin."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.fleet import queries
from app.fleet import service as fleet
from app.fleet.touches import recent_touches
from app.problems import Problem
from app.registry.card_changes import CardHash
from app.registry.models import Building, Household, Meter, MeterAssignment
from app.times import now
from app.web import fleet_words as words
from billing.days import service_day

blueprint = Blueprint("fleet_pages", __name__)

PAGE = 200
WRITE = "fleet:write"
CODE = "<string(maxlength=40):code>"
COMMANDS = {"rotate_key": (), "sync_cards": (), "roll_back": (), "open_lid": ("meter",), "update": ("version",)}


@blueprint.get("/gateways")
@rules.scope("fleet:read", reach="complex")
def gateways() -> str:
    """Every gateway of the district, or of the reader's complexes, those that need somebody marked."""
    after, moment = request.args.get("after", "")[:40], now()
    with service().database.session() as session:
        rows = queries.gateway_page(session, current_district_id(), moment, after, PAGE + 1, current_reach())
        summary = queries.fleet_summary(session, current_district_id(), moment, current_reach())
    for row in rows:
        row["states"] = list(_states(row))
    more = rows[PAGE - 1]["code"] if len(rows) > PAGE else None
    return render_template("gateways.html", gateways=rows[:PAGE], summary=summary, after=after, more=more, **_shared())


@blueprint.get(f"/gateways/{CODE}")
@rules.scope("fleet:read", reach="complex")
def gateway(code: str) -> str:
    """One gateway: what it reported, its keys and spools, what it was told and what happened to it."""
    return _gateway(code, told=" ".join(map(str, get_flashed_messages())))


@blueprint.post(f"/gateways/{CODE}")
@rules.scope(WRITE)
def act(code: str) -> Response | str:
    """Make a claim code, revoke a key, or give a command."""
    action = request.form.get("action", "")
    if action == "claim_code":
        with service().database.begin() as session:
            made = fleet.make_claim_code(session, current_district_id(), code, current_actor(), now())
        return _gateway(code, claim_code=made)  # shown once: neither an address nor a cookie may hold it
    if action == "revoke_key":
        with service().database.begin() as session:
            key_id = request.form.get("key_id", "")
            fleet.revoke_keys(session, current_district_id(), code, current_actor(), now(), key_id)
        flash(_("The key %(key)s is revoked. Nothing signed with it is accepted any more.", key=key_id))
    elif action in COMMANDS:
        _command(code, action)
        flash(_("%(command)s: the gateway gets it when it reports next.", command=str(words.COMMANDS[action])))
    else:
        raise Problem("invalid", errors={"action": action[:40]})
    return redirect(url_for("fleet_pages.gateway", code=code))


@blueprint.get("/enrolment")
@rules.scope("household:write", reach="complex")
def enrolment() -> str:
    """Cards that a bin refused lately, and the form for the one that was chosen."""
    return _enrolment(told=" ".join(map(str, get_flashed_messages())))


@blueprint.post("/enrolment")
@rules.scope("household:write", reach="complex")
def enrol_card() -> Response | tuple[str, int]:
    """Give the chosen card to the household that the form names."""
    building, unit = (request.form.get(name, "").strip().replace("\0", "") for name in ("building", "unit"))
    try:
        _enrol(request.form.get("card", ""), request.form.get("meter", ""), building, unit)
    except Problem as problem:
        return _enrolment(failure=f"{problem.kind.title} {problem.detail or problem.kind.detail}"), 422
    flash(_("The card now belongs to %(household)s.", household=f"{building}-{unit}"))
    return redirect(url_for("fleet_pages.enrolment"))


def _gateway(code: str, told: str = "", claim_code: str | None = None) -> str:
    moment = now()
    with service().database.session() as session:
        row = queries.gateway_detail(session, current_district_id(), code, moment, current_reach())
        releases = queries.release_list(session, current_district_id()) if current_identity().may(WRITE) else []
    row["states"] = list(_states(row))
    for key in row["all_keys"]:
        key["state"], key["lives"] = _key_state(key, moment)
    reported = (row["report"] or {}).get("meters", [])
    return render_template(
        "gateway.html", row=row, reported=reported, releases=releases, told=told, claim_code=claim_code, **_shared()
    )


def _command(code: str, kind: str) -> None:
    arguments = {name: request.form.get(name, "") for name in COMMANDS[kind]}
    with service().database.begin() as session:
        fleet.give_command(session, current_district_id(), code, kind, arguments, current_actor(), now())


def _enrolment(told: str = "", failure: str = "") -> str:
    with service().database.session() as session:
        touches = recent_touches(session, current_district_id(), now(), reach=current_reach())
    wanted = (request.values.get("card"), request.values.get("meter"))
    chosen = next((touch for touch in touches if (touch["card_hash"], touch["meter"]) == wanted), None)
    return render_template(
        "enrolment.html", touches=touches, chosen=chosen, given=request.form, told=told, failure=failure, **_shared()
    )


def _enrol(card_hash: str, meter: str, building: str, unit: str) -> None:
    try:
        value = bytes.fromhex(card_hash)
    except ValueError as error:
        raise Problem("invalid", errors={"card": card_hash[:40]}) from error
    with service().database.begin() as session:
        district_id, moment = current_district_id(), now()
        household_id = _household(session, district_id, meter, building, unit, moment)
        card = CardHash(value, None)
        by = (current_actor(), moment, current_reach())
        fleet.enrol(session, district_id, card, "household", household_id, *by)


def _household(session: Session, district_id: int, meter: str, building: str, unit: str, moment: datetime) -> int:
    """The household of the complex where the meter stands: a manager knows building and unit, no number."""
    a = MeterAssignment
    found = session.scalar(
        sa.select(Household.id)
        .join(Building, _same(Building, Building.id == Household.building_id, Household))
        .join(a, _same(a, a.complex_id == Household.complex_id, Household))
        .join(Meter, _same(Meter, Meter.id == a.meter_id, a))
        .where(Meter.district_id == district_id, Meter.code == meter, Building.name == building, Household.unit == unit)
        .where(a.valid_from <= moment, sa.or_(a.valid_to.is_(None), a.valid_to > moment))
        .where(current_reach().within(a.complex_id))
    )
    if found is None:
        raise Problem("no-such-household", household=f"{building}-{unit}")
    return found


def _same(table: Any, joined: sa.ColumnElement[bool], other: Any) -> sa.ColumnElement[bool]:
    return sa.and_(table.district_id == other.district_id, joined)


def _states(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a gateway, the worst first, each with its KRDS badge; nothing if all is well."""
    if not row["keys"]:
        yield _("Not claimed yet"), "outline-gray"
    elif row["last_contact_at"] is None:
        yield _("Never heard of"), "bg-light-warning"
    if row["silent_since"] is not None:
        yield _("Silent"), "bg-light-danger"
    if row["refusing"]:
        yield _("Disk full"), "bg-danger"
    if row["missing_count"]:
        yield _("Numbers missing"), "bg-light-danger"
    if row["clock"] == "unset":
        yield _("Clock not set"), "bg-light-warning"
    if row["cards_expired"]:
        yield _("List of cards too old"), "bg-light-warning"
    for fault in sorted({fault for faults in row["faults"].values() for fault in faults}):
        yield words.name_of(words.FAULTS, fault), "bg-light-danger"


def _key_state(key: dict[str, Any], moment: datetime) -> tuple[str, bool]:
    """How a key stands, in words, and whether it still opens."""
    if key["revoked_at"] is not None:
        return _("Revoked"), False
    if key["retires_at"] is not None:
        return (_("Ends soon"), True) if key["retires_at"] > moment else (_("Ended"), False)
    return (_("In use"), True) if key["confirmed_at"] is not None else (_("Not used yet"), True)


def _shared() -> dict[str, Any]:
    may: Callable[[str], bool] = current_identity().may
    return {"words": words, "today": service_day(now()), "may_write": may(WRITE), "may_enrol": may("household:write")}
