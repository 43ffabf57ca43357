"""The people's side of faults: who sees what is broken, takes it over, closes it, and who answers for it."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.fleet.faults import queries, statistics
from app.fleet.faults import rules as policy
from app.fleet.faults import service as faults
from app.fleet.faults.policy import NAMES, setting_of
from app.fleet.faults.queries import Wanted
from app.fleet.faults.schemas import (
    CountSchema,
    DueSchema,
    DutyListSchema,
    FaultArguments,
    FaultDetailSchema,
    FaultPage,
    IdSchema,
    IncidentArguments,
    IncidentPage,
    IncidentSchema,
    NewDutySchema,
    NewRuleSchema,
    NoteSchema,
    OwnerSchema,
    ReclassificationSchema,
    ReportSchema,
    RuleListSchema,
    StatisticsSchema,
    YearArguments,
)
from app.problems import Problem
from app.times import now

blueprint = Blueprint("faults", __name__, url_prefix="/api/v1", description="Faults, incidents and who answers")
FAULT = "/faults/<int(max=2147483647):fault_id>"


@blueprint.get("/faults")
@rules.scope("fault:read", reach="complex")
@blueprint.arguments(FaultArguments, location="query", unknown=RAISE)
@blueprint.response(200, FaultPage)
def list_faults(asked: dict[str, Any]) -> dict[str, Any]:
    """Faults: open, overdue, closed or all, of a class, at a complex, of an incident, or one's own."""
    owner_id = current_identity().account_id if asked["mine"] else None
    wanted = Wanted(asked["which"], asked.get("fault_class"), asked.get("complex"), owner_id, asked.get("incident"))
    page = (asked.get("after"), asked["limit"])
    with service().database.session() as session:
        items = queries.fault_page(session, current_district_id(), current_reach(), now(), wanted, *page)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == asked["limit"] else None}


@blueprint.post("/faults")
@rules.scope("fault:write", reach="complex")
@blueprint.arguments(ReportSchema)
@blueprint.response(201, IdSchema)
def report(wanted: dict[str, Any]) -> dict[str, int]:
    """Report a fault at a bin; whoever answers for it hears of it."""
    with service().database.begin() as session:
        where = (session, current_district_id(), current_reach())
        return {"id": faults.report_fault(*where, **wanted, actor=current_actor(), now=now())}


@blueprint.get("/faults/counts")
@rules.scope("fault:read", reach="complex")
@blueprint.response(200, CountSchema)
def count() -> dict[str, int]:
    """How many faults are open, overdue, without an owner, and one's own."""
    with service().database.session() as session:
        mine = current_identity().account_id
        return queries.fault_counts(session, current_district_id(), current_reach(), now(), mine)


@blueprint.get("/faults/statistics")
@rules.scope("fault:read", reach="complex")
@blueprint.arguments(YearArguments, location="query", unknown=RAISE)
@blueprint.response(200, StatisticsSchema)
def show_statistics(asked: dict[str, Any]) -> dict[str, Any]:
    """Faults by month and class in a year, with the number of devices."""
    with service().database.session() as session:
        moment = now()
        year = asked.get("year") or statistics.year_of(moment)
        return {"items": statistics.by_month(session, current_district_id(), current_reach(), year, moment)}


@blueprint.get("/faults/rules")
@rules.scope("fault:read")
@blueprint.response(200, RuleListSchema)
def list_rules() -> dict[str, Any]:
    """The settings in force, with their defaults and bounds."""
    with service().database.session() as session:
        found = policy.read_policy(session, current_district_id())
    return {"items": [setting_of(name)._asdict() | {"name": name, "value": found[name]} for name in NAMES]}


@blueprint.post("/faults/rules")
@rules.scope("fault:manage")
@blueprint.arguments(NewRuleSchema)
@blueprint.response(204)
def set_rule(wanted: dict[str, Any]) -> None:
    """Set a setting, or return to its default."""
    with service().database.begin() as session:
        if not policy.set_rule(session, current_district_id(), **wanted, actor=current_actor(), now=now()):
            raise Problem("fault-unchanged")


@blueprint.get("/faults/duties")
@rules.scope("fault:read")
@blueprint.response(200, DutyListSchema)
def list_duties() -> dict[str, Any]:
    """Who answers for what; the most specific duty counts."""
    with service().database.session() as session:
        return {"items": queries.duty_list(session, current_district_id())}


@blueprint.post("/faults/duties")
@rules.scope("fault:manage")
@blueprint.arguments(NewDutySchema)
@blueprint.response(201, IdSchema)
def set_duty(wanted: dict[str, Any]) -> dict[str, int]:
    """Say who answers for a class at a complex; it replaces what was said of the same."""
    with service().database.begin() as session:
        duty = policy.Wanted(**wanted)
        return {"id": policy.set_duty(session, current_district_id(), duty, current_actor(), now())}


@blueprint.delete("/faults/duties/<int(max=2147483647):duty_id>")
@rules.scope("fault:manage")
@blueprint.response(204)
def remove_duty(duty_id: int) -> None:
    """Take a duty back; what is open keeps its owner."""
    with service().database.begin() as session:
        policy.remove_duty(session, current_district_id(), duty_id, current_actor(), now())


@blueprint.get(FAULT)
@rules.scope("fault:read", reach="complex")
@blueprint.response(200, FaultDetailSchema)
def show_fault(fault_id: int) -> dict[str, Any]:
    """One fault with its history."""
    with service().database.session() as session:
        return queries.fault_detail(session, current_district_id(), current_reach(), fault_id, now())


@blueprint.post(f"{FAULT}/taking")
@rules.scope("fault:write", reach="complex")
@blueprint.response(204)
def take(fault_id: int) -> None:
    """Take a fault over."""
    _do(faults.take_fault, fault_id, account_id=current_identity().account_id)


@blueprint.post(f"{FAULT}/owner")
@rules.scope("fault:manage")
@blueprint.arguments(OwnerSchema)
@blueprint.response(204)
def assign(wanted: dict[str, Any], fault_id: int) -> None:
    """Give a fault to somebody, who hears of it."""
    _do(faults.assign_fault, fault_id, login=wanted["owner"])


@blueprint.post(f"{FAULT}/notes")
@rules.scope("fault:write", reach="complex")
@blueprint.arguments(NoteSchema)
@blueprint.response(204)
def add_note(wanted: dict[str, Any], fault_id: int) -> None:
    """Add a note to the history."""
    _do(faults.note_fault, fault_id, **wanted)


@blueprint.post(f"{FAULT}/class")
@rules.scope("fault:write", reach="complex")
@blueprint.arguments(ReclassificationSchema)
@blueprint.response(204)
def reclassify(wanted: dict[str, Any], fault_id: int) -> None:
    """Hold a fault for another class, for a reason."""
    _do(faults.reclassify_fault, fault_id, **wanted)


@blueprint.post(f"{FAULT}/due")
@rules.scope("fault:manage")
@blueprint.arguments(DueSchema)
@blueprint.response(204)
def change_due(wanted: dict[str, Any], fault_id: int) -> None:
    """Set another due time, for a reason."""
    _do(faults.change_due, fault_id, **wanted)


@blueprint.post(f"{FAULT}/closing")
@rules.scope("fault:write", reach="complex")
@blueprint.arguments(NoteSchema)
@blueprint.response(204)
def close(wanted: dict[str, Any], fault_id: int) -> None:
    """Close a fault with a note on what was done. Detected ones end by themselves, too."""
    _do(faults.close_fault, fault_id, **wanted)


@blueprint.get("/incidents")
@rules.scope("fault:read", reach="complex")
@blueprint.arguments(IncidentArguments, location="query", unknown=RAISE)
@blueprint.response(200, IncidentPage)
def list_incidents(page: dict[str, Any]) -> dict[str, Any]:
    """Network-wide outages, the newest first."""
    with service().database.session() as session:
        items = queries.incident_page(session, current_district_id(), current_reach(), **page)
    return {"items": items, "next_before": items[-1]["id"] if len(items) == page["limit"] else None}


@blueprint.get("/incidents/<int(max=2147483646):incident_id>")
@rules.scope("fault:read", reach="complex")
@blueprint.response(200, IncidentSchema)
def show_incident(incident_id: int) -> dict[str, Any]:
    """One network-wide outage."""
    with service().database.session() as session:
        return queries.incident_detail(session, current_district_id(), current_reach(), incident_id)


def _do(use_case: Any, fault_id: int, **wanted: Any) -> None:
    with service().database.begin() as session:
        where = (session, current_district_id(), current_reach(), fault_id)
        use_case(*where, **wanted, actor=current_actor(), now=now())
