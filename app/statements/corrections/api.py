"""Adjustments, voids and late usage for programs."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.statements.corrections import late, manual, voids
from app.statements.corrections.schemas import (
    AdjustmentArguments,
    AdjustmentPage,
    LateArguments,
    LateDecisionIdSchema,
    LatePage,
    LateSumsArguments,
    LateSumsSchema,
    NewAdjustmentIdSchema,
    NewAdjustmentSchema,
    NewLateDecisionSchema,
    NewVoidSchema,
    ReissueSchema,
    VoidedSchema,
)
from app.statements.corrections.waiting import Key
from app.times import now

blueprint = Blueprint(
    "billing_corrections", __name__, url_prefix="/api/v1/billing", description="Adjustments, voids, late usage"
)
CONFLICT = {"$ref": "#/components/responses/CONFLICT"}
STATEMENT = "/statements/<string(maxlength=80):number>"


@blueprint.get("/adjustments")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(AdjustmentArguments, location="query", unknown=RAISE)
@blueprint.response(200, AdjustmentPage)
def list_adjustments(asked: dict[str, Any]) -> dict[str, Any]:
    """Manual adjustments that wait for the next statement, or all."""
    with service().database.session() as session:
        items = manual.listed(session, current_district_id(), current_reach(), **asked)
    return {"items": items, "next_before": items[-1]["id"] if len(items) == asked["limit"] else None}


@blueprint.post("/adjustments")
@rules.scope("billing:write")
@blueprint.arguments(NewAdjustmentSchema)
@blueprint.response(201, NewAdjustmentIdSchema)
def add_adjustment(wanted: dict[str, Any]) -> dict[str, int]:
    """Add won to the household's next statement, or take some off."""
    with service().database.begin() as session:
        args = (wanted["statement"], wanted["won"], wanted["reason"], current_actor(), now())
        return {"id": manual.add_to_statement(session, current_district_id(), current_reach(), *args)}


@blueprint.get(f"{STATEMENT}/reissue")
@rules.scope("billing:write")
@blueprint.response(200, ReissueSchema)
@blueprint.doc(responses={"409": CONFLICT})
def propose_reissue(number: str) -> dict[str, Any]:
    """What would change, line by line, if the statement were issued anew now."""
    with service().database.session() as session:
        return {"items": voids.proposal(session, current_district_id(), current_reach(), number, now())}


@blueprint.post(f"{STATEMENT}/void")
@rules.scope("billing:write")
@blueprint.arguments(NewVoidSchema)
@blueprint.response(201, VoidedSchema)
def void(wanted: dict[str, Any], number: str) -> voids.Voided:
    """Void a final statement with a credit note and, unless told otherwise, issue it anew."""
    with service().database.begin() as session:
        args = (number, wanted["reason"], wanted["reissue"], current_actor(), now())
        return voids.void(session, current_district_id(), current_reach(), *args)


@blueprint.get("/late")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(LateArguments, location="query", unknown=RAISE)
@blueprint.response(200, LatePage)
def list_late(asked: dict[str, Any]) -> dict[str, Any]:
    """Usage that no statement bills, and why."""
    after = Key.parse(asked["after"]) if "after" in asked else None
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach(), now())
        items = late.queue(*here, asked["cause"], asked["complex"], after, asked["limit"])
    return {"items": items, "next_after": items[-1]["key"] if len(items) == asked["limit"] else None}


@blueprint.get("/late/sums")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(LateSumsArguments, location="query", unknown=RAISE)
@blueprint.response(200, LateSumsSchema)
def sum_late(asked: dict[str, Any]) -> dict[str, Any]:
    """How much of it waits for each cause."""
    with service().database.session() as session:
        return {"items": late.sums(session, current_district_id(), current_reach(), now(), asked["complex"])}


@blueprint.post("/late/decisions")
@rules.scope("billing:write")
@blueprint.arguments(NewLateDecisionSchema)
@blueprint.response(201, LateDecisionIdSchema)
def decide_late(wanted: dict[str, Any]) -> dict[str, int]:
    """Decide about what waits of a tenancy's month because it is too old, or its statement void."""
    with service().database.begin() as session:
        here = (session, current_district_id(), current_reach())
        return {"id": late.decide(*here, **wanted, actor=current_actor(), now=now())}
